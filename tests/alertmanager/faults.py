"""What a fault sets off, and what of it is to reach the admins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alertmanager.running import alert

BOT = "kbju-bot-prod"
Alerts = list[dict[str, Any]]


def bot(*names: str, severity: str = "page") -> Alerts:
    return [alert(f"Bot{name}", severity, "bot") for name in names]


def of_container(container: str) -> Alerts:
    """Return what the container metrics tell of a container that is away or comes and goes."""
    return [
        alert(f"Container{name}", "ticket", "containers", name=container)
        for name in ("Down", "Unhealthy", "Restarting")
    ]


def target(*jobs: str) -> Alerts:
    return [alert("TargetDown", "ticket", "prometheus", job=job) for job in jobs]


def echo_in_logs(*containers: str) -> Alerts:
    return [alert("ContainerErrorsInLog", "ticket", "containers", name=name) for name in containers]


PROBE = alert("HttpsProbeFailing", "page", "bot")
BOT_TELEGRAM = alert("BotTelegramUnreachable", "page", "telegram")
UNDELIVERED = alert("AlertmanagerNotificationsFailing", "ticket", "alertmanager")
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
            *bot("Down", "DatabaseUnreachable"),
            BOT_TELEGRAM,
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
    Fault("kbju-postgres-exporter", [*of_container("kbju-postgres-exporter"), *target("postgres")], ("ContainerDown",)),
    Fault("kbju-nginx-exporter", [*of_container("kbju-nginx-exporter"), *target("nginx")], ("ContainerDown",)),
    Fault("kbju-blackbox", [*of_container("kbju-blackbox"), *target("blackbox")], ("ContainerDown",)),
    # What says that containers are down comes through it, so that is a ticket only.
    Fault("kbju-node-exporter", target("node-exporter"), ("TargetDown",)),
    # As Prometheus, it can't tell: bin/watch-monitoring does.
    Fault(
        "kbju-alertmanager",
        [
            alert("AlertmanagerDown", "page", "alertmanager"),
            *of_container("kbju-alertmanager"),
        ],
        (),
    ),
    Fault(
        "Telegram, for all",
        [alert("TelegramUnreachable", "page", "telegram"), BOT_TELEGRAM, UNDELIVERED, *BACKLOG, *LATENCY],
        ("TelegramUnreachable",),
    ),
    Fault("Telegram, for the bot", [BOT_TELEGRAM, UNDELIVERED, *BACKLOG, *LATENCY], ("BotTelegramUnreachable",)),
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
    Fault("availability, slowly", AVAILABILITY[1:], ("BotAvailabilityBurnsSlowly",)),
    Fault("latency", LATENCY, ("BotLatencyBurnsFast",)),
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
