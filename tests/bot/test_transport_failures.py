"""What our HTTP client makes of servers that are slow, gone, or say no. Its errors never show the token."""

import asyncio
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from kbju_bot.telegram.api import pause_of
from telegram_emulator.testing import EmulatorServer

from .cluster import free_port
from .peer import Peer, Request, answer, self_signed
from .support import SOURCES, TOKEN, eventually
from .test_transport import bot_of, client

BIG = b"x" * 16_000_000
SEND = f"/bot{TOKEN}/sendMessage"


@contextmanager
def refusal(kind: type[TelegramError], text: str | None = None) -> Iterator[None]:
    """Expect an error of exactly this kind; neither it nor its traceback may show the token."""
    with pytest.raises(kind, match=text) as caught:
        yield
    assert type(caught.value) is kind
    told = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert TOKEN not in told
    assert "/bot" not in str(caught.value)


async def accept(_request: Request, writer: asyncio.StreamWriter) -> None:
    answer(writer)


async def stay_silent(request: Request, _writer: asyncio.StreamWriter) -> None:
    assert await request.reader.read() == b""


async def read_nothing(_request: Request, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"kind": "http", "code": 403, "description": "Forbidden: bot was blocked by the user"}, Forbidden),
        ({"kind": "http", "code": 400, "description": "Bad Request: chat not found"}, BadRequest),
        ({"kind": "http", "code": 401}, InvalidToken),
        ({"kind": "http", "code": 409}, Conflict),
        ({"kind": "http", "code": 502}, NetworkError),
        ({"kind": "retry_after", "retry_after": 7}, RetryAfter),
        ({"kind": "disconnect"}, NetworkError),
    ],
)
async def test_refusals_are_the_librarys_errors(rule: dict[str, Any], kind: type[TelegramError]) -> None:
    async with EmulatorServer() as telegram, bot_of(telegram.url) as bot:
        await telegram.control("POST", "/users/7/messages", {"text": "/start"})
        await telegram.control("POST", "/faults", rule)
        with pytest.raises(kind) as caught:
            await bot.send_message(7, "a")
        assert type(caught.value) is kind
        assert TOKEN not in "".join(traceback.format_exception(caught.value))
        if isinstance(caught.value, RetryAfter):
            assert pause_of(caught.value) == 7
        await telegram.control("DELETE", "/faults")
        assert (await bot.send_message(7, "b")).text == "b"


async def test_a_call_that_took_effect_is_not_made_again() -> None:
    async with EmulatorServer() as telegram, bot_of(telegram.url) as bot:
        await telegram.control("POST", "/users/7/messages", {"text": "/start"})
        # The connection is one that was used before: those are what HTTP clients like to try again on.
        await bot.send_message(7, "a")
        await telegram.control("POST", "/faults", {"kind": "disconnect", "when": "after"})
        with refusal(NetworkError):
            await bot.send_message(7, "b")
        chat = await telegram.control("GET", "/users/7/chat")
        assert [message["text"] for message in chat] == ["/start", "a", "b"]


