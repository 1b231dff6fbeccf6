"""The table `users`, beside what belongs to the dialogue (see states.py)."""

from datetime import datetime

import asyncpg

from kbju_bot.core.model import Person


async def note_seen(connection: asyncpg.Connection, person: Person) -> None:
    """Refresh a registered user's row and forget an earlier block."""
    await connection.execute(
        """
        UPDATE users SET username = $2, first_name = $3, last_name = $4, language_code = $5,
            last_seen_at = now(), blocked_at = NULL
        WHERE telegram_id = $1
        """,
        person.telegram_id,
        person.username,
        person.first_name,
        person.last_name,
        person.language_code,
    )


async def note_blocked(
    connection: asyncpg.Connection,
    telegram_id: int,
    *,
    unseen_since: datetime | None = None,
    besides: int | None = None,
) -> None:
    """Stop writing to the user: no reminder, nothing that still waits, except the call `besides`.

    With `unseen_since`, only where the user has not shown up after that and so is reachable again.
    """
    # The farewell to somebody deleted is not kept either.
    await connection.execute("DELETE FROM outbox WHERE telegram_id = $1 AND forget AND sent_at IS NULL", telegram_id)
    await connection.execute(
        """
        WITH blocked AS (
            UPDATE users SET blocked_at = now()
            WHERE telegram_id = $1 AND blocked_at IS NULL AND last_seen_at <= coalesce($2, 'infinity'::timestamptz)
            RETURNING telegram_id
        ), silenced AS (
            DELETE FROM reminders USING blocked WHERE reminders.telegram_id = blocked.telegram_id
        ), failed AS (
            UPDATE outbox SET failed_at = now(), failed_reason = 'the user blocked the bot',
                payload = '{}', attachment = NULL
            WHERE telegram_id = $1 AND sent_at IS NULL AND failed_at IS NULL
                AND created_at <= coalesce($2, now()) AND id IS DISTINCT FROM $3
            RETURNING broadcast_id
        )
        UPDATE broadcasts SET failed = broadcasts.failed + counted.number
        FROM (SELECT broadcast_id, count(*) AS number FROM failed GROUP BY broadcast_id) AS counted
        WHERE broadcasts.id = counted.broadcast_id
        """,
        telegram_id,
        unseen_since,
        besides,
    )


async def delete(connection: asyncpg.Connection, telegram_id: int) -> None:
    """Delete everything about the user. Of handled updates only the numbers stay, so that none is handled twice."""
    # What hangs on the user's row goes with it: records, preferences, consents, dialogue, reminder.
    await connection.execute("DELETE FROM users WHERE telegram_id = $1", telegram_id)
    await connection.execute("DELETE FROM outbox WHERE telegram_id = $1", telegram_id)
    await connection.execute("UPDATE inbox SET telegram_id = NULL WHERE telegram_id = $1", telegram_id)


async def count_active(connection: asyncpg.Connection) -> int:
    """Count the users seen in the last 24 hours."""
    return int(await connection.fetchval("SELECT count(*) FROM users WHERE last_seen_at > now() - interval '24 hours'"))
