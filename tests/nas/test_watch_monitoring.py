"""The monitoring's own watchman: what it sees, whom it tells, and that it says neither too much nor the token."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from emulator.background import Background
from telegram_emulator.client import Emulator
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "alertmanager" / "templates"
PROGRAMS = ("watch_monitoring.py", "watch_telling.py")
TOKEN = "100200:the-token-that-nobody-may-see-here"
ADMINS = (1, 2)
# An engine whose containers answer what stands in the files alertmanager and prometheus, or not at all.
DOCKER = """#!/bin/sh
cd "${0%/*}" || exit 1
[ -e engine ] || exit 1
[ "$1" = exec ] || exit 0
cat "${2#kbju-}" 2> /dev/null && exit
echo "Error response from daemon: No such container: $2" >&2
exit 1
"""


class Nas:
    """The program as it lies on the NAS, with admins who read what it writes."""

    def __init__(self, root: Path, telegram: str) -> None:
        self.root = root
        for folder in ("bin", "logs", "secrets/alertmanager"):
            (root / folder).mkdir(parents=True)
        for name in PROGRAMS:
            text = (TEMPLATES / name).read_text(encoding="utf-8")
            (root / "bin" / name.replace("watch_monitoring.py", "watch-monitoring")).write_text(text, encoding="utf-8")
        (root / "docker").write_text(DOCKER, encoding="utf-8")
        (root / "docker").chmod(0o755)
        (root / "secrets/alertmanager/bot_token").write_text(TOKEN + "\n", encoding="utf-8")
        self.settings = {
            "root": str(root),
            "docker": str(root / "docker"),
            "telegram_api_url": telegram,
            "admins": list(ADMINS),
            "language": "en",
            "timezone": "Asia/Kamchatka",
            "patience": 2,
            "runbook": "https://nas.example/runbook/Watchdog",
            # This machine may have been started a moment ago.
            "boot_seconds": 0,
        }
        self.is_well()

    def is_well(self) -> None:
        """Let everything run and answer."""
        (self.root / "engine").touch()
        self.watchdog(30)
        (self.root / "prometheus").write_text("Prometheus Server is Ready.\n", encoding="utf-8")

    def watchdog(self, *ages: float, hours: int = 0) -> None:
        """Have Alertmanager know Watchdogs that came so many seconds ago; its clock is so many hours ahead of UTC."""
        zone = f"+{hours:02}:00" if hours else "Z"
        moments = [time.gmtime(time.time() - age + hours * 3600) for age in ages]
        stamps = [time.strftime("%Y-%m-%dT%H:%M:%S.123", moment) + zone for moment in moments]
        alerts = [{"labels": {"alertname": "Watchdog"}, "updatedAt": stamp} for stamp in stamps]
        (self.root / "alertmanager").write_text(json.dumps(alerts), encoding="utf-8")

    def stop(self, what: str) -> None:
        """Take away the engine, or what a container answers."""
        (self.root / what).unlink()

    def look(self, *arguments: str) -> int:
        """Run the program; return its exit code, after seeing that the token stands nowhere."""
        path = self.root / "bin" / "watch-monitoring.json"
        path.write_text(json.dumps(self.settings), encoding="utf-8")
        program = [sys.executable, str(self.root / "bin" / "watch-monitoring"), *arguments]
        done = subprocess.run(program, capture_output=True, text=True, check=False)
        assert TOKEN not in done.stdout + done.stderr + self.log()
        assert "Traceback" not in done.stderr
        return done.returncode

    def log(self) -> str:
        """Return what it has logged."""
        return (self.root / "logs/watch-monitoring.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def telegram() -> Iterator[EmulatorServer]:
    with Background() as background:
        server = EmulatorServer(Config(tokens=(TOKEN,)))
        background.run(server.__aenter__())
        yield server
        background.run(server.__aexit__(None, None, None))


@pytest.fixture
def emulator(telegram: EmulatorServer) -> Emulator:
    emulator = Emulator(telegram.url)
    emulator.reset()
    for admin in ADMINS:
        emulator.user(admin).send_text("/start")
    return emulator


@pytest.fixture
def nas(tmp_path: Path, telegram: EmulatorServer) -> Nas:
    return Nas(tmp_path, telegram.url)


def read(emulator: Emulator, admin: int = ADMINS[0]) -> list[str]:
    """Return what an admin was written."""
    return [one["text"] for one in emulator.user(admin).chat() if one["from"] == "bot"]


@pytest.mark.parametrize("name", PROGRAMS)
def test_dsms_python_can_read_it(name: str) -> None:
    ast.parse((TEMPLATES / name).read_text(encoding="utf-8"), feature_version=(3, 8))


def test_while_all_is_well_nothing_is_said(nas: Nas, emulator: Emulator) -> None:
    assert [nas.look(), nas.look(), nas.look()] == [0, 0, 0]
    assert read(emulator) == []


@pytest.mark.parametrize(
    ("stopped", "said"),
    [
        ("engine", "Docker on the NAS does not answer"),
        ("alertmanager", "Alertmanager does not answer"),
        ("prometheus", "Prometheus does not answer"),
    ],
)
def test_what_does_not_answer_is_told_once_and_so_is_its_return(
    nas: Nas, emulator: Emulator, stopped: str, said: str
) -> None:
    nas.stop(stopped)
    looks = [nas.look(), nas.look()]
    soon = read(emulator)
    looks += [nas.look(), nas.look()]
    told = [read(emulator, admin) for admin in ADMINS]
    nas.is_well()
    looks += [nas.look(), nas.look()]

    assert looks == [1, 1, 1, 1, 0, 0]
    assert told == [soon, soon]
    assert len(soon) == 1
    assert told[0][0].startswith(f"🔴 The monitoring does not work: {said}.")
    assert told[0][0].endswith("https://nas.example/runbook/Watchdog")
    assert [text[:30] for text in read(emulator)[1:]] == ["✅ The monitoring works again. "]


@pytest.mark.parametrize("ages", [(), (250.0,)], ids=["none", "old"])
def test_alerts_that_do_not_get_through_are_told(nas: Nas, emulator: Emulator, ages: tuple[float, ...]) -> None:
    nas.watchdog(*ages)
    nas.look()
    nas.look()

    assert "Prometheus runs, but its alerts do not get through" in read(emulator)[0]


def test_of_several_watchdogs_the_youngest_counts(nas: Nas, emulator: Emulator) -> None:
    nas.watchdog(5000, 100)

    assert nas.look() == 0


@pytest.mark.parametrize(("seconds", "code"), [(200, 0), (300, 1)])
def test_alertmanager_tells_the_time_of_its_own_zone(nas: Nas, seconds: float, code: int) -> None:
    nas.watchdog(seconds, hours=3)

    assert nas.look() == code


def test_an_answer_that_is_none_is_a_fault(nas: Nas) -> None:
    (nas.root / "alertmanager").write_text("<html>not found</html>", encoding="utf-8")

    assert nas.look() == 1
    assert "has no alert Watchdog" in nas.log()


def test_one_bad_look_is_a_deployment_and_says_nothing(nas: Nas, emulator: Emulator) -> None:
    for _ in range(3):
        nas.stop("prometheus")
        nas.look()
        nas.is_well()
        nas.look()

    assert read(emulator) == []


def test_in_russian(nas: Nas, emulator: Emulator) -> None:
    nas.settings["language"] = "ru"
    nas.stop("alertmanager")
    nas.look()
    nas.look()
    nas.is_well()
    nas.look()

    bad, well = read(emulator)
    assert bad.startswith("🔴 Мониторинг не работает: Alertmanager не отвечает.")
    assert well.startswith("✅ Мониторинг снова работает.")


def test_the_time_is_the_stacks_own(nas: Nas, emulator: Emulator) -> None:
    nas.stop("prometheus")
    before = datetime.now(ZoneInfo("Asia/Kamchatka"))
    nas.look()
    after = datetime.now(ZoneInfo("Asia/Kamchatka"))
    nas.look()

    assert re.findall(r"Since (.*)\. What", read(emulator)[0]) in [[f"{when:%d.%m %H:%M}"] for when in (before, after)]


def test_an_admin_who_was_not_reached_is_told_later(nas: Nas, emulator: Emulator) -> None:
    emulator.request("POST", f"/users/{ADMINS[0]}/block")
    nas.stop("prometheus")
    looks = [nas.look(), nas.look()]
    emulator.request("POST", f"/users/{ADMINS[0]}/unblock")
    looks += [nas.look(), nas.look()]

    assert looks == [1, 2, 1, 1]
    assert [len(read(emulator, admin)) for admin in ADMINS] == [1, 1]
    assert "admin 1 was not told: Telegram answers 403" in nas.log()


def test_an_end_that_nobody_heard_of_is_told_later(nas: Nas, emulator: Emulator) -> None:
    nas.stop("prometheus")
    nas.look()
    nas.look()
    nas.is_well()
    emulator.outage(True)
    looks = [nas.look()]
    emulator.outage(False)
    looks += [nas.look(), nas.look()]

    assert looks == [2, 0, 0]
    assert [text[0] for text in read(emulator)] == ["🔴", "✅"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:1", "nonsense", "http://a b"])
def test_where_telegram_is_not_the_token_stays_secret(nas: Nas, address: str) -> None:
    nas.settings["telegram_api_url"] = address
    nas.stop("engine")

    assert [nas.look(), nas.look()] == [1, 2]
    assert "was not told" in nas.log()


def test_a_missing_token_is_said(nas: Nas) -> None:
    (nas.root / "secrets/alertmanager/bot_token").unlink()

    assert nas.look("--test") == 2
    assert "FileNotFoundError" in nas.log()


def test_a_damaged_state_begins_anew(nas: Nas, emulator: Emulator) -> None:
    (nas.root / "bin/.watch-monitoring.state").write_text("{", encoding="utf-8")
    nas.stop("prometheus")

    assert [nas.look(), len(read(emulator))] == [1, 0]
    assert [nas.look(), len(read(emulator))] == [1, 1]


def test_without_admins_it_only_looks(nas: Nas, emulator: Emulator) -> None:
    nas.settings["admins"] = []
    nas.stop("prometheus")

    assert [nas.look(), nas.look()] == [1, 1]
    assert read(emulator) == []


def test_an_operator_can_see_that_it_reaches_the_admins(nas: Nas, emulator: Emulator) -> None:
    assert nas.look("--test") == 0
    assert read(emulator, ADMINS[1]) == ["A test: the NAS will write here when the monitoring stops working."]


def test_a_stack_that_comes_up_after_a_boot_has_time(nas: Nas, emulator: Emulator) -> None:
    nas.settings["boot_seconds"] = 1e12
    nas.stop("engine")

    assert [nas.look() for _ in range(4)] == [1, 1, 1, 1]
    assert read(emulator) == []
