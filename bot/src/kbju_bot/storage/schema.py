"""Which schema the bot needs. Revisions are numbers of four digits, so that they compare as text."""

import asyncpg

from kbju_bot.storage.database import Database

REQUIRED_REVISION = "0002"
"""The oldest schema this bot works with. A newer one must stay usable: that is what makes rolling back safe."""
OLDEST_SERVED = "0001"
"""The oldest revision whose bot this package's newest schema still serves. A migration that takes something away from
older bots raises it; a rollback beyond it is refused."""


class SchemaTooOldError(Exception):
    """The database's schema is older than the bot needs."""


async def check(database: Database) -> str:
    """Return the database's revision. Raise SchemaTooOldError where it is older than needed."""
    async with database.connection() as connection:
        try:
            revision = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
        except asyncpg.UndefinedTableError:
            revision = None
    if revision is None or revision < REQUIRED_REVISION:
        raise SchemaTooOldError(
            f"the database's schema is at {revision or 'no revision'}, "
            f"but this bot needs {REQUIRED_REVISION} or newer; run `python -m kbju_bot migrate` first"
        )
    return str(revision)
