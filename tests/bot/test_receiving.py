"""Receiving by polling and by webhook: nothing is lost, nothing is done twice."""

import asyncio
from typing import Any

import asyncpg
import pytest

from kbju_bot.core import dialogue
from kbju_bot.core.forms import Step
from kbju_bot.core.model import Context, Event
from kbju_bot.core.state import State
from kbju_bot.storage import states
from kbju_bot.telegram.webhook import Webhook

from .support import LocalBot, World, eventually, update

MODES = pytest.mark.parametrize("mode", ["polling", "webhook"])


def environment(world: World, mode: str) -> dict[str, str]:
    return world.environment() if mode == "polling" else world.webhook_environment()


@MODES
async def test_start(world: World, mode: str) -> None:
    async with world.bot(environment(world, mode)) as bot:
        await world.write(8001, "/start", first_name="Анна", username="anna", language_code="ru")
        await world.write(8002, "/start", first_name="John", language_code="en")
        assert "Здравствуйте, Анна!" in (await world.replies(8001, 1))[0]
        assert "Hello, John!" in (await world.replies(8002, 1))[0]
        row = await world.admin.fetchrow("SELECT * FROM users WHERE telegram_id = 8001")
        assert (row["first_name"], row["username"], row["language_code"]) == ("Анна", "anna", "ru")
        assert row["blocked_at"] is None
        assert await world.value("SELECT count(*) FROM users WHERE telegram_id > 8000") == 2
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM outbox WHERE sent_at IS NOT NULL"))
        assert await bot.metric("bot_messages_total") == 2
        assert await bot.metric('bot_commands_total{command="start"}') == 2
    assert bot.exit_code == 0


async def test_a_changed_name_is_stored(world: World) -> None:
    async with world.bot():
        await world.write(7001, "/help", first_name="Аня")
        await world.replies(7001, 1)
        assert await world.value("SELECT first_name FROM users WHERE telegram_id = 7001") == "Аня"


@MODES
async def test_an_update_twice_has_one_effect(world: World, mode: str) -> None:
    async with world.bot(environment(world, mode)) as bot:
        number = await world.write(7001, "/data")
        await world.replies(7001, 1)
        await world.telegram.control("POST", "/updates", {"repeat": number})
        await eventually(lambda: bot.metric("bot_updates_duplicate_total"))
        await world.write(7001, "/help")
        assert len(await world.replies(7001, 2)) == 2
        assert await world.value("SELECT count(*) FROM outbox") == 2
        assert await bot.metric("bot_messages_total") == 2


async def test_the_same_update_at_once_has_one_effect(world: World) -> None:
    async with world.bot(world.webhook_environment()) as bot:
        statuses = await asyncio.gather(*(bot.deliver(update(10, 7001, "/data")) for _ in range(20)))
        assert set(statuses) == {200}
        assert await world.value("SELECT count(*) FROM outbox") == 1


@MODES
async def test_one_users_messages_keep_their_order(world: World, mode: str) -> None:
    said = {"/data": "Дата рождения", "/help": "/measure —", "/privacy": "Ваши права", "/menu": "Что будем делать"}
    commands = [*said, *reversed(said), "/help", "/menu", "/data", "/help"]
    async with world.bot(environment(world, mode), ready=False) as bot:
        for command in commands:
            for user in (7001, 7002):
                await world.write(user, command)
        for user in (7001, 7002):
            texts = await world.replies(user, len(commands))
            assert [said[command] in text for command, text in zip(commands, texts, strict=True)] == [True] * 12
        assert await bot.metric("bot_messages_total") == 24


async def test_a_webhook_answers_only_after_the_commit(world: World) -> None:
    async with world.bot(world.webhook_environment()) as bot:
        blocker = await world.cluster.connect(world.database)
        await blocker.execute("BEGIN; SELECT pg_advisory_xact_lock(7001)")
        delivery = asyncio.create_task(bot.deliver(update(10, 7001, "/data")))
        # Another user is served meanwhile.
        assert await bot.deliver(update(11, 7002, "/data")) == 200
        assert not delivery.done()
        assert await world.value("SELECT array_agg(update_id) FROM inbox") == [11]
        await blocker.execute("ROLLBACK")
        assert await delivery == 200
        assert await world.value("SELECT count(*) FROM inbox") == 2
        await blocker.close()


async def test_a_flooding_user_leaves_room_for_others(world: World) -> None:
    async with world.bot(world.webhook_environment(DB_POOL_MAX="6")) as bot:
        blocker = await world.cluster.connect(world.database)
        await blocker.execute("BEGIN; SELECT pg_advisory_xact_lock(7001)")
        flood = [asyncio.create_task(bot.deliver(update(100 + n, 7001, "x"))) for n in range(30)]
        assert await asyncio.wait_for(bot.deliver(update(11, 7002, "/data")), 2) == 200
        await blocker.execute("ROLLBACK")
        assert set(await asyncio.gather(*flood)) == {200}
        await blocker.close()