async def test_an_answer_that_breaks_off() -> None:
    async def break_off(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"ok": true')
        writer.close()

    async with Peer(break_off) as peer, client() as request:
        with refusal(NetworkError):
            await request.do_request(peer.url + SEND, "POST")
        assert len(peer.requests) == 1


async def test_something_that_is_not_http() -> None:
    async def babble(_request: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example.org ESMTP\r\n\r\n")

    async with Peer(babble) as peer, client() as request:
        with refusal(NetworkError):
            await request.do_request(peer.url + SEND, "POST")


async def test_a_redirect_is_not_followed() -> None:
    async def redirect(_request: Request, writer: asyncio.StreamWriter) -> None:
        answer(writer, status=307, Location=other.url)

    async with Peer(accept) as other, Peer(redirect) as peer, client() as request:
        assert (await request.do_request(peer.url + SEND, "POST"))[0] == 307
        assert other.requests == []


async def test_nobody_listens() -> None:
    async with client() as request:
        with refusal(NetworkError, "Connection refused"):
            await request.do_request(f"http://127.0.0.1:{free_port()}{SEND}", "POST")


async def test_a_name_that_does_not_exist() -> None:
    async with client() as request:
        with refusal(NetworkError):
            await request.do_request(f"http://telegram.invalid{SEND}", "POST")


async def test_an_address_that_makes_no_sense() -> None:
    async with client() as request:
        with refusal(NetworkError):
            await request.do_request(f"http://{SEND}", "POST")


async def test_a_silent_server() -> None:
    async with Peer(stay_silent) as peer, client(read_timeout=0.2) as request:
        with refusal(TimedOut, "Read timeout"):
            await request.do_request(peer.url + SEND, "POST")
        assert request.read_timeout == 0.2


async def test_the_call_chooses_its_own_timeouts() -> None:
    async def dawdle(_request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.4)
        answer(writer)

    async with Peer(dawdle) as peer, client(read_timeout=0.1) as request:
        for patience in (2, None):
            assert (await request.do_request(peer.url + SEND, "POST", read_timeout=patience))[0] == 200
        with refusal(TimedOut, "Read timeout"):
            await request.do_request(peer.url + SEND, "POST")


async def test_a_connection_that_is_not_completed() -> None:
    """It counts as connecting until TLS stands, and this server says nothing."""
    async with Peer(stay_silent) as peer, client(connect_timeout=0.2, read_timeout=20) as request:
        with refusal(TimedOut, "Connect timeout"):
            await request.do_request(f"https://127.0.0.1:{peer.port}{SEND}", "POST")


async def test_no_connection_is_free() -> None:
    gate = asyncio.Event()

    async def wait(_request: Request, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        answer(writer)

    async with Peer(wait) as peer, client(connections=1, pool_timeout=0.2, read_timeout=20) as request:
        first = asyncio.create_task(request.do_request(peer.url + SEND, "POST"))
        await eventually(lambda: peer.requests)
        with refusal(TimedOut, "Pool timeout"):
            await request.do_request(peer.url + SEND, "POST")
        gate.set()
        assert (await first)[0] == 200
        assert (await request.do_request(peer.url + SEND, "POST"))[0] == 200
        assert len(peer.requests) == 2


async def test_a_server_that_does_not_take_an_upload() -> None:
    async with (
        Peer(read_nothing, takes_bodies=False) as peer,
        bot_of(peer.url, media_write_timeout=0.3, read_timeout=20) as bot,
    ):
        with refusal(TimedOut, "Write timeout"):
            await bot.send_document(7, BIG)


async def test_a_slow_upload_is_given_its_time_as_long_as_it_moves() -> None:
    async def sip(request: Request, writer: asyncio.StreamWriter) -> None:
        taken = 0
        while taken < len(BIG):
            taken += len(await request.reader.read(65536))
            await asyncio.sleep(0.01)
        answer(writer, {"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}})

    async with (
        Peer(sip, takes_bodies=False) as peer,
        bot_of(peer.url, media_write_timeout=1.0, read_timeout=20) as bot,
    ):
        started = time.monotonic()
        await bot.send_document(7, BIG)
        assert time.monotonic() - started > 1.2


async def test_a_server_may_think_about_an_upload_longer_than_it_may_take_to_take_it() -> None:
    async def ponder(_request: Request, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.6)
        answer(writer, {"message_id": 1, "date": 0, "chat": {"id": 7, "type": "private"}})

    async with Peer(ponder) as peer, bot_of(peer.url, media_write_timeout=0.3, read_timeout=20) as bot:
        assert (await bot.send_document(7, b"x" * 500_000)).message_id == 1


async def test_shutdown_ends_calls_under_way() -> None:
    async with Peer(stay_silent) as peer, client(connections=1, read_timeout=20, pool_timeout=20) as request:
        calls = [asyncio.create_task(request.do_request(peer.url + SEND, "POST")) for _ in range(2)]
        await eventually(lambda: peer.requests)
        await request.shutdown()
        for call in calls:
            with refusal(NetworkError):
                await asyncio.wait_for(call, 5)
        await eventually(lambda: peer.open == 0)
        assert len(peer.requests) == 1


async def test_a_certificate_nobody_vouches_for(tmp_path: Path) -> None:
    async with Peer(accept, tls=self_signed(tmp_path).context) as peer, client() as request:
        with refusal(NetworkError, "self-signed certificate"):
            await request.do_request(peer.url + SEND, "POST")


async def test_the_systems_certificates_are_trusted(tmp_path: Path) -> None:
    """In a process of its own: they are read once."""
    code = (
        "import asyncio, sys; from kbju_bot.telegram.transport import AiohttpRequest as R\n"
        "async def main(): print(await R(connections=1).do_request(sys.argv[1], 'POST'))\n"
        "asyncio.run(main())"
    )
    certificate = self_signed(tmp_path)
    async with Peer(accept, tls=certificate.context) as peer:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            code,
            peer.url,
            env={"PATH": os.defpath, "PYTHONPATH": str(SOURCES), "SSL_CERT_FILE": str(certificate.path)},
            stdout=asyncio.subprocess.PIPE,
        )
        output, _ = await asyncio.wait_for(process.communicate(), 30)
    assert output.startswith(b"(200, ")
