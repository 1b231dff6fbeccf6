"""Sending from the outbox."""

import asyncio
import time
from typing import Any

import asyncpg
import pytest

from kbju_bot.charts.worker import ChartError, ChartPainter
from kbju_bot.storage import outbox, users
from kbju_bot.storage.outbox import Call, Settlement

from .cluster import Cluster
from .support import World, eventually, settle


async def fault(world: World, **rule: object) -> None:
    await world.telegram.control("POST", "/faults", {"method": "sendMessage", **rule})


async def test_a_user_who_blocked_the_bot_is_marked(world: World) -> None:
    async with world.bot() as bot:
        await world.write(7001, "/data")
        await world.replies(7001, 1)
        await fault(world, kind="http", code=403, description="Forbidden: bot was blocked by the user", times=1)
        await world.write(7001, "/help")
        await eventually(lambda: world.value("SELECT blocked_at IS NOT NULL FROM users WHERE telegram_id = 7001"))
        assert await world.value("SELECT failed_reason FROM outbox WHERE failed_at IS NOT NULL")
        assert await bot.metric('bot_replies_total{result="blocked"}') == 1
        await world.write(7001, "/help")
        await world.replies(7001, 2)
        assert await world.value("SELECT blocked_at IS NULL FROM users WHERE telegram_id = 7001")


async def test_blocking_is_noticed_without_sending(world: World) -> None:
    async with world.bot():
        await world.write(7001, "/data")
        await world.replies(7001, 1)
        await world.telegram.control("POST", "/users/7001/block")
        await eventually(lambda: world.value("SELECT blocked_at IS NOT NULL FROM users WHERE telegram_id = 7001"))
        await world.telegram.control("POST", "/users/7001/unblock")
        await eventually(lambda: world.value("SELECT blocked_at IS NULL FROM users WHERE telegram_id = 7001"))


async def test_retry_after_is_honoured_and_holds_up_only_that_chat(world: World) -> None:
    async with world.bot() as bot:
        await fault(world, kind="retry_after", retry_after=1, times=1, chat_id=7001)
        started = time.monotonic()
        await world.write(7001, "/data")
        await world.write(7001, "/help")
        await world.write(7002, "/data")
        await world.replies(7002, 1)
        assert time.monotonic() - started < 0.9
        first, second = await world.replies(7001, 2)
        assert time.monotonic() - started >= 1
        assert "Анна" in first
        assert "Анна" not in second
        assert await bot.metric('bot_replies_total{result="retry"}') == 1


@pytest.mark.parametrize(
    "rule",
    [{"kind": "http", "code": 502}, {"kind": "disconnect"}],
    ids=["gateway", "cut"],
)
async def test_what_may_pass_is_tried_again(world: World, rule: dict[str, Any]) -> None:
    async with world.bot():
        await fault(world, times=2, **rule)
        await world.write(7001, "/data")
        await world.write(7001, "/help")
        first, second = await world.replies(7001, 2)
        assert "Анна" in first
        assert "Анна" not in second
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM outbox WHERE sent_at IS NOT NULL"))
        assert await world.value("SELECT attempts FROM outbox ORDER BY id LIMIT 1") == 3


async def test_what_telegram_refuses_is_given_up(world: World) -> None:
    async with world.bot() as bot:
        await fault(world, kind="http", code=400, description="Bad Request: message is too long", times=1)
        await world.write(7001, "/data")
        await world.write(7001, "/help")
        assert len(await world.replies(7001, 1)) == 1
        reason = await world.value("SELECT failed_reason FROM outbox ORDER BY id LIMIT 1")
        assert reason == "BadRequest: Message is too long"
        assert await bot.metric('bot_errors_total{kind="send"}') == 1


async def test_what_telegram_accepted_is_not_sent_again_when_postgres_goes_away(world: World) -> None:
    async with world.bot() as bot:
        await fault(world, kind="latency", seconds=0.4, times=1)
        await world.write(7001, "/data")
        # Not by the row: what was claimed is on its way only when Telegram has it.
        await eventually(lambda: _sending(world))
        await world.gate.cut()
        await world.replies(7001, 1)
        await world.gate.open()
        await eventually(lambda: world.value("SELECT sent_at IS NOT NULL FROM outbox"))
        assert await world.value("SELECT attempts FROM outbox") == 1
        assert len(await world.chat(7001)) == 1
        await eventually(bot.ready)


async def _sending(world: World) -> bool:
    counters = await world.telegram.control("GET", "/counters")
    return bool(counters["methods"].get("sendmessage"))


async def test_response_time_is_measured_to_the_accepted_reply(world: World) -> None:
    async with world.bot() as bot:
        await fault(world, kind="latency", seconds=0.3, times=1)
        await world.write(7001, "/data")
        await world.replies(7001, 1)
        await eventually(lambda: bot.metric("bot_response_time_seconds_count"))
        assert 0.3 <= await bot.metric("bot_response_time_seconds_sum") < 2


async def _queue(connection: asyncpg.Connection, *chats: int) -> None:
    for chat in chats:
        await outbox.put(connection, [Call(chat, "sendMessage", {"chat_id": chat, "text": "x"})], None)


