"""Draws a dashboard's answers where Grafana would place them, for the README. It is not Grafana's own drawing."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from dashboards.values import Shown, color_of, shown, word_of

WIDTH = 1400
UNIT = 27  # the height of one of Grafana's grid units, in pixels
HEAD, FOOT, GAP = 44, 30, 4
COLUMNS = 24
LETTER = 6.2  # about how wide one is in a legend, in pixels
BACKGROUND, PANEL, EDGE, TEXT, MUTED, GRID = "#111217", "#181b1f", "#2c3235", "#e6e8ea", "#9fa7b3", "#2c3235"
# Between two marks on the axis of time, in seconds.
ROUND = (60, 120, 300, 600, 900, 1800, 3600, 7200, 14400)
LINES = ("#73bf69", "#f2cc0c", "#8ab8ff", "#ff780a", "#f2495c", "#b877d9", "#5794f2", "#ffa6b0", "#96d98d", "#ffcb7d")
NAMED = {"green": "#73bf69", "yellow": "#fade2a", "orange": "#ff9830", "red": "#f2495c"}
NOTE = "Rendered from the deployed stack's data, not Grafana's own drawing."


@dataclass(frozen=True)
class Series:
    """One line of an answer: what it is called, its labels, and its values at times in seconds since 1970."""

    name: str
    labels: Mapping[str, str]
    points: Sequence[tuple[float, float]]

    @property
    def last(self) -> float | None:
        """The newest value that is a number."""
        return next((value for _, value in reversed(self.points) if math.isfinite(value)), None)


# By a panel's id: all series that answer its queries.
Answers = Mapping[int, Sequence[Series]]

matplotlib.rcdefaults()
matplotlib.rcParams.update({"font.family": "DejaVu Sans", "text.parse_math": False})


def draw(dashboard: Mapping[str, Any], answers: Answers, begin: float, end: float) -> bytes:
    """Return a PNG of `dashboard` with its `answers` between two times in seconds since 1970.

    Raises:
        KeyError: a panel is of a kind that can't be drawn here.
    """
    panels = dashboard["panels"]
    height = HEAD + FOOT + UNIT * max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in panels)
    figure = Figure(figsize=(WIDTH / 100, height / 100), dpi=100, facecolor=BACKGROUND)
    canvas = FigureCanvasAgg(figure)
    when = datetime.fromtimestamp(end, UTC)
    minutes = round((end - begin) / 60)
    figure.text(12 / WIDTH, 1 - 28 / height, f"KBJU  /  {dashboard['title']}", color=TEXT, fontsize=13)
    span = f"{minutes} minutes until {when:%Y-%m-%d %H:%M} UTC"
    figure.text(1 - 12 / WIDTH, 1 - 28 / height, span, color=MUTED, fontsize=10, ha="right")
    figure.text(12 / WIDTH, 10 / height, NOTE, color=MUTED, fontsize=9)
    for panel in panels:
        place = panel["gridPos"]
        left, top = place["x"] * WIDTH / COLUMNS, HEAD + place["y"] * UNIT
        wide, tall = place["w"] * WIDTH / COLUMNS, place["h"] * UNIT
        if panel["type"] == "row":
            figure.text((left + 12) / WIDTH, 1 - (top + 19) / height, panel["title"], color=TEXT, fontsize=10.5)
            continue
        box = (left + GAP, top + GAP, wide - 2 * GAP, tall - 2 * GAP)
        _panel(figure, panel, answers.get(panel["id"], ()), box, (begin, end))
    text = io.BytesIO()
    canvas.print_png(text)  # type: ignore[no-untyped-call]  # matplotlib has no types here
    text.seek(0)
    # 128 colours are plenty for lines on a dark ground, and a third of the size.
    picture = Image.open(text).convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small = io.BytesIO()
    picture.save(small, "PNG", optimize=True)
    return small.getvalue()


Box = tuple[float, float, float, float]


def _panel(
    figure: Figure, panel: Mapping[str, Any], series: Sequence[Series], box: Box, times: tuple[float, float]
) -> None:
    left, top, wide, tall = box
    height = figure.get_figheight() * 100
    corner = (left / WIDTH, 1 - (top + tall) / height)
    frame = FancyBboxPatch(corner, wide / WIDTH, tall / height, boxstyle="square,pad=0", fc=PANEL, ec=EDGE, zorder=-1)
    frame.set_transform(figure.transFigure)
    figure.add_artist(frame)
    figure.text((left + 8) / WIDTH, 1 - (top + 17) / height, panel["title"], color=TEXT, fontsize=9)

    def inside(margins: tuple[float, float, float, float]) -> Axes:
        """Add axes with so many pixels to the left, above, to the right and below."""
        west, north, east, south = margins
        place = ((left + west) / WIDTH, 1 - (top + tall - south) / height)
        axes = figure.add_axes((*place, (wide - west - east) / WIDTH, (tall - north - south) / height), fc="none")
        axes.tick_params(colors=MUTED, labelsize=7.5, length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_label(panel["title"])
        return axes

    KINDS[panel["type"]](inside, Shown.of(panel), series, times)


Inside = Callable[[tuple[float, float, float, float]], Axes]


def _over_time(axes: Axes, times: tuple[float, float]) -> None:
    begin, end = times
    every = next((step for step in ROUND if (end - begin) / step <= 6), ROUND[-1])
    first = int(begin // every + 1) * every
    moments = range(first, int(end) + 1, every)
    axes.set_xlim(*times)
    axes.set_xticks(moments, [f"{datetime.fromtimestamp(moment, UTC):%H:%M}" for moment in moments])


def _number(inside: Inside, how: Shown, series: Sequence[Series], times: tuple[float, float]) -> None:
    value = series[0].last if series else None
    color = NAMED.get(color_of(how, value), TEXT)
    axes = inside((0, 24, 0, 0))
    axes.set_axis_off()
    if series and len(series[0].points) > 1:
        x, y = zip(*series[0].points, strict=True)
        low, high = min(y), max(y)
        axes.plot(x, y, color=color, lw=1, alpha=0.6)
        # In the lower third, under the figure.
        axes.set_ylim(low - (high - low or 1) * 0.1, high + (high - low or 1) * 3)
        axes.set_xlim(*times)
    text = word_of(how, value) if value is not None else "no data"
    axes.text(0.5, 0.6, text, color=color, fontsize=19, ha="center", va="center", transform=axes.transAxes)


def _lines(inside: Inside, how: Shown, series: Sequence[Series], times: tuple[float, float]) -> None:
    axes = inside((58, 28, 12, 38))
    _over_time(axes, times)
    axes.grid(color=GRID, lw=0.6)
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: shown(how, y)))
    if how.stacked and series:
        moments = sorted({moment for one in series for moment, _ in one.points})
        heights = [[dict(one.points).get(moment, 0.0) for moment in moments] for one in series]
        axes.stackplot(moments, heights, colors=LINES, alpha=0.5)
    else:
        for one, color in zip(series, LINES * (len(series) // len(LINES) + 1), strict=False):
            axes.plot(*zip(*one.points, strict=True), color=color, lw=1.1)
    top = axes.get_ylim()[1]
    axes.set_ylim(how.low, how.high if how.high is not None else top)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    for threshold, color in how.steps:
        if threshold is not None and axes.get_ylim()[0] < threshold <= axes.get_ylim()[1]:
            axes.axhline(threshold, color=NAMED[color], lw=0.9, ls="--", alpha=0.8)
    wide, beginning = axes.get_window_extent().width, 0.0
    for one, color in zip(series, LINES, strict=False):
        name = f"– {one.name}  {shown(how, one.last) if one.last is not None else 'no data'}"
        if beginning + len(name) * LETTER > wide:
            break
        axes.text(beginning / wide, -0.25, name, color=color, fontsize=7.5, transform=axes.transAxes)
        beginning += len(name) * LETTER + 12


def _states(inside: Inside, how: Shown, series: Sequence[Series], times: tuple[float, float]) -> None:
    axes = inside((120, 28, 12, 22))
    _over_time(axes, times)
    axes.set_yticks(range(len(series)), [one.name for one in series])
    axes.set_ylim(len(series) - 0.4, -0.6)
    for number, one in enumerate(series):
        ends = [moment for moment, _ in one.points[1:]] + [times[1]]
        spans = [(moment, end - moment) for (moment, _), end in zip(one.points, ends, strict=True)]
        colors = [NAMED.get(color_of(how, value), MUTED) for _, value in one.points]
        axes.broken_barh(spans, (number - 0.38, 0.76), facecolors=colors, alpha=0.75, lw=0)


def _table(inside: Inside, how: Shown, series: Sequence[Series], _: tuple[float, float]) -> None:
    axes = inside((12, 30, 12, 8))
    axes.set_axis_off()
    if not series:
        axes.text(0.5, 0.5, "none", color=NAMED["green"], fontsize=12, ha="center", transform=axes.transAxes)
    for number, name in enumerate(how.columns):
        cells = [name, *(one.labels.get(name, "") for one in series)][:7]
        for line, cell in enumerate(cells):
            place = (number / max(1, len(how.columns)), 1 - (line + 0.5) / 7)
            axes.text(*place, cell, color=TEXT if line else MUTED, fontsize=8.5, va="center", transform=axes.transAxes)


KINDS: Mapping[str, Callable[[Inside, Shown, Sequence[Series], tuple[float, float]], None]] = {
    "stat": _number,
    "timeseries": _lines,
    "state-timeline": _states,
    "table": _table,
}
