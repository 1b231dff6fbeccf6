"""What is to be seen in a picture of the progress chart."""

import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, ImageColor

from kbju_bot.charts.scales import date_ticks, value_scale
from kbju_bot.charts.spec import Chart, content_key

from .charts import KINDS, WEEKS, chart_of, days_back

Draw = Callable[[Chart], bytes]
Color = tuple[int, int, int]
Pixels = npt.NDArray[np.uint8]
"""Rows, columns and the three channels."""
Mask = npt.NDArray[np.bool_]
BELOW_SWATCH = 730


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