async def test_claims_take_the_oldest_of_each_chat(cluster: Cluster, database: str) -> None:
    bot = await cluster.connect(database, "kbju_bot")
    await _queue(bot, 1, 1, 2, 1)
    claimed = await outbox.claim(bot, limit=10, lease=60)
    assert [(one.id, one.telegram_id, one.attempts) for one in claimed] == [(1, 1, 1), (3, 2, 1)]
    assert await outbox.claim(bot, limit=10, lease=60) == []
    await outbox.settle(bot, Settlement(sent=[claimed[0]]))
    second = await outbox.claim(bot, limit=10, lease=60)
    assert [one.id for one in second] == [2]
    await outbox.settle(bot, Settlement(failed=[(second[0], "x")]))
    fourth = await outbox.claim(bot, limit=10, lease=60)
    assert [one.id for one in fourth] == [4]
    await outbox.settle(bot, Settlement(postponed=[(fourth[0], 60)]))
    assert await outbox.claim(bot, limit=10, lease=60) == []
    await outbox.release(bot, [1, 3, 4])
    assert [one.id for one in await outbox.claim(bot, limit=10, lease=0, besides=[3])] == [4]
    # A lease that ran out: the row is due again, except for who is still at it.
    assert [one.id for one in await outbox.claim(bot, limit=10, lease=0)] == [3, 4]
    waiting, age = await outbox.backlog(bot)
    assert waiting == 2
    assert 0 <= age < 60
    await bot.close()


async def test_claimers_never_share(cluster: Cluster, database: str) -> None:
    connections = [await cluster.connect(database, "kbju_bot") for _ in range(4)]
    await _queue(connections[0], *range(1, 201))

    async def take(connection: asyncpg.Connection) -> list[int]:
        taken: list[int] = []
        while claimed := await outbox.claim(connection, limit=7, lease=60):
            taken += [one.id for one in claimed]
        return taken

    taken = await asyncio.gather(*map(take, connections))
    # Who met only rows locked by others may have stopped early; none was taken twice.
    everything = sorted(number for numbers in taken for number in numbers)
    assert len(everything) == len(set(everything))
    everything += await take(connections[0])
    assert sorted(everything) == list(range(1, 201))
    for connection in connections:
        await connection.close()


async def test_old_rows_are_deleted(cluster: Cluster, database: str) -> None:
    bot = await cluster.connect(database, "kbju_bot")
    await _queue(bot, 1, 2, 3, 4)
    await bot.execute("UPDATE outbox SET sent_at = now() - interval '25 hours' WHERE id = 1")
    await bot.execute("UPDATE outbox SET sent_at = now() - interval '23 hours' WHERE id = 2")
    await bot.execute("UPDATE outbox SET failed_at = now() - interval '8 days', failed_reason = 'x' WHERE id = 3")
    await bot.execute("UPDATE outbox SET created_at = now() - interval '1 year' WHERE id = 4")
    # One at a time, to see that what is left over is told.
    assert await outbox.clean_up(bot, 1)
    assert await outbox.clean_up(bot, 1)
    assert not await outbox.clean_up(bot, 1)
    assert await bot.fetchval("SELECT array_agg(id ORDER BY id) FROM outbox") == [2, 4]
    await bot.close()


async def test_waiting_for_the_chats_turn_is_no_attempt(cluster: Cluster, database: str) -> None:
    bot = await cluster.connect(database, "kbju_bot")
    await _queue(bot, 1, 2)
    first, second = await outbox.claim(bot, limit=10, lease=60)
    await outbox.settle(bot, Settlement(held=[(first, 0)], postponed=[(second, 0)]))
    claimed = await outbox.claim(bot, limit=10, lease=60)
    assert [(one.telegram_id, one.attempts) for one in claimed] == [(1, 1), (2, 2)]
    await bot.close()


async def test_who_blocks_the_bot_while_a_reply_is_on_its_way(cluster: Cluster, database: str) -> None:
    bot = await cluster.connect(database, "kbju_bot")
    await settle(bot, [1])
    await _queue(bot, 1, 1)
    await outbox.put(bot, [Call(1, "sendMessage", {"chat_id": 1, "text": "farewell"}, forget=True)], None)
    (claimed,) = await outbox.claim(bot, limit=10, lease=60)
    await users.note_blocked(bot, 1)
    # Telegram took it all the same.
    await outbox.settle(bot, Settlement(sent=[claimed]))
    rows = await bot.fetch("SELECT sent_at IS NOT NULL AS sent, failed_reason, payload::text FROM outbox ORDER BY id")
    assert [tuple(row) for row in rows] == [(True, None, "{}"), (False, "the user blocked the bot", "{}")]
    await bot.close()


async def test_charts_keep_nobody_waiting(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = asyncio.Event()

    async def paint(*_: object) -> bytes:
        await drawn.wait()
        raise ChartError

    monkeypatch.setattr(ChartPainter, "paint", paint)
    async with world.bot(world.environment(SEND_CONCURRENCY="2")):
        for user in range(7001, 7009):
            await world.write(user, "/progress")
        await eventually(lambda: world.value("SELECT count(*) > 1 FROM outbox WHERE attempts > 0"))
        await world.write(7010, "/help")
        await world.replies(7010, 1)
        drawn.set()
        for user in range(7001, 7009):
            await world.replies(user, 1, within=20)
