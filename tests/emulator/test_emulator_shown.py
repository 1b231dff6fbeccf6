"""What the control API has for the chat page."""

from __future__ import annotations

import asyncio

import aiohttp
import telegram

from emulator.clients import Client, connect, eventually
from emulator.test_emulator_media import png
from telegram_emulator.testing import EmulatorServer

USER = 7


async def test_what_a_user_is_shown_of_the_bot(server: EmulatorServer, token: str) -> None:
    path = f"/users/{USER}/bot"
    assert (await server.control("GET", path))["id"] is None
    bot = (await connect("ptb", server, token)).bot
    await bot.get_me()
    plain = {"id": 4200001, "username": "emulator_4200001_bot", "name": "Emulator bot 4200001", "description": ""}
    assert await server.control("GET", path) == {**plain, "commands": [], "blocked": False}
    await bot.set_my_name("KBJU")
    await bot.set_my_name("КБЖУ", language_code="ru")
    await bot.set_my_description("Counts")
    await server.control("POST", f"/users/{USER}/block")
    shown = await server.control("GET", f"{path}?language=ru-RU")
    assert (shown["name"], shown["description"], shown["blocked"]) == ("КБЖУ", "Counts", True)
    await bot.shutdown()


async def test_the_narrowest_list_of_commands_counts(server: EmulatorServer, ptb: Client) -> None:
    async def offered(language: str, user: int = USER) -> list[str]:
        shown = await server.control("GET", f"/users/{user}/bot?language={language}")
        return [one["description"] for one in shown["commands"]]

    private, mine = telegram.BotCommandScopeAllPrivateChats(), telegram.BotCommandScopeChat(USER)
    assert await offered("ru") == []
    await ptb.bot.set_my_commands([("start", "all")])
    assert await offered("ru") == ["all"]
    await ptb.bot.set_my_commands([("start", "всем")], language_code="ru")
    assert (await offered("ru"), await offered("en")) == (["всем"], ["all"])
    await ptb.bot.set_my_commands([("start", "private")], scope=private)
    assert await offered("ru") == ["private"]
    await ptb.bot.set_my_commands([("start", "mine")], scope=mine)
    assert (await offered("ru"), await offered("ru", user=8)) == (["mine"], ["private"])


async def test_files_can_not_become_a_part_of_the_page(server: EmulatorServer, ptb: Client) -> None:
    await server.control("POST", f"/users/{USER}/messages", {"text": "/start"})
    await ptb.bot.send_document(USER, b"<script>", filename="отчёт «1».html")
    await ptb.bot.send_photo(USER, png(10, 10))
    document, photo = [one["file"] for one in (await server.control("GET", f"/users/{USER}/chat"))[1:]]
    assert (photo["width"], photo["height"]) == (10, 10)
    async with aiohttp.ClientSession(server.url) as session:
        async with session.get(document["url"]) as answer:
            assert answer.content_type == "application/octet-stream"
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.content_disposition is not None
            assert (answer.content_disposition.type, answer.content_disposition.filename) == (
                "attachment",
                "отчёт «1».html",
            )
        async with session.get(photo["url"]) as answer:
            assert answer.content_type == "image/png"


async def test_who_waits_learns_of_a_reset(server: EmulatorServer) -> None:
    await server.control("POST", f"/users/{USER}/messages", {"text": "one"})
    before = server.state.bots[0].chats[USER].revision
    waiting = asyncio.create_task(server.control("GET", f"/users/{USER}/chat?revision={before}&wait=60"))
    await eventually(lambda: bool(server.state.bots[0].chats[USER]._waiters))
    await server.control("POST", "/reset")
    await asyncio.wait_for(waiting, 5)
    # As many changes as before: the new chat is not taken for the old one.
    await server.control("POST", f"/users/{USER}/messages", {"text": "two"})
    assert [one["text"] for one in await server.control("GET", f"/users/{USER}/chat")] == ["two"]
    assert server.state.bots[0].chats[USER].revision != before
