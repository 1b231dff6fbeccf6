"""What the integration tests share: a database that can go away, a bot in this process, a bot in its own."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import aiohttp
import asyncpg

from kbju_bot.app import App
from kbju_bot.settings import RunSettings, load
from telegram_emulator.testing import EmulatorServer

from .cluster import Cluster, free_port

SOURCES = Path(__file__).parents[2] / "bot" / "src"
TOKEN = "123456:" + "A" * 35
SECRET = "s" * 24


async def eventually(
    condition: Callable[[], Awaitable[Any]] | Callable[[], Any], within: float = 10.0, what: str = "it"
) -> Any:
    """Return the condition's result as soon as it is true."""
    end = time.monotonic() + within
    while True:
        result = condition()
        if isinstance(result, Awaitable):
            result = await result
        if result:
            return result
        assert time.monotonic() < end, f"{what} did not happen within {within} s"
        await asyncio.sleep(0.02)


class Gate:
    """A TCP proxy in front of PostgreSQL, to cut the database off and let it come back."""

    def __init__(self, port: int) -> None:
        self.port = free_port()
        self._target = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()

    async def open(self) -> None:
        """Let connections through."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)

    async def cut(self) -> None:
        """Break all connections and refuse new ones."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        other_reader, other_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, other_writer}
        await asyncio.gather(self._pump(reader, other_writer), self._pump(other_reader, writer))
        self._writers -= {writer, other_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


SETTLED = range(7001, 7051)
"""Users of every world who gave their consent and took the survey: /data names them, /help does not."""
_SETTLE = """
INSERT INTO users (
    telegram_id, first_name, language_code, time_zone, name, sex, birth_date, height_cm, steps, sport, goal
)
SELECT id, 'Анна', 'ru', 'Europe/Moscow', 'Анна', 'female', '1990-11-23', 170, '5000-7499', 'none', 'healthy'
FROM unnest($1::bigint[]) AS id
"""


async def settle(connection: asyncpg.Connection, users: Iterable[int]) -> None:
    """Make users who gave their consent and took the survey."""
    users = list(users)
    await connection.execute(_SETTLE, users)
    await connection.execute("INSERT INTO consents SELECT id, 1 FROM unnest($1::bigint[]) AS id", users)
    await connection.execute(
        """
        INSERT INTO user_records (telegram_id, day, weight_kg, waist_cm, neck_cm, hip_cm, height_cm, goal, body_fat)
        SELECT id, '2020-01-01', 70, 80, 34, 100, 170, 'healthy', 28.5 FROM unnest($1::bigint[]) AS id
        """,
        users,
    )


@dataclass
class World:
    """A database and a Telegram of its own for one test."""

    cluster: Cluster
    database: str
    telegram: EmulatorServer
    gate: Gate
    directory: Path
    admin: asyncpg.Connection
    session: aiohttp.ClientSession
    seen: dict[int, int] = field(default_factory=dict)

    def environment(self, **more: str) -> dict[str, str]:
        """Return the settings of a bot in this world, as variables."""
        return {
            "BOT_TOKEN": TOKEN,
            "DATABASE_URL": self.cluster.url(self.database, "kbju_bot", self.gate.port),
            "DB_PASSWORD": self.cluster.password,
            "DB_TIMEOUT": "3",
            "TELEGRAM_API_URL": self.telegram.url,
            "HTTP_HOST": "127.0.0.1",
            "HTTP_PORT": str(free_port()),
            "LOG_FILE": str(self.directory / "bot.log"),
            "PROBE_INTERVAL": "0.2",
            "POLL_TIMEOUT": "5",
            "SHUTDOWN_TIMEOUT": "5",
            # Tests of the limits set their own.
            "SEND_RATE": "0",
            "SEND_RATE_CHAT": "0",
        } | more

    def webhook_environment(self, **more: str) -> dict[str, str]:
        """Return the settings of a bot that gets its updates by webhook."""
        port = str(free_port())
        webhook = {"HTTP_PORT": port, "WEBHOOK_URL": f"http://127.0.0.1:{port}", "WEBHOOK_SECRET": SECRET}
        return self.environment(**webhook) | more

    async def write(self, user: int, text: str, **profile: str) -> int:
        """Let a user write to the bot and return the update's number."""
        profile = {"first_name": "Анна", "language_code": "ru"} | profile
        sent = await self.telegram.control("POST", f"/users/{user}/messages", {"text": text, **profile})
        self.seen[user] = max(self.seen.get(user, 0), sent["message_id"])
        number: int = sent["update_id"]
        return number

    async def chat(self, user: int) -> list[str]:
        """Return what the bot wrote to a user, oldest first."""
        messages = await self.telegram.control("GET", f"/users/{user}/chat")
        return [message["text"] for message in messages if message["from"] == "bot"]

    async def replies(self, user: int, count: int, within: float = 10.0) -> list[str]:
        """Wait for the bot's first `count` messages to a user."""

        async def enough() -> list[str]:
            texts = await self.chat(user)
            return texts if len(texts) >= count else []

        texts: list[str] = await eventually(enough, within, f"message {count} to user {user}")
        return texts

    async def value(self, query: str, *arguments: object) -> Any:
        """Ask the database for one value."""
        return await self.admin.fetchval(query, *arguments)

    @asynccontextmanager
    async def bot(self, environment: dict[str, str] | None = None, *, ready: bool = True) -> AsyncIterator["LocalBot"]:
        """Run a bot in this process."""
        environment = environment or self.environment()
        settings = load(RunSettings, environment)
        app = App(settings)
        local = LocalBot(app, asyncio.create_task(app.run()), f"http://127.0.0.1:{settings.http_port}", self.session)
        try:
            if ready:
                await eventually(local.ready, what="a ready bot")
            yield local
        finally:
            app.stop()
            local.exit_code = await asyncio.wait_for(local.task, 20)

    @asynccontextmanager
    async def process(
        self, environment: dict[str, str] | None = None, *, ready: bool = True
    ) -> AsyncIterator["BotProcess"]:
        """Run a bot in a process of its own."""
        environment = environment or self.environment()
        process = await BotProcess.start("run", environment, self.directory, self.session)
        try:
            if ready:
                await eventually(process.ready, what="a ready bot")
            yield process
        finally:
            await process.kill()


class _Reachable:
    url: str
    session: aiohttp.ClientSession

    async def get(self, path: str) -> tuple[int, str]:
        """Ask the bot's HTTP server; status 0 where there is none."""
        try:
            async with self.session.get(self.url + path) as response:
                return response.status, await response.text()
        except aiohttp.ClientError:
            return 0, ""

    async def ready(self) -> bool:
        """Tell whether the bot says it is ready."""
        return (await self.get("/readyz"))[0] == 200

    async def metric(self, series: str) -> float:
        """Return a metric's value."""
        text = (await self.get("/metrics"))[1]
        match = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        assert match, f"no {series} in the metrics"
        return float(match[1])

    async def deliver(self, update: object, secret: str | None = SECRET) -> int:
        """Deliver something to the webhook as Telegram would, and return the status."""
        headers = {} if secret is None else {"X-Telegram-Bot-Api-Secret-Token": secret}
        async with self.session.post(f"{self.url}/telegram/webhook", json=update, headers=headers) as response:
            return response.status


@dataclass
class LocalBot(_Reachable):
    """A bot in this process."""

    app: App
    task: asyncio.Task[int]
    url: str
    session: aiohttp.ClientSession
    exit_code: int | None = None


class BotProcess(_Reachable):
    """A command of the bot in a process of its own; what it prints goes to a file."""

    def __init__(self, process: asyncio.subprocess.Process, output: Path, url: str, session: aiohttp.ClientSession):
        self.process = process
        self.output = output
        self.url = url
        self.session = session

    @classmethod
    async def start(cls, command: str, environment: dict[str, str], directory: Path, session: Any = None) -> Self:
        """Start `python -m kbju_bot COMMAND`; arguments of the command stand behind it."""
        output = directory / f"output-{time.monotonic_ns()}"
        with output.open("wb") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "kbju_bot",
                *command.split(),
                env={"PATH": os.defpath, "PYTHONPATH": str(SOURCES), **environment},
                stdout=file,
                stderr=asyncio.subprocess.STDOUT,
                cwd=directory,
            )
        return cls(process, output, f"http://127.0.0.1:{environment.get('HTTP_PORT', 0)}", session)

    @property
    def text(self) -> str:
        """What it printed so far."""
        return self.output.read_text()

    async def ended(self, within: float = 15.0) -> int:
        """Wait for its end and return the exit code."""
        return await asyncio.wait_for(self.process.wait(), within)

    async def terminate(self) -> int:
        """Send SIGTERM and wait."""
        self.process.send_signal(signal.SIGTERM)
        return await self.ended()

    async def kill(self) -> None:
        """End it at once, where it still runs."""
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()


