#!/usr/bin/python3 -IB
"""Replaces one of the stack's secrets, proves that the new one works and the old one does not: rotate-secret NAME.

Runs on the NAS as root: Python 3.8, standard library only. The new value lies in secrets/rotation/new. Whatever fails,
what serves goes on with what it has. Values pass through files and standard input alone: nobody sees them.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from rotation_proofs import Nas, Proofs, Trouble

FAILED, BUSY = 1, 75


class Secret(NamedTuple):
    """Where a secret lies below secrets/, and who must hear of another one."""

    files: tuple[str, ...]
    """The first one is what the service itself reads."""
    account: str = ""
    """The database's account."""
    fragment: str = ""
    """The fragment of compose whose label is the hash of the secrets: another hash, another container."""


SECRETS = {
    # Alertmanager's is the same bot's, unless there is one of its own for alerts.
    "bot_token": Secret(("bot/bot_token", "alertmanager/bot_token"), fragment="bot"),
    "webhook_secret": Secret(("bot/webhook_secret",), fragment="bot"),
    "db_password": Secret(("bot/db_password", "postgres/kbju_bot"), "kbju_bot", "bot"),
    "db_migrator_password": Secret(("bot-migrate/db_password", "postgres/kbju_migrator"), "kbju_migrator"),
    "db_exporter_password": Secret(
        ("postgres-exporter/password", "postgres/kbju_exporter"), "kbju_exporter", "prometheus"
    ),
    "db_superuser_password": Secret(("postgres/postgres",), "postgres"),
    "grafana_password": Secret(("grafana/admin_password",)),
    "monitoring_password": Secret(("nginx/htpasswd",)),
}
_LABEL = re.compile(r"(?<=io\.kbju\.secrets: )[0-9a-f]{64}")
# As the role postgres does it: the password comes from the file that the server's user can read, and into no log.
_ALTER = """
SET log_statement = 'none';
SET log_min_duration_statement = -1;
SET log_min_error_statement = 'panic';
SET password_encryption = 'scram-sha-256';
\\set password `cat /run/secrets/{file}`
ALTER ROLE {account} PASSWORD :'password';
"""


