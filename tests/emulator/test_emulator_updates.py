"""Polling, and what updates look like."""

from __future__ import annotations

import asyncio
from typing import Any

import aiogram
import pytest
import telegram.ext
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer

from emulator.clients import Client, connect, eventually, says
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer


async def write(server: EmulatorServer, text: str, user: int = 7, **more: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await server.control("POST", f"/users/{user}/messages", {"text": text, **more})
    return answer


async def polling(server: EmulatorServer, count: int = 1) -> None:
    """Return when that many getUpdates calls have arrived."""
    bot = server.state.by_id(None)
    assert bot is not None
    await eventually(lambda: bot.counters.methods["getupdates"] >= count)


async def test_get_me(client: Client) -> None:
    me = await client.bot.get_me()
    assert me.id == 4200001
    assert me.is_bot
    assert me.username == "emulator_4200001_bot"
    assert me.can_join_groups is True
    assert me.can_read_all_group_messages is False


async def test_update_carries_the_user_and_the_command(server: EmulatorServer, client: Client) -> None:
    sent = await write(server, "/start привет", first_name="Анна", username="anna", language_code="ru")
    (update,) = await client.bot.get_updates()
    assert update.update_id == sent["update_id"]
    message = update.message
    assert message.message_id == sent["message_id"]
    assert message.text == "/start привет"
    assert message.chat.id == message.from_user.id == 7
    assert (message.from_user.first_name, message.from_user.username) == ("Анна", "anna")
    assert message.from_user.language_code == "ru"
    (entity,) = message.entities
    assert (entity.type, entity.offset, entity.length) == ("bot_command", 0, 6)


async def test_offset_confirms_what_is_below_it(server: EmulatorServer, client: Client) -> None:
    for number in range(5):
        await write(server, str(number))
    first = await client.bot.get_updates(limit=2)
    assert [one.message.text for one in first] == ["0", "1"]
    ids = [one.update_id for one in first]
    assert ids[1] == ids[0] + 1

    again = await client.bot.get_updates(limit=2)
    assert [one.update_id for one in again] == ids

    rest = await client.bot.get_updates(offset=ids[1] + 1)
    assert [one.message.text for one in rest] == ["2", "3", "4"]
    counters = await server.control("GET", "/counters")
    assert counters["updates"] == {
        "created": 5,
        "filtered": 0,
        "delivered": 7,
        "confirmed": 2,
        "pending": 3,
        "duplicates": 2,
    }


async def test_negative_offset_keeps_the_newest(server: EmulatorServer, client: Client) -> None:
    for number in range(5):
        await write(server, str(number))
    assert [one.message.text for one in await client.bot.get_updates(offset=-2)] == ["3", "4"]
    assert [one.message.text for one in await client.bot.get_updates()] == ["3", "4"]


async def test_long_poll_returns_with_the_update(server: EmulatorServer, client: Client) -> None:
    poll = asyncio.create_task(client.bot.get_updates(timeout=20))
    await polling(server)
    assert not poll.done()
    await write(server, "at last")
    (update,) = await asyncio.wait_for(poll, 2)
    assert update.message.text == "at last"


async def test_long_poll_ends_empty_when_time_is_up(client: Client) -> None:
    loop = asyncio.get_running_loop()
    started = loop.time()
    assert list(await client.bot.get_updates(timeout=1)) == []
    assert 0.9 < loop.time() - started < 3


async def test_allowed_updates_hold_for_what_comes_after(server: EmulatorServer, client: Client) -> None:
    await write(server, "before")
    await client.bot.get_updates(allowed_updates=["callback_query"])
    assert (await write(server, "after"))["update_id"] is None
    # Not given: the choice stays. Empty: back to the default.
    assert [one.message.text for one in await client.bot.get_updates()] == ["before"]
    await client.bot.get_updates(allowed_updates=[])
    await write(server, "again")
    assert [one.message.text for one in await client.bot.get_updates()] == ["before", "again"]


async def test_second_poller_ends_the_first(server: EmulatorServer, client: Client, token: str) -> None:
    older = asyncio.create_task(client.bot.get_updates(timeout=20))
    await polling(server)
    other = await connect(client.name, server, token)
    newer = asyncio.create_task(other.bot.get_updates(timeout=20))
    with pytest.raises(client.errors["conflict"], match=says("terminated by other getUpdates request")):
        await asyncio.wait_for(older, 2)
    await write(server, "for the newer")
    (update,) = await asyncio.wait_for(newer, 2)
    assert update.message.text == "for the newer"
    assert (await server.control("GET", "/counters"))["conflicts_409"] == 1
    await other.close()


async def test_poller_that_went_away_is_no_conflict(server: EmulatorServer, client: Client, token: str) -> None:
    poll = asyncio.create_task(client.bot.get_updates(timeout=20))
    await polling(server)
    poll.cancel()
    await asyncio.gather(poll, return_exceptions=True)
    await client.close()
    bot = server.state.by_token(token)
    await eventually(lambda: bot.polling._waiter is None)
    await write(server, "still here")
    other = await connect(client.name, server, token)
    assert len(await other.bot.get_updates(timeout=5)) == 1
    assert (await server.control("GET", "/counters"))["conflicts_409"] == 0
    await other.close()


async def test_polling_while_a_webhook_is_set(client: Client) -> None:
    await client.bot.set_webhook("https://bot.example/hook")
    with pytest.raises(client.errors["conflict"], match=says("can't use getUpdates method while webhook is active")):
        await client.bot.get_updates()
    await client.bot.delete_webhook()
    assert list(await client.bot.get_updates()) == []


async def test_repeated_update_comes_once_more(server: EmulatorServer, client: Client) -> None:
    sent = await write(server, "twice")
    (update,) = await client.bot.get_updates()
    assert list(await client.bot.get_updates(offset=update.update_id + 1)) == []
    await server.control("POST", "/updates", {"repeat": sent["update_id"]})
    await write(server, "once")
    again = await client.bot.get_updates(offset=update.update_id + 1)
    assert [one.message.text for one in again] == ["twice", "once"]
    assert (await server.control("GET", "/counters"))["updates"]["duplicates"] == 1
    await server.control("POST", "/updates", {"repeat": 1}, expect=404)


async def test_raw_update(server: EmulatorServer, client: Client) -> None:
    poll = {"id": "1", "question": "?", "options": [], "total_voter_count": 0, "is_closed": False}
    poll |= {"is_anonymous": True, "type": "regular", "allows_multiple_answers": False}
    poll |= {"allows_revoting": False, "members_only": False}
    sent = await server.control("POST", "/updates", {"update": {"poll": poll}})
    (update,) = await client.bot.get_updates()
    assert update.update_id == sent["update_id"]
    assert update.poll.question == "?"
    await server.control("POST", "/updates", {"update": {}}, expect=400)


async def test_queue_is_bounded() -> None:
    async with EmulatorServer(Config(max_pending=2)) as server:
        await write(server, "1")
        await write(server, "2")
        refused = await server.control("POST", "/users/7/messages", {"text": "3"}, expect=507)
        assert "2 updates are pending" in refused["error"]


async def test_users_may_write_before_the_bot_shows_up(server: EmulatorServer, client: Client) -> None:
    await server.control("POST", "/users/7/block")
    await server.control("POST", "/users/7/unblock")
    await write(server, "early")
    blocked, unblocked, message = await client.bot.get_updates()
    assert message.message.text == "early"
    assert blocked.my_chat_member.new_chat_member.status == "kicked"
    assert unblocked.my_chat_member.old_chat_member.user.id == 4200001


async def test_each_bot_has_its_own_updates(server: EmulatorServer, client: Client) -> None:
    await client.bot.get_me()
    other = await connect(client.name, server, "4200002:AAother-token_of-thirty-five-lett")
    await other.bot.get_me()
    await write(server, "to the first")
    await server.control("POST", "/users/7/messages?bot=4200002", {"text": "to the second"})
    assert [one.message.text for one in await client.bot.get_updates()] == ["to the first"]
    assert [one.message.text for one in await other.bot.get_updates()] == ["to the second"]
    assert [one["id"] for one in await server.control("GET", "/bots")] == [4200001, 4200002]
    await server.control("GET", "/counters?bot=5", expect=404)
    await other.close()


async def test_ptb_application_echoes(server: EmulatorServer, token: str) -> None:
    async def echo(update: telegram.Update, _context: Any) -> None:
        assert update.message is not None
        await update.message.reply_text(f"echo {update.message.text}")

    application = (
        telegram.ext.Application.builder()
        .token(token)
        .base_url(server.base_url)
        .base_file_url(server.base_file_url)
        .build()
    )
    application.add_handler(telegram.ext.MessageHandler(telegram.ext.filters.TEXT, echo))
    async with application:
        assert application.updater is not None
        await application.updater.start_polling(timeout=5)
        await application.start()
        user = server.user(9)
        await asyncio.to_thread(user.send_text, "hello")
        reply = await asyncio.to_thread(user.wait_for_reply, 5)
        assert reply["text"] == "echo hello"
        await application.updater.stop()
        await application.stop()


async def test_aiogram_dispatcher_echoes(server: EmulatorServer, token: str) -> None:
    dispatcher = aiogram.Dispatcher()

    @dispatcher.message()
    async def echo(message: aiogram.types.Message) -> None:
        await message.answer(f"echo {message.text}")

    bot = aiogram.Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(server.url)))
    running = asyncio.create_task(dispatcher.start_polling(bot, handle_signals=False, polling_timeout=5))
    user = server.user(9)
    await asyncio.to_thread(user.send_text, "hello")
    assert (await asyncio.to_thread(user.wait_for_reply, 5))["text"] == "echo hello"
    await dispatcher.stop_polling()
    await running
