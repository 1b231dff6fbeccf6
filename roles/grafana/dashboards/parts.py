"""What our dashboards are made of: queries, panels, rows, and the board that places them."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, Self

from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.builders import prometheus
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

PROMETHEUS = model.DataSourceRef(type_val="prometheus", uid="prometheus")
COLUMNS = 24
TAG = "kbju"

Step = tuple[float | None, str]
# Thresholds that mean the same everywhere. The first step has no value: it is the colour below all others.
DOWN_OR_UP: list[Step] = [(None, "red"), (1, "green")]
NONE_IS_GOOD: list[Step] = [(None, "green"), (1, "red")]

# Why a query may rightly answer nothing, or with no number.
NO_TRAFFIC = "nobody has written to the bot in the time that is shown"
NO_ALERT = "no alert fires at the moment"
NO_BACKUP = "no backup has been taken yet: the first is taken in the first night"
NO_HYPER_BACKUP = "Hyper Backup is not configured, or has not run yet"
NOT_COMPARED = "the clock is compared every ten minutes, and has not been yet, or Telegram does not answer"
NO_BOOT = "the NAS has not been rebooted since the stack was deployed"
NO_RENEWAL = "no authority issues the certificate, so nothing renews it"


@dataclass(frozen=True)
class Query:
    """One PromQL expression. `empty` says why it may rightly answer nothing; most never may."""

    expr: str
    legend: str = ""
    empty: str = ""


class _Common(Protocol):
    """What every panel builder of the SDK can do."""

    def id(self, id_val: int, /) -> Self: ...
    def title(self, title: str, /) -> Self: ...
    def description(self, description: str, /) -> Self: ...
    def datasource(self, datasource: model.DataSourceRef, /) -> Self: ...
    def grid_pos(self, grid_pos: model.GridPos, /) -> Self: ...
    def unit(self, unit: str, /) -> Self: ...
    def decimals(self, decimals: float, /) -> Self: ...
    def min(self, min_val: float, /) -> Self: ...
    def max(self, max_val: float, /) -> Self: ...
    def mappings(self, mappings: list[model.ValueMapping], /) -> Self: ...
    def thresholds(self, thresholds: Builder[model.ThresholdsConfig], /) -> Self: ...
    def color_scheme(self, color: Builder[model.FieldColor], /) -> Self: ...
    def with_target(self, target: Builder[Any], /) -> Self: ...
    def build(self) -> model.Panel: ...


@dataclass(frozen=True)
class Panel(ABC):
    """What one panel shows; its place follows from its row. Heights and widths are in Grafana's grid units."""

    title: str
    description: str
    unit: str
    queries: Sequence[Query]
    width: int = 8
    height: int = 8
    decimals: int | None = None
    low: float | None = None
    high: float | None = None
    steps: Sequence[Step] = ()
    words: Sequence[tuple[float, str, str]] = ()  # a value, what is shown in its place, and its colour

    # What is asked: values over time, or only the newest.
    instant = False
    query_format = PromQueryFormat.TIME_SERIES

    @abstractmethod
    def builder(self) -> _Common:
        """Return the SDK's builder for this kind of panel, with what only this kind has."""

    def build(self, number: int, x: int, y: int) -> model.Panel:
        """Return Grafana's panel with the id `number` at a place in the grid."""
        panel = self.builder().id(number).title(self.title).description(self.description).unit(self.unit)
        panel.datasource(PROMETHEUS).grid_pos(model.GridPos(h=self.height, w=self.width, x=x, y=y))
        if self.decimals is not None:
            panel.decimals(self.decimals)
        if self.low is not None:
            panel.min(self.low)
        if self.high is not None:
            panel.max(self.high)
        if self.steps:
            steps = [model.Threshold(value=value, color=color) for value, color in self.steps]
            panel.thresholds(sdk.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(steps))
        if self.words:
            shown = {f"{value:g}": model.ValueMappingResult(text=text, color=hue) for value, text, hue in self.words}
            panel.mappings([model.ValueMap(options=shown)])
        for letter, query in zip("ABCDEFGH", self.queries, strict=False):
            target = prometheus.Dataquery().expr(query.expr).legend_format(query.legend or "__auto").ref_id(letter)
            target.datasource(PROMETHEUS).format(self.query_format)
            panel.with_target(target.instant() if self.instant else target.range())
        return panel.build()


