"""The import's statements.

The rows come by COPY into temporary tables, and no statement has an argument: PostgreSQL logs slow statements together
with their arguments, which are health data here.
"""

from collections.abc import Mapping, Sequence

from kbju_bot.importer.rows import PREFERENCES, RECORDS, USERS, Preferences, Record, User

COLUMNS: Mapping[str, Sequence[str]] = {
    USERS: User._fields,
    RECORDS: Record._fields,
    PREFERENCES: Preferences._fields,
}
_KEYS: Mapping[str, Sequence[str]] = {
    USERS: ("telegram_id",),
    RECORDS: ("telegram_id", "day"),
    PREFERENCES: ("telegram_id",),
}
_TYPES: Mapping[str, str] = {
    "telegram_id": "bigint",
    "day": "date",
    "birth_date": "date",
    "created_at": "timestamptz",
    "last_seen_at": "timestamptz",
    "updated_at": "timestamptz",
    **dict.fromkeys(("weight_kg", "waist_cm", "neck_cm", "hip_cm", "height_cm", "body_fat"), "float8"),
}
# What Telegram tells of a user is newer in PostgreSQL, also where it is NULL there.
_FILLED = ("name", "sex", "birth_date", "height_cm", "steps", "goal")


def staged(table: str) -> str:
    """Return the name of the temporary table that holds what was converted for a table."""
    return f"dev_{table}"


def staging(table: str) -> str:
    """Return what makes the temporary table, which goes with the transaction."""
    columns = ", ".join(f"{column} {_TYPES.get(column, 'text')}" for column in COLUMNS[table])
    return f"CREATE TEMPORARY TABLE {staged(table)} ({columns}) ON COMMIT DROP"


def insertion(table: str) -> str:
    """Return what adds rows where there are none with their key."""
    columns = ", ".join(COLUMNS[table])
    return f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {staged(table)} ON CONFLICT DO NOTHING"  # noqa: S608 - constants


def counting(table: str) -> str:
    """Return what counts the rows that there are of those that were converted."""
    return f"SELECT count(*) FROM {staged(table)} JOIN {table} USING ({', '.join(_KEYS[table])})"  # noqa: S608 - constants


def filling() -> str:
    """Return what completes the profiles of users that PostgreSQL knows.

    A frequency belongs to its sport: both are taken, or none.
    """
    assignments = [f"{column} = coalesce(users.{column}, dev.{column})" for column in _FILLED]
    gaps = [f"users.{column} IS NULL AND dev.{column} IS NOT NULL" for column in (*_FILLED, "sport")]
    return f"""
        UPDATE users SET
            {", ".join(assignments)},
            sport = coalesce(users.sport, dev.sport),
            frequency = CASE WHEN users.sport IS NULL THEN dev.frequency ELSE users.frequency END
        FROM {staged(USERS)} AS dev
        WHERE users.telegram_id = dev.telegram_id AND ({" OR ".join(gaps)})
    """  # noqa: S608 - constants
