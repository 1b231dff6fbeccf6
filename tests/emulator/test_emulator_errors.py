"""Errors as the clients understand them, ordered faults, outages, limits."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from emulator.clients import Client, connect, eventually, says
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

USER = 7

pytestmark = pytest.mark.filterwarnings("ignore:.*retry_after:DeprecationWarning")


@pytest.fixture(autouse=True)
async def started(server: EmulatorServer) -> None:
    await server.control("POST", f"/users/{USER}/messages", {"text": "/start"})


async def bot_texts(server: EmulatorServer) -> list[str]:
    messages = await server.control("GET", f"/users/{USER}/chat")
    return [one["text"] for one in messages if one["from"] == "bot"]


async def test_stranger(client: Client) -> None:
    with pytest.raises(client.errors["bad request"], match=says("chat not found")):
        await client.bot.send_message(8, "hello")
    with pytest.raises(client.errors["bad request"], match=says("chat not found")):
        await client.bot.send_message("@somebody", "hello")


async def test_blocked(server: EmulatorServer, client: Client) -> None:
    await server.control("POST", f"/users/{USER}/block")
    with pytest.raises(client.errors["forbidden"], match=says("bot was blocked by the user")):
        await client.bot.send_message(USER, "hello")
    refused = await server.control("POST", f"/users/{USER}/messages", {"text": "x"}, expect=409)
    assert "unblock first" in refused["error"]
    member = (await client.bot.get_updates())[-1].my_chat_member
    assert (member.old_chat_member.status, member.new_chat_member.status) == ("member", "kicked")

    await server.control("POST", f"/users/{USER}/unblock")
    assert (await client.bot.send_message(USER, "hello")).text == "hello"
    member = (await client.bot.get_updates())[-1].my_chat_member
    assert (member.old_chat_member.status, member.new_chat_member.status) == ("kicked", "member")


@pytest.mark.parametrize("name", ["ptb", "aiogram"])
async def test_wrong_token(name: str, token: str) -> None:
    async with EmulatorServer(Config(tokens=(token,))) as server:
        right = await connect(name, server, token)
        assert (await right.bot.get_me()).id == 4200001
        wrong = await connect(name, server, token[:-1] + "X")
        with pytest.raises(wrong.errors["unauthorized"]):
            await wrong.bot.get_me()
        assert (await server.control("GET", "/counters"))["unauthorized_401"] == 1
        await right.close()
        await wrong.close()


async def test_unknown_method(client: Client) -> None:
    if client.is_ptb:
        with pytest.raises(client.errors["not found"]):
            await client.bot._post("sendRocket", {})
    else:
        from aiogram.methods import TelegramMethod  # noqa: PLC0415

        class SendRocket(TelegramMethod[bool]):
            __returning__ = bool
            __api_method__ = "sendRocket"

        with pytest.raises(client.errors["not found"]):
            await client.bot(SendRocket())


async def test_ordered_retry_after(server: EmulatorServer, client: Client) -> None:
    rule = {"method": "sendMessage", "kind": "retry_after", "retry_after": 3, "times": 1}
    await server.control("POST", "/faults", [rule])
    with pytest.raises(client.errors["retry after"]) as caught:
        await client.bot.send_message(USER, "hello")
    waiting: Any = getattr(caught.value, "_retry_after", None) or caught.value.retry_after  # type: ignore[attr-defined]
    assert getattr(waiting, "total_seconds", lambda: waiting)() == 3
    assert (await client.bot.send_message(USER, "hello")).text == "hello"
    assert (await server.control("GET", "/counters"))["statuses"]["429"] == 1


@pytest.mark.parametrize("code", [500, 502])
async def test_ordered_server_error(server: EmulatorServer, client: Client, code: int) -> None:
    await server.control("POST", "/faults", [{"kind": "http", "code": code, "description": "Broken"}])
    with pytest.raises(client.errors["server"], match=says("Broken")):
        await client.bot.get_me()
    assert len(await server.control("GET", "/faults")) == 1
    await server.control("DELETE", "/faults")
    await client.bot.get_me()


async def test_fault_for_one_chat(server: EmulatorServer, client: Client) -> None:
    await server.control("POST", "/users/8/messages", {"text": "/start"})
    await server.control("POST", "/faults", [{"method": "sendMessage", "chat_id": 8, "code": 403}])
    await client.bot.send_message(USER, "hello")
    with pytest.raises(client.errors["forbidden"]):
        await client.bot.send_message(8, "hello")


async def test_ordered_disconnect(server: EmulatorServer, client: Client) -> None:
    await server.control("POST", "/faults", {"method": "sendMessage", "kind": "disconnect", "times": 1})
    with pytest.raises(client.errors["network"]):
        await client.bot.send_message(USER, "lost")
    assert await bot_texts(server) == []


async def test_disconnect_after_the_fact(server: EmulatorServer, client: Client) -> None:
    rule = {"method": "sendMessage", "kind": "disconnect", "when": "after", "times": 1}
    await server.control("POST", "/faults", [rule])
    with pytest.raises(client.errors["network"]):
        await client.bot.send_message(USER, "sent all the same")
    assert await bot_texts(server) == ["sent all the same"]
    assert (await server.control("GET", "/counters"))["statuses"]["dropped"] == 1


async def test_ordered_timeout(server: EmulatorServer, client: Client) -> None:
    await server.control("POST", "/faults", [{"method": "sendMessage", "kind": "timeout", "seconds": 30}])
    limit = {"read_timeout": 0.2} if client.is_ptb else {"request_timeout": 1}
    with pytest.raises(client.errors["network"]):
        await client.bot.send_message(USER, "hello", **limit)
    assert await bot_texts(server) == []


async def test_ordered_latency(server: EmulatorServer, client: Client) -> None:
    await server.control("POST", "/faults", [{"method": "getMe", "kind": "latency", "seconds": 0.2}])
    loop = asyncio.get_running_loop()
    started = loop.time()
    await client.bot.get_me()
    assert loop.time() - started >= 0.2


@pytest.mark.parametrize("rule", [{"kind": "earthquake"}, {"moment": "never"}, {"times": 0}, 5])
async def test_rule_without_sense(server: EmulatorServer, rule: Any) -> None:
    await server.control("POST", "/faults", [rule], expect=400)
    assert await server.control("GET", "/faults") == []


async def test_outage_cuts_everything_at_once(server: EmulatorServer, client: Client) -> None:
    await client.bot.get_updates(offset=-1)
    update = (await client.bot.get_updates())[-1].update_id
    poll = asyncio.create_task(client.bot.get_updates(offset=update + 1, timeout=30))
    bot = server.state.by_id(None)
    assert bot is not None
    await eventually(lambda: bot.polling._waiter is not None)
    await server.control("POST", "/outage", {"active": True})
    with pytest.raises(client.errors["network"]):
        await asyncio.wait_for(poll, 2)
    with pytest.raises(client.errors["network"]):
        await client.bot.get_me()

    # The users' side goes on.
    await server.control("POST", f"/users/{USER}/messages", {"text": "anybody there?"})
    await server.control("POST", "/outage", {"active": False})
    (waiting,) = await client.bot.get_updates(offset=update + 1)
    assert waiting.message.text == "anybody there?"


@pytest.fixture
def limited(config: Config) -> Config:
    return replace(config, chat_limit=1.0, total_limit=3.0)


async def test_limits(limited: Config, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # However slow the machine is, all of this happens in one second.
    monkeypatch.setattr("telegram_emulator.limits.time", SimpleNamespace(monotonic=lambda: 0.0))
    async with EmulatorServer(limited) as server:
        ptb = await connect("ptb", server, token)
        for user in range(1, 6):
            await server.control("POST", f"/users/{user}/messages", {"text": "/start"})
        await ptb.bot.send_message(1, "first")
        with pytest.raises(ptb.errors["retry after"], match=says("Flood control exceeded")):
            await ptb.bot.send_message(1, "second")
        await ptb.bot.send_message(2, "other chats are free")
        await ptb.bot.send_message(3, "still free")
        with pytest.raises(ptb.errors["retry after"]):
            await ptb.bot.send_message(4, "too many in all")
        counters = await server.control("GET", "/counters")
        assert counters["messages_per_second_max"] == 3
        assert counters["messages_per_second_max_one_chat"] == 1
        await ptb.close()


async def test_latency_of_all_methods(config: Config, token: str) -> None:
    async with EmulatorServer(replace(config, latency={"*": 0.4, "getupdates": 0.0})) as server:
        ptb = await connect("ptb", server, token)
        loop = asyncio.get_running_loop()
        started = loop.time()
        await ptb.bot.get_updates()
        between = loop.time()
        await ptb.bot.get_me()
        assert between - started < 0.4 <= loop.time() - between
        await ptb.close()


async def test_request_too_large(config: Config, token: str) -> None:
    async with EmulatorServer(replace(config, max_body_bytes=10_000)) as server:
        await server.control("POST", f"/users/{USER}/messages", {"text": "/start"})
        ptb = await connect("ptb", server, token)
        with pytest.raises(ptb.errors["network"], match=says("Request Entity Too Large")):
            await ptb.bot.send_document(USER, ptb.file(b"x" * 20_000, "big.bin"))
        await ptb.close()


async def test_plain_http(server: EmulatorServer, token: str) -> None:
    """GET and POST, every encoding, any case of the method's name."""
    async with aiohttp.ClientSession() as session:

        async def call(verb: str, method: str, **arguments: Any) -> tuple[int, Any]:
            async with session.request(verb, f"{server.base_url}{token}/{method}", **arguments) as response:
                assert response.content_type == "application/json"
                return response.status, await response.json()

        values = {"chat_id": USER, "text": "a + b"}
        form = aiohttp.FormData({"chat_id": "7", "text": "a + b"}, default_to_multipart=True)
        calls: list[tuple[str, str, dict[str, Any]]] = [
            ("GET", "sendMessage", {"params": values}),
            ("POST", "SENDMESSAGE", {"params": values}),
            ("POST", "sendmessage", {"data": values}),
            ("POST", "sendMessage", {"json": {"chat_id": str(USER), "text": "a + b"}}),
            ("POST", "sendMessage", {"data": form}),
        ]
        for verb, method, arguments in calls:
            status, answer = await call(verb, method, **arguments)
            assert (status, answer["ok"], answer["result"]["text"]) == (200, True, "a + b")

        markup = {"inline_keyboard": [[{"text": "Go", "url": "https://example.org"}]]}
        _, answer = await call("POST", "sendMessage", json={**values, "reply_markup": markup})
        assert answer["result"]["reply_markup"] == markup

        assert await call("GET", "sendRocket") == (
            404,
            {"ok": False, "error_code": 404, "description": "Not Found"},
        )
        assert await call("POST", "sendMessage", json={"text": "x"}) == (
            400,
            {"ok": False, "error_code": 400, "description": "Bad Request: chat_id is empty"},
        )
        await server.control("POST", "/faults", [{"kind": "retry_after", "retry_after": 5}])
        assert await call("GET", "getMe") == (
            429,
            {
                "ok": False,
                "error_code": 429,
                "description": "Too Many Requests: retry after 5",
                "parameters": {"retry_after": 5},
            },
        )
        async with session.get(f"{server.url}/botnonsense/getMe") as response:
            assert response.status == 404
        for body in (b"{", b"[]"):
            async with session.post(
                f"{server.base_url}{token}/getMe", data=body, headers={"Content-Type": "application/json"}
            ) as response:
                assert response.status == 400
