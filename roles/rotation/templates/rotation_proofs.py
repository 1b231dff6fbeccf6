"""What the rotation of a secret asks of the NAS: its programs, and whether a value is taken."""

from __future__ import annotations

import base64
import fcntl
import json
import ssl
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

_TELEGRAM = """
import os, sys, httpx
url = os.environ.get("TELEGRAM_API_URL", "https://api.telegram.org").rstrip("/")
try:
    print(httpx.get(f"{url}/bot{sys.stdin.read().strip()}/getMe", timeout=20).status_code)
except httpx.HTTPError as error:
    print(type(error).__name__)
"""
_WEBHOOK = """
import sys, httpx
secret = sys.stdin.read().strip()
given = {"X-Telegram-Bot-Api-Secret-Token": secret}
print(httpx.post("http://127.0.0.1:8000/telegram/webhook", headers=given, content="{}", timeout=20).status_code)
"""
# Over TCP, where the password counts. -r: as it is.
_DATABASE = """
IFS= read -r PGPASSWORD; export PGPASSWORD
exec psql --no-psqlrc --quiet --host 127.0.0.1 --username "$0" --dbname postgres --command ''
"""
_ACCOUNTS = {
    "db_password": "kbju_bot",
    "db_migrator_password": "kbju_migrator",
    "db_exporter_password": "kbju_exporter",
    "db_superuser_password": "postgres",
}


class Trouble(Exception):
    """What went wrong, and what to do, in one line without any secret."""

    def __init__(self, what: str, code: int = 1) -> None:
        super().__init__(what)
        self.code = code


class Nas:
    """The NAS's programs."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.program, self._root = settings["docker"], Path(settings["root"])
        self.project = settings["project"]

    def ask(self, command: list[str], given: str = "", patience: float = 60) -> subprocess.CompletedProcess[str]:
        """Run a program with something on its standard input. Raise Trouble where it does not end."""
        try:
            # In a session of its own: what ends the operator's must not end it in the middle.
            return subprocess.run(
                command,
                input=given,
                capture_output=True,
                text=True,
                timeout=patience,
                check=False,
                start_new_session=True,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Trouble(f"{' '.join(command[:2])}: {type(error).__name__}") from None

    def docker(self, *arguments: str, given: str = "") -> str:
        """Run a Docker command and return what it prints. Raise Trouble where it fails."""
        done = self.ask([self.program, *arguments], given)
        if done.returncode != 0:
            raise Trouble(f"docker {' '.join(arguments[:3])} failed: {(done.stderr or done.stdout).strip()[-500:]}")
        return done.stdout

    def started(self) -> str:
        """Return what changes when the bot's container is made anew or started; empty: it does not run."""
        format_ = "{{if .State.Running}}{{.Id}} {{.State.StartedAt}}{{end}}"
        return self.ask([self.program, "inspect", "--format", format_, self.project]).stdout.strip()

    def release(self, *arguments: str) -> None:
        """Have bin/release replace the bot, and pass on what it says. Raise Trouble where it fails."""
        done = self.ask([str(self._root / "bin" / "release"), *arguments], patience=1800)
        print(done.stdout.strip(), flush=True)
        if done.returncode != 0:
            raise Trouble(f"the bot could not be replaced: {done.stderr.strip()} (exit code {done.returncode})")

    def under_way(self) -> bool:
        """Tell whether somebody replaces the bot."""
        with open(self._root / "releases" / ".lock", "a", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def serving_fragment(self) -> str:
        """Return the fragment of compose that the serving release was made of. Raise Trouble where none is recorded."""
        releases = self._root / "releases"
        try:
            rows = json.loads((releases / "releases.json").read_text(encoding="utf-8"))
            number = next(row["number"] for row in reversed(rows) if row["result"] == "serving")
            return (releases / str(number) / "bot.yml").read_text(encoding="utf-8")
        except (OSError, ValueError, KeyError, TypeError, StopIteration):
            raise Trouble("no serving release is recorded: run site.yml first") from None


class Proofs:
    """Whether values are taken, asked where they count."""

    def __init__(self, nas: Nas, door: str, monitoring_user: str) -> None:
        self._nas, self._door, self._monitoring_user = nas, door, monitoring_user

    def works(self, name: str, value: str) -> bool:
        """Tell whether a value is taken. Raise Trouble where that can't be told."""
        if name == "bot_token":
            return self._by_bot(_TELEGRAM, value, {"200"}, {"401", "404"})
        if name == "webhook_secret":
            # 400: taken, and then there was no update.
            return self._by_bot(_WEBHOOK, value, {"400"}, {"401"})
        if name in _ACCOUNTS:
            return self._by_database(_ACCOUNTS[name], value)
        if name == "grafana_password":
            return self._by_door("/grafana/api/user", "admin", value)
        return self._by_door("/prometheus/-/healthy", self._monitoring_user, value)

    def _by_bot(self, script: str, value: str, taken: set[str], refused: set[str]) -> bool:
        said = self._nas.docker("exec", "-i", self._nas.project, "python", "-c", script, given=value).strip()
        if said not in taken | refused:
            raise Trouble(f"whether it is taken can't be told: {said}")
        return said in taken

    def _by_database(self, account: str, value: str) -> bool:
        command = [self._nas.program, "exec", "-i", "kbju-postgres", "bash", "-c", _DATABASE, account]
        done = self._nas.ask(command, value + "\n")
        if done.returncode != 0 and "password authentication failed" not in done.stderr:
            raise Trouble(f"whether the database takes it can't be told: {done.stderr.strip()[-300:]}")
        return done.returncode == 0

    def _by_door(self, path: str, user: str, value: str) -> bool:
        # nginx's first certificate is our own, and its name is not this address.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        login = {"Authorization": "Basic " + base64.b64encode(f"{user}:{value}".encode()).decode()}
        request = urllib.request.Request(self._door + path, headers=login)  # noqa: S310 - https, this NAS
        try:
            with urllib.request.urlopen(request, timeout=20, context=context) as answer:  # noqa: S310 - as above
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            if error.code == 401:
                return False
            raise Trouble(f"whether {path} takes it can't be told: it says {error.code}") from None
        except OSError as error:
            raise Trouble(f"{self._door}{path} does not answer: {type(error).__name__}") from None