async def test_a_poll_confirms_only_what_is_committed(world: World) -> None:
    async with world.bot() as bot:
        blocker = await world.cluster.connect(world.database)
        await blocker.execute("BEGIN; SELECT pg_advisory_xact_lock(7001)")
        await world.write(7001, "/data")
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: world.value(waiting))
        counters = await world.telegram.control("GET", "/counters")
        assert counters["updates"]["pending"] == 1
        await blocker.execute("ROLLBACK")
        await world.replies(7001, 1)
        await eventually(lambda: _confirmed(world))
        assert await bot.metric("bot_updates_duplicate_total") == 0
        await blocker.close()


async def test_an_update_that_was_put_off_comes_again_in_its_order(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, failures = states.admit, iter([True, True])

    async def admit(connection: asyncpg.Connection, update_id: int, *rest: Any) -> states.Admitted | None:
        if update_id == first and next(failures, False):
            raise asyncpg.DeadlockDetectedError("deadlock detected")
        return await original(connection, update_id, *rest)

    # Written before the bot starts, so that both come with the first poll.
    first = await world.write(7001, "/data")
    await world.write(7001, "/help")
    monkeypatch.setattr(states, "admit", admit)
    async with world.bot() as bot:
        greeting, _ = await world.replies(7001, 2)
        assert "Анна" in greeting
        assert await bot.metric('bot_errors_total{kind="storage"}') == 2
        assert await bot.metric("bot_updates_duplicate_total") == 0


@MODES
async def test_stopping_finishes_what_is_being_handled(world: World, mode: str) -> None:
    async with world.bot(environment(world, mode)) as bot:
        blocker = await world.cluster.connect(world.database)
        await blocker.execute("BEGIN; SELECT pg_advisory_xact_lock(7001)")
        await world.write(7001, "/data")
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        await eventually(lambda: world.value(waiting))
        bot.app.stop()
        await eventually(lambda: bot.app.readiness.state == "stopping")
        await blocker.execute("ROLLBACK")
        await bot.task
        await blocker.close()
    assert bot.exit_code == 0
    assert await world.value("SELECT count(*) FROM outbox WHERE sent_at IS NOT NULL") == 1
    assert len(await world.chat(7001)) == 1


async def _confirmed(world: World) -> bool:
    pending: int = (await world.telegram.control("GET", "/counters"))["updates"]["pending"]
    return pending == 0


@MODES
async def test_without_postgres_updates_wait(world: World, mode: str) -> None:
    async with world.bot(environment(world, mode)) as bot:
        await world.write(7001, "/data")
        await world.replies(7001, 1)
        await world.gate.cut()
        await world.write(7001, "/help")
        await eventually(lambda: _unready(bot.get("/readyz"), "database"))
        assert (await bot.get("/healthz"))[0] == 200
        if mode == "webhook":
            assert await bot.deliver(update(5, 7003, "/data")) == 503
        assert await world.value("SELECT count(*) FROM inbox") == 1
        await world.gate.open()
        assert len(await world.replies(7001, 2)) == 2
        await eventually(bot.ready)
        assert await world.value("SELECT count(*) FROM inbox WHERE telegram_id = 7001") == 2


async def _unready(answer: object, check: str) -> bool:
    status, text = await answer  # type: ignore[misc]
    return status == 503 and f'"{check}": {{"ok": false' in text


async def test_a_bot_that_starts_before_postgres(world: World) -> None:
    await world.gate.cut()
    async with world.bot(ready=False) as bot:
        await eventually(lambda: _unready(bot.get("/readyz"), "database"))
        await world.gate.open()
        await eventually(bot.ready)
        await world.write(7001, "/data")
        await world.replies(7001, 1)


@MODES
async def test_without_telegram(world: World, mode: str) -> None:
    async with world.bot(environment(world, mode)) as bot:
        await world.telegram.control("POST", "/outage", {"active": True})
        await world.write(7001, "/data")
        await eventually(lambda: _unready(bot.get("/readyz"), "telegram"))
        await world.telegram.control("POST", "/outage", {"active": False})
        await eventually(bot.ready)
        assert len(await world.replies(7001, 1)) == 1


@MODES
async def test_an_update_that_can_not_be_handled(world: World, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    original = dialogue.step

    def break_down(state: State, event: Event, context: Context) -> Step:
        if getattr(event, "text", None) == "83 kg":
            raise ValueError("83 kg")
        return original(state, event, context)

    monkeypatch.setattr(dialogue, "step", break_down)
    async with world.bot(environment(world, mode)) as bot:
        await world.write(7001, "83 kg")
        assert "сломалось" in (await world.replies(7001, 1))[0]
        await world.write(7001, "/data")
        assert "Анна" in (await world.replies(7001, 2))[1]
        reason = await world.value("SELECT failed_reason FROM inbox WHERE failed_reason IS NOT NULL")
        assert reason.startswith("ValueError at ")
        assert "83 kg" not in reason
        assert await bot.metric('bot_errors_total{kind="dialogue"}') == 1


@MODES
async def test_an_update_nobody_understands_holds_nothing_up(world: World, mode: str) -> None:
    async with world.bot(environment(world, mode)) as bot:
        await world.telegram.control(
            "POST", "/updates", {"update": {"message": {"message_id": "?", "chat": {"id": 1}}}}
        )
        await world.write(7001, "/data")
        await world.replies(7001, 1)
        await eventually(lambda: world.value("SELECT count(*) = 2 FROM inbox"))
        assert await bot.metric('bot_errors_total{kind="dialogue"}') == 1


async def refuse(monkeypatch: pytest.MonkeyPatch, *users: int) -> None:
    """Let the database refuse the statements of these users; nobody: of everyone."""
    original = states.admit

    async def admit(connection: asyncpg.Connection, update_id: int, user: int, *rest: Any) -> states.Admitted | None:
        if user in users or not users:
            await connection.execute("SELECT missing FROM users")
        return await original(connection, update_id, user, *rest)

    monkeypatch.setattr(states, "admit", admit)


@MODES
async def test_an_update_the_database_alone_refuses_holds_nobody_up(
    world: World, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await refuse(monkeypatch, 7001)
    async with world.bot(environment(world, mode)):
        await world.write(7001, "/data")
        for number in range(1, 40):
            await world.write(7002, "/help")
            await world.replies(7002, number)
            if await world.chat(7001):
                break
        assert "сломалось" in (await world.replies(7001, 1))[0]
        reason = await world.value("SELECT failed_reason FROM inbox WHERE telegram_id = 7001")
        assert "UndefinedColumnError" in reason


async def test_a_database_that_refuses_everyone_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    # A release that does not fit the schema, say: nothing may be given up before it is repaired.
    with monkeypatch.context() as broken:
        await refuse(broken)
        async with world.bot() as bot:
            await world.write(7001, "/data")
            await eventually(lambda: _refusals(bot), within=30)
            assert await world.value("SELECT count(*) FROM inbox") == 0
    async with world.bot():
        assert "Анна" in (await world.replies(7001, 1))[0]


async def _refusals(bot: LocalBot) -> bool:
    return await bot.metric('bot_errors_total{kind="storage"}') >= 6


async def test_wrong_secrets_are_refused(world: World) -> None:
    async with world.bot(world.webhook_environment()) as bot:
        for secret in (None, "", "wrong", "s" * 23, "ы"):
            assert await bot.deliver(update(10, 7001, "/data"), secret) == 401
        assert await world.value("SELECT count(*) FROM inbox") == 0
        assert await bot.deliver([1, 2]) == 400
        assert await bot.deliver({}) == 400


async def test_there_is_no_webhook_while_polling(world: World) -> None:
    async with world.bot() as bot:
        assert await bot.deliver(update(10, 7001, "/data")) == 404


async def test_the_webhook_is_set_and_kept(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kbju_bot.telegram.webhook.CHECK_INTERVAL", 0.05)
    environ = world.webhook_environment()
    async with world.bot(environ) as bot:
        api = f"{world.telegram.url}/bot{environ['BOT_TOKEN']}"

        async def address() -> str:
            async with world.session.get(f"{api}/getWebhookInfo") as response:
                url: str = (await response.json())["result"]["url"]
                return url

        assert await address() == f"{bot.url}/telegram/webhook"
        async with world.session.get(f"{api}/deleteWebhook") as response:
            assert response.status == 200
        assert await eventually(address) == f"{bot.url}/telegram/webhook"


async def test_polling_takes_the_webhook_away_and_keeps_the_updates(world: World) -> None:
    environ = world.webhook_environment()
    api = f"{world.telegram.url}/bot{environ['BOT_TOKEN']}"
    async with world.session.post(f"{api}/setWebhook", json={"url": "http://127.0.0.1:9/telegram/webhook"}) as response:
        assert response.status == 200
    await world.write(7001, "/data")
    async with world.bot():
        await world.replies(7001, 1)


async def test_a_certificate_is_uploaded(world: World) -> None:
    certificate = world.directory / "cert.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n")
    calls: list[object] = []

    class Api:
        async def set_webhook(self, *arguments: object) -> None:
            calls.append(arguments)

    webhook = Webhook(
        Api(),  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        None,  # type: ignore[arg-type]
        url="https://x/telegram/webhook",
        secret="s" * 16,
        certificate=certificate,
        registered=lambda: calls.append("registered"),
    )
    task = asyncio.create_task(webhook.keep())
    await eventually(lambda: "registered" in calls)
    task.cancel()
    assert calls == [("https://x/telegram/webhook", "s" * 16, certificate), "registered"]
