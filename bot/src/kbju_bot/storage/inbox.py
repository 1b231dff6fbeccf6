"""The table `inbox`: every update that was handled, so that none is handled twice."""

from datetime import datetime

import asyncpg


async def admit(connection: asyncpg.Connection, update_id: int, telegram_id: int | None, received_at: datetime) -> bool:
    """Note the update as handled by this transaction. Return False where it had been handled before.

    For updates that need their sender's state, `states.admit` does the same and loads it.
    """
    status: str = await connection.execute(
        """
        INSERT INTO inbox (update_id, telegram_id, received_at) VALUES ($1, $2, $3) ON CONFLICT (update_id) DO NOTHING
        """,
        update_id,
        telegram_id,
        received_at,
    )
    return status.endswith(" 1")


async def note_failure(connection: asyncpg.Connection, update_id: int, reason: str) -> None:
    """Say of an update just admitted that handling it failed for good. `reason` holds no data of users."""
    await connection.execute("UPDATE inbox SET failed_reason = $2 WHERE update_id = $1", update_id, reason)


async def forget_sender(connection: asyncpg.Connection, update_id: int) -> None:
    """Keep of an update just admitted nothing but its number."""
    await connection.execute("UPDATE inbox SET telegram_id = NULL WHERE update_id = $1", update_id)


async def clean_up(connection: asyncpg.Connection, limit: int) -> bool:
    """Forget up to `limit` updates older than a week, and tell whether there may be more.

    Telegram repeats none that is older than a day.
    """
    status: str = await connection.execute(
        """
        DELETE FROM inbox WHERE update_id IN (
            SELECT update_id FROM inbox WHERE handled_at < now() - interval '7 days' LIMIT $1
        )
        """,
        limit,
    )
    return status == f"DELETE {limit}"
