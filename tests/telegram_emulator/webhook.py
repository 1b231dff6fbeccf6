"""Delivery by webhook: in order within a chat, chats in parallel, each update until it is accepted."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import ssl
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from .config import Config
from .counters import Counters
from .updates import Update, UpdateQueue

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
_MAX_ANSWER = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Settings:
    """Where updates go, and how."""

    url: str
    secret: str | None = None
    certificate: str | None = None
    ip_address: str | None = None
    max_connections: int = 40

    def tls(self) -> ssl.SSLContext:
        """Trust for the connection. An uploaded certificate replaces the system's; names are checked either way."""
        return ssl.create_default_context(cadata=self.certificate)


class _FixedAddress(AbstractResolver):
    def __init__(self, address: str) -> None:
        self._address = address

    async def resolve(self, host: str, port: int = 0, family: int = socket.AF_INET) -> list[ResolveResult]:
        family = socket.AF_INET6 if ":" in self._address else socket.AF_INET
        return [
            ResolveResult(
                hostname=host, host=self._address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST
            )
        ]

    async def close(self) -> None:
        return None


class _RefusedError(Exception):
    """The receiver has not accepted an update; the text says how."""


class WebhookDelivery:
    """The webhook side of one bot. Without settings it does nothing."""

    def __init__(self, queue: UpdateQueue, counters: Counters, config: Config) -> None:
        self.settings: Settings | None = None
        self.last_error: tuple[int, str] | None = None
        self.paused = False
        self.on_answer: Callable[[str, bytes], Awaitable[None]] | None = None
        self._queue = queue
        self._counters = counters
        self._config = config
        self._session: aiohttp.ClientSession | None = None
        self._tls: ssl.SSLContext | None = None
        # A chat is in exactly one of these while it has updates: ready, in flight, or backing off.
        self._chats: dict[int, deque[Update]] = {}
        self._ready: deque[int] = deque()
        self._in_flight: dict[int, Update] = {}
        self._backing_off: dict[int, asyncio.TimerHandle] = {}
        self._failures: dict[int, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def configure(self, settings: Settings | None) -> None:
        """Start, change or stop delivery. Posts under way are left to finish."""
        old, self._session = self._session, None
        if old is not None:
            self._spawn(self._close_when_idle(old, list(self._tasks)))
        for timer in self._backing_off.values():
            timer.cancel()
        for state in (self._chats, self._ready, self._backing_off, self._failures):
            state.clear()
        self.settings = settings
        self.last_error = None
        if settings is None:
            return
        self._tls = settings.tls()
        connector = aiohttp.TCPConnector(
            limit=0, ssl=self._tls, resolver=_FixedAddress(settings.ip_address) if settings.ip_address else None
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=self._config.webhook_timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        busy = set(self._in_flight.values())
        for update in self._queue.for_webhook():
            if update not in busy:
                self.push(update)

    def push(self, update: Update) -> None:
        """A new update waits for delivery."""
        waiting = self._chats.setdefault(update.chat_id, deque())
        waiting.append(update)
        chat = update.chat_id
        # A chat that backs off still holds the update that failed, so this one is not alone there.
        if len(waiting) == 1 and chat not in self._in_flight:
            self._ready.append(chat)
            self._pump()

    def pause(self, paused: bool) -> None:
        """Hold delivery back during an outage."""
        self.paused = paused
        self._pump()

    def forget(self) -> None:
        """The queue has been emptied: drop what waits here as well."""
        for timer in self._backing_off.values():
            timer.cancel()
        for state in (self._chats, self._ready, self._backing_off, self._failures):
            state.clear()

    async def close(self) -> None:
        """Stop for good."""
        self.configure(None)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _pump(self) -> None:
        settings = self.settings
        session = self._session
        while settings and session and self._ready and not self.paused:
            if len(self._in_flight) >= settings.max_connections:
                break
            chat = self._ready.popleft()
            update = self._chats[chat].popleft()
            if not self._chats[chat]:
                del self._chats[chat]
            self._in_flight[chat] = update
            self._spawn(self._deliver(update, settings, session))

    def _spawn(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _deliver(self, update: Update, settings: Settings, session: aiohttp.ClientSession) -> None:
        error: str | None = None
        try:
            await self._post(update, settings, session)
        except _RefusedError as refused:
            error = str(refused)
        finally:
            del self._in_flight[update.chat_id]
        chat = update.chat_id
        if error is None:
            self._counters.webhook_ok += 1
            self._queue.delivered(update)
            self._failures.pop(chat, None)
            self._queue.done(update)
            if chat in self._chats:
                self._ready.append(chat)
        else:
            self._counters.webhook_failed += 1
            self._retry_later(update, settings, error)
        self._pump()

    def _retry_later(self, update: Update, settings: Settings, error: str) -> None:
        if self.settings is None or update.dropped:
            return
        chat = update.chat_id
        self._chats.setdefault(chat, deque()).appendleft(update)
        if settings is not self.settings:
            self._ready.append(chat)
            return
        self.last_error = (int(time.time()), error)
        count = self._failures[chat] = self._failures.get(chat, 0) + 1
        delay = min(self._config.webhook_backoff * 2 ** min(count - 1, 16), self._config.webhook_backoff_max)
        log.warning("webhook: update %d failed (%s), next attempt in %.2f s", update.id, error, delay)
        self._backing_off[chat] = asyncio.get_running_loop().call_later(delay, self._release, chat)

    def _release(self, chat: int) -> None:
        del self._backing_off[chat]
        if chat in self._chats:
            self._ready.append(chat)
            self._pump()

    async def _post(self, update: Update, settings: Settings, session: aiohttp.ClientSession) -> None:
        headers = {"Content-Type": "application/json"}
        if settings.secret:
            headers[SECRET_HEADER] = settings.secret
        body = json.dumps(update.api(), ensure_ascii=False, separators=(",", ":")).encode()
        self._counters.webhook_attempts += 1
        try:
            async with session.post(settings.url, data=body, headers=headers, allow_redirects=False) as response:
                if not 200 <= response.status < 300:
                    raise _RefusedError(f"Wrong response from the webhook: {response.status} {response.reason or ''}")
                answer = await response.content.read(_MAX_ANSWER)
                kind = response.headers.get("Content-Type", "")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            if isinstance(error, aiohttp.ClientConnectorCertificateError) and self._tls and not settings.certificate:
                # Other authorities may be trusted by the time of the next attempt.
                self._tls.load_default_certs()
            raise _RefusedError(_describe(error)) from None
        if self.on_answer is not None and answer and kind:
            await self.on_answer(kind, answer)

    @staticmethod
    async def _close_when_idle(session: aiohttp.ClientSession, tasks: list[asyncio.Task[None]]) -> None:
        try:
            if tasks:
                await asyncio.wait(tasks)
        finally:
            await session.close()


def _describe(error: Exception) -> str:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientSSLError):
        reason = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
        return f"SSL error {{{getattr(reason, 'verify_message', '') or reason}}}"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "Failed to resolve host: Name or service not known"
    if isinstance(error, aiohttp.ClientConnectorError):
        return os.strerror(error.os_error.errno) if error.os_error.errno else "Connection refused"
    if isinstance(error, TimeoutError):
        return "Read timeout expired"
    return "Connection reset by peer"
