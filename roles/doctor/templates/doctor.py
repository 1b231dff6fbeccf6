#!/usr/bin/python3 -IB
"""Collects what a report of a fault needs into one archive without secrets: doctor ARCHIVE < SETTINGS.

Runs on the NAS as root: Python 3.8, standard library only. A part that fails is noted in summary.txt, others go on.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote

HIDDEN = "***"
# What is shorter would take harmless words with it, such as a user's name in front of a hash.
_SHORTEST = 6
_LONGEST_FILE = 2 * 2**20
_PATIENCE = 20
_TELLING = r"[\w.-]*(?:PASSWORD|PASSWD|TOKEN|SECRET|DSN|PRIVATE_KEY|API_KEY|CREDENTIALS?)[\w.-]*"
_PATTERNS = [
    # A bot's token, whoever's.
    (re.compile(r"\b\d{5,}:[A-Za-z0-9_-]{30,}"), HIDDEN),
    # The password in a URL.
    (re.compile(r"(?<=://)[^\s/:@\"']*:[^\s/@\"']+(?=@)"), HIDDEN),
    # NAME=value, in quotes where it is JSON. That a secret lies in a file may be told.
    (re.compile(rf"\b(?P<name>(?!{_TELLING}_FILE\b){_TELLING})=[^\s\"',]+", re.IGNORECASE), rf"\g<name>={HIDDEN}"),
    # Keys, certificates' and SSH's.
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL), HIDDEN),
]


class Redactor:
    """Hides secrets in texts: those that it is given, in the forms that they travel in, and what looks like one."""

    def __init__(self, secrets: list[str]) -> None:
        known = set()
        for secret in {part.strip() for one in secrets for part in [one, *one.splitlines(), *one.split(":")]}:
            if len(secret) >= _SHORTEST and not secret.isdigit():
                encoded = base64.b64encode(secret.encode()).decode()
                known |= {secret, quote(secret, safe=""), encoded, json.dumps(secret)[1:-1]}
        # The longest first, so that one that contains another leaves no rest.
        self._known = sorted(known, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._known:
            text = text.replace(secret, HIDDEN)
        for pattern, instead in _PATTERNS:
            text = pattern.sub(instead, text)
        return text


def ask(*command: str) -> str:
    """Return all that a program says. Raise OSError, ValueError where there is nothing to return."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        raise ValueError(f"no answer within {_PATIENCE} s") from None
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    if done.returncode != 0 and not done.stdout:
        raise ValueError(f"exit code {done.returncode}: {said.strip()[-500:]}")
    return said


def end_of(file: Path) -> str:
    """Return a file's text, or its end where it is long."""
    with open(file, "rb") as opened:
        opened.seek(max(0, file.stat().st_size - _LONGEST_FILE))
        return opened.read().decode("utf-8", "replace")


