"""The program that helps paused and hung containers, with a Docker that only tells and notes what it is asked to do."""

from __future__ import annotations

import fcntl
import json
import time
from pathlib import Path
from typing import Any

import heal
import heal_memory
import pytest

NAME = "kbju-nginx"
DOCKER = """#!/usr/bin/python3
import pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "asked", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
if (here / "broken").exists() and sys.argv[1] in (here / "broken").read_text():
    sys.exit("it does not work")
if sys.argv[1] == "ps":
    print("1")
if sys.argv[1] == "inspect":
    print((here / "inspected").read_text())
"""


class Nas:
    """A project's folder with one container."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("logs", "metrics", "releases"):
            (folder / name).mkdir()
        (folder / "docker").write_text(DOCKER, encoding="utf-8")
        (folder / "docker").chmod(0o755)
        self.lock = folder / "releases" / ".lock"
        self.settings = {
            "project": "kbju",
            "root": str(folder),
            "docker": str(folder / "docker"),
            "unhealthy_minutes": 5,
            "restarts_per_hour": 3,
            "locks": [str(self.lock)],
        }

    def is_(self, **state: Any) -> None:
        """Give the container a state."""
        text = json.dumps([{"Id": "1", "Name": f"/{NAME}", "State": {"Running": True, **state}}])
        (self.folder / "inspected").write_text(text, encoding="utf-8")

    def look(self, monkeypatch: pytest.MonkeyPatch, minutes: float) -> tuple[int, list[str]]:
        """Let the program look so many minutes after the beginning; return its exit code and what it has done."""
        (self.folder / "asked").write_text("", encoding="utf-8")
        monkeypatch.setattr(time, "time", lambda: 1_000_000 + minutes * 60)
        code = heal.run(self.settings, str(self.folder / ".heal.state"))
        asked = (self.folder / "asked").read_text(encoding="utf-8").splitlines()
        return code, [line for line in asked if line.split()[0] not in {"ps", "inspect"}]

    def told(self) -> str:
        """Return what Prometheus reads."""
        return (self.folder / "metrics" / "heal.prom").read_text(encoding="utf-8")


@pytest.fixture
def nas(tmp_path: Path) -> Nas:
    return Nas(tmp_path)


SICK: dict[str, Any] = {"Health": {"Status": "unhealthy"}}


@pytest.mark.parametrize("state", [{}, {"Health": {"Status": "healthy"}}, {"Health": {"Status": "starting"}}])
def test_who_is_well_is_left_alone(nas: Nas, monkeypatch: pytest.MonkeyPatch, state: dict[str, Any]) -> None:
    nas.is_(**state)

    assert [nas.look(monkeypatch, minute) for minute in (0, 10)] == [(0, []), (0, [])]
    assert f'kbju_heal_actions_total{{name="{NAME}",action="restart"}} 0' in nas.told()


def test_one_that_somebody_has_stopped_stays_stopped(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.is_(Running=False, **SICK)

    assert [nas.look(monkeypatch, minute) for minute in (0, 10)] == [(0, []), (0, [])]


def test_a_paused_one_goes_on_even_while_somebody_works(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.is_(Paused=True)
    with nas.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert nas.look(monkeypatch, 0) == (0, [f"unpause {NAME}"])
    assert f'kbju_heal_actions_total{{name="{NAME}",action="unpause"}} 1' in nas.told()
    assert "it was paused" in (nas.folder / "logs" / "heal.log").read_text(encoding="utf-8")


def test_a_hung_one_is_started_again_after_five_minutes_without_a_break(
    nas: Nas, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas.is_(**SICK)
    assert [nas.look(monkeypatch, minute)[1] for minute in (0, 4.9)] == [[], []]
    nas.is_()
    assert nas.look(monkeypatch, 5) == (0, [])
    nas.is_(**SICK)
    assert [nas.look(monkeypatch, minute)[1] for minute in (6, 10.9)] == [[], []]

    assert nas.look(monkeypatch, 11) == (0, [f"restart {NAME}"])
    assert nas.look(monkeypatch, 12) == (0, []), "it is given the time to become healthy"


def test_nothing_is_started_again_while_somebody_works(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.is_(**SICK)
    nas.look(monkeypatch, 0)
    with nas.lock.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert nas.look(monkeypatch, 6) == (0, [])

    assert nas.look(monkeypatch, 7) == (0, [f"restart {NAME}"])


def test_after_three_times_within_an_hour_it_is_given_up_until_they_are_past(
    nas: Nas, monkeypatch: pytest.MonkeyPatch
) -> None:
    nas.is_(**SICK)
    done = {minute: nas.look(monkeypatch, minute) for minute in range(30)}

    assert [minute for minute, (_, asked) in done.items() if asked] == [5, 11, 17]
    assert done[22] == (0, [])
    assert done[23] == (1, [])
    assert f'kbju_heal_given_up{{name="{NAME}"}} 1' in nas.told()
    assert nas.look(monkeypatch, 66) == (0, [f"restart {NAME}"])
    assert f'kbju_heal_given_up{{name="{NAME}"}} 0' in nas.told()


def test_what_fails_is_told_and_counts(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.is_(Paused=True)
    (nas.folder / "broken").write_text("unpause", encoding="utf-8")

    assert nas.look(monkeypatch, 0) == (1, [f"unpause {NAME}"])
    assert "unpause failed" in (nas.folder / "logs" / "heal.log").read_text(encoding="utf-8")


def test_without_an_engine_nothing_is_told(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.is_()
    (nas.folder / "broken").write_text("ps", encoding="utf-8")

    assert nas.look(monkeypatch, 0)[0] == 2
    assert not (nas.folder / "metrics" / "heal.prom").exists()


def test_a_clock_that_was_ahead_makes_nobody_wait(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.is_(**SICK)
    nas.look(monkeypatch, 10_000)
    nas.look(monkeypatch, 0)

    assert nas.look(monkeypatch, 5) == (0, [f"restart {NAME}"])


def test_what_is_remembered_and_can_not_be_read_begins_anew(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("{ half", encoding="utf-8")

    assert heal_memory.Memory.load(str(tmp_path / "state")).restarts(NAME, 0) == 0
