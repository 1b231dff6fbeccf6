"""Draws a chart. Only the worker process imports this: matplotlib takes some 70 MB.

Nothing here uses pyplot, which keeps figures alive, nor matplotlib's dates and locators: `scales` decides the ticks.
Measures are in pixels of the picture; a phone shows it at about a third of its size.
"""

import io
from datetime import date

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text

from kbju_bot.charts.scales import Series, ValueScale, date_ticks, number, percent_range, thin, value_scale
from kbju_bot.charts.spec import Chart

WIDTH = 1080
HEIGHT = 1280
"""Height with both panels: Telegram shrinks what is larger than 1280 on a side."""
HEIGHT_WITHOUT_FAT = 810

BACKGROUND = "#1b2530"
TEXT = "#f2f5f8"
MUTED = "#b3bfcb"
GRID = "#364452"
WEIGHT = "#6cb8ff"
FAT = "#ffbe62"
BAND = "#235043"
GOAL = "#7fe0ae"

_LEFT, _RIGHT = 146, 40
_AFTER_LAST = 176
"""Room to the right of the last point, for its value."""
_TITLE_TOP, _TITLE_SIZE, _TITLE_HEIGHT = 44, 50, 100
_HEADER_HEIGHT, _LABEL_SIZE = 84, 38
_TICK_SIZE, _VALUE_SIZE = 34, 46
_GAP = 28
"""Between the panels: the lowest value's label reaches below its axes."""
_DATES_HEIGHT, _YEARS_HEIGHT = 88, 40
_LEAST_WEIGHT_SPAN, _LEAST_FAT_SPAN = 2.0, 4.0

# What a matplotlibrc lying around says must not change the picture.
matplotlib.rcdefaults()
matplotlib.rcParams.update({"font.family": "DejaVu Sans", "text.parse_math": False})


def draw(chart: Chart) -> bytes:
    """Return the chart as an opaque PNG, always the same bytes for equal charts.

    The picture is 1080 pixels wide; 1280 high with a panel for body fat, 810 without one, where no point has it.
    """
    fat = [(point.day, point.body_fat) for point in chart.points if point.body_fat is not None]
    height = HEIGHT if fat else HEIGHT_WITHOUT_FAT
    figure = Figure(figsize=(WIDTH / 100, height / 100), dpi=100, facecolor=BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    title_height = _TITLE_HEIGHT if chart.title else 0
    if chart.title:
        _write(figure, _RIGHT, _TITLE_TOP, chart.title, size=_TITLE_SIZE, room=WIDTH - 2 * _RIGHT, weight="bold")
    dates = date_ticks([point.day for point in chart.points], chart.language)
    below = _DATES_HEIGHT + (_YEARS_HEIGHT if any("\n" in label for _, label in dates) else 0)
    slot = (height - title_height - below - _GAP) / 2 if fat else height - title_height - below

    series = thin([(point.day, point.weight_kg) for point in chart.points])
    scale = value_scale(min(series.lows), max(series.highs), least=_LEAST_WEIGHT_SPAN)
    panel = _panel(figure, title_height, slot, label=chart.weight_label, scale=scale, language=chart.language)
    _time_axis(panel, chart, dates)
    _plot(panel, series, WEIGHT, chart.language)
    if fat:
        panel.tick_params(labelbottom=False)
        series = thin(fat)
        # The goal is always in sight, however far.
        limits = chart.goal_range or ()
        scale = value_scale(min((*series.lows, *limits)), max((*series.highs, *limits)), least=_LEAST_FAT_SPAN)
        top = title_height + slot + _GAP
        panel = _panel(
            figure,
            top,
            slot,
            label=chart.body_fat_label,
            scale=scale,
            language=chart.language,
            goal=chart.goal_range,
        )
        _time_axis(panel, chart, dates)
        _plot(panel, series, FAT, chart.language)

    buffer = io.BytesIO()
    canvas.print_png(buffer, metadata={"Software": None})  # type: ignore[no-untyped-call]  # the library has no types here
    return buffer.getvalue()


def _panel(
    figure: Figure,
    top: float,
    slot: float,
    *,
    label: str,
    scale: ValueScale,
    language: str,
    goal: tuple[float, float] | None = None,
) -> Axes:
    """Return axes in the slot that begins at `top`, below a header with the label and the goal."""
    height = figure.get_figheight() * 100
    axes_height = slot - _HEADER_HEIGHT
    left, width = _LEFT / WIDTH, (WIDTH - _LEFT - _RIGHT) / WIDTH
    axes = figure.add_axes((left, 1 - (top + slot) / height, width, axes_height / height), facecolor=BACKGROUND)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, pad=14, labelsize=_points(_TICK_SIZE), labelcolor=MUTED)
    axes.grid(color=GRID, linewidth=_points(2))
    axes.set_axisbelow(True)
    axes.set_ylim(scale.bottom, scale.top)
    axes.set_yticks(scale.ticks, [number(tick, scale.decimals, language) for tick in scale.ticks])

    room = float(WIDTH - 2 * _RIGHT)
    if goal is not None:
        axes.axhspan(*goal, color=BAND, linewidth=0, zorder=0.4)
        for limit in goal:
            axes.axhline(limit, color=GOAL, linewidth=_points(2), zorder=0.6)
        text = _write(
            figure,
            WIDTH - _RIGHT,
            top + 14,
            percent_range(*goal, language),
            size=_LABEL_SIZE,
            room=room / 2,
            color=GOAL,
            align="right",
        )
        room -= text.get_window_extent().width + 96
        swatch = Rectangle(
            ((_RIGHT + room + 32) / WIDTH, 1 - (top + 44) / height),
            48 / WIDTH,
            30 / height,
            facecolor=BAND,
            edgecolor=GOAL,
            linewidth=_points(2),
        )
        figure.add_artist(swatch)
    _write(figure, _RIGHT, top + 14, label, size=_LABEL_SIZE, room=room)
    return axes


