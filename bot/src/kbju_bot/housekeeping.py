"""What is done now and then: gauges read from the database, and old rows deleted."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

import asyncpg

from kbju_bot.metrics import Metrics
from kbju_bot.storage import inbox, outbox, users
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StorageUnavailableError
from kbju_bot.storage.locks import HOUSEKEEPING_LOCK

log = logging.getLogger(__name__)

GAUGES_INTERVAL = 10.0
"""How often the gauges are read, in seconds."""
CLEAN_UP_INTERVAL = 3600.0
"""How often old rows are deleted, in seconds."""
_BATCH = 5000


async def keep_gauges(database: Database, metrics: Metrics) -> None:
    """Read the gauges from the database, for ever."""
    metrics.db_connections.set_function(lambda: database.size)
    metrics.db_connections_busy.set_function(lambda: database.busy)
    metrics.db_connections_max.set(database.most)
    while True:
        try:
            async with database.connection() as connection:
                metrics.active_users.set(await users.count_active(connection))
                waiting, age = await outbox.backlog(connection)
                metrics.outbox_pending.set(waiting)
                metrics.outbox_oldest.set(age)
        except StorageUnavailableError as error:
            log.debug("gauges keep their values: %s", error)
        await asyncio.sleep(GAUGES_INTERVAL)


async def keep_clean(database: Database) -> None:
    """Delete old rows, for ever; of several instances one at a time."""
    while True:
        try:
            for clean_up in (inbox.clean_up, outbox.clean_up):
                # In batches, each a transaction of its own: what has piled up must not be too much for one.
                while await _clean(database, clean_up):
                    pass
        except StorageUnavailableError as error:
            log.warning("old rows stay for now: %s", error)
        await asyncio.sleep(CLEAN_UP_INTERVAL)


async def _clean(database: Database, clean_up: Callable[[asyncpg.Connection, int], Awaitable[bool]]) -> bool:
    async with database.transaction() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", HOUSEKEEPING_LOCK):
            return False
        return await clean_up(connection, _BATCH)
