"""The bots that are compared, and how each is started."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from .children import REPOSITORY

IN_FLIGHT = 64
SECRET = "benchmark_secret_of_24_letters"  # noqa: S105 - of a webhook on the loopback
# What a bot in production has, apart from Telegram's limits, which the stand-in does not impose, and from as many
# sends at once as the others get.
OURS = {
    "SEND_CONCURRENCY": str(IN_FLIGHT),
    "SEND_RATE": "0",
    "SEND_RATE_CHAT": "0",
    "HTTP_HOST": "127.0.0.1",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a bot is to run."""

    api: str
    directory: Path
    bot_source: Path
    database_url: str = ""
    database_password: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """What to start: `python ARGUMENTS`."""

    arguments: list[str]
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contender:
    """A bot in one of its ways to run. `options` are a competitor's own."""

    key: str
    title: str
    module: str = ""
    options: tuple[str, ...] = ()
    webhook: bool = False

    @property
    def ours(self) -> bool:
        """Whether it is the bot of this repository, which needs a database."""
        return not self.module

    def command(self, place: Place) -> Command:
        """Return how to start it there."""
        port = str(_free_port())
        if not self.ours:
            options = (*self.options, "--webhook", port) if self.webhook else self.options
            return Command(["-m", self.module, "--api", place.api, *options], {"PYTHONPATH": str(REPOSITORY)})
        environment = {
            **OURS,
            "PYTHONPATH": str(place.bot_source),
            "DATABASE_URL": place.database_url,
            "DB_PASSWORD": place.database_password,
            "TELEGRAM_API_URL": place.api,
            "HTTP_PORT": port,
            "LOG_FILE": str(place.directory / "own.log"),
        }
        if self.webhook:
            environment |= {"WEBHOOK_URL": f"http://127.0.0.1:{port}", "WEBHOOK_SECRET": SECRET}
        return Command(["-m", "kbju_bot", "run"], environment)


_PTB = "benchmarks.competitors.ptb"
_AIOGRAM = "benchmarks.competitors.aiogram_echo"
_CONCURRENT = ("--concurrent", str(IN_FLIGHT))
CONTENDERS = {
    one.key: one
    for one in (
        Contender("ours-polling", "ours, polling, PostgreSQL"),
        Contender("ours-webhook", "ours, webhook, PostgreSQL", webhook=True),
        Contender("ptb-sequential", "stock PTB, polling, sequential", _PTB),
        Contender("ptb-polling", f"stock PTB, polling, {IN_FLIGHT} concurrent", _PTB, _CONCURRENT),
        Contender(
            "ptb-memory",
            f"stock PTB, polling, {IN_FLIGHT} concurrent, state in memory",
            _PTB,
            (*_CONCURRENT, "--memory"),
        ),
        Contender("ptb-webhook", f"stock PTB, webhook, {IN_FLIGHT} concurrent", _PTB, _CONCURRENT, webhook=True),
        Contender("aiogram-polling", "stock aiogram, polling", _AIOGRAM),
        Contender("aiogram-webhook", "stock aiogram, webhook", _AIOGRAM, webhook=True),
    )
}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
