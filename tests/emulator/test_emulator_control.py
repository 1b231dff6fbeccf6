"""The control API, the blocking helper, and the program as it is started."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.clients import Client
from telegram_emulator import __main__ as program
from telegram_emulator.client import ControlError, Emulator, User
from telegram_emulator.config import Config
from telegram_emulator.formatting import commands_in, parse, stripped
from telegram_emulator.logs import redact
from telegram_emulator.testing import EmulatorServer

USER = 7
TESTS = Path(__file__).resolve().parents[1]


async def write(server: EmulatorServer, text: str, user: int = USER) -> dict[str, Any]:
    answer: dict[str, Any] = await server.control("POST", f"/users/{user}/messages", {"text": text})
    return answer


async def test_chat_view_waits_for_the_bot(server: EmulatorServer, ptb: Client) -> None:
    sent = await write(server, "hello")
    path = f"/users/{USER}/chat?after={sent['message_id']}"
    assert await server.control("GET", f"{path}&wait=0.05") == []
    waiting = asyncio.create_task(server.control("GET", f"{path}&wait=5"))
    # A message of the user's own is not what is waited for.
    await write(server, "still here")
    await asyncio.sleep(0)
    assert not waiting.done()
    await ptb.bot.send_message(USER, "sorry, I was out")
    messages = await asyncio.wait_for(waiting, 2)
    assert [one["text"] for one in messages] == ["still here", "sorry, I was out"]


async def test_chat_is_bounded(token: str) -> None:
    async with EmulatorServer(Config(max_messages=3)) as server:
        for number in range(5):
            await write(server, str(number))
        assert [one["text"] for one in await server.control("GET", f"/users/{USER}/chat")] == ["2", "3", "4"]


async def test_requests_without_sense(server: EmulatorServer) -> None:
    await server.control("POST", f"/users/{USER}/messages", {}, expect=400)
    await server.control("POST", f"/users/{USER}/messages", [], expect=400)
    await server.control("POST", "/users/0/messages", {"text": "x"}, expect=400)
    await server.control("POST", "/users/x/messages", {"text": "x"}, expect=400)
    await server.control("POST", f"/users/{USER}/callbacks", {}, expect=400)
    await server.control("POST", "/updates", {}, expect=400)
    await server.control("GET", "/files/none", expect=404)


async def test_reset_keeps_the_webhook_and_the_numbering(server: EmulatorServer, ptb: Client) -> None:
    before = await write(server, "old")
    await ptb.bot.set_my_commands([ptb.command("start", "x")])
    await ptb.bot.set_webhook("https://bot.example/hook", ip_address="127.0.0.1")
    await server.control("POST", "/faults", [{"method": "sendMessage"}])
    await server.control("POST", "/outage", {"active": True})
    await server.control("POST", "/reset")
    counters = await server.control("GET", "/counters")
    assert counters["outage"] is False
    assert counters["methods"] == {}
    assert counters["updates"]["pending"] == 0
    assert await server.control("GET", "/faults") == []
    assert await server.control("GET", f"/users/{USER}/chat") == []
    assert (await ptb.bot.get_webhook_info()).url == "https://bot.example/hook"
    assert len(await ptb.bot.get_my_commands()) == 1
    after = await write(server, "new")
    assert after["update_id"] == before["update_id"] + 1
    assert after["message_id"] > before["message_id"]


async def test_counters_by_method_and_status(server: EmulatorServer, client: Client) -> None:
    await write(server, "x")
    await client.bot.send_message(USER, "y")
    with pytest.raises(client.errors["bad request"]):
        await client.bot.send_message(8, "y")
    counters = await server.control("GET", "/counters")
    assert counters["bot"] == 4200001
    assert counters["methods"] == {"sendmessage": 2}
    assert counters["statuses"] == {"200": 1, "400": 1}


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """The program in a process of its own, with one bot from a file and one from the environment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    tokens = tmp_path / "tokens"
    tokens.write_text("4200001:AAfirst-token_of-thirty-five-letters\n\n")
    log = tmp_path / "log"
    environment = {**os.environ, "PYTHONPATH": str(TESTS), "TELEGRAM_EMULATOR_TOKENS": "42:second"}
    command = [sys.executable, "-m", "telegram_emulator", "--port", str(port), "--token-file", str(tokens)]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, "--any-webhook"], env=environment, stderr=output)
    url = f"http://127.0.0.1:{port}"
    end = time.monotonic() + 10
    while True:
        try:
            urllib.request.urlopen(f"{url}/healthz", timeout=1).close()  # noqa: S310
            break
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
    yield url, process, log
    if process.poll() is None:
        process.kill()
    process.wait()


