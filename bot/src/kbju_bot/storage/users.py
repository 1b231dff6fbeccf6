"""The table `users`."""

from datetime import datetime

import asyncpg

from kbju_bot.core.model import Person, State


async def load_state(connection: asyncpg.Connection, telegram_id: int) -> State:
    """Return what is remembered of the user; an unknown user has the initial state."""
    found = await connection.fetchval("SELECT true FROM users WHERE telegram_id = $1", telegram_id)
    return State(registered=bool(found))


async def register(connection: asyncpg.Connection, person: Person) -> None:
    """Create the user, or refresh the row, and forget an earlier block."""
    await connection.execute(
        """
        INSERT INTO users (telegram_id, username, first_name, last_name, language_code)
        VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (telegram_id) DO UPDATE SET
            username = excluded.username, first_name = excluded.first_name, last_name = excluded.last_name,
            language_code = excluded.language_code, last_seen_at = now(), blocked_at = NULL
        """,
        person.telegram_id,
        person.username,
        person.first_name,
        person.last_name,
        person.language_code,
    )


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
    connection: asyncpg.Connection, telegram_id: int, *, unseen_since: datetime | None = None
) -> None:
    """Mark the user as not reachable, unless the user showed up after `unseen_since` and so is reachable again."""
    await connection.execute(
        """
        UPDATE users SET blocked_at = now()
        WHERE telegram_id = $1 AND blocked_at IS NULL AND last_seen_at <= coalesce($2, 'infinity'::timestamptz)
        """,
        telegram_id,
        unseen_since,
    )


async def count_active(connection: asyncpg.Connection) -> int:
    """Count the users seen in the last 24 hours."""
    return int(await connection.fetchval("SELECT count(*) FROM users WHERE last_seen_at > now() - interval '24 hours'"))
