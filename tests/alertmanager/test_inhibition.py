"""One fault, one message: what a stopped container sets off, and what of it reaches the admins."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any

import pytest

from alertmanager.faults import BOT_TELEGRAM, FAULTS, PROBE, Fault, bot
from alertmanager.running import PATIENCE, Admin, Alertmanager, alert, settle


def told(alertmanager: Alertmanager, admins: list[Admin], alerts: Iterable[dict[str, Any]]) -> list[str]:
    """Post alerts; return what the first admin reads, a line for each alert, after seeing that all read the same."""
    # All begin now: those above have been made when this file was read.
    alertmanager.post(*({**one, "startsAt": alert("now")["startsAt"]} for one in alerts))
    settle(alertmanager, admins)
    read = [sorted(line for one in admin.read() for line in titles(one["text"])) for admin in admins]
    assert read[0] == read[1]
    return read[0]


def titles(text: str) -> list[str]:
    """Return the names that a message speaks of; in English an alert is called by its name."""
    return [line.split(": ")[1] for line in text.splitlines() if line.startswith(("🔴", "🟡"))]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_one_fault_is_told_once(start: Any, admins: list[Admin], fault: Fault) -> None:
    alertmanager = start(alertmanager_language="en")

    assert told(alertmanager, admins, fault.alerts) == sorted(fault.told)
    assert len(admins[0].read()) == len(fault.told)


def test_each_echo_is_silenced_by_its_cause_itself(start: Any) -> None:
    """Not only by another echo, which may be over sooner."""
    alertmanager = start()
    wrong = []
    for fault in FAULTS:
        cause = [one for one in fault.alerts if one["labels"]["alertname"] in fault.told][:1]
        for echo in fault.alerts if cause else []:
            pair = [{**one, "startsAt": alert("now")["startsAt"]} for one in (*cause, echo)]
            alertmanager.post(*pair)
            if echo is not cause[0] and not becomes_silenced(alertmanager, name_of(echo)):
                wrong.append((fault.what, *name_of(echo)))
            alertmanager.post(*({**one, "endsAt": one["startsAt"]} for one in pair))

    assert wrong == []


def becomes_silenced(alertmanager: Alertmanager, name: tuple[str, ...]) -> bool:
    """Wait until an alert is inhibited; return whether that came."""
    end = time.monotonic() + 3
    while time.monotonic() < end:
        if {name_of(one): one["status"]["inhibitedBy"] for one in alertmanager.alerts()}[name]:
            return True
        time.sleep(0.02)  # between two looks; the deadline ends the wait
    return False


def name_of(one: dict[str, Any]) -> tuple[str, ...]:
    """Return what tells an alert from the others."""
    return tuple(one["labels"].get(label, "") for label in ("alertname", "name", "job"))


def test_other_faults_at_the_same_time_are_told_too(start: Any, admins: list[Admin]) -> None:
    """A cause silences what follows of it, and nothing else."""
    others = [
        alert("DiskFull"),
        alert("ContainerDown", "ticket", "containers", name="kbju-grafana"),
        alert("ContainerMemoryNearLimit", "ticket", "containers", name="kbju-prometheus"),
        alert("BackupTooOld", "ticket", "backup"),
        alert("TelegramUnreachable", "page", "telegram"),
        alert("NginxDown", "page", "nginx"),
        alert("TargetDown", "ticket", "prometheus", job="node-exporter"),
        BOT_TELEGRAM,
    ]
    alertmanager = start(alertmanager_language="en")

    assert told(alertmanager, admins, [alert("PostgresDown", "page", "postgres"), *others]) == [
        "BackupTooOld",
        "ContainerDown",
        "ContainerMemoryNearLimit",
        "DiskFull",
        "NginxDown",
        "PostgresDown",
        "TargetDown",
        "TelegramUnreachable",
    ]


def test_nginx_is_no_cause_of_what_a_polling_bot_says(start: Any, admins: list[Admin]) -> None:
    alertmanager = start(alertmanager_language="en", alertmanager_webhook=False)
    alerts = [
        alert("NginxDown", "page", "nginx"),
        PROBE,
        *bot("PendingUpdates", "UpdateLagHigh", "AvailabilityBurnsFast"),
    ]

    assert told(alertmanager, admins, alerts) == [
        "BotAvailabilityBurnsFast",
        "BotPendingUpdates",
        "BotUpdateLagHigh",
        "NginxDown",
    ]


def test_an_echo_that_is_left_when_its_cause_is_over_is_told(start: Any, admins: list[Admin]) -> None:
    alertmanager = start(alertmanager_language="en")
    cause, left = alert("PostgresDown", "page", "postgres"), bot("OutboxStuck")
    assert told(alertmanager, admins, [cause, *left]) == ["PostgresDown"]

    alertmanager.post({**cause, "endsAt": cause["startsAt"]})

    for admin in admins:
        admin.wait_for("Urgent: BotOutboxStuck")
        admin.wait_for("Over: PostgresDown")


def test_the_resolution_of_what_nobody_was_told_is_told_to_nobody(start: Any, admins: list[Admin]) -> None:
    alertmanager = start(alertmanager_language="en")
    cause, silenced = alert("PostgresDown", "page", "postgres"), bot("DatabaseUnreachable")[0]
    assert told(alertmanager, admins, [cause, silenced]) == ["PostgresDown"]

    for one in (silenced, cause):
        alertmanager.post({**one, "endsAt": one["startsAt"]})
    admins[0].wait_for("Over")
    settle_again(alertmanager, admins)

    assert [one["text"].splitlines()[0] for one in admins[0].read()] == [
        "🔴 Urgent: PostgresDown",
        "✅ Over: PostgresDown",
    ]


def settle_again(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    """Wait for another interval of every group."""
    alertmanager.post(alert("Sentinel3", service="sentinel3"))
    for admin in admins:
        admin.wait_for("Sentinel3")


def test_what_ended_while_it_was_inhibited_and_came_again_is_told_with_the_next_repetition(
    start: Any, admins: list[Admin]
) -> None:
    alertmanager = start(alertmanager_language="en", alertmanager_page_repeat="2s")
    echo, cause = bot("DatabaseUnreachable")[0], alert("PostgresDown", "page", "postgres")
    assert told(alertmanager, admins, [echo]) == ["BotDatabaseUnreachable"]
    alertmanager.post(cause)
    admins[0].wait_for("Urgent: PostgresDown")
    for one in (echo, cause):
        alertmanager.post({**one, "endsAt": alert("now")["startsAt"]})
    admins[0].wait_for("Over: PostgresDown")
    before = sum("Urgent: BotDatabaseUnreachable" in one["text"] for one in admins[0].read())

    alertmanager.post({**echo, "startsAt": alert("now")["startsAt"]})

    end = time.monotonic() + PATIENCE
    while sum("Urgent: BotDatabaseUnreachable" in one["text"] for one in admins[0].read()) == before:
        assert time.monotonic() < end
        time.sleep(0.05)  # between two looks; the deadline ends the wait
