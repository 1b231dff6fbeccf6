"""One fault, one message: what a stopped container sets off, and what of it reaches the admins."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import pytest

from alertmanager.running import Admin, Alertmanager, alert, settle

BOT = "kbju-bot-prod"
Alerts = list[dict[str, Any]]


def bot(*names: str, severity: str = "page") -> Alerts:
    return [alert(f"Bot{name}", severity, "bot") for name in names]


def of_container(container: str) -> Alerts:
    """Return what the container metrics tell of a container that is away or comes and goes."""
    return [alert("ContainerDown", "page", "containers", name=container)] + [
        alert(f"Container{name}", "ticket", "containers", name=container) for name in ("Unhealthy", "Restarting")
    ]


def target(*jobs: str) -> Alerts:
    return [alert("TargetDown", "ticket", "prometheus", job=job) for job in jobs]


def echo_in_logs(*containers: str) -> Alerts:
    return [alert("ContainerErrorsInLog", "ticket", "containers", name=name) for name in containers]


PROBE = alert("HttpsProbeFailing", "page", "nginx")
GRAFANA = alert("GrafanaUnreachable", "ticket", "grafana")
AVAILABILITY = bot("AvailabilityBurnsFast", "AvailabilityBurnsSlowly") + bot(
    "AvailabilityBurnsSteadily", severity="ticket"
)
LATENCY = bot("LatencyBurnsFast", "LatencyBurnsSlowly") + bot("LatencyBurnsSteadily", severity="ticket")
BACKLOG = bot("OutboxStuck", "UpdateLagHigh", "PendingUpdates") + bot("ErrorsInLog", severity="ticket")


@dataclass
class Fault:
    """What stops, all alerts that it may set off, and the names of those that are told."""

    what: str
    alerts: Alerts
    told: tuple[str, ...]


FAULTS = [
    Fault(
        "kbju-postgres",
        [
            alert("PostgresDown", "page", "postgres"),
            alert("PostgresSlow", "ticket", "postgres"),
            *of_container("kbju-postgres"),
            *of_container(BOT),
            *bot("Down", "DatabaseUnreachable"),
            *bot("DatabasePoolExhausted", severity="ticket"),
            *BACKLOG,
            *AVAILABILITY,
            *LATENCY,
            PROBE,
            *target("postgres", "kbju-bot"),
            *echo_in_logs("kbju-postgres-exporter", "kbju-nginx"),
        ],
        ("PostgresDown",),
    ),
    Fault(
        BOT,
        [
            *bot("Down", "TelegramUnreachable", "DatabaseUnreachable"),
            *of_container(BOT),
            *BACKLOG,
            *AVAILABILITY,
            *LATENCY,
            PROBE,
            *target("kbju-bot"),
            *echo_in_logs("kbju-nginx"),
        ],
        ("BotDown",),
    ),
    Fault(
        "kbju-nginx",
        [
            alert("NginxDown", "page", "nginx"),
            *of_container("kbju-nginx"),
            PROBE,
            GRAFANA,
            *bot("PendingUpdates", "UpdateLagHigh"),
            *AVAILABILITY,
            alert("CertificateRenewalFailing", "ticket", "certificate"),
            *target("nginx", "probe-https"),
            *echo_in_logs("kbju-blackbox"),
        ],
        ("NginxDown",),
    ),
    Fault("kbju-grafana", [*of_container("kbju-grafana"), GRAFANA, *echo_in_logs("kbju-nginx")], ("ContainerDown",)),
    Fault(
        "kbju-postgres-exporter",
        [*of_container("kbju-postgres-exporter"), *target("postgres"), alert("PostgresDown", "page", "postgres")],
        ("ContainerDown",),
    ),
    Fault(
        "kbju-nginx-exporter",
        [*of_container("kbju-nginx-exporter"), *target("nginx"), alert("NginxDown", "page", "nginx")],
        ("ContainerDown",),
    ),
    Fault(
        "kbju-blackbox",
        [
            *of_container("kbju-blackbox"),
            *target("blackbox", "probe-https", "probe-telegram"),
            PROBE,
            GRAFANA,
            alert("TelegramUnreachable", "page", "telegram"),
            alert("CertificateExpiresSoon", "ticket", "certificate"),
            *AVAILABILITY,
        ],
        ("ContainerDown",),
    ),
    # What says that containers are down comes through it.
    Fault(
        "kbju-node-exporter",
        [*target("node-exporter"), alert("ContainerMetricsOld", "ticket", "containers")],
        ("TargetDown",),
    ),
    # Read when it is back, if it is still true by then.
    Fault(
        "kbju-alertmanager",
        [
            alert("AlertmanagerDown", "page", "alertmanager"),
            *of_container("kbju-alertmanager"),
            *target("alertmanager"),
            alert("PrometheusNotificationsFailing", "ticket", "prometheus"),
        ],
        ("AlertmanagerDown",),
    ),
    # Prometheus itself raises no alert when it is stopped: bin/watch-monitoring writes.
    Fault(
        "Telegram, for all",
        [alert("TelegramUnreachable", "page", "telegram"), *bot("TelegramUnreachable"), *BACKLOG, *LATENCY],
        ("TelegramUnreachable",),
    ),
    Fault("Telegram, for the bot", [*bot("TelegramUnreachable"), *BACKLOG, *LATENCY], ("BotTelegramUnreachable",)),
    Fault(
        "the database, for the bot",
        [
            *bot("DatabaseUnreachable"),
            alert("ContainerUnhealthy", "ticket", "containers", name=BOT),
            *BACKLOG,
            *AVAILABILITY,
            *LATENCY,
        ],
        ("BotDatabaseUnreachable",),
    ),
    Fault("https from outside", [PROBE, GRAFANA, *bot("PendingUpdates"), *AVAILABILITY], ("HttpsProbeFailing",)),
    Fault("availability", AVAILABILITY, ("BotAvailabilityBurnsFast",)),
    Fault("latency, slowly", LATENCY[1:], ("BotLatencyBurnsSlowly",)),
    Fault(
        "the disk",
        [alert("DiskFull"), alert("DiskAlmostFull", "ticket"), alert("DiskFillsIn3Days", "ticket")],
        ("DiskFull",),
    ),
    Fault(
        "the certificate",
        [
            alert("CertificateExpired", "page", "certificate"),
            alert("CertificateExpiresSoon", "ticket", "certificate"),
            alert("CertificateRenewalFailing", "ticket", "certificate"),
        ],
        ("CertificateExpired",),
    ),
    Fault(
        "memory of a container",
        [
            alert(f"Container{name}", "ticket", "containers", name="kbju-grafana")
            for name in ("OutOfMemory", "Restarting", "MemoryNearLimit", "Unhealthy")
        ],
        ("ContainerOutOfMemory",),
    ),
]


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
    assert len(admins[0].read()) == 1


def test_other_faults_at_the_same_time_are_told_too(start: Any, admins: list[Admin]) -> None:
    """A cause silences what follows of it, and nothing else."""
    others = [
        alert("DiskFull"),
        alert("ContainerDown", "page", "containers", name="kbju-grafana"),
        alert("ContainerMemoryNearLimit", "ticket", "containers", name="kbju-prometheus"),
        alert("BackupTooOld", "ticket", "backup"),
        alert("TelegramUnreachable", "page", "telegram"),
        alert("NginxDown", "page", "nginx"),
        alert("TargetDown", "ticket", "prometheus", job="node-exporter"),
        *bot("TelegramUnreachable"),
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
