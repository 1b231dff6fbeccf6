"""Sending what is in the outbox."""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Protocol, assert_never

from telegram.error import BadRequest

from kbju_bot.aio import happened, whereabouts
from kbju_bot.attachments import File, NothingToAttachError
from kbju_bot.charts.worker import ChartError
from kbju_bot.metrics import Metrics
from kbju_bot.storage import broadcasts, outbox, users
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StorageUnavailableError, brief
from kbju_bot.storage.outbox import Outgoing, Settlement
from kbju_bot.telegram.api import Api
from kbju_bot.telegram.judging import Blocked, Failed, Outcome, Refused, Retry, Sent, judge
from kbju_bot.telegram.limits import Limits

log = logging.getLogger(__name__)

ATTEMPT_TIMEOUT = 30.0
"""How long one call may take, in seconds."""
LEASE = 60.0
"""How long a claimed call is left to its claimer, in seconds: longer than any attempt."""
IDLE = 1.0
"""How often to look for calls nobody announced (other instances', postponed ones), in seconds."""
_CHART_ATTEMPTS = 3
_UNLIMITED = frozenset({"answerCallbackQuery", "editMessageReplyMarkup", "editMessageText"})


class FileMaker(Protocol):
    """Makes the file that goes along with a call."""

    async def make(self, telegram_id: int, wanted: Mapping[str, Any], now: datetime) -> File:
        """Return the file that `wanted` describes."""


@dataclass(slots=True)
class _Done:
    outgoing: Outgoing
    outcome: Outcome


_FINISHING_PATIENCE = 5.0
"""How long a database may be away while the sender finishes, in seconds."""


