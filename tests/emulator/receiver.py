"""A webhook's other end, doing as told."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from aiohttp import web

Answer = Callable[[dict[str, Any]], int]


class Receiver:
    """Records what is posted; ``answer`` chooses the status, ``gate`` can hold posts back."""

    def __init__(self, tls: ssl.SSLContext | None = None, answer: Answer | None = None) -> None:
        self.attempts: list[dict[str, Any]] = []
        self.accepted: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.answer: Answer = answer or (lambda _update: 200)
        self.reply: dict[str, Any] | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.in_flight: Counter[int] = Counter()
        self.most_at_once = 0
        self.most_of_one_chat = 0
        self.port = 0
        self._tls = tls
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    async def wait_for(self, condition: Callable[[], bool], seconds: float = 5.0) -> None:
        async with asyncio.timeout(seconds), self._changed:
            await self._changed.wait_for(condition)

    @staticmethod
    def chat_of(update: dict[str, Any]) -> int:
        return int(update["message"]["chat"]["id"])

    def texts(self, chat_id: int | None = None) -> list[str]:
        return [one["message"]["text"] for one in self.accepted if chat_id is None or self.chat_of(one) == chat_id]

    async def _handle(self, request: web.Request) -> web.Response:
        update = await request.json()
        chat = self.chat_of(update)
        self.attempts.append(update)
        self.headers.append(dict(request.headers))
        self.in_flight[chat] += 1
        self.most_at_once = max(self.most_at_once, self.in_flight.total())
        self.most_of_one_chat = max(self.most_of_one_chat, self.in_flight[chat])
        await self._announce()
        try:
            await self.gate.wait()
        finally:
            self.in_flight[chat] -= 1
        status = self.answer(update)
        if status == 200:
            self.accepted.append(update)
        await self._announce()
        if self.reply is not None:
            return web.json_response(self.reply, status=status)
        return web.Response(status=status)

    async def _announce(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_post("/hook", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.2)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        self.gate.set()
        await self._runner.cleanup()
