"""Receiving by long polling: one instance polls, the others stand by."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from telegram.error import Conflict, InvalidToken, RetryAfter, TelegramError

from kbju_bot.aio import happened, unless
from kbju_bot.handling import Handler
from kbju_bot.metrics import Metrics
from kbju_bot.storage.errors import StorageUnavailableError
from kbju_bot.storage.leadership import Leadership
from kbju_bot.telegram.api import Api, pause_of
from kbju_bot.telegram.updates import Incoming, MalformedUpdateError, parse

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 10.0


class Poller:
    """Polls while it leads. An update's offset is confirmed only after the update was committed."""

    def __init__(
        self,
        api: Api,
        handler: Handler,
        leadership: Leadership,
        metrics: Metrics,
        *,
        hold: int,
        leads: Callable[[bool], None],
    ) -> None:
        """`hold` is how long Telegram may hold a poll, in seconds; `leads` is told of every change."""
        self._api = api
        self._handler = handler
        self._leadership = leadership
        self._metrics = metrics
        self._hold = hold
        self._leads = leads
        self._stop = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return once the updates it holds are handled."""
        self._stop.set()

    async def run(self) -> None:
        """Stand by, poll when elected, stand by again when the lock is lost, until `stop`."""
        try:
            while not self._stop.is_set():
                self._leads(False)
                await unless(self._stop, self._leadership.acquire())
                if self._stop.is_set():
                    return
                log.info("this instance polls Telegram")
                self._leads(True)
                await self._lead()
                await self._leadership.release()
        finally:
            await self._leadership.release()
            self._leads(False)

    async def _lead(self) -> None:
        halt = asyncio.Event()

        async def watch(ending: asyncio.Future[Any]) -> None:
            await asyncio.wait({ending})
            halt.set()

        stopping = asyncio.ensure_future(self._stop.wait())
        losing = asyncio.ensure_future(self._leadership.lost())
        watchers = [asyncio.create_task(watch(stopping)), asyncio.create_task(watch(losing))]
        try:
            # Only waiting for Telegram is interrupted; what was received is handled to its end.
            await self._poll(halt)
        finally:
            if losing.done() and not self._stop.is_set():
                log.warning("the election's connection is lost; stepping down")
            for task in (stopping, losing, *watchers):
                task.cancel()
            await asyncio.gather(stopping, losing, *watchers, return_exceptions=True)

    async def _poll(self, halt: asyncio.Event) -> None:
        offset: int | None = None
        pause = _FIRST_PAUSE
        prepared = False
        while not halt.is_set():
            try:
                if not prepared:
                    await unless(halt, self._api.delete_webhook())
                    prepared = True
                batch = await unless(halt, self._api.get_updates(offset, hold=self._hold))
                if batch is None:
                    return
                unhandled = await self._handle(batch)
            except TelegramError as error:
                self._metrics.errors.labels("telegram").inc()
                delay = _delay(error, pause)
                # A webhook that someone set meanwhile shows as a conflict, too.
                prepared = not isinstance(error, Conflict)
                log.warning("polling failed, next try in %.1f s: %s: %s", delay, type(error).__name__, error)
                pause = min(pause * 2, _LONGEST_PAUSE)
                await happened(halt, within=delay)
                continue
            if unhandled is not None:
                offset = unhandled
                await happened(halt, within=pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            # An empty answer means that all below the offset is confirmed. Dropping the offset then lets Telegram start
            # its numbers anew, which it does after a quiet week.
            offset = max(_numbers(batch), default=-1) + 1 or None

    async def _handle(self, batch: list[dict[str, Any]]) -> int | None:
        """Handle a batch and return the lowest number that has to come again, or None."""
        received_at = datetime.now(UTC)
        lanes: dict[object, list[Incoming]] = {}
        for raw in batch:
            try:
                incoming = parse(raw)
            except MalformedUpdateError:
                log.warning("something without a number came instead of an update; it is skipped")
                continue
            key = incoming.person.telegram_id if incoming.person else ("update", incoming.update_id)
            lanes.setdefault(key, []).append(incoming)
        unhandled = await asyncio.gather(*(self._handle_lane(lane, received_at) for lane in lanes.values()))
        return min((number for number in unhandled if number is not None), default=None)

    async def _handle_lane(self, lane: Iterable[Incoming], received_at: datetime) -> int | None:
        for incoming in lane:
            try:
                await self._handler.handle(incoming, received_at)
            except StorageUnavailableError:
                return incoming.update_id
        return None


def _delay(error: TelegramError, pause: float) -> float:
    if isinstance(error, RetryAfter):
        return pause_of(error)
    if isinstance(error, InvalidToken):
        return _LONGEST_PAUSE
    return pause


def _numbers(batch: Iterable[dict[str, Any]]) -> list[int]:
    return [raw["update_id"] for raw in batch if type(raw.get("update_id")) is int]
