"""Numbers and dates on the axes: which of them get a tick, how they are written, and how many points are told apart."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

MOST_MARKS = 120
"""Points that can be told apart in the picture's width; more are averaged."""
MOST_DATES = 5
"""Their labels take two thirds of the picture's width."""
MOST_VALUES = 6.5
_DAY_STEPS = (1, 2, 3, 5, 7, 10, 14, 21)
_MONTH_STEPS = (1, 2, 3, 6)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Series:
    """What is drawn for a quantity: days (proleptic ordinals), values, and each mark's lowest and highest value."""

    days: tuple[float, ...]
    values: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ValueScale:
    """A vertical axis: its ends, its ticks and the decimals they are written with."""

    bottom: float
    top: float
    ticks: tuple[float, ...]
    decimals: int


def thin(samples: Sequence[tuple[date, float]]) -> Series:
    """Return the samples as they are or, where they are too many, the means of equal spans of time.

    The last sample stays as it is: its value is written beside it.
    """
    days = [day.toordinal() for day, _ in samples]
    values = [value for _, value in samples]
    if len(samples) <= MOST_MARKS:
        return Series(tuple(days), tuple(values), tuple(values), tuple(values))
    width = (days[-1] - days[0] + 1) / (MOST_MARKS - 1)
    spans: dict[int, list[int]] = {}
    for index, day in enumerate(days[:-1]):
        spans.setdefault(int((day - days[0]) / width), []).append(index)
    groups = [*spans.values(), [len(days) - 1]]
    return Series(
        tuple(math.fsum(days[i] for i in group) / len(group) for group in groups),
        tuple(math.fsum(values[i] for i in group) / len(group) for group in groups),
        tuple(min(values[i] for i in group) for group in groups),
        tuple(max(values[i] for i in group) for group in groups),
    )


def value_scale(low: float, high: float, *, least: float) -> ValueScale:
    """Return a scale with `low` to `high` in it, and some air: never less than `least` from end to end."""
    span = max((high - low) * 1.3, least)
    middle = (low + high) / 2
    bottom = max(0.0, middle - span / 2)
    top = bottom + span
    step = next(step for step in _steps() if span / step <= MOST_VALUES)
    count = math.floor(top / step + 1e-9)
    ticks = tuple(index * step for index in range(math.ceil(bottom / step - 1e-9), count + 1))
    return ValueScale(bottom, top, ticks, 0 if step >= 1 else 1)


def number(value: float, decimals: int, language: str) -> str:
    """Return the value as the language writes it."""
    text = f"{value:.{decimals}f}"
    return text.replace(".", ",") if language == "ru" else text


def percent_range(low: float, high: float, language: str) -> str:
    """Return a range of percentages as the language writes it, with decimals where the limits have them."""
    decimals = 0 if low == round(low) and high == round(high) else 1
    sign = "\N{NO-BREAK SPACE}%" if language == "ru" else "%"
    return f"{number(low, decimals, language)}\N{EN DASH}{number(high, decimals, language)}{sign}"


def date_ticks(days: Sequence[date], language: str) -> list[tuple[date, str]]:
    """Return the days that get a tick, with their labels, for measurements at `days` (in order, at least one).

    Where the measurements are of different years the first tick of each year has the year in a second line.
    """
    ticks, step_is_years = _tick_days(days)
    if step_is_years:
        return [(day, str(day.year)) for day in ticks]
    with_years = days[0].year != days[-1].year
    labels = []
    for index, day in enumerate(ticks):
        label = f"{_MONTHS[day.month - 1]} {day.day}" if language == "en" else f"{day:%d.%m}"
        if with_years and (index == 0 or ticks[index - 1].year != day.year):
            label += f"\n{day.year}"
        labels.append((day, label))
    return labels


def _tick_days(days: Sequence[date]) -> tuple[list[date], bool]:
    first, last = days[0], days[-1]
    span = (last - first).days
    measured = sorted(set(days))
    gaps = [(later - earlier).days for earlier, later in pairwise(measured)]
    if all(gap * (MOST_DATES - 1) >= span for gap in gaps):
        return measured, False
    for step in _DAY_STEPS:
        if span / step <= MOST_DATES - 1:
            # Counted from the last day, which interests most.
            return [last - timedelta(days=offset) for offset in range(span - span % step, -1, -step)], False
    for step in _MONTH_STEPS:
        months = range(_month_of(first) // step * step, _month_of(last) + 1, step)
        ticks = [day for day in map(_first_of, months) if first <= day <= last]
        if len(ticks) <= MOST_DATES:
            return ticks, False
    for step in (1, 2, 5, 10, 20, 50, 100):
        years = range(max(first.year // step, 1) * step, last.year + 1, step)
        ticks = [day for day in (date(year, 1, 1) for year in years) if first <= day <= last]
        if len(ticks) <= MOST_DATES:
            break
    return ticks, True


def _month_of(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(index: int) -> date:
    return date(index // 12, index % 12 + 1, 1)


def _steps() -> Iterator[float]:
    power = 0.1
    while True:
        yield from (power, 2 * power, 5 * power)
        power *= 10
