"""The emulator inside a pytest process."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import aiohttp
from aiohttp import web

from .client import User
from .config import Config
from .server import STATE, create_app
from .state import State


class EmulatorServer:
    """Async context manager: an emulator on a free port, or on the port given."""

    def __init__(self, config: Config | None = None, port: int = 0) -> None:
        self.app = create_app(config)
        self.port = port
        self._runner: web.AppRunner | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def state(self) -> State:
        """What the emulator knows."""
        return self.app[STATE]

    @property
    def url(self) -> str:
        """Its address; aiogram's ``TelegramAPIServer.from_base`` takes it as it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def base_url(self) -> str:
        """python-telegram-bot's ``base_url``."""
        return f"{self.url}/bot"

    @property
    def base_file_url(self) -> str:
        """python-telegram-bot's ``base_file_url``."""
        return f"{self.url}/file/bot"

    def user(self, user_id: int, **profile: str) -> User:
        """A user whose calls block: call its methods from another thread."""
        return User(user_id, self.url, None, **profile)

    async def control(self, method: str, path: str, body: Any = None, expect: int = 200) -> Any:
        """Call the control API and return its JSON."""
        assert self._session is not None
        async with self._session.request(method, f"{self.url}/control{path}", json=body) as response:
            content = await response.json()
            assert response.status == expect, f"{method} {path}: {response.status} {content}"
            return content

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(self.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.5)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self._session = aiohttp.ClientSession()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        if self._runner is not None:
            await self._runner.cleanup()
