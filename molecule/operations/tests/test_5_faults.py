"""What breaks comes back by itself while users write: nothing is lost, and nothing happens twice."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from testinfra.host import Host

from alarms import Monitoring
from faults import Containers, note
from rehearsal import BOT, DOCKER, SERVICES, Stack, until
from telegram_emulator.client import Emulator
from writers import Writers

LONG = os.environ.get("KBJU_FAULTS") == "long"
PER_MINUTE = 300
# How long a user waits at most for an answer while a fault of each kind lasts and passes, in seconds.
WITHIN = {"kill": 20, "pause": 80, "oom": 75, "engine": 60, "database cut": 60, "telegram cut": 60}
# What users don't notice at all, but who watches for them is back soon.
BACK = 30
NOTICED = [BOT, "kbju-postgres", "kbju-nginx"]
KILLED = sorted(SERVICES) if LONG else NOTICED
PAUSED = sorted(SERVICES - {"kbju-prometheus"}) if LONG else [BOT]
STARVED = NOTICED if LONG else [BOT]


@pytest.fixture
def containers_of(nas: Host) -> Iterator[Containers]:
    """The containers; after the test all are well."""
    found = Containers(nas)
    yield found
    until(lambda: all("running" in found.state(name) for name in SERVICES), "all run", seconds=90)
    until(lambda: not any("unhealthy" in found.state(name) for name in SERVICES), "all are healthy", seconds=90)


@pytest.fixture
def writers(stack: Stack, sql: Callable[[str], str]) -> Writers:
    return Writers(stack, sql, PER_MINUTE)


def begun(writers: Writers) -> None:
    known = writers.answered
    until(lambda: writers.answered >= known + 20, "users who write", seconds=60)


def judge(fault: str, kind: str, writers: Writers) -> None:
    longest = max(writers.latencies)
    note(fault, longest, WITHIN[kind])
    assert writers.wrong == []
    assert longest <= WITHIN[kind]


@pytest.mark.parametrize("name", KILLED)
def test_killed(name: str, containers_of: Containers, writers: Writers) -> None:
    before = containers_of.pid(name)
    with writers:
        begun(writers)
        containers_of.killed(name)
        back = until(lambda: containers_of.pid(name) not in {0, before}, f"{name} is back", seconds=BACK)
        begun(writers)

    judge(f"kill -9 {name}", "kill", writers)
    note(f"kill -9 {name}, running again", back, BACK)
    if name not in NOTICED:
        assert max(writers.latencies) < 5


@pytest.mark.parametrize("name", PAUSED)
def test_paused(name: str, containers_of: Containers, writers: Writers) -> None:
    with writers:
        begun(writers)
        containers_of.nas.check_output(f"{DOCKER} pause {name}")
        # For the engine it would stay so for ever; DSM's task scheduler looks every minute.
        until(lambda: "paused" not in containers_of.state(name), f"{name} goes on", seconds=70)
        begun(writers)

    judge(f"pause {name}", "pause", writers)


@pytest.mark.parametrize("name", STARVED)
def test_out_of_memory(name: str, containers_of: Containers, writers: Writers) -> None:
    with writers:
        begun(writers)
        containers_of.out_of_memory(name)
        begun(writers)

    judge(f"out of memory {name}", "oom", writers)


def test_the_database_is_cut_off(nas: Host, containers_of: Containers, writers: Writers) -> None:
    with writers:
        begun(writers)
        with containers_of.cut(BOT, 5432):
            # The alert waits two minutes, so it is only seen to have begun.
            until(
                lambda: "BotDatabaseUnreachable" in " ".join(Monitoring(nas).alerts("pending")),
                "an alert that has begun",
                seconds=50,
            )
        begun(writers)

    judge("network cut between the bot and PostgreSQL", "database cut", writers)


def test_telegram_is_cut_off(nas: Host, stack: Stack, writers: Writers) -> None:
    telegram = Emulator(stack.telegram)
    with writers:
        begun(writers)
        telegram.outage(True)
        try:
            until(
                lambda: "BotTelegramUnreachable" in " ".join(Monitoring(nas).alerts("pending")),
                "an alert that has begun",
                seconds=50,
            )
        finally:
            telegram.outage(False)
        begun(writers)

    judge("network cut between the bot and Telegram", "telegram cut", writers)


def test_the_engine_is_started_again(nas: Host, containers_of: Containers, writers: Writers) -> None:
    with writers:
        begun(writers)
        nas.check_output("/usr/syno/bin/synopkg restart ContainerManager")
        until(lambda: all("running" in containers_of.state(name) for name in SERVICES), "all run", seconds=90)
        begun(writers)

    judge("restart of the Docker engine", "engine", writers)
