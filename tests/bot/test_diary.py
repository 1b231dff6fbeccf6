"""One user's life with the bot, through Telegram and PostgreSQL: each effect is in the database once."""

import csv
import io
import json

import pytest

from kbju_bot.charts.worker import ChartError, ChartPainter

from .support import Phone, World, eventually

MODES = pytest.mark.parametrize("mode", ["polling", "webhook"])
TABLES = ("users", "user_records", "user_food_preferences", "consents", "dialogues", "reminders", "outbox", "inbox")


async def survey(phone: Phone) -> str:
    """Answer every question and return the results."""
    assert "Здравствуйте, Анна!" in (await phone.say("/start"))["text"]
    assert "Шаг 1 из 12" in (await phone.press("Даю согласие"))["text"]
    await phone.press("Анна")
    await phone.say("23.11.1990")
    await phone.press("Женский")
    await phone.say("170")
    await phone.say("70,5")
    await phone.press("5000–7499")
    await phone.press("силовые тренировки")
    await phone.press("3–4 раза в неделю")
    await phone.say("80.5")
    await phone.say("34")
    assert "Шаг 12 из 12" in (await phone.say("100"))["text"]
    text: str = (await phone.press("Здоровье"))["text"]
    return text


async def rows(world: World, user: int) -> dict[str, int]:
    """Count a user's rows by table."""
    return {table: await world.value(f"SELECT count(*) FROM {table} WHERE telegram_id = $1", user) for table in TABLES}


@MODES
async def test_from_consent_to_deletion(world: World, mode: str) -> None:
    phone = Phone(world, 8001, {"first_name": "Анна"})
    environ = world.environment() if mode == "polling" else world.webhook_environment()
    async with world.bot(environ):
        results = await survey(phone)
        assert "Жир: 30,3 %" in results
        assert "ккал" in results
        assert (await rows(world, 8001))["user_records"] == 1
        # The survey was on an earlier day.
        await world.admin.execute("UPDATE user_records SET day = day - 14 WHERE telegram_id = 8001")
        for days, weight in ((7, "69,8"), (0, "69")):
            await phone.say("/measure")
            await phone.say(weight)
            await phone.press("Как раньше: 80,5")
            await phone.press("Как раньше: 34")
            assert "Измерения записаны" in (await phone.press("Как раньше: 100"))["text"]
            # The newest is today's, whatever the day is where the user lives: not always the database's.
            await world.admin.execute(
                "UPDATE user_records SET day = day - $1::int WHERE telegram_id = 8001"
                " AND day = (SELECT max(day) FROM user_records WHERE telegram_id = 8001)",
                days,
            )
        # Again on the same day: no fourth row.
        await phone.say("/measure")
        await phone.say("68,9")
        for girth in ("80", "34", "99,5"):
            answer = await phone.say(girth)
        assert "обновлены" in answer["text"]
        weights = "SELECT array_agg(weight_kg::float8 ORDER BY day) FROM user_records WHERE telegram_id = 8001"
        assert await world.value(weights) == [70.5, 69.8, 68.9]

        chart = await phone.say("/progress")
        assert chart["kind"] == "photo"
        assert (await phone.file(chart)).startswith(b"\x89PNG")
        assert "Вес: 68,9 кг (−1,6 кг)" in chart["text"]

        await phone.say("/food")
        await phone.say("рыба и овощи")
        assert "Не едите: не указано" in (await phone.press("Пропустить"))["text"]

        exported = json.loads(await phone.file(await phone.say("/export")))
        assert exported["user"]["name"] == "Анна"
        assert [record["weight_kg"] for record in exported["records"]] == [70.5, 69.8, 68.9]
        assert exported["food_preferences"]["likes"] == "рыба и овощи"
        table = (await phone.file(await phone.next())).decode("utf-8-sig")
        lines = list(csv.DictReader(io.StringIO(table), delimiter=";"))
        assert [line["weight_kg"] for line in lines] == ["70,5", "69,8", "68,9"]

        await phone.say("/delete_me")
        await phone.press("Да, удалить")
        assert "Всё удалено" in (await phone.press("Удалить навсегда"))["text"]
        await eventually(lambda: world.value("SELECT count(*) = 0 FROM outbox WHERE telegram_id = 8001"))
        assert await rows(world, 8001) == dict.fromkeys(TABLES, 0)
        assert "Здравствуйте" in (await phone.say("/start"))["text"]


