"""Connections to PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from kbju_bot.settings import DatabaseAddress
from kbju_bot.storage.errors import StorageUnavailableError, brief, passes, unavailable

log = logging.getLogger(__name__)

_FIRST_PAUSE = 0.25
_LONGEST_PAUSE = 5.0
# A peer that vanished without a word is noticed within half a minute, on both ends.
_KEEPALIVE = {"tcp_keepalives_idle": "10", "tcp_keepalives_interval": "5", "tcp_keepalives_count": "4"}


async def connect(
    address: DatabaseAddress,
    *,
    timeout: float,  # noqa: ASYNC109 - asyncpg's own, which also closes what it gave up
    application_name: str,
    command_timeout: float | None = None,
) -> asyncpg.Connection:
    """Open one connection: `timeout` for the login and `command_timeout` for each statement, in seconds."""
    return await asyncpg.connect(
        address.dsn,
        password=address.password.get_secret_value() if address.password else None,
        timeout=timeout,
        command_timeout=command_timeout,
        server_settings={"application_name": application_name, **_KEEPALIVE},
    )


class Database:
    """A pool of connections that survives the database's absence."""

    def __init__(self, address: DatabaseAddress, *, pool_min: int, pool_max: int, timeout: float) -> None:
        self.address = address
        self.timeout = timeout
        self._pool_min = pool_min
        self.most = pool_max
        self._pool: asyncpg.Pool | None = None

    async def connect(self) -> None:
        """Wait until the database answers, for as long as that takes."""
        pause = _FIRST_PAUSE
        while self._pool is None:
            try:
                self._pool = await asyncpg.create_pool(
                    self.address.dsn,
                    password=self.address.password.get_secret_value() if self.address.password else None,
                    min_size=self._pool_min,
                    max_size=self.most,
                    timeout=self.timeout,
                    command_timeout=self.timeout,
                    max_inactive_connection_lifetime=300,
                    server_settings={"application_name": "kbju-bot", **_KEEPALIVE},
                )
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("waiting for the database: %s", brief(error))
                await asyncio.sleep(pause)
                pause = min(pause * 2, _LONGEST_PAUSE)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection. Raise StorageUnavailableError for any failure inside that passes by itself."""
        if self._pool is None:
            raise StorageUnavailableError("not connected yet")
        try:
            async with self._pool.acquire(timeout=self.timeout) as connection:
                yield connection
        except Exception as error:
            if passes(error):
                raise unavailable(error) from error
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Lend a connection inside a transaction, committed at the end and rolled back by an exception."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def ping(self) -> None:
        """Raise StorageUnavailableError where the database does not answer."""
        async with self.connection() as connection:
            await connection.execute("SELECT 1")

    @property
    def size(self) -> int:
        """How many connections are open."""
        return self._pool.get_size() if self._pool is not None else 0

    @property
    def busy(self) -> int:
        """How many connections are lent."""
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool is not None else 0

    async def close(self) -> None:
        """Close all connections, by force where they are busy for more than two seconds."""
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            async with asyncio.timeout(2):
                await pool.close()
        except Exception as error:
            log.debug("closing the pool: %s", brief(error))
            pool.terminate()
