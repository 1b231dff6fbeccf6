"""Delivery by webhook."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import itertools
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiogram
import pytest
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from emulator.clients import Client, connect, eventually, says
from emulator.receiver import Receiver
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

SECRET = "the-secret_of-42"


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as running:
        yield running


async def write(server: EmulatorServer, text: str, user: int = 7) -> int:
    return int((await server.control("POST", f"/users/{user}/messages", {"text": text}))["update_id"])


def address(receiver: Receiver) -> str:
    return f"http://127.0.0.1:{receiver.port}/hook"


async def test_delivery_with_the_secret(server: EmulatorServer, client: Client, receiver: Receiver) -> None:
    early = await write(server, "before the webhook")
    await client.bot.set_webhook(address(receiver), secret_token=SECRET, max_connections=7)
    await write(server, "after")
    await receiver.wait_for(lambda: len(receiver.accepted) == 2)
    assert receiver.accepted[0]["update_id"] == early
    assert receiver.texts() == ["before the webhook", "after"]
    assert {one["X-Telegram-Bot-Api-Secret-Token"] for one in receiver.headers} == {SECRET}
    info = await client.bot.get_webhook_info()
    assert (info.url, info.pending_update_count, info.max_connections) == (address(receiver), 0, 7)
    assert info.has_custom_certificate is False
    assert info.last_error_message is None
    counters = await server.control("GET", "/counters")
    assert counters["webhook"] == {"attempts": 2, "ok": 2, "failed": 0}
    assert counters["updates"]["confirmed"] == 2


async def test_without_a_secret_there_is_no_header(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    await ptb.bot.set_webhook(address(receiver))
    await write(server, "x")
    await receiver.wait_for(lambda: len(receiver.accepted) == 1)
    assert "X-Telegram-Bot-Api-Secret-Token" not in receiver.headers[0]


async def test_retried_until_accepted(server: EmulatorServer, client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda _: 200 if len(receiver.attempts) > 3 else 503
    await client.bot.set_webhook(address(receiver))
    await write(server, "stubborn")
    await receiver.wait_for(lambda: len(receiver.attempts) == 2)
    info = await client.bot.get_webhook_info()
    assert info.pending_update_count == 1
    assert info.last_error_message.startswith("Wrong response from the webhook: 503")
    assert info.last_error_date is not None
    await receiver.wait_for(lambda: len(receiver.accepted) == 1)
    assert len(receiver.attempts) == 4
    assert len({one["update_id"] for one in receiver.attempts}) == 1
    counters = await server.control("GET", "/counters")
    assert counters["webhook"] == {"attempts": 4, "ok": 1, "failed": 3}
    assert counters["updates"]["duplicates"] == 0


async def test_order_within_a_chat_while_others_go_on(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    """A chat whose first update fails waits; the others do not wait for it."""
    stuck = True
    receiver.answer = lambda update: 500 if stuck and receiver.chat_of(update) == 1 else 200
    await ptb.bot.set_webhook(address(receiver))
    for number in range(5):
        for user in (1, 2, 3):
            await write(server, str(number), user)
    await receiver.wait_for(lambda: len(receiver.accepted) == 10)
    assert receiver.texts(1) == []
    assert {one["message"]["text"] for one in receiver.attempts if receiver.chat_of(one) == 1} == {"0"}
    stuck = False
    await receiver.wait_for(lambda: len(receiver.accepted) == 15)
    for user in (1, 2, 3):
        assert receiver.texts(user) == ["0", "1", "2", "3", "4"]
    assert receiver.most_of_one_chat == 1


async def test_parallel_up_to_max_connections(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    receiver.gate.clear()
    await ptb.bot.set_webhook(address(receiver), max_connections=3)
    for number in range(2):
        for user in range(1, 11):
            await write(server, str(number), user)
    await receiver.wait_for(lambda: len(receiver.attempts) == 3)
    receiver.gate.set()
    await receiver.wait_for(lambda: len(receiver.accepted) == 20)
    assert receiver.most_at_once == 3
    assert receiver.most_of_one_chat == 1
    # Taking turns: nobody's second update goes before everybody's first.
    order = [one["message"]["text"] for one in receiver.attempts]
    assert order[:8] == ["0"] * 8
    assert order[-8:] == ["1"] * 8


async def test_slow_receiver_gets_it_again(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    receiver.gate.clear()
    await ptb.bot.set_webhook(address(receiver))
    await write(server, "slow")
    await receiver.wait_for(lambda: len(receiver.attempts) == 2)
    assert (await ptb.bot.get_webhook_info()).last_error_message == "Read timeout expired"
    receiver.gate.set()
    await eventually(lambda: len(server.state.bots[0].queue) == 0)


async def test_nobody_listens_for_a_while(server: EmulatorServer, ptb: Client) -> None:
    receiver = Receiver()
    async with receiver:
        pass  # the port is known now, and free
    await ptb.bot.set_webhook(address(receiver))
    sent = await write(server, "patience")
    delivery = server.state.bots[0].delivery
    await eventually(lambda: delivery.last_error is not None)
    assert "refused" in (await ptb.bot.get_webhook_info()).last_error_message
    async with receiver:
        await receiver.wait_for(lambda: len(receiver.accepted) == 1)
    assert receiver.accepted[0]["update_id"] == sent


async def test_delete_keeps_or_drops(server: EmulatorServer, client: Client, receiver: Receiver) -> None:
    receiver.answer = lambda _: 500
    await client.bot.set_webhook(address(receiver))
    await write(server, "kept")
    await receiver.wait_for(lambda: len(receiver.attempts) >= 1)
    await client.bot.delete_webhook()
    assert (await client.bot.get_webhook_info()).url == ""
    assert [one.message.text for one in await client.bot.get_updates()] == ["kept"]

    await client.bot.set_webhook(address(receiver))
    await client.bot.delete_webhook(drop_pending_updates=True)
    assert list(await client.bot.get_updates()) == []
    await write(server, "new")
    await client.bot.set_webhook(address(receiver), drop_pending_updates=True)
    assert (await client.bot.get_webhook_info()).pending_update_count == 0


async def test_changing_the_address_loses_nothing(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    async with Receiver() as other:
        receiver.answer = lambda _: 500
        receiver.gate.clear()
        await ptb.bot.set_webhook(address(receiver))
        for number in range(3):
            await write(server, str(number))
        await receiver.wait_for(lambda: len(receiver.attempts) == 1)
        await ptb.bot.set_webhook(address(other))
        await write(server, "3")
        # The post under way comes to an end first, and its update to the other address.
        assert other.attempts == []
        receiver.gate.set()
        await other.wait_for(lambda: len(other.accepted) == 4)
        assert other.texts() == ["0", "1", "2", "3"]
        assert len(receiver.attempts) == 1


async def test_same_webhook_again_changes_nothing(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    receiver.gate.clear()
    await ptb.bot.set_webhook(address(receiver), secret_token=SECRET)
    await write(server, "x")
    await receiver.wait_for(lambda: len(receiver.attempts) == 1)
    await ptb.bot.set_webhook(address(receiver), secret_token=SECRET)
    receiver.gate.set()
    await eventually(lambda: len(server.state.bots[0].queue) == 0)
    assert len(receiver.attempts) == 1


async def test_allowed_updates(server: EmulatorServer, client: Client, receiver: Receiver) -> None:
    await client.bot.set_webhook(address(receiver), allowed_updates=["message"])
    await server.control("POST", "/users/7/block")
    await server.control("POST", "/users/7/unblock")
    await write(server, "only this")
    await receiver.wait_for(lambda: len(receiver.accepted) == 1)
    assert receiver.texts() == ["only this"]
    assert list((await client.bot.get_webhook_info()).allowed_updates) == ["message"]


async def test_repeated_update(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    await ptb.bot.set_webhook(address(receiver))
    sent = await write(server, "twice")
    await receiver.wait_for(lambda: len(receiver.accepted) == 1)
    await server.control("POST", "/updates", {"repeat": sent})
    await receiver.wait_for(lambda: len(receiver.accepted) == 2)
    assert receiver.accepted[0] == receiver.accepted[1]
    assert (await server.control("GET", "/counters"))["updates"]["duplicates"] == 1


async def test_nothing_is_delivered_during_an_outage(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    await ptb.bot.set_webhook(address(receiver))
    await server.control("POST", "/outage", {"active": True})
    await write(server, "later")
    assert receiver.attempts == []
    await server.control("POST", "/outage", {"active": False})
    await receiver.wait_for(lambda: len(receiver.accepted) == 1)


async def test_call_in_the_answer(server: EmulatorServer, ptb: Client, receiver: Receiver) -> None:
    receiver.reply = {"method": "sendMessage", "chat_id": 7, "text": "in the same breath"}
    await ptb.bot.set_webhook(address(receiver))
    await write(server, "x")
    messages = await server.control("GET", "/users/7/chat?after=1&wait=5")
    assert [one["text"] for one in messages] == ["in the same breath"]


@pytest.mark.parametrize("background", [True, False])
async def test_aiogram_webhook_application(server: EmulatorServer, token: str, background: bool) -> None:
    dispatcher = aiogram.Dispatcher()

    @dispatcher.message()
    async def echo(message: aiogram.types.Message) -> Any:
        return message.answer(f"echo {message.text}")

    bot = aiogram.Bot(token, session=AiohttpSession(api=TelegramAPIServer.from_base(server.url)))
    app = web.Application()
    handler = SimpleRequestHandler(dispatcher, bot, handle_in_background=background, secret_token=SECRET)
    handler.register(app, "/hook")
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    await bot.set_webhook(f"http://127.0.0.1:{runner.addresses[0][1]}/hook", secret_token=SECRET)
    await write(server, "hello")
    messages = await server.control("GET", "/users/7/chat?after=1&wait=5")
    assert [one["text"] for one in messages] == ["echo hello"]
    await runner.cleanup()


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("http://bot.example/hook", "an HTTPS URL must be provided"),
        ("https://bot.example:8444/hook", "Webhook can be set up only on ports 80, 88, 443 or 8443"),
        ("ftp://bot.example/hook", "invalid URL specified"),
        ("https://", "invalid URL specified"),
    ],
)
@pytest.mark.parametrize("name", ["ptb", "aiogram"])
async def test_addresses_telegram_would_refuse(name: str, url: str, complaint: str, token: str) -> None:
    async with EmulatorServer(Config()) as strict:
        client = await connect(name, strict, token)
        with pytest.raises(client.errors["bad request"], match=says(complaint)):
            await client.bot.set_webhook(url)
        assert await client.bot.set_webhook("https://bot.example:8443/hook")
        await client.close()


async def test_parameters_telegram_would_refuse(client: Client) -> None:
    url = "https://bot.example/hook"
    bad_request = client.errors["bad request"]
    with pytest.raises(bad_request, match=says("secret token contains unallowed characters")):
        await client.bot.set_webhook(url, secret_token="with spaces")
    with pytest.raises(bad_request, match=says("secret token is too long")):
        await client.bot.set_webhook(url, secret_token="x" * 257)
    with pytest.raises(bad_request, match=says("bad webhook: can't parse the certificate")):
        await client.bot.set_webhook(url, certificate=client.file(b"no certificate", "cert.pem"))


class Identity:
    """A self-signed certificate."""

    def __init__(self, folder: Path, name: str, *, ip: str | None = None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.UTC)
        names: list[x509.GeneralName] = [x509.DNSName(name)]
        if ip:
            names.append(x509.IPAddress(ipaddress.ip_address(ip)))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(key, hashes.SHA256())
        )
        self.pem = certificate.public_bytes(serialization.Encoding.PEM)
        path = folder / f"{name}.pem"
        path.write_bytes(
            self.pem
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(path)


async def test_uploaded_certificate_is_trusted(server: EmulatorServer, client: Client, tmp_path: Path) -> None:
    identity = Identity(tmp_path, "localhost", ip="127.0.0.1")
    async with Receiver(tls=identity.context) as receiver:
        url = f"https://127.0.0.1:{receiver.port}/hook"
        await client.bot.set_webhook(url, certificate=client.file(identity.pem, "cert.pem"), secret_token=SECRET)
        await write(server, "over TLS")
        await receiver.wait_for(lambda: len(receiver.accepted) == 1)
        info = await client.bot.get_webhook_info()
        assert info.has_custom_certificate is True
        assert info.last_error_message is None


async def refused(server: EmulatorServer, client: Client, receiver: Receiver) -> str:
    await write(server, "over TLS")
    await eventually(lambda: server.state.bots[0].delivery.last_error is not None)
    info = await client.bot.get_webhook_info()
    assert receiver.attempts == []
    assert info.pending_update_count == 1
    return str(info.last_error_message)


async def test_self_signed_certificate_without_upload(server: EmulatorServer, ptb: Client, tmp_path: Path) -> None:
    async with Receiver(tls=Identity(tmp_path, "localhost").context) as receiver:
        await ptb.bot.set_webhook(f"https://localhost:{receiver.port}/hook")
        assert "SSL error" in await refused(server, ptb, receiver)


async def test_authority_that_is_trusted_later(
    server: EmulatorServer, ptb: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    identity = Identity(tmp_path, "localhost")
    roots = tmp_path / "roots.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(roots))
    async with Receiver(tls=identity.context) as receiver:
        await ptb.bot.set_webhook(f"https://localhost:{receiver.port}/hook")
        assert "SSL error" in await refused(server, ptb, receiver)
        roots.write_bytes(identity.pem)
        await receiver.wait_for(lambda: len(receiver.accepted) == 1)


async def test_other_certificate_than_uploaded(server: EmulatorServer, ptb: Client, tmp_path: Path) -> None:
    async with Receiver(tls=Identity(tmp_path, "localhost").context) as receiver:
        url = f"https://localhost:{receiver.port}/hook"
        await ptb.bot.set_webhook(url, certificate=Identity(tmp_path, "localhost").pem)
        assert "SSL error" in await refused(server, ptb, receiver)


async def test_certificate_for_another_name(server: EmulatorServer, ptb: Client, tmp_path: Path) -> None:
    identity = Identity(tmp_path, "bot.example")
    async with Receiver(tls=identity.context) as receiver:
        await ptb.bot.set_webhook(f"https://localhost:{receiver.port}/hook", certificate=identity.pem)
        message = await refused(server, ptb, receiver)
        assert "SSL error" in message
        assert "localhost" in message


async def test_fixed_address(server: EmulatorServer, ptb: Client, tmp_path: Path) -> None:
    """The name is checked against the certificate, the address comes from ip_address."""
    identity = Identity(tmp_path, "bot.example")
    async with Receiver(tls=identity.context) as receiver:
        url = f"https://bot.example:{receiver.port}/hook"
        await ptb.bot.set_webhook(url, certificate=identity.pem, ip_address="127.0.0.1")
        await write(server, "over TLS")
        await receiver.wait_for(lambda: len(receiver.accepted) == 1)


async def test_backoff_grows(config: Config, token: str, receiver: Receiver) -> None:
    async with EmulatorServer(replace(config, webhook_backoff=0.05, webhook_backoff_max=10.0)) as server:
        ptb = await connect("ptb", server, token)
        times: list[float] = []
        loop_time = asyncio.get_running_loop().time

        def answer(_update: dict[str, Any]) -> int:
            times.append(loop_time())
            return 500

        receiver.answer = answer
        await ptb.bot.set_webhook(address(receiver))
        await write(server, "x")
        await receiver.wait_for(lambda: len(times) == 4)
        gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert gaps[0] >= 0.05
        assert gaps[1] >= 0.1
        assert gaps[2] >= 0.2
        await ptb.close()
