"""The home dashboard: is the promise to users kept, does anything call for help, how much is in use."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards import parts
from dashboards.backups import DAYS_LEFT, LAST_PROVEN
from dashboards.bot import REPLIES_WAITING, UPDATES_WAITING, USERS, latencies
from dashboards.kinds import Lines, Number, States, Table
from dashboards.parts import Board, Panel, Query, Row, Step

KEPT_AVAILABLE: list[Step] = [(None, "red"), (0.999, "green")]
KEPT_QUICK: list[Step] = [(None, "red"), (0.99, "green")]
BUDGET: list[Step] = [(None, "red"), (0.1, "orange"), (0.5, "green")]
# Above 1 the budget does not last for 30 days; at 6 and 14.4 somebody is paged.
BURN: list[Step] = [(None, "green"), (1, "yellow"), (6, "orange"), (14.4, "red")]
EIGHTY_PERCENT: list[Step] = [(None, "green"), (0.8, "red")]


def firing(severity: str) -> str:
    """Return the query for how many alerts of a severity fire, 0 when none does."""
    return f'count(ALERTS{{alertstate="firing", severity="{severity}"}}) or vector(0)'


def burn(objective: str, window: str) -> str:
    """Return the query for how many times quicker than planned the error budget is used."""
    return f"slo:{objective}_errors:ratio_{window} / (1 - scalar(slo:{objective}_objective))"


def promise() -> list[Panel]:
    """Return what was promised to users, and how much of the error budget is left."""
    return [
        Number(
            "Available, 30 days",
            "Share of time in which the bot answered over https and handled what it was sent. Promised: 99.9 %.",
            units.PercentUnit,
            [Query("1 - slo:availability_errors:ratio_30d", "available")],
            decimals=3,
            steps=KEPT_AVAILABLE,
        ),
        Number(
            "Budget of availability",
            "What is left of the 43 minutes of failure that 30 days may have. Below 0 the promise is broken.",
            units.PercentUnit,
            [Query("slo:availability_budget_remaining:ratio", "left")],
            decimals=1,
            steps=BUDGET,
        ),
        Number(
            "Quick, 30 days",
            "Share of replies that Telegram had accepted within one second. Promised: 99 %.",
            units.PercentUnit,
            [Query("1 - slo:latency_errors:ratio_30d", "under 1 s")],
            decimals=3,
            steps=KEPT_QUICK,
        ),
        Number(
            "Budget of latency",
            "What is left of the 1 % of replies in 30 days that may take longer than a second.",
            units.PercentUnit,
            [Query("slo:latency_budget_remaining:ratio", "left")],
            decimals=1,
            steps=BUDGET,
        ),
        Number(
            "Pages",
            "Alerts that fire now and wake somebody.",
            units.NoUnit,
            [Query(firing("page"), "pages")],
            steps=parts.NONE_IS_GOOD,
        ),
        Number(
            "Tickets",
            "Alerts that fire now and can wait for working hours.",
            units.NoUnit,
            [Query(firing("ticket"), "tickets")],
            steps=[(None, "green"), (1, "yellow")],
        ),
        Lines(
            "How quickly the budgets are used",
            "1 uses a budget up in exactly 30 days. At 14.4 over an hour, or 6 over six hours, somebody is paged.",
            units.Short,
            [
                Query(burn("availability", "1h"), "availability, 1 h"),
                Query(burn("availability", "6h"), "availability, 6 h"),
                Query(burn("latency", "1h"), "latency, 1 h"),
                Query(burn("latency", "6h"), "latency, 6 h"),
            ],
            width=12,
            low=0,
            steps=BURN,
        ),
        States(
            "Who answers",
            "Scrape targets by job, and what the probes from outside nginx see.",
            units.NoUnit,
            [Query("min by (job) (up)", "{{job}}"), Query("min by (service) (probe_success)", "probe of {{service}}")],
            width=12,
            steps=parts.DOWN_OR_UP,
            words=[(0, "down", "red"), (1, "up", "green")],
        ),
    ]


def users() -> list[Panel]:
    """Return what users do, and how long they wait."""
    return [
        Lines(
            "Updates",
            "Messages and pressed buttons that the bot has handled, a second.",
            units.EventsPerSecond,
            [
                Query("sum(rate(bot_messages_total[$__rate_interval]))", "messages"),
                Query("sum(rate(bot_buttons_total[$__rate_interval]))", "buttons"),
            ],
            low=0,
            stacked=True,
        ),
        Lines(
            "Response time",
            "From an update reaching the bot until Telegram accepted the reply: half, 95 % and 99 % took at most this.",
            units.Seconds,
            latencies(),
            low=0,
            steps=[(None, "green"), (1, "red")],
        ),
        Lines(
            "Answers to probes",
            "How long nginx and what is behind it take to answer over https, and Telegram over the Internet.",
            units.Seconds,
            [Query("max by (service) (probe_duration_seconds)", "{{service}}")],
            low=0,
        ),
        USERS,
        REPLIES_WAITING,
        UPDATES_WAITING,
        Number(
            "Errors, 1 hour",
            "Updates that ended in an error and replies that could not be sent, in the last hour.",
            units.NoUnit,
            [Query("sum(increase(bot_errors_total[1h]))", "errors")],
            decimals=0,
            steps=parts.NONE_IS_GOOD,
        ),
        LAST_PROVEN,
        Number(
            "Certificate",
            "Time until the first certificate that the probes meet expires.",
            units.Seconds,
            [Query('min(probe_ssl_earliest_cert_expiry{job="probe-https"}) - time()', "left")],
            steps=DAYS_LEFT,
        ),
    ]


def resources() -> list[Panel]:
    """Return how much of the NAS is in use."""
    return [
        Lines(
            "Processor",
            "Share of the NAS's processor that is busy, and that the stack's containers use.",
            units.PercentUnit,
            [
                Query('1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', "NAS"),
                Query(
                    "sum(rate(kbju_container_cpu_seconds_total[$__rate_interval]))"
                    ' / scalar(count(node_cpu_seconds_total{mode="idle"}))',
                    "stack",
                ),
            ],
            low=0,
            high=1,
            steps=EIGHTY_PERCENT,
        ),
        Lines(
            "Memory",
            "Share of the NAS's memory that can't be had, and of its budget of 3 GiB that the stack uses.",
            units.PercentUnit,
            [
                Query("1 - node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes", "NAS"),
                Query("sum(kbju_container_memory_bytes) / scalar(kbju_stack_memory_budget_bytes)", "stack"),
            ],
            low=0,
            high=1,
            steps=EIGHTY_PERCENT,
        ),
        Lines(
            "Disk",
            "Share of each file system that is full.",
            units.PercentUnit,
            [
                Query("nas:filesystem_used:ratio", "{{mountpoint}}"),
            ],
            low=0,
            high=1,
            steps=[(None, "green"), (0.8, "yellow"), (0.95, "red")],
        ),
    ]


def alerts() -> list[Panel]:
    """Return which alerts fire."""
    return [
        Table(
            "Alerts that fire",
            "The message in Telegram says more, and leads to the page that says what to do.",
            units.NoUnit,
            [Query('ALERTS{alertstate="firing", severity=~"page|ticket"}', empty=parts.NO_ALERT)],
            width=24,
            height=5,
            columns=["alertname", "severity", "service", "name", "job"],
        )
    ]


BOARD = Board(
    "kbju-overview",
    "Overview",
    "Whether users get what they were promised, what calls for help, and how much of the NAS is in use.",
    [
        Row("The promise", promise()),
        Row("Alerts", alerts()),
        Row("Users", users()),
        Row("The NAS", resources()),
    ],
)
