"""Writing what was converted: one transaction, in which nothing that PostgreSQL holds is overwritten."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import asyncpg

from kbju_bot.importer import statements
from kbju_bot.importer.conversion import Conversion
from kbju_bot.importer.rows import PREFERENCES, RECORDS, TABLES, USERS
from kbju_bot.settings import MigrationSettings
from kbju_bot.storage.database import connect
from kbju_bot.storage.errors import StorageUnavailableError, brief
from kbju_bot.storage.locks import IMPORT_LOCK
from kbju_bot.storage.schema import REQUIRED_REVISION, SchemaTooOldError


class ImportFailedError(Exception):
    """The database did not take everything; nothing was changed. The text quotes no row."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an import changed, or would change."""

    added: Mapping[str, int]
    """Rows by table."""
    filled: int
    """Users PostgreSQL knew before, of whose profile something was missing."""

    @property
    def changes(self) -> bool:
        """Whether there was anything to do."""
        return bool(self.filled or any(self.added.values()))


async def write(
    settings: MigrationSettings, conversion: Conversion, *, dry_run: bool, progress: Callable[[str], None]
) -> Outcome:
    """Write everything in one transaction, which a dry run rolls back at its end; `progress` gets a line now and then.

    Raises:
        StorageUnavailableError: no connection, or it broke.
        SchemaTooOldError: the migrations must run first.
        ImportFailedError: the database refused something, or does not hold afterwards what it was given.

    """
    try:
        connection = await connect(settings.database, timeout=settings.db_timeout, application_name="kbju-bot-import")
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = f"no connection to the database within {settings.db_timeout:g} s: {brief(error)}"
        raise StorageUnavailableError(reason) from error
    try:
        await _check_schema(connection)
        transaction = connection.transaction()
        await transaction.start()
        # Whatever goes wrong leaves it without an end, and closing the connection rolls it back.
        await _keep_others_out(connection, settings.migration_lock_timeout)
        await _send(connection, conversion, progress)
        if not dry_run:
            await _hold_up_the_bot(connection)
        outcome = await _write(connection, conversion, progress)
        await (transaction.rollback() if dry_run else transaction.commit())
    except (asyncpg.PostgresConnectionError, asyncpg.InterfaceError, OSError) as error:
        # The library's own errors may quote what it was given.
        raise StorageUnavailableError(f"the connection broke ({type(error).__name__}); import again") from error
    except asyncpg.PostgresError as error:
        raise ImportFailedError(f"the database refused, so nothing was changed: {brief(error)}") from error
    else:
        return outcome
    finally:
        await connection.close(timeout=settings.db_timeout)


async def _check_schema(connection: asyncpg.Connection) -> None:
    try:
        revision = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    except asyncpg.UndefinedTableError:
        revision = None
    if revision is None or revision < REQUIRED_REVISION:
        raise SchemaTooOldError(
            f"the database's schema is at {revision or 'no revision'}, but the import needs {REQUIRED_REVISION} or "
            "newer; run `python -m kbju_bot migrate` first"
        )


async def _write(connection: asyncpg.Connection, conversion: Conversion, progress: Callable[[str], None]) -> Outcome:
    filled = _affected(await connection.execute(statements.filling()))
    added = {}
    for table in TABLES:
        added[table] = _affected(await connection.execute(statements.insertion(table)))
        progress(f"{table}: {added[table]} rows added")
    for table in TABLES:
        held, accepted = await connection.fetchval(statements.counting(table)), conversion.accepted[table]
        if held != accepted:
            raise ImportFailedError(
                f"{table}: of {accepted} accepted rows the database holds {held}, so nothing was changed"
            )
    return Outcome(added, filled)


async def _send(connection: asyncpg.Connection, conversion: Conversion, progress: Callable[[str], None]) -> None:
    """Send everything to the server, into temporary tables."""
    tables: Mapping[str, Sequence[tuple[Any, ...]]] = {
        USERS: conversion.users,
        RECORDS: conversion.records,
        PREFERENCES: conversion.preferences,
    }
    for table, rows in tables.items():
        await connection.execute(statements.staging(table))
        await connection.copy_records_to_table(
            statements.staged(table), records=rows, columns=statements.COLUMNS[table]
        )
        progress(f"{table}: {len(rows)} rows sent")


async def _keep_others_out(connection: asyncpg.Connection, patience: float) -> None:
    """Wait until no other import runs. From now on no lock is waited for longer than `patience` seconds."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", IMPORT_LOCK):
        if loop.time() > deadline:
            raise ImportFailedError(f"another import has been running for {patience:g} s; look what it is waiting for")
        await asyncio.sleep(0.2)
    await connection.fetchval("SELECT set_config('lock_timeout', $1, true)", str(int(patience * 1000)))


async def _hold_up_the_bot(connection: asyncpg.Connection) -> None:
    """Let no update be handled until the transaction ends: the bot writes what it has read, also over an import.

    Handling an update begins with a row in `inbox`. So the updates that are being handled are waited for, and those
    that come now wait before they have read anything. A dry run leaves nothing that could be overwritten.
    """
    await connection.execute("LOCK TABLE inbox IN SHARE ROW EXCLUSIVE MODE")


def _affected(status: str) -> int:
    return int(status.rpartition(" ")[2])