async def test_an_update_that_comes_again_after_the_deletion_brings_nothing_back(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot() as bot:
        await phone.say("/delete_me")
        await phone.press("Да, удалить")
        await phone.press("Удалить навсегда")
        number = await world.value("SELECT min(update_id) FROM inbox")
        await world.telegram.control("POST", "/updates", {"repeat": number})
        await eventually(lambda: bot.metric("bot_updates_duplicate_total"))
        assert await world.value("SELECT count(*) FROM users WHERE telegram_id = 7001") == 0


async def test_a_survey_goes_on_after_a_kill_at_every_step(world: World) -> None:
    phone = Phone(world, 8001, {"first_name": "Анна"})
    answers = ["/start", "Даю согласие", "Аня", "23.11.1990", "мужской", "180", "90", "меньше 5000", "не занимаюсь"]
    answers += ["90", "40", "рельеф"]
    for answer in answers:
        async with world.process() as bot:
            said = (await phone.say(answer))["text"]
            # The reply may have arrived before the bot knew it, and a reply may come twice: not what is tested here.
            await eventually(lambda: world.value("SELECT bool_and(sent_at IS NOT NULL) FROM outbox"))
            await bot.kill()
    assert "Жир: 18,4 %" in said
    assert await world.value("SELECT count(*) FROM user_records WHERE telegram_id = 8001") == 1


async def test_a_changed_goal_is_stored(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        await phone.say("/goal")
        assert "Рельеф" in (await phone.press("Рельеф"))["text"]
    assert await world.value("SELECT goal FROM users WHERE telegram_id = 7001") == "lean"


async def test_a_stale_button_is_answered_and_goes_away(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        question = await phone.say("/goal")
        data = question["buttons"][0][0]["data"]
        await phone.press("Отменить")
        body = {"message_id": question["id"], "data": data}
        await world.telegram.control("POST", "/users/7001/callbacks", body)

        async def without_buttons() -> bool:
            chat = await world.telegram.control("GET", "/users/7001/chat")
            return not next(one for one in chat if one["id"] == question["id"])["buttons"]

        await eventually(without_buttons)
        answers = await world.telegram.control("GET", "/users/7001/callbacks")
        assert "уже не действует" in answers[-1]["text"]
    assert await world.value("SELECT goal FROM users WHERE telegram_id = 7001") == "healthy"


async def test_a_pressed_button_stops_waiting(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        await phone.say("/menu")
        await phone.press("Мои данные")
        answers = await eventually(lambda: world.telegram.control("GET", "/users/7001/callbacks"))
        assert not answers[-1]["text"]


async def test_a_chart_that_can_not_be_drawn_leaves_its_words(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(*_: object) -> bytes:
        raise ChartError

    monkeypatch.setattr(ChartPainter, "paint", refuse)
    async with world.bot() as bot:
        message = await Phone(world, 7001).say("/progress")
        assert message["kind"] == "text"
        assert "70 кг" in message["text"]
        assert await bot.metric('bot_charts_total{result="failed"}') == 3


async def test_texts_are_not_kept_once_sent(world: World) -> None:
    phone = Phone(world, 7001)
    async with world.bot():
        await phone.say("/data")
        await eventually(lambda: world.value("SELECT sent_at IS NOT NULL FROM outbox"))
        assert await world.value("SELECT payload::text FROM outbox") == "{}"


async def test_telegram_shows_the_commands(world: World) -> None:
    environ = world.environment()
    async with world.bot(environ):

        async def listed(language: str) -> list[str]:
            url = f"{world.telegram.url}/bot{environ['BOT_TOKEN']}/getMyCommands"
            async with world.session.get(url, params={"language_code": language}) as response:
                return [one["description"] for one in (await response.json())["result"]]

        assert "меню" in await eventually(lambda: listed("ru"))
        assert "the menu" in await eventually(lambda: listed(""))


async def test_a_profile_that_is_not_complete_outlives_a_change_of_language(world: World) -> None:
    # As an import leaves it: no steps, no sport, no consent.
    await world.admin.execute("UPDATE users SET steps = NULL, sport = NULL WHERE telegram_id = 7001")
    await world.admin.execute("DELETE FROM consents WHERE telegram_id = 7001")
    phone = Phone(world, 7001)
    async with world.bot():
        await phone.say("/start")
        await phone.press("English")
        await eventually(lambda: world.value("SELECT language = 'en' FROM users WHERE telegram_id = 7001"))
    row = await world.admin.fetchrow("SELECT name, sex, height_cm::float8, goal FROM users WHERE telegram_id = 7001")
    assert tuple(row) == ("Анна", "female", 170.0, "healthy")


async def test_nothing_is_kept_of_who_never_registered(world: World) -> None:
    async with world.bot():
        assert "/measure" in (await Phone(world, 8001).say("/help"))["text"]
        await eventually(lambda: world.value("SELECT count(*) = 0 FROM outbox"))
        assert await world.value("SELECT count(*) FROM inbox") == 1
        assert (await rows(world, 8001)) == dict.fromkeys(TABLES, 0)


async def test_who_floods_the_bot_gets_no_endless_queue(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kbju_bot.storage.states.MOST_WAITING", 3)
    async with world.bot(world.environment(SEND_RATE_CHAT="0.2")):
        for _ in range(20):
            await world.write(7001, "/help")
        await eventually(lambda: world.value("SELECT count(*) = 20 FROM inbox"))
        assert await world.value("SELECT count(*) FROM outbox WHERE sent_at IS NULL") <= 4
        # What the user wrote was handled all the same, and others are answered.
        await Phone(world, 7002).say("/help")
