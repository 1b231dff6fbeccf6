"""The load: the Telegram stand-in and the users in one process. `python -m benchmarks.load` prints its address.

POST /bench/NAME runs one part of a benchmark and answers with what was measured. It ends when its standard input does.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable
from typing import Any

import uvloop
from aiohttp import web

from telegram_emulator.config import Config
from telegram_emulator.logs import configure
from telegram_emulator.server import STATE, create_app

from .crowd import Crowd
from .figures import percentile
from .gauges import Pulse, Reading, costs
from .ledger import Answered

START_PATIENCE = 30.0
"""How long a bot may take until its first reply, in seconds."""
PATIENCE = 15.0
"""How long without any reply means that no more come, in seconds."""

Json = dict[str, Any]


class Load:
    """The parts of a benchmark. Each takes `bot` and `database`, the numbers of the processes to watch."""

    def __init__(self, crowd: Crowd) -> None:
        self._crowd = crowd
        self._backlogged: float = 0.0
        self.broken: list[str] = []
        """What went wrong in here: then nothing that was measured counts."""

    async def probe(self, order: Json) -> Json:
        """Write once and wait for the reply: the bot is up."""
        self._crowd.write(order["user"])
        return {"answered": await self._crowd.reply(START_PATIENCE)}

    async def closed(self, order: Json) -> Json:
        """Keep the `users` busy for `warmup` and `seconds`; the figures are of the latter alone."""
        crowd, bot, database = self._crowd, order["bot"], order["database"]
        talking = asyncio.create_task(crowd.converse(order["users"], order["warmup"] + order["seconds"]))
        await asyncio.sleep(order["warmup"])
        before = Reading.take(bot, database)
        async with Pulse() as pulse:
            await talking
            after = Reading.take(bot, database)
        replies = [one for one in crowd.ledger.answered if before.at <= one.replied < after.at]
        spent = costs(before, after, len(replies), bot, pulse)
        await crowd.settle(PATIENCE)
        return self._told(replies, after.at - before.at) | spent

    async def open(self, order: Json) -> Json:
        """Let `users` write `rate` times a second for `warmup` and `seconds`; the figures are of the latter alone."""
        crowd, bot, database = self._crowd, order["bot"], order["database"]
        await crowd.arrive(order["users"], order["rate"], order["warmup"])
        crowd.late.clear()
        users = order["users"][len(order["users"]) // 2 :]
        before = Reading.take(bot, database)
        async with Pulse() as pulse:
            await crowd.arrive(users, order["rate"], order["seconds"])
            after = Reading.take(bot, database)
        await crowd.settle(PATIENCE)
        replies = [one for one in crowd.ledger.answered if before.at <= one.written < after.at]
        told = self._told(replies, after.at - before.at)
        return (
            told | costs(before, after, len(replies), bot, pulse) | {"late_p99_ms": percentile(crowd.late, 0.99) * 1000}
        )

    async def backlog(self, order: Json) -> Json:
        """Write `count` times while no bot is there."""
        users = order["users"]
        for number in range(order["count"]):
            self._crowd.write(users[number % len(users)])
        self._backlogged = time.perf_counter()
        return {"waiting": self._crowd.ledger.open}

    async def drain(self, order: Json) -> Json:
        """Wait for the replies to the backlog; the clock starts with the first of them, the bot's start apart."""
        crowd, bot, database = self._crowd, order["bot"], order["database"]
        await crowd.reply(START_PATIENCE)
        before = Reading.take(bot, database)
        async with Pulse() as pulse:
            await crowd.settle(PATIENCE)
            after = Reading.take(bot, database)
        replies = [one for one in crowd.ledger.answered if one.replied >= before.at]
        last = max((one.replied for one in replies), default=after.at)
        told = {"since_start_s": last - self._backlogged, "replies": len(replies), "seconds": last - before.at}
        rate = {"updates_per_s": len(replies) / told["seconds"] if replies else 0.0}
        return self._checks() | told | rate | costs(before, after, len(replies), bot, pulse)

    def _told(self, replies: list[Answered], seconds: float) -> Json:
        waited = [one.waited for one in replies]
        shares = {"p50_s": 0.5, "p95_s": 0.95, "p99_s": 0.99, "max_s": 1.0} if waited else {}
        return self._checks() | {
            "replies": len(replies),
            "seconds": seconds,
            "updates_per_s": len(replies) / seconds,
            **{name: percentile(waited, share) for name, share in shares.items()},
        }

    def _checks(self) -> Json:
        ledger = self._crowd.ledger
        wrong = {"lost": ledger.open, "surplus": ledger.surplus, "wrong": dict(ledger.wrong)}
        return {**wrong, "broken": self.broken[:3]}


def _route(part: Callable[[Json], Awaitable[Json]]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        return web.json_response(await part(await request.json()))

    return handle


async def serve(config: Config) -> None:
    """Run until standard input ends."""
    app = create_app(config)
    load = Load(Crowd(app[STATE].by_token(config.tokens[0])))
    for part in (load.probe, load.closed, load.open, load.backlog, load.drain):
        app.router.add_post(f"/bench/{part.__name__}", _route(part))
    asyncio.get_running_loop().set_exception_handler(
        lambda _, context: load.broken.append(f"{context['message']}: {context.get('exception')!r}")
    )
    runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def main() -> None:
    """Start from the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latency-ms", type=float, required=True, help="how long every call of the Bot API takes")
    parser.add_argument("--first-update-id", type=int, required=True)
    options = parser.parse_args()
    configure("ERROR")
    config = Config(
        tokens=(os.environ["BOT_TOKEN"],),
        any_webhook=True,
        latency={"*": options.latency_ms / 1000},
        first_update_id=options.first_update_id,
    )
    uvloop.run(serve(config))


if __name__ == "__main__":
    main()