class Doctor:
    """The parts of the archive."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self._docker, self._root = settings["docker"], Path(settings["root"])
        self._settings = settings
        self._parts: dict[str, str] = {}
        self._missing: list[str] = []

    def secrets(self) -> list[str]:
        """Return all that is never to be told: the vault's, and what lies in files on the NAS."""
        found = [str(one) for one in self._settings["secrets"]]
        for folder in ("secrets", "certs"):
            for file in (self._root / folder).rglob("*") if (self._root / folder).is_dir() else []:
                if file.is_file() and (folder != "certs" or file.name.startswith("key")):
                    found.append(file.read_text(encoding="utf-8", errors="replace"))
        return found

    def collect(self) -> None:
        """Ask everything."""
        docker, root, project = self._docker, str(self._root), self._settings["project"]
        ours = "label=com.docker.compose.project=" + project
        prometheus = "http://127.0.0.1:9090/prometheus/api/v1/"
        asking = [docker, "exec", "kbju-prometheus", "wget", "-q", "-T", "10", "-O", "-"]
        certificate = root + "/certs/nginx/cert.pem"
        commands = {
            "versions/dsm.txt": ["cat", "/etc.defaults/VERSION"],
            "versions/kernel.txt": ["uname", "-a"],
            "versions/docker.txt": [docker, "version"],
            "versions/compose.txt": [docker, "compose", "version"],
            "status.txt": [root + "/bin/status"],
            "docker/ps.txt": [docker, "ps", "--all", "--size"],
            "docker/images.txt": [docker, "image", "ls", "--digests"],
            "docker/networks.txt": [docker, "network", "ls"],
            "docker/disk.txt": [docker, "system", "df"],
            "docker/compose.yml": [docker, "compose", "--project-directory", root, "config"],
            "releases.txt": [root + "/bin/release", "list"],
            "backups.txt": ["ls", "-lR", root + "/backups"],
            "certificate.txt": ["openssl", "x509", "-noout", "-dates", "-issuer", "-subject", "-in", certificate],
            "nas/firewall.txt": ["iptables", "-S"],
            "nas/disk.txt": ["df", "-h"],
            "nas/memory.txt": ["cat", "/proc/meminfo", "/proc/loadavg", "/proc/uptime"],
            "nas/listeners.txt": ["netstat", "-ltn"],
            "prometheus/alerts.json": [*asking, prometheus + "alerts"],
            "prometheus/targets.json": [*asking, prometheus + "targets?state=active"],
        }
        for name, command in commands.items():
            self._part(name, lambda command=command: ask(*command))  # type: ignore[misc]
        self._part("nas/out-of-memory.txt", self._killed)
        self._part("docker/inspect.json", lambda: json.dumps(self._inspect(ours), indent=1))
        names: list[str] = []
        self._part("docker/names.txt", lambda: names.extend(self._names(ours)) or "\n".join(names))  # type: ignore[func-returns-value]
        for name in names:
            self._part(f"logs/{name}.txt", lambda name=name: self._log(name))  # type: ignore[misc]
        self._files()

    def _names(self, ours: str) -> list[str]:
        return ask(self._docker, "ps", "--all", "--filter", ours, "--format", "{{.Names}}").split()

    def _killed(self) -> str:
        lines = ask("dmesg").splitlines()
        return "\n".join(line for line in lines if re.search(r"oom|out of memory|killed process", line, re.IGNORECASE))

    def _inspect(self, ours: str) -> Any:
        ids = ask(self._docker, "ps", "--all", "--quiet", "--filter", ours).split()
        return json.loads(ask(self._docker, "inspect", *ids)) if ids else []

    def _log(self, name: str) -> str:
        lines = ask(self._docker, "logs", "--timestamps", "--tail", str(self._settings["log_lines"]), name).splitlines()
        # What PostgreSQL adds to an error may hold a row of somebody's diary.
        return "\n".join(line for line in lines if not re.search(r"\b(DETAIL|STATEMENT|CONTEXT|QUERY):  ", line))

    def _files(self) -> None:
        """Take what the roles have written, less secrets and keys, and what the NAS's tasks tell."""
        for folder, pattern in [
            ("config", "*"),
            ("compose", "*.yml"),
            ("bin", "*.json"),
            ("metrics", "*.prom"),
            ("releases", "*.json"),
            ("logs", "*.log"),
        ]:
            for file in sorted((self._root / folder).rglob(pattern)):
                # The bot's own log is what its container has said.
                if file.is_file() and not file.is_symlink() and "secrets" not in file.parts:
                    self._part("files/" + str(file.relative_to(self._root)), lambda file=file: end_of(file))  # type: ignore[misc]

    def _part(self, name: str, make: Callable[[], str]) -> None:
        try:
            self._parts[name] = make()
        except (OSError, ValueError) as error:
            self._missing.append(f"{name}: {error}")

    def write(self, archive: str) -> str:
        """Write the archive; return what is to be said of it."""
        redact = Redactor(self.secrets())
        missing = "\n".join("  " + line for line in self._missing)
        summary = f"Collected {len(self._parts)} parts at {time.strftime('%Y-%m-%d %H:%M:%S %Z')}.\n" + (
            f"MISSING:\n{missing}\n" if missing else "Nothing is missing.\n"
        )
        self._parts["versions/ansible.txt"] = self._settings["controller"] + "\n"
        self._parts["summary.txt"] = summary
        handle = os.open(archive, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as tar:
            for name, text in sorted(self._parts.items()):
                content = redact(text).encode()
                entry = tarfile.TarInfo("doctor/" + name)
                entry.size, entry.mtime, entry.mode = len(content), int(time.time()), 0o600
                tar.addfile(entry, io.BytesIO(content))
        return redact(summary)


def main() -> int:
    """Make the archive that the argument names."""
    doctor = Doctor(json.load(sys.stdin))
    os.environ["PATH"] = "/usr/syno/bin:/usr/syno/sbin:/sbin:/usr/sbin:/bin:/usr/bin"
    doctor.collect()
    print(doctor.write(sys.argv[1]), end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
