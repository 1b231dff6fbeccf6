"""The bot's Prometheus metrics. Labels are from closed sets: no user ids, no texts."""

import logging

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.gc_collector import GCCollector

from kbju_bot import __version__
from kbju_bot.core.commands import OTHER, Command

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 60.0)
_ERROR_KINDS = ("dialogue", "storage", "telegram", "send")


class Metrics:
    """All metrics of one bot, in a registry of its own."""

    def __init__(self, *, mode: str = "polling", synology: bool = False) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library has no types here
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        PlatformCollector(registry=registry)
        GCCollector(registry=registry)
        self.messages = Counter("bot_messages_total", "Messages of users handled.", registry=registry)
        self.commands = Counter(
            "bot_commands_total",
            "Commands handled; those the bot does not know are `other`.",
            ["command"],
            registry=registry,
        )
        self.buttons = Counter("bot_buttons_total", "Pressed buttons handled.", registry=registry)
        self.update_lag = Histogram(
            "bot_update_lag_seconds",
            "From Telegram taking a message in until it reached the bot; Telegram tells whole seconds.",
            buckets=(1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0, 43200.0, 86400.0),
            registry=registry,
        )
        self.response_time = Histogram(
            "bot_response_time_seconds",
            "From an update reaching the bot until Telegram accepted the reply to it.",
            buckets=_BUCKETS,
            registry=registry,
        )
        self.active_users = Gauge(
            "bot_active_users", "Registered users seen in the last 24 hours, by the database.", registry=registry
        )
        self.db_connections = Gauge(
            "db_connections", "Connections of this instance to the database.", registry=registry
        )
        self.db_connections_busy = Gauge(
            "bot_db_connections_busy", "Connections that are in use at this moment.", registry=registry
        )
        self.db_connections_max = Gauge(
            "bot_db_connections_max", "How many connections this instance may open.", registry=registry
        )
        self.charts = Counter(
            "bot_charts_total", "Charts asked for, by what became of them.", ["result"], registry=registry
        )
        self.duplicates = Counter(
            "bot_updates_duplicate_total", "Updates that came again and had no second effect.", registry=registry
        )
        self.replies = Counter(
            "bot_replies_total", "Attempts to send a reply, by their result.", ["result"], registry=registry
        )
        self.outbox_pending = Gauge("bot_outbox_pending", "Replies waiting to be sent.", registry=registry)
        self.outbox_oldest = Gauge(
            "bot_outbox_oldest_age_seconds", "Age of the oldest reply waiting to be sent.", registry=registry
        )
        self.errors = Counter("bot_errors_total", "Errors, by where they happened.", ["kind"], registry=registry)
        self.log_records = Counter("bot_log_records_total", "Log records by level.", ["level"], registry=registry)
        self.poller_leader = Gauge(
            "bot_poller_leader", "1 where this instance is the one that polls Telegram.", registry=registry
        )
        self.dependency_up = Gauge(
            "bot_dependency_up",
            "1 where the last probe of the dependency succeeded.",
            ["dependency"],
            registry=registry,
        )
        self.pending_updates = Gauge(
            "bot_pending_updates", "Updates that wait at Telegram, by its own count.", registry=registry
        )
        build = Gauge(
            "bot_build_info",
            "Always 1; the labels tell which bot this is.",
            ["version", "mode", "synology"],
            registry=registry,
        )
        build.labels(__version__, mode, str(synology).lower()).set(1)
        # A series that appears with its first error can't be alerted on: rate() needs the zero before it.
        for kind in _ERROR_KINDS:
            self.errors.labels(kind)
        for command in (*Command, OTHER):
            self.commands.labels(command)
        for result in ("sent", "retry", "blocked", "failed"):
            self.replies.labels(result)
        for result in ("drawn", "failed"):
            self.charts.labels(result)
        for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            self.log_records.labels(level)

    def exposition(self) -> bytes:
        """Return the metrics in Prometheus' text format."""
        return generate_latest(self.registry)

    def log_counter(self) -> logging.Handler:
        """Return a log handler that counts records."""
        return _LogCounter(self.log_records)


class _LogCounter(logging.Handler):
    def __init__(self, counter: Counter) -> None:
        super().__init__(logging.DEBUG)
        self._counter = counter

    def emit(self, record: logging.LogRecord) -> None:
        self._counter.labels(record.levelname).inc()