class Sender:
    """Makes the calls in the outbox: several at once, but one at a time for each chat."""

    def __init__(
        self,
        database: Database,
        api: Api,
        metrics: Metrics,
        *,
        concurrency: int,
        limits: Limits,
        files: FileMaker,
    ) -> None:
        self._database = database
        self._api = api
        self._metrics = metrics
        self._concurrency = concurrency
        self._limits = limits
        self._files = files
        self._wake = asyncio.Event()
        self._finishing = False
        self._away_since: float | None = None
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._making = 0
        self._done: list[_Done] = []
        self._settling: list[_Done] = []
        self._any_done = asyncio.Event()

    def wake(self) -> None:
        """Say that there is something to send."""
        self._wake.set()

    def finish(self) -> None:
        """Let `run` return as soon as nothing is due any more."""
        self._finishing = True
        self.wake()

    async def run(self) -> None:
        """Send until `finish`. Cancelled, give back what is not sent yet."""
        settler = asyncio.create_task(self._settle_for_ever(), name="settle")
        settler.add_done_callback(lambda _: self.wake())
        try:
            while not settler.done():
                # Cleared before looking: what is announced while looking makes for another look.
                self._wake.clear()
                claimed = await self._claim()
                if self._finishing and not claimed and not self._busy:
                    return
                await happened(self._wake, within=min(IDLE, self._limits.wait or IDLE))
            settler.result()
        finally:
            settler.cancel()
            await asyncio.gather(settler, return_exceptions=True)
            await self._give_back()

    @property
    def _busy(self) -> bool:
        return bool(self._under_way or self._done or self._settling)

    async def _claim(self) -> bool:
        taken = {*self._under_way, *(one.outgoing.id for one in (*self._settling, *self._done))}
        # A call whose file is still being made is not under way to Telegram: charts must not keep answers waiting.
        free = min(self._concurrency - len(self._under_way) + self._making, self._limits.free)
        if free <= 0:
            return self._limits.free <= 0
        try:
            async with self._database.connection() as connection:
                claimed = await outbox.claim(connection, limit=free, lease=LEASE, besides=taken)
        except StorageUnavailableError as error:
            log.warning("nothing can be sent: %s", error)
            self._away_since = self._away_since or time.monotonic()
            # Finishing must not take a database that is away for an empty outbox. One that stays away has gone with the
            # whole engine: what outlives that is ended by it, and is then left down.
            return not self._finishing or time.monotonic() - self._away_since < _FINISHING_PATIENCE
        self._away_since = None
        for outgoing in claimed:
            limited = outgoing.method not in _UNLIMITED
            if limited and (pause := self._limits.chat_wait(outgoing.telegram_id)):
                self._note(outgoing, Retry(pause, "", counts=False))
                continue
            if limited:
                self._limits.take(outgoing.telegram_id)
            task = asyncio.create_task(self._deliver(outgoing), name=f"send-{outgoing.id}")
            self._under_way[outgoing.id] = task
            task.add_done_callback(partial(self._ended, outgoing.id))
        return bool(claimed)

    def _ended(self, outgoing_id: int, task: asyncio.Task[None]) -> None:
        self._under_way.pop(outgoing_id, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            # The call stays leased and is claimed again when the lease ends; somebody must hear of it.
            self._metrics.errors.labels("send").inc()
            log.error("call %d broke down: %s", outgoing_id, whereabouts(error))
        self.wake()

    async def _deliver(self, outgoing: Outgoing) -> None:
        answering = None
        if outgoing.callback_query_id is not None:
            answering = asyncio.create_task(self._answer_button(outgoing.callback_query_id))
        try:
            outcome = await self._attempt(outgoing)
        finally:
            if answering is not None:
                await asyncio.wait({answering})
        self._count(outgoing, outcome)
        self._note(outgoing, outcome)

    async def _answer_button(self, query_id: str) -> None:
        # Only ends the button's waiting, which Telegram does by itself a little later: not worth another try.
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT):
                await self._api.call("answerCallbackQuery", {"callback_query_id": query_id})
        except Exception as error:
            log.info("a button went on waiting: %s", type(error).__name__)

    async def _attempt(self, outgoing: Outgoing) -> Outcome:
        try:
            async with asyncio.timeout(ATTEMPT_TIMEOUT):
                return Sent(await self._call(outgoing))
        except StorageUnavailableError as error:
            return Retry(1.0, f"the database does not answer: {error}")
        except NothingToAttachError:
            return Failed("there is nothing to attach any more")
        except BadRequest as error:
            return self._judge_bad_request(outgoing, error)
        except Exception as error:
            outcome = judge(error, outgoing.attempts)
            if isinstance(outcome, Refused):
                self._limits.refused(outgoing.telegram_id, outcome.delay)
                return Retry(outcome.delay, outcome.reason)
            return outcome

    async def _call(self, outgoing: Outgoing) -> Any:
        wanted = outgoing.attachment
        if wanted is None or "language" not in wanted:
            return await self._api.call(outgoing.method, outgoing.payload)
        self._making += 1
        self.wake()
        try:
            file = await self._files.make(outgoing.telegram_id, wanted, datetime.now(UTC))
        except ChartError as error:
            self._metrics.charts.labels("failed").inc()
            if outgoing.attempts < _CHART_ATTEMPTS:
                raise TimeoutError from error
            # The picture is lost, what it says in words is not.
            # Without the traceback: it may quote what was to be drawn.
            log.error("a chart can't be drawn, its text goes alone: %s", type(error).__name__)  # noqa: TRY400 - a traceback may quote it
            file = None
        finally:
            self._making -= 1
        if file is None:
            payload = {"chat_id": outgoing.telegram_id, "text": outgoing.payload["caption"]}
            return await self._api.call("sendMessage", payload)
        if file.field == "photo":
            self._metrics.charts.labels("drawn").inc()
        return await self._api.upload(outgoing.method, outgoing.payload, file)

    def _judge_bad_request(self, outgoing: Outgoing, error: BadRequest) -> Outcome:
        if outgoing.method in _UNLIMITED:
            # A button pressed long ago, a message deleted meanwhile or edited already: nothing anyone would miss.
            log.info("%s came too late: %s", outgoing.method, error)
            return Sent(None)
        return judge(error, outgoing.attempts)

    def _note(self, outgoing: Outgoing, outcome: Outcome) -> None:
        self._done.append(_Done(outgoing, outcome))
        self._any_done.set()

    async def _settle_for_ever(self) -> None:
        pause = 0.1
        while True:
            await self._any_done.wait()
            self._any_done.clear()
            if not self._done:
                continue
            self._settling, self._done = self._done, []
            # What Telegram accepted must not be sent again because the database is away: it is told until it listens.
            while True:
                try:
                    await self._settle_all(self._settling)
                except StorageUnavailableError as error:
                    log.warning("the outcome of %d calls waits for the database: %s", len(self._settling), error)
                    await asyncio.sleep(pause)
                    pause = min(pause * 2, 1.0)
                else:
                    break
            pause = 0.1
            settled, self._settling = self._settling, []
            self.wake()
            for one in settled:
                if isinstance(one.outcome, Retry):
                    asyncio.get_running_loop().call_later(one.outcome.delay, self.wake)

    async def _settle_all(self, done: list[_Done]) -> None:
        try:
            await self._settle(done)
        except StorageUnavailableError:
            raise
        except Exception as error:
            if len(done) == 1:
                # The call stays leased and is claimed again when the lease ends; somebody must hear of it. Without the
                # traceback: it may quote what was sent.
                self._metrics.errors.labels("send").inc()
                log.error("the outcome of call %d can't be noted: %s", done[0].outgoing.id, brief(error))  # noqa: TRY400 - a traceback may quote it
                return
            for one in done:
                await self._settle_all([one])

    async def _settle(self, done: list[_Done]) -> None:
        settlement = Settlement()
        async with self._database.transaction() as connection:
            for one in done:
                outgoing = one.outgoing
                match one.outcome:
                    case Sent(result):
                        settlement.sent.append(outgoing)
                        wanted = outgoing.attachment or {}
                        if wanted.get("kind") == "progress" and isinstance(result, Mapping):
                            await broadcasts.note_progress_message(
                                connection, wanted["broadcast"], result["message_id"]
                            )
                    case Retry(delay, _, counts):
                        (settlement.postponed if counts else settlement.held).append((outgoing, delay))
                    case Blocked():
                        settlement.failed.append((outgoing, "the user blocked the bot"))
                        await users.note_blocked(
                            connection, outgoing.telegram_id, unseen_since=outgoing.claimed_at, besides=outgoing.id
                        )
                    case Failed(reason):
                        settlement.failed.append((outgoing, reason))
                    case Refused():
                        raise AssertionError("a refusal becomes a retry")
                    case _:
                        assert_never(one.outcome)
            await outbox.settle(connection, settlement)

    def _count(self, outgoing: Outgoing, outcome: Outcome) -> None:
        match outcome:
            case Sent():
                self._metrics.replies.labels("sent").inc()
                if outgoing.received_at is not None:
                    self._metrics.response_time.observe(max(0.0, time.time() - outgoing.received_at.timestamp()))
            case Retry(delay, reason, counts):
                if counts:
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
        for task in abandoned.values():
            task.cancel()
        await asyncio.gather(*abandoned.values(), return_exceptions=True)
        told = [*self._settling, *self._done]
        try:
            async with asyncio.timeout(2):
                if told:
                    await self._settle(told)
                if abandoned:
                    async with self._database.transaction() as connection:
                        await outbox.release(connection, list(abandoned))
        except (StorageUnavailableError, TimeoutError) as error:
            log.warning(
                "what was claimed could not be given back (%s); its lease ends within %d s", brief(error), LEASE
            )
        if abandoned:
            log.warning("%d calls are left for the next instance", len(abandoned))
