"""The progress chart: what is in the picture, and the process that draws it."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import uvloop
from PIL import Image, ImageColor

from kbju_bot.charts.cache import ByteCache
from kbju_bot.charts.child import ANSWER, REQUEST
from kbju_bot.charts.scales import MOST_MARKS, date_ticks, number, percent_range, thin, value_scale
from kbju_bot.charts.spec import Chart, Point, content_key, decode, encode
from kbju_bot.charts.worker import ChartBusyError, ChartError, ChartPainter

from .support import SOURCES, eventually

LAST_DAY = date(2026, 11, 23)
Draw = Callable[[Chart], bytes]
Color = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]
"""Rows, columns and the three channels."""
Mask = npt.NDArray[np.bool_]
BELOW_SWATCH = 730


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


# --- what is drawn ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def draw(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Draw]:
    """The drawing function, imported where matplotlib leaves nothing in the home directory; it knows what it drew."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MPLCONFIGDIR", str(tmp_path_factory.mktemp("matplotlib")))
        patch.setenv("MPL_IGNORE_SYSTEM_FONTS", "1")
        from kbju_bot.charts import drawing  # noqa: PLC0415 - matplotlib reads the variables when it is imported

        yield cache(drawing.draw)


def color(name: str) -> Color:
    from kbju_bot.charts import drawing  # noqa: PLC0415 - see the fixture

    red, green, blue, *_ = ImageColor.getrgb(getattr(drawing, name))
    return red, green, blue


