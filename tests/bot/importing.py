"""What the tests of the import share: rows of the DEV version, and a database to import them into."""

import asyncio
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg

from dev_database import DevFile
from kbju_bot.importer.conversion import Conversion, convert
from kbju_bot.importer.rows import (
    RECORDS,
    TABLES,
    USERS,
    DevDatabase,
    PreferenceRow,
    RecordRow,
    User,
    UserRow,
    Value,
)
from kbju_bot.importer.writing import Outcome

from .support import SOURCES

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
NOTHING = Outcome(dict.fromkeys(TABLES, 0), 0)
"""What an import changes that has nothing to do."""

AnyRow = UserRow | RecordRow | PreferenceRow


def user(row: int = 1, **fields: Value) -> UserRow:
    """Make a user with nothing but an id, and what is given."""
    known: dict[str, Value] = {"telegram_id": 7} | fields
    return UserRow(row, *(known.get(column) for column in UserRow._fields[1:]))


def record(row: int = 1, **fields: Value) -> RecordRow:
    """Make a record with what a record needs, and what is given."""
    needed: dict[str, Value] = {"telegram_id": 7, "date": "2025-01-01", "weight": 82, "height": 180}
    known = needed | fields
    return RecordRow(row, *(known.get(column) for column in RecordRow._fields[1:]))


def preferences(row: int = 1, **fields: Value) -> PreferenceRow:
    """Make food preferences of which nothing is known, and what is given."""
    known: dict[str, Value] = {"telegram_id": 7} | fields
    return PreferenceRow(row, *(known.get(column) for column in PreferenceRow._fields[1:]))


def converted(*rows: AnyRow) -> Conversion:
    """Convert these rows, and a user 7 where none of them is one."""
    users = [row for row in rows if isinstance(row, UserRow)]
    records = [row for row in rows if isinstance(row, RecordRow)]
    return convert(
        DevDatabase(users or [user()], records, [row for row in rows if isinstance(row, PreferenceRow)]), NOW
    )


def reasons(conversion: Conversion) -> dict[tuple[str, int], str]:
    """Return why rows were rejected."""
    assert len({one[:2] for one in conversion.rejected}) == len(conversion.rejected), "a row was rejected twice"
    return {(one.table, one.row): one.reason for one in conversion.rejected}


def notes(conversion: Conversion) -> dict[str, str]:
    """Return what was dropped, by field."""
    return {one.field: one.reason for one in conversion.dropped}


def only_user(*rows: AnyRow) -> User:
    """Return the user that the rows make."""
    (one,) = converted(*rows).users
    return one


CONTENT = """
SELECT md5(string_agg(content, '|' ORDER BY content)) FROM (
    SELECT 'u' || users::text || users.xmin::text FROM users
    UNION ALL SELECT 'r' || user_records::text || user_records.xmin::text FROM user_records
    UNION ALL SELECT 'p' || food::text || food.xmin::text FROM user_food_preferences AS food
) AS everything (content)
"""
"""All rows, and which transaction wrote them."""


@dataclass
class Target:
    """A migrated database, and a folder for the file to import."""

    admin: asyncpg.Connection
    environment: dict[str, str]
    folder: Path

    async def start(self, *arguments: str, file: str = "dev.db", **environment: str) -> asyncio.subprocess.Process:
        """Start an import as the bot's own account."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "kbju_bot", "import-dev", *arguments, str(self.folder / file)),
            env={"PATH": os.defpath, "PYTHONPATH": str(SOURCES), **self.environment, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *arguments: str, file: str = "dev.db", **environment: str) -> tuple[int, str, str]:
        """Import the file, and return the exit code, stdout and stderr."""
        return await ended(await self.start(*arguments, file=file, **environment))

    async def counts(self) -> dict[str, int]:
        """Count the rows of each table."""
        return {table: await self.admin.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES}

    async def content(self) -> str | None:
        """Return a digest of all rows, and of which transactions wrote them."""
        digest: str | None = await self.admin.fetchval(CONTENT)
        return digest


async def ended(process: asyncio.subprocess.Process, within: float = 400.0) -> tuple[int, str, str]:
    """Wait for the end of an import, and return the exit code, stdout and stderr."""
    stdout, stderr = await asyncio.wait_for(process.communicate(), within)
    assert process.returncode is not None
    return process.returncode, stdout.decode(), stderr.decode()


def result_of(report: str) -> str:
    """Return how an import ended: the beginning of the report's last line."""
    return report.splitlines()[-1].partition(":")[0]


def person(made: DevFile, telegram_id: int = 7, **fields: str) -> None:
    """Add a user with one record, 90/40/180."""
    made.add(USERS, telegram_id=telegram_id, first_name="Иван", sex="male", date_of_birth="1990-05-17", **fields)  # type: ignore[arg-type]  # none of them is `rejected`
    made.add(
        RECORDS,
        telegram_id=telegram_id,
        date="2025-01-01",
        weight=82,
        waist=90,
        neck=40,
        height=180,
        goal="lean",
        steps=8000,
        sport_type="бег",
        sport_freq="3-4",
        bodyfat=24.9,
    )
