"""What is written on a chart's axes, and what a chart may be of."""

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

from kbju_bot.charts.cache import ByteCache
from kbju_bot.charts.scales import MOST_MARKS, date_ticks, number, percent_range, thin, value_scale
from kbju_bot.charts.spec import content_key, decode, encode

from .charts import KINDS, LAST_DAY, LONG, chart_of, days_back


def test_numbers_are_written_in_the_language() -> None:
    assert [number(82.44, 1, language) for language in ("ru", "en")] == ["82,4", "82.4"]
    assert percent_range(12, 16, "ru") == "12–16\N{NO-BREAK SPACE}%"
    assert percent_range(12.5, 16, "ru") == "12,5–16,0\N{NO-BREAK SPACE}%"
    assert percent_range(12.5, 16, "en") == "12.5–16.0%"


@pytest.mark.parametrize(
    ("days", "language", "labels"),
    [
        (days_back(0), "ru", ["23.11"]),
        (days_back(5, 0), "en", ["Nov 18", "Nov 23"]),
        (days_back(0, 0), "en", ["Nov 23"]),
        (days_back(80, 60, 40, 20, 0), "en", ["Sep 4", "Sep 24", "Oct 14", "Nov 3", "Nov 23"]),
        (days_back(80, 1, 0), "en", ["Sep 21", "Oct 12", "Nov 2", "Nov 23"]),
        (days_back(*range(12, -1, -1)), "ru", ["11.11", "14.11", "17.11", "20.11", "23.11"]),
        (days_back(*range(130, -1, -1)), "ru", ["01.08", "01.09", "01.10", "01.11"]),
        (days_back(*range(500, -1, -1)), "en", ["Oct 1\n2025", "Jan 1\n2026", "Apr 1", "Jul 1", "Oct 1"]),
        ([date(2026, 12, 30), date(2027, 1, 4)], "ru", ["30.12\n2026", "04.01\n2027"]),
        ([point.day for point in LONG.points], "ru", ["2015", "2020", "2025"]),
    ],
)
def test_dates_get_few_labels_and_years_where_needed(days: list[date], language: str, labels: list[str]) -> None:
    assert [label for _, label in date_ticks(days, language)] == labels


def test_any_span_has_two_to_five_dates_in_it_and_space_between_them() -> None:
    for span in [*range(1, 800), *range(800, 40_000, 37)]:
        days = [date(1900, 3, 7) + timedelta(days=offset) for offset in sorted({0, span // 7, span // 2, span})]
        ticks = [day for day, _ in date_ticks(days, "en")]
        assert 2 <= len(ticks) <= 5, span
        assert days[0] <= ticks[0] < ticks[-1] <= days[-1], span
        assert all((later - earlier).days > span / 6 for earlier, later in pairwise(ticks)), span


def test_many_points_become_means_and_the_last_one_stays() -> None:
    samples = [(point.day, point.weight_kg) for point in LONG.points]
    series = thin(samples)
    assert len(series.days) == MOST_MARKS
    assert series.values[-1] == samples[-1][1]
    assert series.days[-1] == samples[-1][0].toordinal()
    assert sorted(series.days) == list(series.days)
    assert all(low <= value <= high for low, value, high in zip(series.lows, series.values, series.highs, strict=True))
    assert (min(series.lows), max(series.highs)) == (min(w for _, w in samples), max(w for _, w in samples))
    few = samples[:MOST_MARKS]
    assert thin(few).values == tuple(value for _, value in few)


@pytest.mark.parametrize(("low", "high"), [(80, 80), (82.4, 83.1), (40, 300), (0, 0), (3, 3.1)])
def test_a_scale_holds_its_values_with_air_around_and_never_less_than_zero(low: float, high: float) -> None:
    scale = value_scale(low, high, least=2)
    assert 0 <= scale.bottom <= low <= high < scale.top
    assert scale.top - scale.bottom >= 2
    assert 2 <= len(scale.ticks) <= 7
    assert all(scale.bottom - 1e-6 <= tick <= scale.top + 1e-6 for tick in scale.ticks)
    assert all(round(tick, scale.decimals) == pytest.approx(tick, abs=1e-9) for tick in scale.ticks)


@pytest.mark.parametrize(
    ("points", "changes"),
    [
        ([], {}),
        ([(LAST_DAY, 80.0, None), (date(2026, 1, 1), 80.0, None)], {}),
        ([(LAST_DAY, float("nan"), None)], {}),
        ([(LAST_DAY, 80.0, float("inf"))], {}),
        ([(LAST_DAY, -1.0, None)], {}),
        ([(LAST_DAY, 1e300, None)], {}),
        ([(LAST_DAY, 80.0, None)], {"goal_range": (16.0, 12.0)}),
        ([(LAST_DAY, 80.0, None)], {"language": "de"}),
    ],
)
def test_what_can_not_be_drawn_is_refused(
    points: list[tuple[date, float, float | None]], changes: dict[str, Any]
) -> None:
    with pytest.raises(ValueError, match=r"^(a|the|dates) [^0-9]+$"):
        chart_of(points, **changes)


def test_charts_survive_the_way_to_the_worker() -> None:
    for chart in KINDS.values():
        assert decode(encode(chart)) == chart
    whole = chart_of([(LAST_DAY, 80, 14)], goal_range=(12, 16))
    assert content_key(whole) == content_key(chart_of([(LAST_DAY, 80.0, 14.0)]))


def test_the_cache_keeps_what_was_used_last() -> None:
    cache = ByteCache(10)
    cache.put("a", b"aaaa")
    cache.put("b", b"bbbb")
    assert cache.get("a") == b"aaaa"
    cache.put("c", b"cccc")
    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (b"aaaa", None, b"cccc")
    cache.put("a", b"a")
    assert cache.size == 5
    cache.put("huge", b"h" * 11)
    assert (cache.get("huge"), cache.size) == (None, 0)
