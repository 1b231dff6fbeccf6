"""What happens without anybody writing: reminders that are due, and broadcasts that go on."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import asyncpg

from kbju_bot.core import broadcasts as wording
from kbju_bot.core.commands import Command
from kbju_bot.core.model import Priority
from kbju_bot.core.reminders import next_time
from kbju_bot.core.screens import open_button
from kbju_bot.effects import markup, message
from kbju_bot.storage import broadcasts, outbox, reminders
from kbju_bot.storage.broadcasts import Broadcast
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StorageUnavailableError
from kbju_bot.storage.outbox import Call
from kbju_bot.texts import Language, Text, language_of, render

log = logging.getLogger(__name__)

REMINDERS_INTERVAL = 20.0
"""How often due reminders are looked for, in seconds."""
BROADCASTS_INTERVAL = 1.0
"""How often a broadcast gets more messages queued, in seconds."""
REPORT_INTERVAL = 5.0
"""How often a broadcast's progress is renewed, in seconds."""
_BATCH = 100


async def keep_reminding(database: Database, wake: Callable[[], None], *, time_zone: str) -> None:
    """Queue reminders when they are due, for ever. Several instances share the work."""

    async def work(connection: asyncpg.Connection) -> bool:
        return await remind(connection, datetime.now(UTC), time_zone)

    await _keep(database, "reminders", work, wake, lambda: REMINDERS_INTERVAL)


async def keep_broadcasting(database: Database, wake: Callable[[], None], *, rate: float) -> None:
    """Queue the messages of running broadcasts, `rate` a second, for ever. Several instances share the work."""

    async def work(connection: asyncpg.Connection) -> bool:
        return await broadcast(connection, max(1, round(rate * BROADCASTS_INTERVAL)))

    # Not at once again after each batch: the pause between them is the rate.
    await _keep(database, "broadcasts", work, wake, lambda: BROADCASTS_INTERVAL, hurry=False)


async def _keep(
    database: Database,
    name: str,
    work: Callable[[asyncpg.Connection], Awaitable[bool]],
    wake: Callable[[], None],
    interval: Callable[[], float],
    *,
    hurry: bool = True,
) -> None:
    while True:
        more = False
        try:
            async with database.transaction() as connection:
                more = await work(connection)
        except StorageUnavailableError as error:
            log.warning("%s wait: %s", name, error)
        if more:
            wake()
        if not (more and hurry):
            await asyncio.sleep(interval())


async def remind(connection: asyncpg.Connection, now: datetime, time_zone: str) -> bool:
    """Queue what is due and tell whether there was anything. One missed for long comes once, not many times."""
    due = await reminders.take_due(connection, _BATCH)
    calls = []
    for one in due:
        language = Language(one.language) if one.language else language_of(one.language_code)
        keyboard = ((open_button(Command.MEASURE, Text.MENU_MEASURE, language),),)
        payload = {"chat_id": one.telegram_id, "text": render(Text.REMINDER_DUE, language), **markup(keyboard)}
        calls.append(Call(one.telegram_id, "sendMessage", payload, Priority.REMINDER))
        await reminders.put_off(
            connection, one.telegram_id, next_time(one.reminder, one.time_zone or time_zone, max(now, one.next_at))
        )
    await outbox.put(connection, calls, None)
    return bool(calls)


async def broadcast(connection: asyncpg.Connection, batch: int) -> bool:
    """Queue up to `batch` messages of the oldest running broadcast, and tell whether anything was queued."""
    running = await broadcasts.take_running(connection)
    if running is None:
        return False
    # Telegram may take them more slowly than they are queued: then none are added, so that stopping stops soon.
    waiting = await broadcasts.count_waiting(connection, running.id)
    chosen = await broadcasts.next_recipients(connection, running.id, batch) if waiting < 2 * batch else []
    calls = [
        Call(
            telegram_id,
            "sendMessage",
            {"chat_id": telegram_id, "text": running.body},
            Priority.BROADCAST,
            broadcast_id=running.id,
        )
        for telegram_id in chosen
    ]
    if not chosen and not waiting:
        await broadcasts.finish(connection, running.id)
        done = replace(running, status="done")
        calls = [message(running.admin_id, *wording.report(done))]
        if done.progress_message_id is not None:
            calls.append(_edited(done, done.progress_message_id))
    elif running.progress_message_id is not None and await broadcasts.due_for_report(
        connection, running.id, REPORT_INTERVAL
    ):
        calls.append(_edited(running, running.progress_message_id))
    await outbox.put(connection, calls, None)
    return bool(calls)


def _edited(running: Broadcast, message_id: int) -> Call:
    text, keyboard = wording.report(running)
    payload = {"chat_id": running.admin_id, "message_id": message_id, "text": text, **markup(keyboard)}
    return Call(running.admin_id, "editMessageText", payload)