def call(url: str, token: str, method: str, **parameters: Any) -> dict[str, Any]:
    request = urllib.request.Request(  # noqa: S310
        f"{url}/bot{token}/{method}", json.dumps(parameters).encode(), {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as response:  # noqa: S310
            return dict(json.loads(response.read()))
    except urllib.error.HTTPError as error:
        return dict(json.loads(error.read()))


def test_program(running: tuple[str, subprocess.Popen[bytes], Path]) -> None:
    url, process, log = running
    first, second = "4200001:AAfirst-token_of-thirty-five-letters", "42:second"
    assert call(url, first, "getMe")["result"]["id"] == 4200001
    assert call(url, second, "getMe")["result"]["id"] == 42
    assert call(url, "4200001:AAwrong-token_of-thirty-five-letters", "getMe")["error_code"] == 401
    assert call(url, first, "sendMessage", chat_id=1, text="x")["error_code"] == 400
    assert call(url, first, "setWebhook?url=http://127.0.0.1:9/hook")["ok"]

    user = User(USER, url, first_name="Анна")
    user.send_text("/start")
    keyboard = {"inline_keyboard": [[{"text": "Да", "callback_data": "yes"}]]}
    assert call(url, first, "sendMessage", chat_id=USER, text="Начнём?", reply_markup=keyboard)["ok"]
    assert user.wait_for_reply(timeout=5, contains="Нач")["buttons"] == [[{"text": "Да", "data": "yes"}]]
    user.press("Да")
    with pytest.raises(AssertionError, match="no button"):
        user.press("Нет")
    with pytest.raises(AssertionError, match="waited"):
        user.wait_for_reply(timeout=0.1)

    replies = {"keyboard": [["Мужской", "Женский"]]}
    assert call(url, first, "sendMessage", chat_id=USER, text="Пол?", reply_markup=replies)["ok"]
    user.wait_for_reply(timeout=5)
    user.press("Женский")
    assert user.chat()[-1]["text"] == "Женский"
    edited = call(url, first, "editMessageText", chat_id=USER, message_id=2, text="Начали")
    assert edited["ok"]
    user.wait_for(lambda messages: any(one["edited"] for one in messages), timeout=5)
    user.block()
    assert call(url, first, "sendMessage", chat_id=USER, text="x")["error_code"] == 403
    user.unblock()

    emulator = Emulator(url)
    emulator.fault(method="getMe", kind="http", code=500)
    assert call(url, first, "getMe")["error_code"] == 500
    emulator.clear_faults()
    emulator.outage(True)
    with pytest.raises((ConnectionError, urllib.error.URLError)):
        call(url, first, "getMe")
    emulator.outage(False)
    assert emulator.counters()["bot"] == 4200001
    assert Emulator(url, bot=42).counters()["methods"] == {"getme": 1}
    with pytest.raises(ControlError, match="no bot 43"):
        Emulator(url, bot=43).counters()
    emulator.reset()

    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=5) == 0
    lines = log.read_text()
    assert "stand-in for the Telegram Bot API" in lines
    assert "webhook set" in lines
    assert "stopping" in lines
    for secret in ("AAfirst", "AAwrong", "second"):
        assert secret not in lines


def test_poll_ends_with_the_program(running: tuple[str, subprocess.Popen[bytes], Path]) -> None:
    url, process, _ = running
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET /bot42:second/getUpdates?timeout=50 HTTP/1.1\r\nHost: x\r\n\r\n")
        while Emulator(url, bot=42).counters()["methods"] == {}:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=5) == 0
        assert b"502 Bad Gateway" in connection.recv(4096)


def test_options(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens"
    tokens.write_text("3:ccc\n1:aaa\n")
    arguments = ["--token", "1:aaa", "--token-file", str(tokens), "--limits"]
    arguments += ["--latency", "80", "--latency", "getUpdates=0", "--chat-limit", "2"]
    config = program.build_config(program.parse_arguments(arguments), {"TELEGRAM_EMULATOR_TOKENS": "2:bbb, 1:aaa"})
    assert config.tokens == ("1:aaa", "3:ccc", "2:bbb")
    assert (config.chat_limit, config.total_limit) == (2.0, 30.0)
    assert config.latency_of("sendmessage") == 0.08
    assert config.latency_of("getupdates") == 0.0
    with pytest.raises(SystemExit, match="token number 1"):
        program.build_config(program.parse_arguments(["--token", "nonsense"]), {})


def test_tokens_are_blotted_out() -> None:
    token = "4200001:AAfirst-token_of-thirty-five-letters"
    assert redact(f"GET /bot{token}/getMe and {token}.") == "GET /bot<token>/getMe and <token>."
    assert redact("GET /bot42%3Ashort/getMe") == "GET /bot<token>/getMe"
    assert redact("on 127.0.0.1:8081 at 12:30:00") == "on 127.0.0.1:8081 at 12:30:00"


def test_commands_in_a_text() -> None:
    assert commands_in("🙂 /start@some_bot and /help, not a/b or /no/path") == [
        {"type": "bot_command", "offset": 3, "length": 15},
        {"type": "bot_command", "offset": 23, "length": 5},
    ]


def test_white_space_around_a_text() -> None:
    text, entities = stripped(*parse("\n <b> 🙂 x </b> \n", "HTML"))
    assert text == "🙂 x"
    assert entities == [{"type": "bold", "offset": 0, "length": 4}]
