"""Advisory locks. A user's lock is the positive Telegram id; locks there is one of have negative keys."""

import asyncpg

MIGRATION_LOCK = -1
POLLER_LOCK = -2
HOUSEKEEPING_LOCK = -3
IMPORT_LOCK = -4


async def lock_user(connection: asyncpg.Connection, telegram_id: int) -> None:
    """Wait until no other transaction, of any instance, works for this user; held until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", telegram_id)