def picture_of(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def where(picture: Pixels, name: str) -> Mask:
    """Tell for each pixel whether it has exactly this colour."""
    mask: Mask = (picture == color(name)).all(axis=2)
    return mask


def rows_with(picture: Pixels, name: str) -> list[int]:
    """Return the rows in which pixels of exactly this colour are."""
    return [int(row) for row in np.flatnonzero(where(picture, name).any(axis=1))]


def runs(marked: Iterable[Any], gap: int = 0) -> int:
    """Count the runs of true values; gaps of up to `gap` false ones do not end a run."""
    found, since = 0, gap + 1
    for value in marked:
        if value:
            found += since > gap
            since = 0
        else:
            since += 1
    return found


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of WCAG 2.2, 1 to 21."""

    def luminance(pixel: Color) -> float:
        linear = [
            c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (channel / 255 for channel in pixel)
        ]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_an_opaque_png_with_nothing_cut_off(draw: Draw, kind: str) -> None:
    data = draw(KINDS[kind])
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (1080, 810 if kind == "no body fat" else 1280)
    assert picture.convert("RGBA").getchannel("A").getextrema() == (255, 255)
    blank = where(picture_of(data), "BACKGROUND")
    assert not blank[12:-12, 12:-12].all()
    blank[12:-12, 12:-12] = True
    assert blank.all()


def test_each_quantity_has_its_own_panel(draw: Draw) -> None:
    picture = picture_of(draw(WEEKS))
    weight, fat = rows_with(picture, "WEIGHT"), rows_with(picture, "FAT")
    assert weight[0] > 100
    assert weight[-1] < 640 < fat[0]


def test_a_panel_nobody_has_values_for_is_left_out(draw: Draw) -> None:
    picture = picture_of(draw(KINDS["no body fat"]))
    assert rows_with(picture, "WEIGHT")
    assert not rows_with(picture, "FAT")
    assert not rows_with(picture, "BAND")


def test_the_line_goes_on_where_single_values_are_missing(draw: Draw) -> None:
    days = days_back(30, 20, 10, 0)
    full = [(day, 80.0, 20.0) for day in days]
    gap = [(day, weight, None if day == days[1] else fat) for day, weight, fat in full]
    picture = picture_of(draw(chart_of(gap)))
    fat_rows = rows_with(picture, "FAT")
    columns = np.any(where(picture[fat_rows[0] : fat_rows[-1]], "FAT"), axis=0)
    assert runs(columns[:870]) == 1, "the line is interrupted"
    assert draw(chart_of(gap)) != draw(chart_of(full))


def test_every_point_is_marked(draw: Draw) -> None:
    picture = picture_of(draw(chart_of([(day, 80.0, None) for day in days_back(*range(77, -1, -7))])))
    line = where(picture, "WEIGHT").sum(axis=0)
    assert runs(line[146:880] > 9) == 12


def test_the_band_lies_where_the_goal_is(draw: Draw) -> None:
    days = days_back(30, 20, 10, 0)
    at_low = picture_of(draw(chart_of([(day, 80.0, 12.0) for day in days])))
    # The value beside the last point apart, the points are the line's thickest part.
    band, fat = rows_with(at_low, "BAND"), rows_with(at_low[:, :880], "FAT")
    assert abs(band[-1] - (fat[0] + fat[-1]) / 2) < 4
    at_high = picture_of(draw(chart_of([(day, 80.0, 16.0) for day in days])))
    band = [row for row in rows_with(at_high, "BAND") if row > BELOW_SWATCH]
    fat = rows_with(at_high[:, :880], "FAT")
    assert abs(band[0] - (fat[0] + fat[-1]) / 2) < 4
    assert band[-1] - band[0] > 150
    assert not rows_with(picture_of(draw(replace(WEEKS, goal_range=None))), "BAND")


def test_a_goal_far_away_is_in_sight(draw: Draw) -> None:
    picture = picture_of(draw(chart_of([(day, 120.0, 45.0) for day in days_back(30, 0)])))
    band, fat = rows_with(picture, "BAND"), rows_with(picture, "FAT")
    assert len([row for row in band if row > fat[-1]]) > 25


@pytest.mark.parametrize(
    ("part", "box"),
    [
        ("title", (40, 30, 500, 110)),
        ("label", (40, 112, 300, 170)),
        ("value ticks", (40, 190, 140, 600)),
        ("dates", (146, 1200, 1040, 1270)),
        ("goal", (910, 670, 1040, 720)),
        ("last weight", (894, 180, 1040, 640)),
        ("last body fat, on the band", (894, 800, 1040, 1180)),
    ],
)
def test_texts_stand_out_from_what_is_behind_them(draw: Draw, part: str, box: tuple[int, int, int, int]) -> None:
    chart = chart_of([(day, 80.0, 14.0) for day in days_back(60, 30, 0)])
    picture = picture_of(draw(chart))
    left, top, right, bottom = box
    if part.startswith("last"):
        middle = (top + bottom) // 2
        top, bottom = middle - 24, middle + 24
    counts = Counter((int(r), int(g), int(b)) for r, g, b in picture[top:bottom, left:right].reshape(-1, 3))
    behind, text = [pixel for pixel, _ in counts.most_common() if pixel != color("GRID")][:2]
    assert behind == color("BAND" if "band" in part else "BACKGROUND")
    assert contrast(behind, text) >= 4.5


@pytest.mark.parametrize("kind", KINDS)
def test_labels_do_not_run_into_each_other(draw: Draw, kind: str) -> None:
    chart = KINDS[kind]
    picture = picture_of(draw(chart))
    fat = [point.body_fat for point in chart.points if point.body_fat is not None]
    ticks = date_ticks([point.day for point in chart.points], chart.language)
    above = 70 + (40 if any("\n" in label for _, label in ticks) else 0)
    written = np.logical_not(where(picture, "BACKGROUND"))
    dates = np.any(written[-above : 50 - above], axis=0)
    assert runs(dates, gap=18) == len(ticks)
    # From top to bottom at the left edge: the title, and for each panel its label and its values.
    weights = [point.weight_kg for point in chart.points]
    texts = 2 + len(value_scale(min(weights), max(weights), least=2).ticks)
    if fat:
        values = [*fat, *(chart.goal_range or ())]
        texts += 1 + len(value_scale(min(values), max(values), least=4).ticks)
    assert runs(np.any(written[: -above - 20, 40:134], axis=1)) == texts


def test_whatever_differs_can_be_seen_and_has_another_key(draw: Draw) -> None:
    others = [
        replace(WEEKS, points=WEEKS.points[1:]),
        replace(WEEKS, title="Прогресс"),
        replace(WEEKS, weight_label="Вес, кг"),
        replace(WEEKS, body_fat_label="Жир, %"),
        replace(WEEKS, language="ru"),
        replace(WEEKS, goal_range=(12.0, 17.0)),
        replace(WEEKS, goal_range=None),
        replace(WEEKS, points=tuple(replace(point, body_fat=None) for point in WEEKS.points)),
    ]
    assert len({draw(chart) for chart in (WEEKS, *others)}) == len(others) + 1
    assert len({content_key(chart) for chart in (WEEKS, *others)}) == len(others) + 1


def test_dollar_signs_are_dollar_signs(draw: Draw) -> None:
    assert draw(replace(WEEKS, title=r"$\nonsense{$", weight_label="$x$")) != draw(replace(WEEKS, title="nonsense"))


# --- numbers and dates -----------------------------------------------------------------------------------------------


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


# --- the worker ------------------------------------------------------------------------------------------------------


@pytest.fixture
async def painter() -> AsyncIterator[ChartPainter]:
    painter = ChartPainter(timeout=60)
    yield painter
    await painter.close()


def runs_still(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def memory(pid: int, field: str) -> int:
    """Return a memory figure of the process in MB."""
    lines = proc(pid, "status").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) // 1024


def worker_of(painter: ChartPainter) -> int:
    pid = painter.worker_pid
    assert pid is not None
    return pid


async def test_the_worker_draws_what_would_be_drawn_here(painter: ChartPainter, draw: Draw) -> None:
    assert painter.worker_pid is None
    assert await painter.paint(WEEKS) == draw(WEEKS)
    assert await painter.paint(LONG) == draw(LONG)


async def test_a_known_picture_needs_no_worker(painter: ChartPainter) -> None:
    picture = await painter.paint(WEEKS)
    os.kill(worker_of(painter), signal.SIGSTOP)
    async with asyncio.timeout(5):
        assert await painter.paint(decode(encode(WEEKS))) == picture
    assert painter.drawn == 1


async def test_equal_charts_asked_for_at_once_are_drawn_once(painter: ChartPainter) -> None:
    pictures = await asyncio.gather(*(painter.paint(WEEKS) for _ in range(10)), painter.paint(numbered(1)))
    assert len(set(pictures)) == 2
    assert painter.drawn == 2


async def test_a_killed_worker_is_replaced(painter: ChartPainter) -> None:
    await painter.paint(numbered(1))
    first = worker_of(painter)
    os.kill(first, signal.SIGKILL)
    assert await painter.paint(numbered(2))
    second = worker_of(painter)
    assert second != first
    # This time in the midst of its work.
    os.kill(second, signal.SIGSTOP)
    picture = asyncio.create_task(painter.paint(numbered(3)))
    done, _ = await asyncio.wait([picture], timeout=0.2)
    assert not done
    os.kill(second, signal.SIGKILL)
    assert await picture
    assert worker_of(painter) != second
    assert not runs_still(first)
    assert not runs_still(second)


async def test_a_worker_that_always_dies_is_an_error_and_no_reason_to_give_up(
    painter: ChartPainter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(ChartError, match="dies"):
            await painter.paint(WEEKS)
        assert caplog.text.count("the chart worker is gone") == 2
        patch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(ChartError, match="FileNotFoundError"):
            await painter.paint(WEEKS)
    assert await painter.paint(WEEKS)


async def test_a_chart_the_worker_fails_at_is_an_error_without_a_value_in_it(
    painter: ChartPainter, caplog: pytest.LogCaptureFixture
) -> None:
    impossible = chart_of([(LAST_DAY, 77.5, None)], title="half a character: \ud83d")
    with pytest.raises(ChartError, match=r"^\w+ at [a-z_]+\.py:[0-9]+$"):
        await painter.paint(impossible)
    pid = worker_of(painter)
    assert await painter.paint(WEEKS)
    assert worker_of(painter) == pid
    assert "a chart can't be drawn" in caplog.text
    assert "77.5" not in caplog.text
    assert "half" not in caplog.text


async def test_a_picture_that_takes_too_long_costs_its_worker(painter: ChartPainter) -> None:
    await painter.paint(numbered(1))
    first = worker_of(painter)
    os.kill(first, signal.SIGSTOP)
    painter.timeout = 0.2
    async with asyncio.timeout(10):
        with pytest.raises(ChartError, match="too long"):
            await painter.paint(numbered(2))
    assert not runs_still(first)
    painter.timeout = 60
    assert await painter.paint(numbered(2))


async def test_callers_that_go_away_break_nothing(painter: ChartPainter) -> None:
    callers = [asyncio.create_task(painter.paint(numbered(index))) for index in (1, 1, 2)]
    await eventually(lambda: painter.worker_pid)
    for caller in callers[1:]:
        caller.cancel()
    picture = await callers[0]
    assert await painter.paint(numbered(1)) == picture
    assert all(
        isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*callers[1:], return_exceptions=True)
    )
    assert await painter.paint(numbered(2))
    assert painter.drawn == 2


async def test_too_many_waiting_charts_are_refused() -> None:
    painter = ChartPainter(timeout=60, waiting=2)
    await painter.paint(numbered(0))
    os.kill(worker_of(painter), signal.SIGSTOP)
    callers = [asyncio.create_task(painter.paint(numbered(index))) for index in (1, 2, 3)]
    await asyncio.wait(callers, timeout=0.05)
    with pytest.raises(ChartBusyError):
        await painter.paint(numbered(4))
    # One that waits already does not wait twice, one that is known does not wait.
    callers.append(asyncio.create_task(painter.paint(numbered(3))))
    assert await painter.paint(numbered(0))
    os.kill(worker_of(painter), signal.SIGCONT)
    assert len(set(await asyncio.gather(*callers))) == 3
    assert await painter.paint(numbered(4))
    await painter.close()


async def test_an_idle_worker_goes_and_comes_back() -> None:
    painter = ChartPainter(timeout=60, idle_seconds=0.1)
    for index in range(2):
        await painter.paint(numbered(index))
        pid = worker_of(painter)
        await eventually(lambda pid=pid: painter.worker_pid is None and not runs_still(pid))
    assert painter.drawn == 2
    await painter.close()


async def test_closing_leaves_nothing_and_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    painter = ChartPainter(timeout=60)
    await painter.paint(numbered(0))
    assert os.listdir(tmp_path)
    pid = worker_of(painter)
    os.kill(pid, signal.SIGSTOP)
    callers = [asyncio.create_task(painter.paint(numbered(index))) for index in (1, 2)]
    await asyncio.wait(callers, timeout=0.05)
    await painter.close()
    assert [type(result) for result in await asyncio.gather(*callers, return_exceptions=True)] == [ChartError] * 2
    assert not runs_still(pid)
    assert not os.listdir(tmp_path)
    with pytest.raises(ChartError):
        await painter.paint(numbered(0))
    await painter.close()


async def test_the_worker_is_small_and_modest_and_knows_no_secrets(
    painter: ChartPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_TOKEN", "not-for-the-worker")
    for index in range(12):
        await painter.paint(chart_of([(LAST_DAY, 70.0 + index, 14.0)]))
    pid = worker_of(painter)
    assert memory(pid, "VmHWM") <= 95
    assert "not-for-the-worker" not in proc(pid, "environ")
    assert proc(pid, "oom_score_adj").strip() == "500"
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_one_painter_serves_loops_one_after_another(run: Callable[..., Any]) -> None:
    painter = ChartPainter(timeout=60)
    pids = []

    async def work(index: int) -> None:
        assert await painter.paint(numbered(index))
        pids.append(worker_of(painter))

    run(work(0))
    assert not runs_still(pids[0]), "the worker outlives its loop"
    run(work(1))
    run(painter.close())
    assert painter.drawn == 2


def test_under_uvloop_callers_and_workers_may_go_away() -> None:
    async def work() -> None:
        painter = ChartPainter(timeout=60)
        await painter.paint(numbered(1))
        first = worker_of(painter)
        os.kill(first, signal.SIGSTOP)
        callers = [asyncio.create_task(painter.paint(numbered(2))) for _ in range(2)]
        await asyncio.wait(callers, timeout=0.05)
        callers[0].cancel()
        os.kill(first, signal.SIGKILL)
        assert await callers[1]
        os.kill(worker_of(painter), signal.SIGSTOP)
        painter.timeout = 0.1
        with pytest.raises(ChartError, match="too long"):
            await painter.paint(numbered(3))
        await painter.close()

    uvloop.run(work())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_loop_closed_in_the_midst_of_work_is_left_behind(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    painter = ChartPainter(timeout=60)

    async def leave() -> None:
        await painter.paint(numbered(0))
        os.kill(worker_of(painter), signal.SIGSTOP)
        left.append(asyncio.ensure_future(painter.paint(numbered(1))))
        await asyncio.sleep(0)

    left: list[asyncio.Future[bytes]] = []
    loop = new_loop()
    loop.run_until_complete(leave())
    loop.close()
    pid = worker_of(painter)

    async def go_on() -> None:
        assert await painter.paint(numbered(1))
        await painter.close()

    loop = new_loop()
    loop.run_until_complete(go_on())
    loop.close()
    assert not runs_still(pid)
    assert len(left) == 1


# --- the processes ---------------------------------------------------------------------------------------------------

BOT = """
import asyncio, sys
from datetime import date
from kbju_bot.charts.spec import Chart, Point
from kbju_bot.charts.worker import ChartPainter

async def main():
    painter = ChartPainter(timeout=60)
    chart = Chart((Point(date(2026, 11, 23), 80.0, 14.0),), "Вес", "кг", "%", "ru", None)
    await painter.paint(chart)
    heavy = sorted({"matplotlib", "numpy", "PIL"} & set(sys.modules))
    print(painter.worker_pid, *heavy, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await painter.close()

asyncio.run(main())
"""


def start_bot(**options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **{"env": {**os.environ, "PYTHONPATH": str(SOURCES)}} | options,
    )


def test_the_bot_does_not_load_what_the_worker_needs_and_logs_nothing(tmp_path: Path) -> None:
    # The home directory can't be written to, and the font list of an earlier start is not there.
    environment = {"HOME": "/proc", "TMPDIR": str(tmp_path), "PYTHONPATH": str(SOURCES)}
    with start_bot(env=environment, cwd="/") as bot:
        output, errors = bot.communicate("", timeout=60)
    assert bot.returncode == 0, errors
    assert len(output.split()) == 1, f"loaded: {output}"
    assert errors == ""


def test_the_worker_dies_with_a_killed_bot() -> None:
    with start_bot() as bot:
        assert bot.stdout is not None
        assert bot.stderr is not None
        pid = int(bot.stdout.readline())
        assert runs_still(pid)
        bot.kill()
        bot.wait()
        # Both have it open: it ends with the second one.
        _, errors = bot.communicate(timeout=10)
        assert errors == ""


def test_the_worker_loads_nothing_else_of_the_bot() -> None:
    program = "import sys, kbju_bot.charts.child, kbju_bot.charts.drawing; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    ours = {name for name in output if name.startswith("kbju_bot")}
    assert ours == {"kbju_bot", "kbju_bot.charts"} | {
        f"kbju_bot.charts.{name}" for name in ("child", "drawing", "scales", "spec")
    }
    assert "matplotlib.pyplot" not in output
    assert "asyncio" not in output


def test_a_worker_that_hangs_ends_itself() -> None:
    # In C, with the interpreter's lock held: no Python code of the worker runs any more, and nobody watches it.
    program = (
        "import ctypes, kbju_bot.charts.drawing as drawing, kbju_bot.charts.child as child\n"
        "real = drawing.draw\n"
        "def draw(chart):\n"
        "    return ctypes.PyDLL(None).sleep(60) if chart.title == 'hang' else real(chart)\n"
        "drawing.draw = draw\n"
        "child.main(2.0)\n"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=theirs.fileno(),
            env={**os.environ, "PYTHONPATH": str(SOURCES), "MPL_IGNORE_SYSTEM_FONTS": "1"},
        )
        theirs.close()
        ours.settimeout(60)
        for chart in (WEEKS, replace(WEEKS, title="hang")):
            data = encode(chart)
            ours.sendall(REQUEST.pack(len(data)) + data)
        picture, _ = ANSWER.unpack(ours.recv(ANSWER.size, socket.MSG_WAITALL))
        assert picture
        assert worker.wait(60) == -signal.SIGALRM
