"""Errors reported to Sentry: where it broke, and nothing about anybody."""

import gzip
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from kbju_bot.logs import Redactor
from kbju_bot.reporting import scrubbed

from .cluster import free_port
from .support import World, eventually

HEALTH = "83,5 кг"


@asynccontextmanager
async def sentry() -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that takes what Sentry's library sends; its DSN and what came."""
    received: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        received.append(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body)
        return web.json_response({})

    app = web.Application()
    app.router.add_post("/api/1/envelope/", take)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://public@127.0.0.1:{port}/1", received
    finally:
        await runner.cleanup()


async def test_an_error_is_reported_without_what_the_user_wrote(world: World) -> None:
    async with sentry() as (dsn, received):
        # The database refuses this user's dialogue, so handling breaks down.
        await world.admin.execute("ALTER TABLE dialogues ADD CONSTRAINT broken CHECK (telegram_id <> 7001)")
        async with world.process(world.environment(SENTRY_DSN=dsn)) as bot:
            await world.write(7001, "/goal")
            await eventually(lambda: received, within=20)
            assert dsn not in bot.text
    report = b"".join(received).decode()
    assert "can't be handled" in report
    assert "7001" not in report
    assert "Анна" not in report
    assert world.cluster.password not in report


def test_texts_arguments_and_variables_are_left_out() -> None:
    event = {
        "event_id": "x",
        "level": "error",
        "server_name": "nas",
        "user": {"id": "7001"},
        "extra": {"weight": HEALTH},
        "breadcrumbs": {"values": [{"message": HEALTH}]},
        "logentry": {"message": "update %d: %s", "formatted": f"update 1: {HEALTH}", "params": [1, HEALTH]},
        "exception": {
            "values": [
                {
                    "type": "ValueError",
                    "value": HEALTH,
                    "stacktrace": {"frames": [{"function": "parse", "lineno": 3, "vars": {"text": HEALTH}}]},
                }
            ]
        },
    }
    report = scrubbed(event, Redactor())
    text = json.dumps(report, ensure_ascii=False)
    assert HEALTH not in text
    assert "7001" not in text
    assert "nas" not in text
    assert report["logentry"] == {"message": "update %d: %s"}
    assert report["exception"]["values"][0]["stacktrace"] == {"frames": [{"function": "parse", "lineno": 3}]}


def test_a_text_that_was_put_together_beforehand_is_left_out() -> None:
    assert "logentry" not in scrubbed({"logentry": {"message": f"weight {HEALTH}"}}, Redactor())


@pytest.mark.parametrize("event", [{}, {"exception": None}, {"exception": {"values": [{}]}}, {"logentry": {}}])
def test_odd_events_break_nothing(event: dict[str, object]) -> None:
    assert isinstance(scrubbed(event, Redactor()), dict)
