"""The way of an alert on the deployed stack, and what notices that there is none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator

import pytest
from testinfra.host import Host

from rehearsal import DOCKER, ROOT, Stack
from telegram_emulator.client import User

ADMIN = 1
AMTOOL = f"{DOCKER} exec kbju-alertmanager amtool --alertmanager.url=http://127.0.0.1:9093/alertmanager"
WATCH = f"{ROOT}/bin/watch-monitoring"
# Another run, by DSM, is under way.
BUSY = 3


@pytest.fixture
def admin(stack: Stack) -> User:
    """An admin who has written to the bot, and reads what comes from now on."""
    user = User(ADMIN, stack.telegram, first_name="Olga")
    user.send_text("/start")
    return user


def look(nas: Host) -> int:
    """Let the NAS's own watcher look once; return its exit code."""
    while (code := nas.run(WATCH).rc) == BUSY:
        pass
    return int(code)


@pytest.mark.reads
def test_dsm_runs_the_watcher_every_five_minutes(nas: Host) -> None:
    listed = nas.check_output("/usr/syno/bin/synoschedtask --get")
    (task,) = [text for text in listed.split("\n\n") if "watch-monitoring" in text]
    number = re.search(r"ID: \[(\d+)\]", task)

    assert number, task
    assert re.search(rf"^0-59/5\t0-23\t.* id={number[1]}$", nas.file("/etc/crontab").content_string, re.MULTILINE)


def test_an_alert_reaches_the_admins_chat_and_so_does_its_end(nas: Host, admin: User) -> None:
    """By the deployed configuration, with its real waits."""
    labels = "alertname=Rehearsal severity=page service=rehearsal --annotation=summary='1 < 2 & all is well'"

    nas.check_output(f"{AMTOOL} alert add {labels}")
    told = admin.wait_for_reply(timeout=60, contains="Rehearsal")
    nas.check_output(f"{AMTOOL} alert add {labels} --end=$(date -u +%Y-%m-%dT%H:%M:%SZ)")
    over = admin.wait_for_reply(timeout=120, contains="Rehearsal")

    assert told["text"].startswith("🔴 Срочно: Rehearsal\n1 < 2 & all is well\n")
    assert {"text_link", "bold"} <= {one["type"] for one in told["entities"]}
    assert over["text"].startswith("✅ Прошло: Rehearsal")


@pytest.fixture
def without_prometheus(docker: Callable[[str], str]) -> Iterator[None]:
    docker("stop kbju-prometheus")
    yield
    docker("start kbju-prometheus")


def test_a_stopped_prometheus_is_told_by_the_nas_itself(
    nas: Host, admin: User, docker: Callable[[str], str], without_prometheus: None
) -> None:
    looks = [look(nas), look(nas), look(nas)]
    told = admin.wait_for_reply(timeout=10, contains="Мониторинг")
    docker("start kbju-prometheus")
    # Its alert needs a moment to get through.
    nas.check_output(f"for i in $(seq 100); do {WATCH} && exit; sleep 2; done; exit 1")
    well = admin.wait_for_reply(timeout=10, contains="Мониторинг")

    assert looks == [1, 1, 1]
    assert "Prometheus не отвечает" in told["text"]
    assert well["text"].startswith("✅ Мониторинг снова работает")


@pytest.mark.reads
def test_alertmanager_has_the_watchdog(nas: Host) -> None:
    alerts = json.loads(nas.check_output(f"{AMTOOL} alert query --output=json alertname=Watchdog"))

    assert [one["labels"]["severity"] for one in alerts] == ["none"]