def by_thresholds() -> sdk.FieldColor:
    """Return the choice of a value's colour by the thresholds that it has reached."""
    return sdk.FieldColor().mode(model.FieldColorModeId.THRESHOLDS)


def newest() -> options.ReduceDataOptions:
    """Return the choice of the last value of each series."""
    return options.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False)


@dataclass(frozen=True)
class Row:
    """A heading and the panels below it, from left to right; a panel that no longer fits begins a new line."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Placed:
    """A panel with its id and its place in the grid."""

    panel: Panel
    number: int
    x: int
    y: int


@dataclass(frozen=True)
class Board:
    """One dashboard."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    since: str = "now-6h"
    # A query variable: its name, what it is called, and the label_values() query that lists its values.
    variable: tuple[str, str, str] | None = None

    @property
    def file(self) -> str:
        """The name of the dashboard's file."""
        return f"{self.uid.removeprefix(TAG + '-')}.json"

    def placed(self) -> Iterator[Row | Placed]:
        """Give each heading and each of its panels, in reading order; ids count from 1 over both."""
        number = y = 0
        for row in self.rows:
            number, x, tallest = number + 1, 0, 0
            yield row
            y += 1
            for panel in row.panels:
                if x + panel.width > COLUMNS:
                    x, y, tallest = 0, y + tallest, 0
                number += 1
                yield Placed(panel, number, x, y)
                x, tallest = x + panel.width, max(tallest, panel.height)
            y += tallest

    def json(self) -> str:
        """Return the file that Grafana reads."""
        board = sdk.Dashboard(self.title).uid(self.uid).description(self.description).tags([TAG]).readonly()
        board.time(self.since, "now").refresh("30s").timezone("browser").tooltip(model.DashboardCursorSync.CROSSHAIR)
        others = sdk.DashboardLink("Dashboards").type(model.DashboardLinkType.DASHBOARDS).tags([TAG])
        board.link(others.as_dropdown(False).include_vars(False).keep_time(True).target_blank(False))
        board.annotation(_firing_alerts())
        if self.variable is not None:
            board.with_variable(_every(*self.variable))
        made = board.build()
        made.panels = list(self._panels())
        text = json.loads(json.dumps(made, cls=JSONEncoder))
        # What Prometheus's data source adds to an annotation is not among the SDK's types.
        text["annotations"]["list"][0] |= {"titleFormat": "{{alertname}}", "textFormat": "{{service}} {{name}}"}
        return json.dumps(text, indent=1, sort_keys=True) + "\n"

    def _panels(self) -> Iterator[model.Panel | model.RowPanel]:
        heading: Row | None = None
        for item in self.placed():
            if isinstance(item, Row):
                heading = item
                continue
            if heading is not None:
                place = model.GridPos(h=1, w=COLUMNS, x=0, y=item.y - 1)
                row = sdk.Row(heading.title).id(item.number - 1).grid_pos(place).build()
                # Left out by the SDK when false, and Grafana's own files have it.
                row.collapsed = False
                yield row
                heading = None
            yield item.panel.build(item.number, item.x, item.y)


def _firing_alerts() -> sdk.AnnotationQuery:
    query = sdk.AnnotationQuery().name("Alerts that fire").datasource(PROMETHEUS).enable(True).hide(False)
    return query.icon_color("red").expr('ALERTS{alertstate="firing", severity=~"page|ticket"}')


def _every(name: str, label: str, values: str) -> sdk.QueryVariable:
    """Return a variable that has several values, at first all of them."""
    every = model.VariableOption(selected=True, text="All", value="$__all")
    variable = sdk.QueryVariable(name).label(label).datasource(PROMETHEUS).query(values).current(every)
    variable.include_all(True).all_value(".+").multi(True).sort(model.VariableSort.ALPHABETICAL_ASC)
    return variable.refresh(model.VariableRefresh.ON_TIME_RANGE_CHANGED)