class Rotation:
    """One secret's way from the old value to the new one."""

    def __init__(self, name: str, settings: dict[str, Any]) -> None:
        self._name, self._secret = name, SECRETS[name]
        self._nas = Nas(settings)
        self._proofs = Proofs(self._nas, settings["door"], settings["monitoring_user"])
        self._settings = settings
        self._root = Path(settings["root"])
        self._folder = self._root / "secrets" / "rotation"
        # Its presence tells that a run was cut off.
        self._kept = self._folder / (name + ".old")
        # What is typed; what lies in the file is another thing where only a hash of it is kept.
        self._new = (self._folder / "new").read_text(encoding="utf-8")
        line = self._folder / "htpasswd"
        self._content = line.read_text(encoding="utf-8") if name == "monitoring_password" else self._new
        self._files = [self._root / "secrets" / file for file in self._secret.files]

    def run(self) -> None:
        """Do it. Raise Trouble."""
        current = _read(self._files[0])
        if current == self._content and not self._kept.exists() and self._serves():
            print(f"nothing to do: the vault's {self._name} is what is deployed, and it works")
            return
        self._check()
        if not self._kept.exists():
            _write(self._kept, current, like=self._files[0])
            os.chown(str(self._kept), 0, 0)
        old = _read(self._kept)
        if self._name == "bot_token" and old.partition(":")[0] != self._new.partition(":")[0]:
            self._kept.unlink()
            raise Trouble("the new token is another bot's: users would write to one that nobody answers for")
        replaced = [file for file in self._files if _read(file) in (old, self._content)]
        self._replace(old, replaced)
        self._prove(old)
        self._kept.unlink()

    def _serves(self) -> bool:
        """Tell whether the value in place is in use: the service may have another one in its memory."""
        if self._secret.fragment == "bot":
            return _read(self._root / "releases" / "secrets" / self._files[0].name) == self._new
        return bool(self._proofs.works(self._name, self._new))

    def _check(self) -> None:
        """Raise Trouble where something is to be put in order before."""
        if self._secret.fragment != "bot":
            return
        if self._nas.under_way():
            raise Trouble("another run replaces the bot just now: wait for its end (logs/releases.log)", BUSY)
        bot = _read(self._fragment())
        if ("WEBHOOK_URL:" in bot) != self._settings["webhook"]:
            asked, runs = ("polling", "by webhook") if "WEBHOOK_URL:" in bot else ("a webhook", "by polling")
            raise Trouble(f"the bot gets its messages {runs}, the inventory says {asked}: run site.yml first")
        if self._name == "bot_token" and not self._proofs.works(self._name, self._new):
            raise Trouble("Telegram refuses the new token: copy it again from @BotFather into the vault")
        if self._kept.exists():
            return
        # Else the release that comes now would bring more than the new secret.
        if _LABEL.findall(bot) != [self._label()]:
            raise Trouble("the secrets in place are not those that the bot was deployed with: run site.yml first")
        if bot != self._nas.serving_fragment():
            raise Trouble("compose/bot.yml is not what the serving release was made of: run site.yml first")

    def _replace(self, old: str, files: list[Path]) -> None:
        started = self._nas.started() if self._secret.fragment == "bot" else ""
        before = _read(self._fragment()) if self._secret.fragment else ""
        try:
            for file in files:
                _write(file, self._content, like=file)
            if self._secret.fragment:
                _write(self._fragment(), _LABEL.sub(self._label(), before), like=self._fragment())
            # As late as possible: the bot that serves could open no other connection from here on until it is replaced.
            self._alter()
            self._have_it_read()
        except Trouble:
            # A bot that was started since has read the new password, and the database must stay with it.
            if not self._secret.account or self._nas.started() == started or not started:
                self._go_back(old, before, files)
            else:
                print("the bot was started with the new password meanwhile, so the database keeps it")
            raise

    def _go_back(self, old: str, before: str, files: list[Path]) -> None:
        for file in files:
            _write(file, old, like=file)
        if self._secret.fragment:
            _write(self._fragment(), before, like=self._fragment())
        self._alter()
        if self._secret.fragment == "prometheus":
            self._nas.docker("compose", "--project-directory", str(self._root), "up", "-d", "--no-deps", _EXPORTER)
        self._kept.unlink()
        print(f"the old {self._name} is in place again")

    def _alter(self) -> None:
        if not self._secret.account:
            return
        statement = _ALTER.format(account=self._secret.account, file=self._secret.account)
        psql = ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--username", "postgres"]
        self._nas.docker("exec", "-i", "kbju-postgres", *psql, "--dbname", "postgres", given=statement)
        print(f"the database has the new password of {self._secret.account}")

    def _have_it_read(self) -> None:
        """Have the service read what is in place."""
        if self._secret.fragment == "bot":
            self._nas.release("--who", self._settings["who"], "update", self._image())
        elif self._secret.fragment:
            self._nas.docker("compose", "--project-directory", str(self._root), "up", "-d", "--no-deps", _EXPORTER)
        elif self._name == "grafana_password":
            reset = "admin reset-admin-password --password-from-stdin < /run/secrets/admin_password"
            script = f"exec grafana cli --homepath /usr/share/grafana {reset}"
            self._nas.docker("exec", "--env", "GOMEMLIMIT=64MiB", "kbju-grafana", "sh", "-c", script)

    def _prove(self, old: str) -> None:
        # An exporter that was made anew needs its moment.
        deadline = time.monotonic() + 30
        while not self._proofs.works(self._name, self._new):
            if time.monotonic() > deadline:
                raise Trouble(f"the new {self._name} is in place, and is not taken")
            time.sleep(0.2)
        print(f"the new {self._name} works")
        if self._name == "monitoring_password":
            if len(self._content.splitlines()) != 1 or self._proofs.works(self._name, self._new[::-1]):
                raise Trouble("the new password works, and so do others: look at nginx's configuration")
        elif old != self._new and self._proofs.works(self._name, old):
            more = ": revoke it, /revoke at @BotFather" if self._name == "bot_token" else ""
            raise Trouble(f"the new {self._name} works, but the old one is still taken{more}")
        print("the old one is refused")

    def _fragment(self) -> Path:
        return self._root / "compose" / (self._secret.fragment + ".yml")

    def _image(self) -> str:
        found = re.search(r"^    image: (\S+)$", _read(self._fragment()), flags=re.MULTILINE)
        if not found:
            raise Trouble("compose/bot.yml names no image: run site.yml first")
        return found.group(1)

    def _label(self) -> str:
        """Return the hash of the secrets in place, as the roles write it (compose.yml.j2)."""
        secrets = self._root / "secrets"
        salt = _read(secrets / "salt").strip()
        if self._secret.fragment == "prometheus":
            text = _read(secrets / "postgres-exporter" / "password") + salt
        else:
            names = ("bot_token", "webhook_secret", "db_password", "sentry_dsn")
            text = " ".join([*(_read(secrets / "bot" / name) for name in names), salt])
        return hashlib.sha256(text.encode()).hexdigest()


_EXPORTER = "kbju-postgres-exporter"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError as error:
        raise Trouble(f"{file} can't be read ({error.strerror}): run site.yml first") from None


def _write(file: Path, content: str, like: Path) -> None:
    """Put a file in place as a whole, with the owner and the mode of another one."""
    if file.exists() and _read(file) == content:
        return
    owner = like.stat()
    aside = file.with_name(file.name + ".new")
    if aside.exists():
        aside.unlink()
    with open(os.open(str(aside), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    os.chown(str(aside), owner.st_uid, owner.st_gid)
    os.chmod(str(aside), owner.st_mode & 0o777)
    os.replace(str(aside), str(file))


def main() -> int:
    """Rotate the secret that the argument names; return the exit code."""
    # The operator's connection may be cut: what was begun is finished.
    for number in (signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_IGN)
    settings = json.loads(Path(__file__).resolve().with_name("rotate-secret.json").read_text(encoding="utf-8"))
    folder = Path(settings["root"]) / "secrets" / "rotation"
    with open(folder / ".lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("another run rotates a secret just now: wait for its end", file=sys.stderr)
            return BUSY
        try:
            Rotation(sys.argv[1], settings).run()
        except Trouble as trouble:
            print(trouble, file=sys.stderr)
            return int(trouble.code)
        finally:
            for name in ("new", "htpasswd"):
                (folder / name).unlink() if (folder / name).exists() else None
            if not list(folder.glob("*.old")):
                shutil.rmtree(str(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
