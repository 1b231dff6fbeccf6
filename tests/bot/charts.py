"""Charts to draw."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from kbju_bot.charts.spec import Chart, Point

LAST_DAY = date(2026, 11, 23)


def days_back(*offsets: int) -> list[date]:
    return [LAST_DAY - timedelta(days=offset) for offset in offsets]


def chart_of(points: Sequence[tuple[date, float, float | None]], **changes: Any) -> Chart:
    chart = Chart(
        points=tuple(Point(*point) for point in points),
        title="Progress",
        weight_label="Weight, kg",
        body_fat_label="Body fat, %",
        language="en",
        goal_range=(12.0, 16.0),
    )
    return replace(chart, **changes)


WEEKS = chart_of([(day, 88.0 - i / 2, 21.0 - i / 4) for i, day in enumerate(days_back(*range(77, -1, -7)))])
LONG = chart_of(
    [
        (date(2014, 11, 26) + timedelta(days=i * 4380 // 3999), 80.0 + i % 300 / 20, 20.0 + i % 200 / 20)
        for i in range(4000)
    ]
)
KINDS = {
    "weeks": WEEKS,
    "one point": chart_of([(LAST_DAY, 82.4, 18.4)]),
    "two in a week": chart_of([(day, weight, 15.0) for day, weight in zip(days_back(5, 0), (83.1, 82.4), strict=True)]),
    "two on a day": chart_of([(LAST_DAY, 80.0, 14.0), (LAST_DAY, 81.0, 14.5)]),
    "twelve years": LONG,
    "equal values": chart_of([(day, 80.0, 14.0) for day in days_back(*range(150, -1, -30))], goal_range=None),
    "new year": chart_of([(date(2026, 12, 1) + timedelta(days=4 * i), 80.0 - i / 3, 14.0) for i in range(14)]),
    "heavy": chart_of([(day, 250.0 + i * 9, 61.5) for i, day in enumerate(days_back(60, 30, 0))]),
    "no body fat": chart_of([(day, 80.0 + i, None) for i, day in enumerate(days_back(9, 5, 0))]),
    "long texts": chart_of(
        [(LAST_DAY, 82.4, 18.4)],
        title="An uncommonly long title that has to become smaller to fit",
        body_fat_label="A label of the second panel that is much too long for it",
    ),
}


def numbered(index: int) -> Chart:
    """Return a chart unlike those of other indices."""
    return chart_of([(LAST_DAY, 70.0 + index, None)])
