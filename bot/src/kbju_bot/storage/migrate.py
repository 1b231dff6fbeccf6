"""Applying migrations: forward only, one transaction each, one migrator at a time."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import resources
from typing import TypeVar

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from kbju_bot.settings import MigrationSettings
from kbju_bot.storage.database import connect
from kbju_bot.storage.errors import brief
from kbju_bot.storage.locks import MIGRATION_LOCK

Result = TypeVar("Result")


class DatabaseUnavailableError(Exception):
    """The database did not answer, or refused the login."""


class MigrationError(Exception):
    """A migration failed; what it did was rolled back, what ran before it stays."""


async def apply(settings: MigrationSettings, report: Callable[[str], None]) -> bool:
    """Apply what is pending and `report` each revision once it is committed. Return False where nothing was.

    Raises DatabaseUnavailableError and MigrationError.
    """

    async def work(connection: AsyncConnection) -> bool:
        await _take_lock(connection, settings.migration_lock_timeout)
        pending = await connection.run_sync(_pending)
        for revision in pending:
            try:
                await connection.run_sync(_upgrade, revision)
            except Exception as error:
                cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
                raise MigrationError(f"migration {revision} failed and was rolled back: {brief(cause)}") from error
            report(revision)
        return bool(pending)

    return await _connected(settings, work)


async def pending(settings: MigrationSettings) -> list[str]:
    """Return the revisions that `apply` would apply, changing nothing. Raises DatabaseUnavailableError."""

    async def work(connection: AsyncConnection) -> list[str]:
        return await connection.run_sync(_pending)

    return await _connected(settings, work)


def configuration() -> Config:
    """Return the configuration of alembic for the migrations in this package."""
    config = Config()
    config.set_main_option("script_location", str(resources.files("kbju_bot.storage") / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def revisions() -> list[str]:
    """Return all revisions this package brings, oldest first."""
    script = ScriptDirectory.from_config(configuration())
    return [revision.revision for revision in reversed(list(script.walk_revisions()))]


async def _connected(settings: MigrationSettings, work: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    async def open_connection() -> asyncpg.Connection:
        # The timeout is for the login only: a migration may take as long as it needs.
        return await connect(settings.database, timeout=settings.db_timeout, application_name="kbju-bot-migrate")

    engine = create_async_engine("postgresql+asyncpg://", async_creator=open_connection, poolclass=NullPool)
    try:
        try:
            async with asyncio.timeout(settings.db_timeout + 1):
                connection = await engine.connect()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, DBAPIError) as error:
            cause = error.orig if isinstance(error, DBAPIError) and error.orig else error
            raise DatabaseUnavailableError(
                f"no connection to the database within {settings.db_timeout:g} s: {brief(cause)}"
            ) from error
        try:
            return await work(connection)
        except DBAPIError as error:
            raise MigrationError(f"the database refused: {brief(error.orig or error)}") from error
        finally:
            await connection.close()
    finally:
        await engine.dispose()


async def _take_lock(connection: AsyncConnection, timeout: float) -> None:  # noqa: ASYNC109 - polled, not cancelled
    # A session's lock, for there are several transactions; closing the connection frees it.
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout
    while True:
        taken = await connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": MIGRATION_LOCK})
        await connection.commit()
        if taken:
            return
        if loop.time() > deadline:
            raise MigrationError(f"another migration has been running for {timeout:g} s; look what it is waiting for")
        await asyncio.sleep(0.2)


def _pending(connection: Connection) -> list[str]:
    current = MigrationContext.configure(connection).get_current_revision()
    connection.rollback()
    # A database newer than this package (after rolling the bot back) has nothing pending.
    return [revision for revision in revisions() if current is None or revision > current]


def _upgrade(connection: Connection, revision: str) -> None:
    config = configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    connection.commit()
