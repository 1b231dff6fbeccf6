"""Everything that is stored about a user, as files for the user."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import asyncpg

from kbju_bot.texts import Language

_TABLES: Mapping[str, str] = {
    "user": "SELECT * FROM users WHERE telegram_id = $1",
    "consents": "SELECT version, given_at FROM consents WHERE telegram_id = $1 ORDER BY version",
    "records": """
        SELECT day, weight_kg, waist_cm, neck_cm, hip_cm, height_cm, body_fat, steps, sport, frequency, goal,
            created_at, updated_at
        FROM user_records WHERE telegram_id = $1 ORDER BY day
    """,
    "food_preferences": "SELECT likes, dislikes, updated_at FROM user_food_preferences WHERE telegram_id = $1",
    "reminder": "SELECT weekday, hour, next_at FROM reminders WHERE telegram_id = $1",
    "dialogue": "SELECT state, updated_at FROM dialogues WHERE telegram_id = $1",
    "updates": "SELECT update_id, received_at, handled_at FROM inbox WHERE telegram_id = $1 ORDER BY update_id",
    "messages": """
        SELECT method, created_at, sent_at, failed_at, failed_reason FROM outbox WHERE telegram_id = $1 ORDER BY id
    """,
}
_LISTS = {"consents", "records", "updates", "messages"}
_COLUMNS = ("day", "weight_kg", "body_fat", "waist_cm", "neck_cm", "hip_cm", "height_cm", "goal")

Tables = Mapping[str, Sequence[Mapping[str, Any]]]


async def collect(connection: asyncpg.Connection, telegram_id: int) -> Tables:
    """Return the rows about a user by table."""
    return {name: [dict(row) for row in await connection.fetch(query, telegram_id)] for name, query in _TABLES.items()}


def as_json(tables: Tables) -> bytes:
    """Return everything as JSON (UTF-8): an object, lists where there may be several rows, null where there is none."""
    content = {
        name: [_plain(row) for row in rows] if name in _LISTS else (_plain(rows[0]) if rows else None)
        for name, rows in tables.items()
    }
    return json.dumps(content, ensure_ascii=False, indent=2).encode()


def as_csv(tables: Tables, language: Language) -> bytes:
    """Return the measurements as a table that spreadsheets of the user's country open by a double click.

    UTF-8 with a byte order mark; Russian spreadsheets expect semicolons between cells and commas in numbers.
    """
    russian = language is Language.RU
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";" if russian else ",")
    writer.writerow(_COLUMNS)
    for row in tables["records"]:
        cells = ["" if row[column] is None else str(row[column]) for column in _COLUMNS]
        writer.writerow([cell.replace(".", ",") for cell in cells] if russian else cells)
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _value(value) if name != "state" else json.loads(value) for name, value in row.items()}


def _value(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value
