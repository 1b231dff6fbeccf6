"""What a chart shows. Plain data: the bot builds it, a worker process draws it."""

import hashlib
import json
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

LANGUAGES = frozenset({"ru", "en"})
LARGEST = 1000.0
"""What no measurement exceeds, in kg or %."""


@dataclass(frozen=True, slots=True)
class Point:
    """One day's measurements: weight in kg, body fat in % where it is known."""

    day: date
    weight_kg: float
    body_fat: float | None


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: points in the order of their days, the texts on it, and the goal's range of body fat in %, if any.

    `language` ("ru" or "en") decides how dates and numbers are written. Raises ValueError for what can't be drawn;
    its text quotes no measurement.
    """

    points: tuple[Point, ...]
    title: str
    weight_label: str
    body_fat_label: str
    language: str
    goal_range: tuple[float, float] | None

    def __post_init__(self) -> None:
        if not self.points:
            raise ValueError("a chart needs a point")
        if any(later.day < earlier.day for earlier, later in pairwise(self.points)):
            raise ValueError("the points are not in the order of their days")
        if self.language not in LANGUAGES:
            raise ValueError("dates can't be written in this language")
        numbers = [number for point in self.points for number in (point.weight_kg, point.body_fat or 0.0)]
        numbers += self.goal_range or ()
        if not all(0 <= number <= LARGEST for number in numbers):
            raise ValueError("a value is negative, too large or not a number")
        if self.goal_range is not None and self.goal_range[0] > self.goal_range[1]:
            raise ValueError("the goal's range is upside down")


def encode(chart: Chart) -> bytes:
    """Return the chart as JSON, always the same bytes for equal charts."""
    points = [
        # 80 and 80.0 are equal, so they have to look equal.
        (
            point.day.isoformat(),
            float(point.weight_kg),
            None if point.body_fat is None else float(point.body_fat),
        )
        for point in chart.points
    ]
    goal = None if chart.goal_range is None else [float(limit) for limit in chart.goal_range]
    fields = [points, chart.title, chart.weight_label, chart.body_fat_label, str(chart.language), goal]
    return json.dumps(fields, separators=(",", ":"), allow_nan=False).encode()


def decode(data: bytes) -> Chart:
    """Return the chart that `encode` turned into `data`."""
    points, title, weight_label, body_fat_label, language, goal = json.loads(data)
    return Chart(
        points=tuple(Point(date.fromisoformat(day), weight, fat) for day, weight, fat in points),
        title=title,
        weight_label=weight_label,
        body_fat_label=body_fat_label,
        language=language,
        goal_range=None if goal is None else (goal[0], goal[1]),
    )


def key_of(encoded: bytes) -> str:
    """Return the key, hexadecimal SHA-256, of an encoded chart."""
    return hashlib.sha256(encoded).hexdigest()


def content_key(chart: Chart) -> str:
    """Return the same key for equal charts and different ones for different charts."""
    return key_of(encode(chart))
