"""Sending what is in the outbox."""

import asyncio
import logging
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import assert_never

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from kbju_bot.aio import happened, whereabouts
from kbju_bot.metrics import Metrics
from kbju_bot.storage import outbox, users
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StorageUnavailableError, brief
from kbju_bot.storage.outbox import Outgoing
from kbju_bot.telegram.api import Api, pause_of

log = logging.getLogger(__name__)

ATTEMPT_TIMEOUT = 30.0
"""How long one call may take, in seconds."""
LEASE = 60.0
"""How long a claimed call is left to its claimer, in seconds: longer than any attempt."""
IDLE = 1.0
"""How often to look for calls nobody announced (other instances', postponed ones), in seconds."""
_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """Telegram accepted the call."""


@dataclass(frozen=True, slots=True)
class Retry:
    """The call is to be made again after `delay` seconds."""

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The user does not want to hear from the bot."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The call can never succeed."""

    reason: str


Outcome = Sent | Retry | Blocked | Failed


def judge(error: Exception, attempts: int) -> Outcome:
    """Decide what becomes of a call that failed with `error` at attempt number `attempts`."""
    # The order matters: the library derives BadRequest from NetworkError, which is otherwise worth another try.
    match error:
        case RetryAfter():
            return Retry(pause_of(error), "too many requests")
        case Forbidden():
            return Blocked()
        case BadRequest() | ChatMigrated():
            return Failed(f"{type(error).__name__}: {error}")
        case InvalidToken():
            return Retry(_LONGEST_PAUSE / 2, "the bot's token is refused")
        case TelegramError() | TimeoutError() | OSError():
            longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(attempts - 1, 10))
            return Retry(longest * random.uniform(0.5, 1), type(error).__name__)  # noqa: S311 - to spread the load
        case _:
            return Failed(whereabouts(error))


class Sender:
    """Makes the calls in the outbox: several at once, but one at a time for each chat."""

    def __init__(self, database: Database, api: Api, metrics: Metrics, *, concurrency: int) -> None:
        self._database = database
        self._api = api
        self._metrics = metrics
        self._concurrency = concurrency
        self._wake = asyncio.Event()
        self._finishing = False
        self._under_way: dict[int, asyncio.Task[None]] = {}

    def wake(self) -> None:
        """Say that there is something to send."""
        self._wake.set()

    def finish(self) -> None:
        """Let `run` return as soon as nothing is due any more."""
        self._finishing = True
        self.wake()

    async def run(self) -> None:
        """Send until `finish`. Cancelled, give back what is not sent yet."""
        try:
            while True:
                # Cleared before looking: what is announced while looking makes for another look.
                self._wake.clear()
                claimed = await self._claim()
                if self._finishing and not claimed and not self._under_way:
                    return
                await happened(self._wake, within=IDLE)
        finally:
            await self._give_back()

    async def _claim(self) -> bool:
        free = self._concurrency - len(self._under_way)
        if free <= 0:
            return False
        try:
            async with self._database.connection() as connection:
                claimed = await outbox.claim(connection, limit=free, lease=LEASE, besides=self._under_way)
        except StorageUnavailableError as error:
            log.warning("nothing can be sent: %s", error)
            # Not `return False`: finishing must not take a database that is away for an empty outbox.
            return True
        for outgoing in claimed:
            task = asyncio.create_task(self._deliver(outgoing), name=f"send-{outgoing.id}")
            self._under_way[outgoing.id] = task
            task.add_done_callback(partial(self._done, outgoing.id))
        return bool(claimed)

    def _done(self, outgoing_id: int, task: asyncio.Task[None]) -> None:
        del self._under_way[outgoing_id]
        if not task.cancelled() and (error := task.exception()) is not None:
            # The call stays leased and is claimed again when the lease ends; somebody must hear of it.
            self._metrics.errors.labels("send").inc()
            log.error("the outcome of call %d can't be noted: %s", outgoing_id, brief(error))
        self.wake()

    async def _deliver(self, outgoing: Outgoing) -> None:
        outcome = await self._attempt(outgoing)
        self._count(outgoing, outcome)
        pause = 0.1
        # What Telegram accepted must not be sent again because the database is away: it is told until it listens.
        while True:
            try:
                await self._settle(outgoing, outcome)
            except StorageUnavailableError as error:
                log.warning("the outcome of a call waits for the database: %s", error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, 1.0)
            else:
                break
        if isinstance(outcome, Retry):
            asyncio.get_running_loop().call_later(outcome.delay, self.wake)

    async def _attempt(self, outgoing: Outgoing) -> Outcome:
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT):
                await self._api.call(outgoing.method, outgoing.payload)
        except Exception as error:
            return judge(error, outgoing.attempts)
        return Sent()

    async def _settle(self, outgoing: Outgoing, outcome: Outcome) -> None:
        async with self._database.transaction() as connection:
            match outcome:
                case Sent():
                    await outbox.note_sent(connection, outgoing.id)
                case Retry(delay):
                    await outbox.postpone(connection, outgoing.id, delay)
                case Blocked():
                    await outbox.note_failed(connection, outgoing.id, "the user blocked the bot")
                    await users.note_blocked(connection, outgoing.telegram_id, unseen_since=outgoing.claimed_at)
                case Failed(reason):
                    await outbox.note_failed(connection, outgoing.id, reason)
                case _:
                    assert_never(outcome)

    def _count(self, outgoing: Outgoing, outcome: Outcome) -> None:
        match outcome:
            case Sent():
                self._metrics.replies.labels("sent").inc()
                if outgoing.received_at is not None:
                    self._metrics.response_time.observe(max(0.0, time.time() - outgoing.received_at.timestamp()))
            case Retry(delay, reason):
                self._metrics.replies.labels("retry").inc()
                self._metrics.errors.labels("telegram").inc()
                log.warning("a call is tried again in %.1f s: %s", delay, reason)
            case Blocked():
                self._metrics.replies.labels("blocked").inc()
            case Failed(reason):
                self._metrics.replies.labels("failed").inc()
                self._metrics.errors.labels("send").inc()
                log.error("call %d of %s is given up: %s", outgoing.id, outgoing.method, reason)

    async def _give_back(self) -> None:
        abandoned = dict(self._under_way)
        if not abandoned:
            return
        for task in abandoned.values():
            task.cancel()
        await asyncio.gather(*abandoned.values(), return_exceptions=True)
        log.warning("%d calls are left for the next instance", len(abandoned))
        try:
            async with asyncio.timeout(2), self._database.transaction() as connection:
                await outbox.release(connection, list(abandoned))
        except (StorageUnavailableError, TimeoutError):
            log.warning("they could not be given back; their lease ends within %d s", LEASE)