def _time_axis(axes: Axes, chart: Chart, dates: list[tuple[date, str]]) -> None:
    first, last = chart.points[0].day.toordinal(), chart.points[-1].day.toordinal()
    # The data take what the value beside the last point leaves.
    share = (WIDTH - _LEFT - _RIGHT - _AFTER_LAST) / (WIDTH - _LEFT - _RIGHT) - 0.04
    span = (last - first) or 1
    start = first - 0.04 * span / share if last > first else first - 0.5 * span / share
    axes.set_xlim(start, start + span / share)
    axes.set_xticks([day.toordinal() for day, _ in dates], [label for _, label in dates])


def _plot(axes: Axes, series: Series, color: str, language: str) -> None:
    """Draw the line, its marks and the last value."""
    if series.lows != series.highs:
        axes.fill_between(series.days, series.lows, series.highs, color=color, alpha=0.25, linewidth=0)
    size = 22 if len(series.days) <= 15 else 14 if len(series.days) <= 45 else 9
    line = Line2D(
        series.days,
        series.values,
        color=color,
        linewidth=_points(5),
        marker="o",
        markersize=_points(size),
        markeredgewidth=0,
        solid_joinstyle="round",
    )
    axes.add_line(line)
    last = (series.days[-1], series.values[-1])
    axes.add_line(Line2D([last[0]], [last[1]], marker="o", color=color, markersize=_points(24), markeredgewidth=0))
    axes.annotate(
        number(last[1], 1, language),
        last,
        xytext=(_points(24), 0),
        textcoords="offset points",
        va="center_baseline",
        color=color,
        fontsize=_points(_VALUE_SIZE),
        fontweight="bold",
    )


def _write(
    figure: Figure,
    x: float,
    y: float,
    text: str,
    *,
    size: float,
    room: float,
    color: str = TEXT,
    align: str = "left",
    weight: str = "normal",
) -> Text:
    """Write one line of text with its top at (x, y) from the picture's top left, smaller where `room` asks for it."""
    artist = figure.text(
        x / WIDTH,
        1 - y / (figure.get_figheight() * 100),
        " ".join(text.split()),
        color=color,
        fontsize=_points(size),
        fontweight=weight,
        ha=align,
        va="top",
    )
    width = artist.get_window_extent().width
    if width > room:
        artist.set_fontsize(_points(size) * room / width)
    return artist


def _points(pixels: float) -> float:
    return pixels * 0.72
