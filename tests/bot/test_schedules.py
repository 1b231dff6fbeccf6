"""Reminders and broadcasts: they come by themselves, once, and stop when asked to."""

import asyncio

import pytest

from .support import SETTLED, Phone, World, eventually, settle

ADMIN = 7050


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look more often than a bot that runs for months."""
    monkeypatch.setattr("kbju_bot.schedules.REMINDERS_INTERVAL", 0.05)
    monkeypatch.setattr("kbju_bot.schedules.BROADCASTS_INTERVAL", 0.1)
    monkeypatch.setattr("kbju_bot.schedules.REPORT_INTERVAL", 0.2)


async def remind(phone: Phone) -> None:
    """Set a reminder."""
    await phone.say("/remind")
    await phone.press("понедельник")
    assert "понедельник, 9:00" in (await phone.press("9:00"))["text"]


async def test_a_reminder_comes_once_and_again_next_week(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        await remind(phone)
        due = await world.value("SELECT next_at FROM reminders")
        assert due.isoweekday() == 1
        assert due.hour == 6
        await world.admin.execute("UPDATE reminders SET next_at = now() - interval '30 days'")
        assert "Пора обновить измерения" in (await phone.next())["text"]
        assert await world.value("SELECT next_at FROM reminders") == due
        assert await world.value("SELECT count(*) FROM outbox WHERE priority = 1") == 1
        assert "Вес" in (await phone.press("Новые измерения"))["text"]


async def test_two_instances_remind_once(world: World) -> None:
    await world.admin.execute(
        "INSERT INTO reminders (telegram_id, weekday, hour, next_at) SELECT telegram_id, 1, 9, 'infinity' FROM users"
    )
    second = world.environment(LOG_FILE=str(world.directory / "second.log"))
    async with world.bot(), world.bot(second):
        await world.admin.execute("UPDATE reminders SET next_at = now()")
        await eventually(lambda: world.value("SELECT count(*) >= $1 FROM outbox", len(SETTLED)))
        await eventually(lambda: world.value("SELECT bool_and(next_at > now()) FROM reminders"))
    assert await world.value("SELECT count(*) FROM outbox") == len(SETTLED)


async def test_a_reminder_can_be_switched_off(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        await remind(phone)
        await phone.say("/remind")
        assert "выключено" in (await phone.press("Выключить"))["text"]
        assert await world.value("SELECT count(*) FROM reminders") == 0


async def test_no_reminders_for_who_blocked_the_bot(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        await remind(phone)
        rule = {"method": "sendMessage", "kind": "http", "code": 403, "description": "Forbidden: bot was blocked"}
        await world.telegram.control("POST", "/faults", rule)
        await world.admin.execute("UPDATE reminders SET next_at = now()")
        await eventually(lambda: world.value("SELECT count(*) = 0 FROM reminders"))
        assert await world.value("SELECT blocked_at IS NOT NULL FROM users WHERE telegram_id = 7001")


async def meet(world: World) -> None:
    """Let everyone write once: Telegram lets a bot write to nobody who has not."""
    for user in SETTLED:
        await world.write(user, "/menu")
    for user in SETTLED:
        await world.replies(user, 1)


async def compose(admin: Phone, text: str) -> str:
    """Write a broadcast up to its preview."""
    assert "Что разослать" in (await admin.say("/broadcast"))["text"]
    preview: str = (await admin.say(text))["text"]
    return preview


async def test_a_broadcast_reaches_everyone_once(world: World) -> None:
    admin = Phone(world, ADMIN)
    await world.admin.execute("DELETE FROM consents WHERE telegram_id = 7003")
    async with world.bot(world.environment(ADMIN_IDS=str(ADMIN), BROADCAST_RATE="200")):
        await meet(world)
        await world.admin.execute("UPDATE users SET blocked_at = now() WHERE telegram_id = 7002")
        await admin.catch_up()
        preview = await compose(admin, "Завтра\nперерыв")
        assert preview.endswith("Завтра\nперерыв")
        assert f"({len(SETTLED) - 2})" in preview
        assert await world.value("SELECT count(*) FROM broadcasts") == 0
        assert "отправлено 0 из 48" in (await admin.press("Разослать"))["text"]
        await eventually(lambda: world.value("SELECT status = 'done' FROM broadcasts"))
        for user in SETTLED:
            got = [text for text in await world.chat(user) if text == "Завтра\nперерыв"]
            assert len(got) == (0 if user in {7002, 7003} else 1)

        async def reported() -> bool:
            texts = await world.chat(ADMIN)
            return sum("закончена: отправлено 48 из 48, не доставлено 0" in text for text in texts) == 2

        # The progress message was brought up to date, and a new one came.
        await eventually(reported)


async def test_a_broadcast_can_be_stopped(world: World) -> None:
    admin = Phone(world, ADMIN)
    async with world.bot(world.environment(ADMIN_IDS=str(ADMIN), BROADCAST_RATE="20")):
        await meet(world)
        await admin.catch_up()
        await compose(admin, "Привет")
        await admin.press("Разослать")
        await eventually(lambda: world.value("SELECT sent > 2 FROM broadcasts"))
        assert "остановлена" in (await admin.press("Остановить"))["text"]
        await eventually(lambda: world.value("SELECT count(*) = 0 FROM outbox WHERE sent_at IS NULL"))
        sent = await world.value("SELECT sent FROM broadcasts")
        assert sent < len(SETTLED)
        await asyncio.sleep(0.5)  # time for five more batches, had it gone on
        assert await world.value("SELECT count(*) FROM outbox WHERE broadcast_id IS NOT NULL") == sent


async def test_what_waits_for_another_try_is_stopped_too(world: World) -> None:
    admin = Phone(world, ADMIN)
    async with world.bot(world.environment(ADMIN_IDS=str(ADMIN), BROADCAST_RATE="20")):
        await meet(world)
        await admin.catch_up()
        await compose(admin, "Привет")
        rule = {"method": "sendMessage", "kind": "retry_after", "retry_after": 1, "chat_id": 7001}
        await world.telegram.control("POST", "/faults", rule)
        await admin.press("Разослать")
        postponed = "SELECT count(*) FROM outbox WHERE telegram_id = 7001 AND priority = 2 AND next_attempt_at > now()"
        await eventually(lambda: world.value(postponed))
        await admin.press("Остановить")
        left = "SELECT count(*) FROM outbox WHERE priority = 2 AND sent_at IS NULL AND failed_at IS NULL"
        await eventually(lambda: world.value(f"SELECT ({left}) = 0"))
        assert "Привет" not in await world.chat(7001)


async def test_answers_overtake_a_broadcast(world: World) -> None:
    admin = Phone(world, ADMIN)
    # Most of them Telegram does not know, and says so as slowly as it would take the message.
    await settle(world.admin, range(9001, 9401))
    await world.telegram.control("POST", "/faults", {"method": "sendMessage", "kind": "latency", "seconds": 0.05})
    environ = world.environment(ADMIN_IDS=str(ADMIN), BROADCAST_RATE="1000", SEND_RATE="20", SEND_CONCURRENCY="2")
    async with world.bot(environ):
        await compose(admin, "Привет")
        await admin.press("Разослать")
        await eventually(lambda: world.value("SELECT count(*) > 50 FROM outbox WHERE priority = 2 AND sent_at IS NULL"))
        await Phone(world, 7001).say("/help")
        # It was answered while most of the broadcast still waited.
        assert await world.value("SELECT count(*) > 50 FROM outbox WHERE priority = 2 AND sent_at IS NULL")
        await world.admin.execute("UPDATE broadcasts SET status = 'stopped', finished_at = now()")
        await world.admin.execute("DELETE FROM outbox WHERE priority = 2")


async def test_others_are_told_nothing_of_admins_commands(world: World) -> None:
    async with world.bot(world.environment(ADMIN_IDS=str(ADMIN))):
        assert "не понимаю" in (await Phone(world, 7001).say("/broadcast"))["text"]
        assert "не понимаю" in (await Phone(world, 7002).say("/stats"))["text"]


async def test_stats(world: World) -> None:
    async with world.bot(world.environment(ADMIN_IDS=f"1, {ADMIN}")):
        text = (await Phone(world, ADMIN).say("/stats"))["text"]
        assert "Пользователей: 50, с согласием: 50, прошли опрос: 50" in text
        assert "Измерений: 50" in text


async def test_the_rate_is_kept(world: World) -> None:
    async with world.bot(world.environment(SEND_RATE="20", SEND_RATE_CHAT="0")):
        for user in SETTLED:
            await world.write(user, "/help")
        for user in SETTLED:
            await world.replies(user, 1)
    counters = await world.telegram.control("GET", "/counters")
    assert counters["messages_per_second_max"] <= 40
    assert counters["messages_per_second_max"] < len(SETTLED)


async def test_one_chat_gets_a_burst_and_then_one_a_second(world: World) -> None:
    async with world.bot(world.environment(SEND_RATE_CHAT="2")):
        for _ in range(8):
            await world.write(7001, "/help")
        await world.replies(7001, 8)
    counters = await world.telegram.control("GET", "/counters")
    assert counters["messages_per_second_max_one_chat"] in {5, 6, 7}
