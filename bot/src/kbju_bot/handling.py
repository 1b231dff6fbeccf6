"""Handling one update: everything it changes and every reply to it, in one transaction."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

import asyncpg

from kbju_bot.aio import Turns, whereabouts
from kbju_bot.core import dialogue
from kbju_bot.core.commands import command_label
from kbju_bot.core.model import Effect, MessageReceived, NoteBlocked, NoteSeen, RegisterUser, Reply
from kbju_bot.metrics import Metrics
from kbju_bot.storage import inbox, outbox, users
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StorageUnavailableError, brief
from kbju_bot.storage.locks import lock_user
from kbju_bot.telegram.updates import Incoming

log = logging.getLogger(__name__)


class Handler:
    """Handles updates: those of one user one after another, of different users side by side."""

    def __init__(self, database: Database, metrics: Metrics, *, slots: int, replied: Callable[[], None]) -> None:
        """`slots` bounds the transactions at once; `replied` is called after a commit that queued a reply."""
        self._database = database
        self._metrics = metrics
        self._slots = asyncio.Semaphore(slots)
        self._turns = Turns()
        self._replied = replied
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def handle(self, incoming: Incoming, received_at: datetime) -> None:
        """Handle the update and commit. Once this returns, Telegram may forget it.

        Raises StorageUnavailableError where nothing was committed and the update must come again. An update that can
        never be handled is noted as failed, its sender gets an apology, and this returns: it must not block the rest.
        """
        self._running += 1
        self._idle.clear()
        try:
            key = incoming.person.telegram_id if incoming.person else ("update", incoming.update_id)
            # The turn comes before the slot: a user who floods the bot waits in line without taking others' slots.
            async with self._turns.take(key), self._slots:
                await self._handle(incoming, received_at)
        except StorageUnavailableError as error:
            self._metrics.errors.labels("storage").inc()
            log.warning("an update was put off: %s", error)
            raise
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    async def idle(self) -> None:
        """Wait until no update is being handled."""
        await self._idle.wait()

    async def _handle(self, incoming: Incoming, received_at: datetime) -> None:
        failure = incoming.failure
        if failure is None:
            try:
                await self._commit(incoming, received_at)
            except StorageUnavailableError:
                raise
            except Exception as error:
                failure = whereabouts(error)
            else:
                return
        self._metrics.errors.labels("dialogue").inc()
        log.error("update %d can't be handled: %s", incoming.update_id, failure)
        await self._give_up(incoming, received_at, failure)

    async def _commit(self, incoming: Incoming, received_at: datetime) -> None:
        person, event = incoming.person, incoming.event
        effects: tuple[Effect, ...] = ()
        async with self._database.transaction() as connection:
            if person is not None:
                await lock_user(connection, person.telegram_id)
            if not await inbox.admit(
                connection, incoming.update_id, person.telegram_id if person else None, received_at
            ):
                self._metrics.duplicates.inc()
                return
            if person is not None and event is not None:
                state = await users.load_state(connection, person.telegram_id)
                _, effects = dialogue.step(state, event)
                await self._carry_out(connection, effects, received_at)
        if isinstance(event, MessageReceived):
            self._metrics.messages.inc()
            if (label := command_label(event.text)) is not None:
                self._metrics.commands.labels(label).inc()
        if any(isinstance(effect, Reply) for effect in effects):
            self._replied()

    async def _carry_out(
        self, connection: asyncpg.Connection, effects: Iterable[Effect], received_at: datetime
    ) -> None:
        for effect in effects:
            match effect:
                case RegisterUser(person):
                    await users.register(connection, person)
                case NoteSeen(person):
                    await users.note_seen(connection, person)
                case NoteBlocked(telegram_id):
                    await users.note_blocked(connection, telegram_id)
                case Reply(telegram_id, text):
                    payload = {"chat_id": telegram_id, "text": text}
                    await outbox.put(connection, telegram_id, "sendMessage", payload, received_at)

    async def _give_up(self, incoming: Incoming, received_at: datetime, reason: str) -> None:
        person = incoming.person
        try:
            async with self._database.transaction() as connection:
                if person is not None:
                    await lock_user(connection, person.telegram_id)
                if not await inbox.admit(
                    connection, incoming.update_id, person.telegram_id if person else None, received_at
                ):
                    return
                await inbox.note_failure(connection, incoming.update_id, reason[:500])
                if person is not None:
                    await self._carry_out(connection, [dialogue.apology(person)], received_at)
        except StorageUnavailableError:
            raise
        except Exception as error:
            # Not even the failure could be noted: keep the update until someone has had a look.
            raise StorageUnavailableError(brief(error)) from error
        self._replied()
