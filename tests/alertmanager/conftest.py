from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from alertmanager.rendering import render
from alertmanager.running import Admin, Alertmanager
from telegram_emulator.client import Emulator

TOKEN = "100200:alertmanagers-own-token-of-the-tests"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Return a function that renders the configuration; the same once only."""
    known: dict[str, Path] = {}

    def give(**changes: Any) -> Path:
        key = repr(sorted(changes.items()))
        if key not in known:
            folder = tmp_path_factory.mktemp("alertmanager")
            # Another user reads it in the container.
            folder.chmod(0o755)
            known[key] = render(folder, **changes)
        return known[key]

    return give


@pytest.fixture(scope="session")
def telegram_url() -> Iterator[str]:
    """The Telegram stand-in as a process of its own, as it is deployed."""
    port = free_port()
    command = [sys.executable, "-m", "telegram_emulator", "--port", str(port), "--token", TOKEN]
    tests = Path(__file__).resolve().parents[1]
    with subprocess.Popen(command, cwd=tests, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            while "stand-in for the Telegram" not in (line := process.stderr.readline()):
                assert line, "the Telegram stand-in has ended"
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()


@pytest.fixture
def emulator(telegram_url: str) -> Emulator:
    """The stand-in's control, with nothing in any chat."""
    emulator = Emulator(telegram_url)
    emulator.reset()
    return emulator


@pytest.fixture
def admins(emulator: Emulator) -> list[Admin]:
    return [Admin(emulator, number) for number in (1, 2)]


@pytest.fixture
def start(
    rendered: Callable[..., Path], telegram_url: str, admins: list[Admin], tmp_path: Path
) -> Iterator[Callable[..., Alertmanager]]:
    """Return a function that starts Alertmanager with the role's configuration and shorter waits."""
    started: list[Alertmanager] = []
    quick = {
        "alertmanager_telegram_api_url": telegram_url,
        "alertmanager_group_wait": "500ms",
        "alertmanager_page_interval": "500ms",
        "alertmanager_ticket_interval": "500ms",
        "alertmanager_quiet_hours": {},
    }

    def give(**changes: Any) -> Alertmanager:
        source = rendered(**{**quick, **changes})
        folder = tmp_path / f"alertmanager{len(started)}"
        folder.mkdir()
        folder.chmod(0o755)
        for name in ("alertmanager.yml", "messages.tmpl"):
            (folder / name).write_bytes((source / name).read_bytes())
        started.append(Alertmanager(folder, TOKEN, free_port(), changes.get("alertmanager_heartbeat_url", "")))
        return started[-1]

    yield give
    for one in started:
        one.stop()


@pytest.fixture
def alertmanager(start: Callable[..., Alertmanager]) -> Alertmanager:
    return start()
