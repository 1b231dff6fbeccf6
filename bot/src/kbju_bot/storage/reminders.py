"""The table `reminders`: who is to be reminded when."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from kbju_bot.core.state import Reminder


@dataclass(frozen=True, slots=True)
class Due:
    """A reminder whose time has come."""

    telegram_id: int
    reminder: Reminder
    time_zone: str | None
    language: str | None
    language_code: str | None
    next_at: datetime


async def take_due(connection: asyncpg.Connection, limit: int) -> Sequence[Due]:
    """Lock up to `limit` reminders that are due and that no other instance works on, until the transaction ends."""
    rows = await connection.fetch(
        """
        SELECT telegram_id, weekday, hour, time_zone, language, language_code, next_at
        FROM reminders JOIN users USING (telegram_id)
        WHERE next_at <= now() AND blocked_at IS NULL
        ORDER BY next_at LIMIT $1
        FOR UPDATE OF reminders SKIP LOCKED
        """,
        limit,
    )
    return [
        Due(
            row["telegram_id"],
            Reminder(row["weekday"], row["hour"]),
            row["time_zone"],
            row["language"],
            row["language_code"],
            row["next_at"],
        )
        for row in rows
    ]


async def put_off(connection: asyncpg.Connection, telegram_id: int, next_at: datetime) -> None:
    """Set when the reminder comes next."""
    await connection.execute("UPDATE reminders SET next_at = $2 WHERE telegram_id = $1", telegram_id, next_at)
