"""The bot: what users ask of it, how quickly they are answered, what goes wrong."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards import parts
from dashboards.containers import resources_of
from dashboards.kinds import HeatMap, Label, Lines, Number, States
from dashboards.parts import Board, Panel, Query, Row

BUCKETS = "sum by (le) (rate(bot_response_time_seconds_bucket[$__rate_interval]))"
REPLIES = "sum by (le) (increase(bot_response_time_seconds_bucket[$__rate_interval]))"
LAGS = "sum by (le) (rate(bot_update_lag_seconds_bucket[$__rate_interval]))"

USERS = Number(
    "Users, 24 hours",
    "Registered users who wrote to the bot in the last 24 hours.",
    units.NoUnit,
    [Query("max(bot_active_users)", "users")],
)
REPLIES_WAITING = Number(
    "Replies waiting",
    "Replies that are not sent yet. A queue that grows is one that users wait in.",
    units.NoUnit,
    [Query("sum(bot_outbox_pending)", "replies")],
    steps=[(None, "green"), (50, "yellow"), (500, "red")],
)
UPDATES_WAITING = Number(
    "Updates waiting",
    "Updates that wait at Telegram for the bot to take them, by Telegram's own count.",
    units.NoUnit,
    [Query("max(bot_pending_updates)", "updates")],
    steps=[(None, "green"), (50, "yellow"), (500, "red")],
)


def latencies() -> list[Query]:
    """Return the queries for the time within which half, 95 % and 99 % of the replies are sent."""
    return [
        Query(f"histogram_quantile({quantile}, {BUCKETS})", legend, parts.NO_TRAFFIC)
        for quantile, legend in ((0.5, "median"), (0.95, "95 %"), (0.99, "99 %"))
    ]


def glance() -> list[Panel]:
    """Return the bot in numbers."""
    return [
        USERS,
        Number(
            "Answered within 1 s",
            "Share of replies, in the time that is shown, that Telegram had accepted within one second.",
            units.PercentUnit,
            [
                Query(
                    'sum(rate(bot_response_time_seconds_bucket{le="1.0"}[$__range]))'
                    " / sum(rate(bot_response_time_seconds_count[$__range]))",
                    "quick",
                    parts.NO_TRAFFIC,
                )
            ],
            decimals=2,
            steps=[(None, "red"), (0.99, "green")],
        ),
        REPLIES_WAITING,
        UPDATES_WAITING,
        Number(
            "Runs for",
            "Time since the bot's process was started.",
            units.Seconds,
            [Query('time() - max(process_start_time_seconds{job="kbju-bot"})', "runs for")],
        ),
        Label(
            "Release",
            "The bot's version, and whether Telegram calls it (webhook) or it asks Telegram (polling).",
            units.NoUnit,
            [Query("bot_build_info", "{{version}}, {{mode}}")],
        ),
    ]


def traffic() -> list[Panel]:
    """Return what users ask for."""
    return [
        Lines(
            "Updates by kind",
            "Messages and pressed buttons handled, a second, and updates that came again and had no second effect.",
            units.EventsPerSecond,
            [
                Query("sum(rate(bot_messages_total[$__rate_interval]))", "messages"),
                Query("sum(rate(bot_buttons_total[$__rate_interval]))", "buttons"),
                Query("sum(rate(bot_updates_duplicate_total[$__rate_interval]))", "came again"),
            ],
            low=0,
        ),
        Lines(
            "Commands",
            "Commands handled, a second; those that the bot does not know are called other.",
            units.EventsPerSecond,
            [Query("sum by (command) (rate(bot_commands_total[$__rate_interval]))", "{{command}}")],
            low=0,
            stacked=True,
        ),
        Lines(
            "Charts",
            "Charts asked for, a second, by what became of them.",
            units.EventsPerSecond,
            [Query("sum by (result) (rate(bot_charts_total[$__rate_interval]))", "{{result}}")],
            low=0,
        ),
    ]


def latency() -> list[Panel]:
    """Return how long users wait."""
    return [
        HeatMap(
            "Response times",
            "How many replies took how long, from the update reaching the bot until Telegram accepted the reply.",
            units.Seconds,
            [Query(REPLIES, "{{le}}", parts.NO_TRAFFIC)],
            width=12,
        ),
        Lines(
            "Response time",
            "Half of the replies, 95 % and 99 % of them took at most this long.",
            units.Seconds,
            latencies(),
            width=12,
            low=0,
            steps=[(None, "green"), (1, "red")],
        ),
    ]


def sending() -> list[Panel]:
    """Return what becomes of replies."""
    return [
        Lines(
            "Replies by result",
            "Attempts to send a reply, a second. retry: tried again later; blocked: the user has stopped the bot.",
            units.EventsPerSecond,
            [Query("sum by (result) (rate(bot_replies_total[$__rate_interval]))", "{{result}}")],
            low=0,
        ),
        Lines(
            "Outbox",
            "Replies that are in the database and not yet with Telegram.",
            units.NoUnit,
            [Query("sum(bot_outbox_pending)", "waiting")],
            low=0,
        ),
        Lines(
            "Oldest reply waiting",
            "How long the reply that waits longest has waited. It grows steadily when nothing is sent.",
            units.Seconds,
            [Query("max(bot_outbox_oldest_age_seconds)", "oldest")],
            low=0,
            steps=[(None, "green"), (60, "red")],
        ),
    ]


def failures() -> list[Panel]:
    """Return what goes wrong."""
    return [
        Lines(
            "Errors by place",
            "Errors in five minutes: in the dialogue, in the database, at Telegram, in sending.",
            units.NoUnit,
            [Query("sum by (kind) (increase(bot_errors_total[5m]))", "{{kind}}")],
            low=0,
        ),
        Lines(
            "Lines in the log",
            "Lines that the bot wrote into its log in five minutes, by level, without the chatter of DEBUG and INFO.",
            units.NoUnit,
            [
                Query(
                    'sum by (level) (increase(bot_log_records_total{level=~"WARNING|ERROR|CRITICAL"}[5m]))',
                    "{{level}}",
                )
            ],
            low=0,
        ),
        States(
            "What it depends on",
            "Whether the bot's own last probe of the database and of Telegram succeeded.",
            units.NoUnit,
            [Query("min by (dependency) (bot_dependency_up)", "{{dependency}}")],
            steps=parts.DOWN_OR_UP,
            words=[(0, "unreachable", "red"), (1, "reachable", "green")],
        ),
    ]


def telegram() -> list[Panel]:
    """Return how updates get here, and the pool that they wait for."""
    return [
        Lines(
            "Way from Telegram",
            "From Telegram taking a message in until it reached the bot: 95 % took at most this, in whole seconds.",
            units.Seconds,
            [Query(f"histogram_quantile(0.95, {LAGS})", "95 %", parts.NO_TRAFFIC)],
            low=0,
            steps=[(None, "green"), (30, "red")],
        ),
        Lines(
            "Updates waiting at Telegram",
            "By Telegram's own count, which the bot asks for. More than a moment's worth means that the webhook fails.",
            units.NoUnit,
            [Query("max(bot_pending_updates)", "waiting")],
            low=0,
        ),
        Lines(
            "Database connections",
            "Connections of the bot that are open and in use, and how many it may open.",
            units.NoUnit,
            [
                Query("sum(bot_db_connections_busy)", "in use"),
                Query("sum(db_connections)", "open"),
                Query("sum(bot_db_connections_max)", "allowed"),
            ],
            low=0,
        ),
    ]


BOARD = Board(
    "kbju-bot",
    "Bot",
    "What users ask of the bot, how quickly they are answered, and what goes wrong.",
    [
        Row("At a glance", glance()),
        Row("Traffic", traffic()),
        Row("Latency", latency()),
        Row("Sending", sending()),
        Row("Failures", failures()),
        Row("Telegram and database", telegram()),
        Row("Container", resources_of("kbju-bot-prod")),
    ],
)
