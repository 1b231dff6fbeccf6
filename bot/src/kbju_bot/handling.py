"""Handling one update: everything it changes and every reply to it, in one transaction."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from kbju_bot.aio import Turns, whereabouts
from kbju_bot.core import dialogue
from kbju_bot.core.commands import command_label
from kbju_bot.core.model import ButtonPressed, Context, Effect, MessageReceived, NoteSeen, Person
from kbju_bot.effects import carry_out
from kbju_bot.metrics import Metrics
from kbju_bot.storage import inbox, outbox, states
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StatementRefusedError, StorageUnavailableError, brief
from kbju_bot.storage.locks import lock_user
from kbju_bot.storage.states import Admitted
from kbju_bot.telegram.updates import Incoming

log = logging.getLogger(__name__)

_PATIENCE = 5
"""How often an update is tried that the database refuses while it takes others."""
_MOST_REFUSED = 1000


class Handler:
    """Handles updates: those of one user one after another, of different users side by side."""

    def __init__(
        self,
        database: Database,
        metrics: Metrics,
        *,
        slots: int,
        replied: Callable[[], None],
        context: Callable[[datetime], Context],
    ) -> None:
        """`slots` bounds the transactions at once; `replied` is called after a commit that queued a reply.

        `context` gives what the dialogue may know at a moment.
        """
        self._database = database
        self._metrics = metrics
        self._slots = asyncio.Semaphore(slots)
        self._turns = Turns()
        self._replied = replied
        self._context = context
        self._refused: dict[int, tuple[int, int]] = {}
        self._committed = 0
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
            except StatementRefusedError as error:
                if not self._is_alone(incoming.update_id):
                    raise
                failure = str(error)
            except StorageUnavailableError:
                raise
            except Exception as error:
                failure = whereabouts(error)
            else:
                self._committed += 1
                self._refused.pop(incoming.update_id, None)
                return
        self._metrics.errors.labels("dialogue").inc()
        log.error("update %d can't be handled: %s", incoming.update_id, failure)
        await self._give_up(incoming, received_at, failure)

    def _is_alone(self, update_id: int) -> bool:
        """Tell whether the database refuses this update again and again, while it takes others."""
        tries, committed = self._refused.get(update_id, (0, self._committed))
        self._refused[update_id] = (tries + 1, committed)
        if len(self._refused) > _MOST_REFUSED:
            del self._refused[next(iter(self._refused))]
        return tries + 1 >= _PATIENCE and self._committed > committed

    async def _commit(self, incoming: Incoming, received_at: datetime) -> None:
        person, event = incoming.person, incoming.event
        replied = False
        async with self._database.transaction() as connection:
            if person is None or event is None:
                telegram_id = person.telegram_id if person else None
                admitted = await inbox.admit(connection, incoming.update_id, telegram_id, received_at)
            else:
                await lock_user(connection, person.telegram_id)
                known = await states.admit(connection, incoming.update_id, person.telegram_id, received_at)
                admitted = known is not None
                if known is not None:
                    context = self._context(received_at)
                    state, effects = dialogue.step(known.state, event, context)
                    calls = await carry_out(connection, _needed(effects, known, person))
                    await states.save(
                        connection, person, known.state, state, now=context.now, default_zone=context.time_zone
                    )
                    if not state.registered:
                        # Nothing is known of this user, and nothing shall stay.
                        calls = [replace(call, forget=True) for call in calls]
                        await inbox.forget_sender(connection, incoming.update_id)
                    if known.flooded:
                        log.warning("a user who floods the bot gets no more replies for now")
                        calls = []
                    await outbox.put(connection, calls, received_at)
                    replied = bool(calls)
        if not admitted:
            self._metrics.duplicates.inc()
            return
        self._count(incoming, received_at)
        if replied:
            self._replied()

    def _count(self, incoming: Incoming, received_at: datetime) -> None:
        match incoming.event:
            case MessageReceived(_, text):
                self._metrics.messages.inc()
                if (label := command_label(text)) is not None:
                    self._metrics.commands.labels(label).inc()
            case ButtonPressed():
                self._metrics.buttons.inc()
        if incoming.written_at is not None:
            self._metrics.update_lag.observe(max(0.0, received_at.timestamp() - incoming.written_at))

    async def _give_up(self, incoming: Incoming, received_at: datetime, reason: str) -> None:
        person = incoming.person
        try:
            async with self._database.transaction() as connection:
                if person is not None:
                    await lock_user(connection, person.telegram_id)
                telegram_id = person.telegram_id if person else None
                if not await inbox.admit(connection, incoming.update_id, telegram_id, received_at):
                    return
                await inbox.note_failure(connection, incoming.update_id, reason[:500])
                if person is not None:
                    calls = await carry_out(connection, [dialogue.apology(person)])
                    await outbox.put(connection, calls, received_at)
        except StorageUnavailableError:
            raise
        except Exception as error:
            # Not even the failure could be noted: keep the update until someone has had a look.
            raise StorageUnavailableError(brief(error)) from error
        self._replied()


def _needed(effects: tuple[Effect, ...], known: Admitted, person: Person) -> list[Effect]:
    """Leave out noting that someone showed up who did so a moment ago: a write less for most updates."""
    fresh = known.person == person and not known.stale
    just_met = known.person is None
    return [effect for effect in effects if not (isinstance(effect, NoteSeen) and (fresh or just_met))]
