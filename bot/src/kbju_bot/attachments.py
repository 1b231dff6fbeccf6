"""Files that are made of a user's data at the moment they are sent, so that the outbox holds none of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from kbju_bot import export
from kbju_bot.charts.spec import Chart, Point
from kbju_bot.core.formulas.targets import goal_range
from kbju_bot.core.profile import Goal, Sex
from kbju_bot.storage import states
from kbju_bot.storage.database import Database
from kbju_bot.texts import Language, Text, render

CHART = "chart"
EXPORT_JSON = "json"
EXPORT_CSV = "csv"


class Painter(Protocol):
    """Draws charts."""

    async def paint(self, chart: Chart) -> bytes:
        """Return a PNG. Raise ChartError where it can't be drawn now."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to upload."""

    field: str
    """The parameter of the API's method that carries it."""
    name: str
    content: bytes


class NothingToAttachError(Exception):
    """There is nothing to make the file of (any more)."""


class Attachments:
    """Makes files."""

    def __init__(self, database: Database, painter: Painter) -> None:
        self._database = database
        self._painter = painter

    async def make(self, telegram_id: int, wanted: Mapping[str, Any], now: datetime) -> File:
        """Return the file that `wanted` describes.

        Raises NothingToAttachError, ChartError or StorageUnavailableError.
        """
        language = Language(wanted["language"])
        match wanted["kind"]:
            case kind if kind == CHART:
                return File(
                    "photo", "progress.png", await self._painter.paint(await self._chart(telegram_id, language))
                )
            case kind if kind in {EXPORT_JSON, EXPORT_CSV}:
                async with self._database.transaction() as connection:
                    tables = await export.collect(connection, telegram_id)
                content = export.as_json(tables) if kind == EXPORT_JSON else export.as_csv(tables, language)
                return File("document", f"kbju-{now:%Y-%m-%d}.{kind}", content)
            case _:
                raise NothingToAttachError

    async def _chart(self, telegram_id: int, language: Language) -> Chart:
        async with self._database.connection() as connection:
            records = await states.records(connection, telegram_id)
            row = await connection.fetchrow("SELECT sex, goal FROM users WHERE telegram_id = $1", telegram_id)
        if not records:
            raise NothingToAttachError
        return Chart(
            points=tuple(Point(record.day, record.weight_kg, record.body_fat) for record in records),
            title=render(Text.PROGRESS_TITLE, language),
            weight_label=render(Text.CHART_WEIGHT, language),
            body_fat_label=render(Text.CHART_BODY_FAT, language),
            language=language.value,
            goal_range=goal_range(Goal(row["goal"]), Sex(row["sex"])) if row and row["sex"] and row["goal"] else None,
        )
