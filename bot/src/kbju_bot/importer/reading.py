"""Reading the DEV version's SQLite file, without ever writing to it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from kbju_bot.importer.rows import (
    PREFERENCES,
    RECORDS,
    USERS,
    DevDatabase,
    PreferenceRow,
    RecordRow,
    UserRow,
)

RowT = TypeVar("RowT", UserRow, RecordRow, PreferenceRow)

_NUMBERS = {USERS: "rowid", RECORDS: "id", PREFERENCES: "id"}
# SQLite's own files beside a database: changes that are not in it yet, or that were to be undone.
_UNFINISHED = ("-wal", "-journal")


class DevDatabaseError(Exception):
    """The file can't be used; the text says why and what to do, and quotes no row."""


def read(path: Path) -> DevDatabase:
    """Return everything that is to be imported from the file at `path`.

    Raises:
        DevDatabaseError: the file can't be read, is no SQLite database, is damaged or unfinished, or lacks a table or
            a column.

    """
    _refuse_unreadable(path)
    try:
        # Immutable: no lock and no journal is written, so that a read-only directory will do.
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.text_factory = _text
            _refuse_missing(connection)
            return DevDatabase(
                users=list(_rows(connection, USERS, UserRow)),
                records=list(_rows(connection, RECORDS, RecordRow)),
                preferences=list(_rows(connection, PREFERENCES, PreferenceRow)),
            )
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_NOTADB:
            raise DevDatabaseError(f"{path} is no SQLite database; give the file of the DEV version") from error
        raise DevDatabaseError(f"{path} can't be read as a database: {error}") from error


@lru_cache(maxsize=65536)
def _text(raw: bytes) -> str:
    # What is no UTF-8 is to spoil one field, not the whole import. Remembered, because the same few texts come again
    # and again, and each would take memory of its own.
    return raw.decode("utf-8", "replace")


def _refuse_unreadable(path: Path) -> None:
    try:
        with path.open("rb"):
            pass
        unfinished = [
            beside
            for suffix in _UNFINISHED
            if (beside := path.with_name(path.name + suffix)).exists() and beside.stat().st_size
        ]
    except OSError as error:
        raise DevDatabaseError(f"{path} can't be read: {error.strerror}") from error
    if unfinished:
        raise DevDatabaseError(
            f"{unfinished[0]} holds changes that are not in {path.name} yet; stop the DEV version, "
            f"then run: sqlite3 {path.name} 'PRAGMA wal_checkpoint(TRUNCATE)'"
        )


def _refuse_missing(connection: sqlite3.Connection) -> None:
    tables = {name.lower() for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    missing = []
    for table, kind in ((USERS, UserRow), (RECORDS, RecordRow), (PREFERENCES, PreferenceRow)):
        if table not in tables:
            missing.append(f"table {table}")
            continue
        wanted = {*kind._fields[1:], *({"id"} if _NUMBERS[table] == "id" else ())}
        present = {row[1].lower() for row in connection.execute(f"PRAGMA table_info({table})")}
        missing += [f"column {table}.{column}" for column in sorted(wanted - present)]
    if missing:
        raise DevDatabaseError(f"this is not the DEV version's database: it has no {', no '.join(missing)}")


def _rows(connection: sqlite3.Connection, table: str, kind: type[RowT]) -> Iterator[RowT]:
    number, columns = _NUMBERS[table], ", ".join(f'"{column}"' for column in kind._fields[1:])
    # A table whose id is not its key may hold anything there; the rowid is always a number. The table itself is read,
    # not an index, which may lack rows when it is damaged, and in its own order, as sorting may need a temporary file.
    query = (
        f"SELECT CASE typeof({number}) WHEN 'integer' THEN {number} ELSE rowid END AS number, {columns} "  # noqa: S608 - constants
        f"FROM {table} NOT INDEXED ORDER BY rowid"
    )
    return (kind(*row) for row in connection.execute(query))
