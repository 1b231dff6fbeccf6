"""The deployed Alertmanager image with the role's configuration, and admins who read what it writes to them."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from telegram_emulator.client import Emulator, User

REPOSITORY = Path(__file__).resolve().parents[2]
BASE = "http://127.0.0.1:{port}/alertmanager"
START, PATIENCE = 30.0, 20.0
# An alert of no service of ours, which tells that what was posted before it has been dealt with.
SENTINEL = "Sentinel"


def image() -> str:
    """Return the deployed image's reference."""
    listed = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))["kbju_images"]
    return f"{listed['alertmanager']['name']}:{listed['alertmanager']['tag']}"


def amtool(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run amtool on the configuration in `folder`, which it sees as the container does."""
    command = [
        "docker",
        "run",
        "--rm",
        "--network=none",
        f"--volume={folder}:/etc/alertmanager:ro",
        "--entrypoint=amtool",
    ]
    return subprocess.run([*command, image(), *arguments], capture_output=True, text=True, check=False)


class Alertmanager:
    """A container on this machine's network, with the token and the configuration of a folder."""

    def __init__(self, folder: Path, token: str, port: int, heartbeat_url: str = "") -> None:
        self._base = BASE.format(port=port)
        (folder / "start.sh").write_bytes((REPOSITORY / "roles/alertmanager/templates/start.sh").read_bytes())
        (folder / "secrets").mkdir()
        for name, text in (("bot_token", token), ("heartbeat_url", heartbeat_url)):
            (folder / "secrets" / name).write_text(text, encoding="utf-8")
        options = [
            "--detach",
            "--network=host",
            "--read-only",
            "--pids-limit=32",
            "--entrypoint=sh",
            f"--user={os.getuid()}",
            f"--tmpfs=/tmp:uid={os.getuid()}",
            "--env=TZ=Europe/Moscow",
            f"--tmpfs=/alertmanager:uid={os.getuid()}",
            f"--volume={folder}:/etc/alertmanager:ro",
            f"--volume={folder}/secrets:/run/secrets:ro",
        ]
        command = [
            "/etc/alertmanager/start.sh",
            "--config.file=/etc/alertmanager/alertmanager.yml",
            "--storage.path=/alertmanager",
            "--web.external-url=https://nas.example/alertmanager/",
            "--web.route-prefix=/alertmanager",
            f"--web.listen-address=127.0.0.1:{port}",
            "--cluster.listen-address=",
            "--log.level=debug",
        ]
        done = subprocess.run(
            ["docker", "run", *options, image(), *command], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        self.container = done.stdout.strip()
        end = time.monotonic() + START
        while not self._ready():
            if time.monotonic() > end:
                said = self.log()
                self.stop()
                raise AssertionError(said)
            time.sleep(0.05)  # between two looks; the deadline ends the wait

    def _ready(self) -> bool:
        try:
            self._ask("GET", "/-/ready")
        except (urllib.error.URLError, OSError):
            return False
        return True

    def _ask(self, method: str, path: str, body: Any = None) -> str:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self._base + path, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - http, a test
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - http, a test
            return str(answer.read().decode())

    def post(self, *alerts: dict[str, Any]) -> None:
        """Hand alerts over, as Prometheus does."""
        self._ask("POST", "/api/v2/alerts", list(alerts))

    def alerts(self) -> list[dict[str, Any]]:
        """Return the alerts that it has."""
        return list(json.loads(self._ask("GET", "/api/v2/alerts")))

    def log(self) -> str:
        """Return what it has logged."""
        done = subprocess.run(["docker", "logs", self.container], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def stop(self) -> None:
        """End the container, which removes it."""
        subprocess.run(["docker", "rm", "--force", "--volumes", self.container], capture_output=True, check=False)


class Admin:
    """One who has pressed Start and reads the alerts."""

    def __init__(self, emulator: Emulator, number: int) -> None:
        self._user: User = emulator.user(number)
        self._user.send_text("/start")

    def read(self) -> list[dict[str, Any]]:
        """Return the messages of Alertmanager so far, without sentinels."""
        return [one for one in self._user.chat() if one["from"] == "bot" and SENTINEL not in one["text"]]

    def wait_for(self, text: str) -> dict[str, Any]:
        """Return the first message with this text in it, as soon as there is one."""
        chat = self._user.wait_for(lambda chat: any(text in one["text"] for one in chat), PATIENCE)
        return next(one for one in chat if text in one["text"])


def alert(alertname: str, /, severity: str = "page", service: str = "nas", **labels: str) -> dict[str, Any]:
    """Return an alert that begins now, as Prometheus posts it, with what the rules promise of each.

    Alertmanager waits for a group only when the fault is younger than the wait.
    """
    return {
        "labels": {"alertname": alertname, "severity": severity, "service": service, **labels},
        "annotations": {"summary": f"{alertname} is at 42 %", "description": "Users wait.", "dashboard": "kbju-nas"},
        "startsAt": datetime.now(UTC).isoformat(),
        "generatorURL": "https://nas.example/prometheus/graph",
    }


def settle(alertmanager: Alertmanager, admins: Iterable[Admin]) -> None:
    """Wait until what has been posted has been told or held back.

    A group waits its time, then looks again in every interval; the second sentinel comes at least one interval after
    the groups that were there before the first.
    """
    for number in ("1", "2"):
        alertmanager.post(alert(f"{SENTINEL}{number}", service=f"sentinel{number}"))
        for admin in admins:
            admin.wait_for(f"{SENTINEL}{number}")
