"""Start the emulator: ``python -m telegram_emulator``."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from aiohttp import web

from .config import Config
from .logs import configure
from .server import create_app

log = logging.getLogger("telegram_emulator")


def parse_arguments(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="telegram_emulator", description="A local stand-in for Telegram's Bot API")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8081)
    parser.add_argument("--token", action="append", default=[], help="a bot that exists; may be given several times")
    parser.add_argument("--token-file", type=Path, help="tokens, one a line")
    parser.add_argument("--any-webhook", action="store_true", help="allow webhooks over HTTP and on any port")
    parser.add_argument("--webhook-timeout", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--webhook-backoff", type=float, default=0.5, metavar="SECONDS", help="first of the delays")
    parser.add_argument("--webhook-backoff-max", type=float, default=30.0, metavar="SECONDS")
    parser.add_argument("--limits", action="store_true", help="Telegram's limits: 1 message/s a chat, 30/s in all")
    parser.add_argument("--chat-limit", type=float, metavar="PER_SECOND")
    parser.add_argument("--total-limit", type=float, metavar="PER_SECOND")
    parser.add_argument(
        "--latency", action="append", default=[], metavar="[METHOD=]MS", help="milliseconds each call takes"
    )
    parser.add_argument("--first-update-id", type=int)
    parser.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"])
    return parser.parse_args(arguments)


def build_config(options: argparse.Namespace, environment: Mapping[str, str]) -> Config:
    """Options and environment as a configuration."""
    # The first of them is the one the control API speaks for.
    tokens = list(options.token)
    if options.token_file:
        tokens += options.token_file.read_text(encoding="utf-8").splitlines()
    tokens += environment.get("TELEGRAM_EMULATOR_TOKENS", "").split(",")
    # The environment may hold just what an option holds too.
    tokens = list(dict.fromkeys(token.strip() for token in tokens if token.strip()))
    for number, token in enumerate(tokens, 1):
        if not token.partition(":")[0].isdigit():
            raise SystemExit(f"token number {number} does not begin with a bot's id and a colon")
    return Config(
        tokens=tuple(tokens),
        any_webhook=options.any_webhook,
        chat_limit=options.chat_limit or (1.0 if options.limits else None),
        total_limit=options.total_limit or (30.0 if options.limits else None),
        latency=dict(_latency(one) for one in options.latency),
        webhook_timeout=options.webhook_timeout,
        webhook_backoff=options.webhook_backoff,
        webhook_backoff_max=options.webhook_backoff_max,
        **({} if options.first_update_id is None else {"first_update_id": options.first_update_id}),
    )


def _latency(option: str) -> tuple[str, float]:
    method, _, milliseconds = option.rpartition("=")
    return method.lower() or "*", float(milliseconds) / 1000


async def serve(config: Config, host: str, port: int) -> None:
    """Run until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    # Handlers end with their connection: the poll of a bot that was killed must not count as a second poller.
    runner = web.AppRunner(create_app(config), access_log=None, handler_cancellation=True, shutdown_timeout=2.0)
    await runner.setup()
    await web.TCPSite(runner, host, port, backlog=1024).start()
    bots = f"{len(config.tokens)} bots" if config.tokens else "any bot"
    log.info("stand-in for the Telegram Bot API on %s:%d, for %s", host, port, bots)
    await stop.wait()
    log.info("stopping")
    await runner.cleanup()


def main() -> None:
    """Start from the command line."""
    options = parse_arguments()
    configure(options.log_level)
    asyncio.run(serve(build_config(options, os.environ), options.host, options.port))


if __name__ == "__main__":
    main()
