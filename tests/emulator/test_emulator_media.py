"""Photos, documents, downloads."""

from __future__ import annotations

import struct
import zlib
from typing import Any

import aiohttp
import pytest

from emulator.clients import Client, says
from telegram_emulator.config import Config
from telegram_emulator.images import size_of
from telegram_emulator.testing import EmulatorServer

USER = 7


def png(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + b"\x7f" * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def jpeg(width: int, height: int) -> bytes:
    application = b"\xff\xe0" + struct.pack(">H", 16) + b"JFIF\0" + b"\0" * 9
    table = b"\xff\xc4" + struct.pack(">H", 4) + b"\0\0"
    frame = b"\xff\xc2" + struct.pack(">HBHHB", 11, 8, height, width, 1) + b"\1\x11\0"
    return b"\xff\xd8" + application + table + b"\xff" + frame + b"\xff\xd9"


@pytest.fixture(autouse=True)
async def started(server: EmulatorServer) -> None:
    await server.control("POST", f"/users/{USER}/messages", {"text": "/start"})


async def newest(server: EmulatorServer) -> dict[str, Any]:
    messages = await server.control("GET", f"/users/{USER}/chat")
    return dict(messages[-1])


async def fetch(server: EmulatorServer, path: str) -> bytes:
    async with aiohttp.ClientSession() as session, session.get(server.url + path) as response:
        assert response.status == 200
        return await response.read()


@pytest.mark.parametrize(("content", "size"), [(png(640, 480), (640, 480)), (jpeg(1000, 500), (1000, 500))])
def test_size_of_a_picture(content: bytes, size: tuple[int, int]) -> None:
    assert size_of(content) == size


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", jpeg(1, 1)[:25]])
def test_no_size(content: bytes) -> None:
    assert size_of(content) is None


async def test_photo_there_and_back(server: EmulatorServer, client: Client) -> None:
    content = png(640, 480)
    message = await client.bot.send_photo(
        USER,
        client.file(content, "chart.png"),
        caption="<b>Week</b>",
        parse_mode="HTML",
        reply_markup=client.keyboard([("More", "more")]),
    )
    assert [(one.width, one.height) for one in message.photo] == [(90, 68), (320, 240), (640, 480)]
    assert len({one.file_id for one in message.photo}) == 3
    assert message.photo[-1].file_size == len(content)
    assert message.caption == "Week"
    assert message.caption_entities[0].length == 4
    assert await client.download(message.photo[-1].file_id) == content

    seen = await newest(server)
    assert (seen["kind"], seen["text"], seen["file"]["size"]) == ("photo", "Week", len(content))
    assert seen["buttons"] == [[{"text": "More", "data": "more"}]]
    assert await fetch(server, seen["file"]["url"]) == content

    again = await client.bot.send_photo(USER, message.photo[-1].file_id)
    assert again.photo[-1].file_id == message.photo[-1].file_id
    edited = await client.bot.edit_message_caption(chat_id=USER, message_id=message.message_id, caption="Month")
    assert edited.caption == "Month"


@pytest.mark.parametrize("name", ["export.csv", "отчёт за «май».csv", 'a"b.csv'])
async def test_document_there_and_back(server: EmulatorServer, client: Client, name: str) -> None:
    # Line breaks and something like a boundary inside must survive.
    content = b"\r\n--\r\nday;kcal\r\n--boundary--\r\n" + bytes(range(256))
    message = await client.bot.send_document(USER, client.file(content, name), caption="x")
    # httpx and PTB themselves replace what is awkward in a header; what arrives is what was sent.
    assert message.document.file_name == name
    assert message.document.mime_type == "text/csv"
    assert message.document.file_size == len(content)
    assert await client.download(message.document.file_id) == content
    assert await fetch(server, (await newest(server))["file"]["url"]) == content
    again = await client.bot.send_document(USER, message.document.file_id)
    assert again.document.file_unique_id == message.document.file_unique_id


async def test_files_telegram_would_refuse(client: Client) -> None:
    bad_request = client.errors["bad request"]
    with pytest.raises(bad_request, match=says("image_process_failed")):
        await client.bot.send_photo(USER, client.file(b"no picture", "x.png"))
    with pytest.raises(bad_request, match=says("photo_invalid_dimensions")):
        await client.bot.send_photo(USER, client.file(png(2100, 100), "x.png"))
    with pytest.raises(bad_request, match=says("file must be non-empty")):
        await client.bot.send_document(USER, client.file(b"", "x.csv"))
    with pytest.raises(bad_request, match=says("wrong file identifier")):
        await client.bot.send_document(USER, "AgADunknown")
    with pytest.raises(bad_request, match=says("caption is too long")):
        await client.bot.send_document(USER, client.file(b"x", "x.csv"), caption="x" * 1025)
    photo = await client.bot.send_photo(USER, client.file(jpeg(100, 50), "x.jpg"))
    with pytest.raises(bad_request, match=says("can't use file of type Photo as Document")):
        await client.bot.send_document(USER, photo.photo[-1].file_id)
    with pytest.raises(bad_request, match=says("invalid file_id")):
        await client.bot.get_file("nonsense")


async def test_file_sent_under_its_own_field_name(server: EmulatorServer, token: str) -> None:
    form = aiohttp.FormData({"chat_id": str(USER)})
    form.add_field("document", b"plain", filename="plain.txt")
    url = f"{server.base_url}{token}/sendDocument"
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as response:
        answer = await response.json()
    assert answer["result"]["document"]["file_name"] == "plain.txt"


async def test_oldest_files_make_room(token: str) -> None:
    async with EmulatorServer(Config(max_file_bytes=250)) as server:
        files = server.state.by_token(token).files
        first = files.add("document", "1", b"x" * 100)
        last = [files.add("document", str(number), b"x" * 100) for number in range(2)][-1]
        assert files.by_id(first.id) is None
        assert files.by_path(first.path) is None
        assert files.by_path(last.path) is last