async def run_command(command: str, environment: dict[str, str], directory: Path) -> tuple[int, str]:
    """Run one of the bot's commands to its end; return exit code and output."""
    process = await BotProcess.start(command, environment, directory)
    code = await process.ended()
    return code, process.text


def update(number: int, user: int, text: str, **profile: str) -> dict[str, Any]:
    """Build an update as Telegram would deliver it."""
    person = {"id": user, "is_bot": False, "first_name": "Анна", **profile}
    chat = {"id": user, "type": "private", "first_name": "Анна"}
    message = {"message_id": number, "date": 1_700_000_000, "chat": chat, "from": person, "text": text}
    return {"update_id": number, "message": message}


@dataclass
class Phone:
    """One user's chat as that user sees it: writes, presses what is on the newest buttons, reads what comes."""

    world: World
    user: int
    profile: dict[str, str] = field(default_factory=dict)
    read: int = 0

    async def say(self, text: str) -> dict[str, Any]:
        """Write, and return the bot's next message."""
        await self.world.write(self.user, text, **self.profile)
        return await self.next()

    async def press(self, label: str) -> dict[str, Any]:
        """Press a button by its label, and return the bot's next message."""
        for message in reversed(await self._messages()):
            for row in message["buttons"]:
                for button in row:
                    if button["text"] == label:
                        body = {"message_id": message["id"], "data": button["data"]}
                        await self.world.telegram.control("POST", f"/users/{self.user}/callbacks", body)
                        return await self.next()
        raise AssertionError(f"there is no button {label!r}")

    async def next(self, within: float = 15.0) -> dict[str, Any]:
        """Wait for the bot's next message."""

        async def newer() -> list[dict[str, Any]]:
            return [one for one in await self._messages() if one["id"] > self.read]

        message: dict[str, Any] = (await eventually(newer, within, f"a message to user {self.user}"))[0]
        self.read = message["id"]
        return message

    async def catch_up(self) -> None:
        """Take everything for read."""
        self.read = max((one["id"] for one in await self._messages()), default=0)

    async def _messages(self) -> list[dict[str, Any]]:
        messages = await self.world.telegram.control("GET", f"/users/{self.user}/chat")
        return [one for one in messages if one["from"] == "bot"]

    async def file(self, message: dict[str, Any]) -> bytes:
        """Download the file of a message."""
        async with self.world.session.get(self.world.telegram.url + message["file"]["url"]) as response:
            return await response.read()
