"""The library's calls through our HTTP client: what arrives at Telegram, and how many connections it takes."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, InputFile
from telegram.request import BaseRequest

from kbju_bot.settings import RunSettings, load
from kbju_bot.telegram.api import build_bot
from kbju_bot.telegram.transport import AiohttpRequest
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

from .peer import Peer, Request, answer, self_signed
from .support import TOKEN, eventually

EVERY_BYTE = bytes(range(256)) * 300 + b"\r\n--\r\n\r\n"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\0\0\0\2\0\0\0\3" + EVERY_BYTE


@asynccontextmanager
async def client(**options: Any) -> AsyncIterator[AiohttpRequest]:
    request = AiohttpRequest(**{"connections": 4} | options)
    try:
        yield request
    finally:
        await request.shutdown()


@asynccontextmanager
async def bot_of(url: str, **options: Any) -> AsyncIterator[Bot]:
    async with client(**options) as calls, client(connections=1) as polls:
        yield Bot(
            TOKEN, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot", request=calls, get_updates_request=polls
        )


@pytest.fixture
async def telegram() -> AsyncIterator[EmulatorServer]:
    async with EmulatorServer(Config(any_webhook=True)) as server:
        await server.control("POST", "/users/7/messages", {"text": "/start"})
        yield server


@pytest.fixture
async def bot(telegram: EmulatorServer) -> AsyncIterator[Bot]:
    async with bot_of(telegram.url) as bot:
        yield bot


async def last(telegram: EmulatorServer) -> dict[str, Any]:
    message: dict[str, Any] = (await telegram.control("GET", "/users/7/chat"))[-1]
    assert message["from"] == "bot"
    return message


async def content(telegram: EmulatorServer, message: dict[str, Any]) -> bytes:
    return telegram.state.bots[0].files.by_id(message["file"]["url"].rpartition("/")[2]).content  # type: ignore[union-attr]  # a missing file fails the test just as well


async def test_a_text_with_buttons(telegram: EmulatorServer, bot: Bot) -> None:
    keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("Да ✅", callback_data='{"a": "ё"}')]])
    sent = await bot.send_message(7, "Белки & жиры <b>57 г</b> 🥑", parse_mode="HTML", reply_markup=keyboard)
    message = await last(telegram)
    assert sent.text == message["text"] == "Белки & жиры 57 г 🥑"
    assert message["buttons"] == [[{"text": "Да ✅", "data": '{"a": "ё"}'}]]


async def test_half_a_character_does_not_keep_a_text_back(telegram: EmulatorServer, bot: Bot) -> None:
    await bot.send_message(7, "half \ud83e")
    assert (await last(telegram))["text"] == "half ?"


async def test_a_photo(telegram: EmulatorServer, bot: Bot) -> None:
    await bot.send_photo(7, PNG, caption="Вес за месяц", filename="weight.png")
    message = await last(telegram)
    assert (message["kind"], message["text"]) == ("photo", "Вес за месяц")
    assert await content(telegram, message) == PNG


async def test_a_document_keeps_its_name_and_every_byte(telegram: EmulatorServer, bot: Bot) -> None:
    await bot.send_document(7, EVERY_BYTE, filename='дневник "май"; Ёлкин.csv')
    message = await last(telegram)
    assert await content(telegram, message) == EVERY_BYTE
    assert message["file"]["name"] == "дневник 'май', Ёлкин.csv"


async def test_an_open_file_is_sent_too(telegram: EmulatorServer, bot: Bot, tmp_path: Path) -> None:
    path = tmp_path / "выгрузка.json"
    path.write_bytes(EVERY_BYTE)
    with path.open("rb") as file:
        await bot.send_document(7, InputFile(file, read_file_handle=False))
    message = await last(telegram)
    assert await content(telegram, message) == EVERY_BYTE
    assert message["file"]["name"] == "выгрузка.json"


async def test_names_are_sent_as_telegram_reads_them() -> None:
    """Telegram undoes neither percent signs nor backslashes, and a semicolon ends a name even between quotes."""

    async def accept(_request: Request, writer: asyncio.StreamWriter) -> None:
        answer(writer, {"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}})

    async with Peer(accept) as peer, bot_of(peer.url) as bot:
        await bot.send_document(7, b"1", filename='50% "ё";\\2.csv')
    assert "filename=\"50% 'ё',_2.csv\"\r\n".encode() in peer.requests[0].body


async def test_a_certificate(telegram: EmulatorServer, bot: Bot, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    await bot.set_webhook(
        "https://127.0.0.1:8443/hook", certificate=certificate.path.read_bytes(), allowed_updates=["message"]
    )
    settings = telegram.state.bots[0].delivery.settings
    assert settings is not None
    assert settings.certificate == certificate.path.read_text()
    assert (await bot.get_webhook_info()).allowed_updates == ("message",)


async def test_a_webhook_without_a_certificate(telegram: EmulatorServer, bot: Bot) -> None:
    await bot.set_webhook("http://127.0.0.1:8443/hook", allowed_updates=["message"], max_connections=7)
    info = await bot.get_webhook_info()
    assert (info.allowed_updates, info.max_connections) == (("message",), 7)


async def test_a_download(telegram: EmulatorServer, bot: Bot) -> None:
    sent = await bot.send_document(7, EVERY_BYTE, filename="a.bin")
    assert sent.document is not None
    file = await bot.get_file(sent.document.file_id)
    assert await file.download_as_bytearray() == EVERY_BYTE


async def test_calls_without_parameters(bot: Bot) -> None:
    assert (await bot.get_me()).is_bot


async def test_connections_are_bounded_and_every_call_is_answered() -> None:
    async def echo(request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)
        answer(writer, request.body.decode())

    async with Peer(echo) as peer, client(connections=3, pool_timeout=10) as request:
        await asyncio.gather(*(request.do_request(peer.url, "POST") for _ in range(60)))
        assert peer.connections == peer.most_at_once == 3
        await request.do_request(peer.url, "POST")
        assert peer.connections == 3
    assert len(peer.requests) == 61


async def test_the_bot_sends_as_many_at_once_as_it_is_told() -> None:
    everybody = asyncio.Event()

    async def together(_request: Request, writer: asyncio.StreamWriter) -> None:
        if peer.under_way == 9:
            everybody.set()
        await everybody.wait()
        answer(writer)

    async with Peer(together) as peer:
        environment = {
            "BOT_TOKEN": TOKEN,
            "DATABASE_URL": "postgresql://kbju@127.0.0.1/kbju",
            "SEND_CONCURRENCY": "9",
            "TELEGRAM_API_URL": peer.url,
        }
        bot = build_bot(load(RunSettings, environment))
        await bot.request.initialize()
        try:
            async with asyncio.timeout(10):
                calls = (bot.send_chat_action(7, "typing") for _ in range(9))
                assert all(await asyncio.gather(*calls))
        finally:
            await bot.request.shutdown()
    assert BaseRequest.USER_AGENT in peer.requests[0].head


async def test_shutdown_closes_the_connections_and_initialize_opens_anew(telegram: EmulatorServer) -> None:
    async def accept(_request: Request, writer: asyncio.StreamWriter) -> None:
        answer(writer)

    async with Peer(accept) as peer, client() as request:
        await request.initialize()
        await request.initialize()
        await asyncio.gather(*(request.do_request(peer.url, "POST") for _ in range(4)))
        assert peer.open == 4
        await request.shutdown()
        await eventually(lambda: peer.open == 0, within=2, what="closing the connections")
        await request.shutdown()
        with pytest.raises(RuntimeError, match="shut down"):
            await request.do_request(peer.url, "POST")
        await request.initialize()
        assert (await request.do_request(peer.url, "POST"))[0] == 200


@pytest.mark.parametrize(("bypassed", "way"), [("", "proxy"), ("127.0.0.1", "direct")])
async def test_a_proxy_from_the_environment(monkeypatch: pytest.MonkeyPatch, bypassed: str, way: str) -> None:
    def named(name: str) -> Peer:
        async def accept(_request: Request, writer: asyncio.StreamWriter) -> None:
            answer(writer, name)

        return Peer(accept)

    async with named("direct") as direct, named("proxy") as proxy, client() as request:
        monkeypatch.setenv("http_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", bypassed)
        _, body = await request.do_request(f"{direct.url}/bot", "POST")
    assert way in body.decode()
    if way == "proxy":
        assert proxy.requests[0].head.startswith(f"POST {direct.url}/bot HTTP/1.1\r\n")
