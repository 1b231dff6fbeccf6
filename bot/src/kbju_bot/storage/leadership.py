"""Electing one instance of several: whoever holds a session's advisory lock leads."""

import asyncio
import logging

import asyncpg

from kbju_bot.aio import happened
from kbju_bot.settings import DatabaseAddress
from kbju_bot.storage.database import connect
from kbju_bot.storage.errors import brief, passes

log = logging.getLogger(__name__)

_RETRY = 1.0
_HEARTBEAT = 3.0


class Leadership:
    """One candidate. The lock lives as long as a connection of its own, so a dead leader loses it by itself."""

    def __init__(self, address: DatabaseAddress, key: int, *, timeout: float) -> None:
        self._address = address
        self._key = key
        self._timeout = timeout
        self._connection: asyncpg.Connection | None = None

    async def acquire(self) -> None:
        """Wait until this candidate leads, however often the database goes away meanwhile."""
        waiting = False
        while True:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await connect(
                        self._address,
                        timeout=self._timeout,
                        command_timeout=self._timeout,
                        application_name="kbju-bot-election",
                    )
                if await self._connection.fetchval("SELECT pg_try_advisory_lock($1)", self._key):
                    return
                if not waiting:
                    waiting = True
                    log.info("another instance leads; standing by")
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("no election without the database: %s", brief(error))
                await self.release()
            await asyncio.sleep(_RETRY)

    async def lost(self) -> None:
        """Return as soon as this candidate can no longer be sure to lead."""
        while (connection := self._connection) is not None:
            gone = asyncio.Event()

            def note(_connection: object, gone: asyncio.Event = gone) -> None:
                gone.set()

            connection.add_termination_listener(note)
            # A closed connection tells at once; one that hangs is found by asking.
            if connection.is_closed() or await happened(gone, within=_HEARTBEAT):
                return
            connection.remove_termination_listener(note)
            try:
                await connection.execute("SELECT 1", timeout=_HEARTBEAT)
            except Exception as error:
                if not passes(error):
                    raise
                return

    async def release(self) -> None:
        """Stop leading. Closing the session is what frees the lock, so no failure can keep it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            await connection.close(timeout=2)
        except Exception as error:
            log.debug("closing the election's connection: %s", brief(error))
            connection.terminate()
