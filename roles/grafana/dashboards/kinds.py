"""The kinds of panels that our dashboards have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import bargauge, heatmap, stat, statetimeline, table, timeseries
from grafana_foundation_sdk.builders import common as options
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as model
from grafana_foundation_sdk.models.heatmap import HeatmapColorMode
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from dashboards.parts import Panel, by_thresholds, newest


@dataclass(frozen=True)
class Lines(Panel):
    """Values over time; `stacked` where their sum means something."""

    stacked: bool = False

    def builder(self) -> timeseries.Panel:
        """Return the SDK's builder."""
        legend = options.VizLegendOptions().display_mode(common.LegendDisplayMode.LIST).show_legend(True)
        panel = timeseries.Panel().legend(legend.placement(common.LegendPlacement.BOTTOM).calcs(["lastNotNull"]))
        panel.tooltip(
            options.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI).sort(common.SortOrder.DESCENDING)
        )
        panel.line_width(1).fill_opacity(25 if self.stacked else 8).show_points(common.VisibilityMode.NEVER)
        if self.stacked:
            panel.stacking(options.StackingConfig().mode(common.StackingMode.NORMAL).group("A"))
        if self.steps:
            style = options.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
            panel.thresholds_style(style)
        return panel


@dataclass(frozen=True)
class Number(Panel):
    """The newest value, large, before the line that led to it."""

    width: int = 4
    height: int = 4

    def builder(self) -> stat.Panel:
        """Return the SDK's builder."""
        panel = stat.Panel().reduce_options(newest()).graph_mode(common.BigValueGraphMode.AREA)
        panel.color_mode(common.BigValueColorMode.VALUE).text_mode(common.BigValueTextMode.AUTO)
        return panel.color_scheme(by_thresholds())


@dataclass(frozen=True)
class Label(Panel):
    """The name of the newest series, such as a version."""

    width: int = 4
    height: int = 4

    def builder(self) -> stat.Panel:
        """Return the SDK's builder."""
        panel = stat.Panel().reduce_options(newest()).graph_mode(common.BigValueGraphMode.NONE)
        return panel.color_mode(common.BigValueColorMode.NONE).text_mode(common.BigValueTextMode.NAME)


@dataclass(frozen=True)
class Bars(Panel):
    """The newest value of each series as a bar, to be compared with each other and with a limit."""

    def builder(self) -> bargauge.Panel:
        """Return the SDK's builder."""
        panel = bargauge.Panel().reduce_options(newest()).orientation(common.VizOrientation.HORIZONTAL)
        panel.display_mode(common.BarGaugeDisplayMode.BASIC).value_mode(common.BarGaugeValueMode.COLOR)
        return panel.color_scheme(by_thresholds())


@dataclass(frozen=True)
class States(Panel):
    """Whether each of several things was well, over time."""

    def builder(self) -> statetimeline.Panel:
        """Return the SDK's builder."""
        panel = statetimeline.Panel().show_value(common.VisibilityMode.NEVER).merge_values(True).row_height(0.8)
        panel.legend(options.VizLegendOptions().show_legend(False).display_mode(common.LegendDisplayMode.LIST))
        return panel.color_scheme(by_thresholds())


@dataclass(frozen=True)
class HeatMap(Panel):
    """A histogram over time: how many events fell into which bucket. The unit is the buckets'."""

    query_format = PromQueryFormat.HEATMAP

    def builder(self) -> heatmap.Panel:
        """Return the SDK's builder."""
        color = heatmap.HeatmapColorOptions().mode(HeatmapColorMode.SCHEME).scheme("Oranges").steps(64)
        panel = heatmap.Panel().calculate(False).color(color).cell_gap(1).show_legend()
        return panel.y_axis(heatmap.YAxisConfig().unit(self.unit)).cell_values(heatmap.CellValues().unit(units.Short))


@dataclass(frozen=True)
class Table(Panel):
    """The newest series, a line each, with those of their labels that are named."""

    columns: Sequence[str] = ()
    instant = True
    query_format = PromQueryFormat.TABLE

    def builder(self) -> table.Panel:
        """Return the SDK's builder."""
        order = {name: number for number, name in enumerate(self.columns)}
        only = {"include": {"names": list(self.columns)}}
        panel = table.Panel().show_header(True)
        panel.with_transformation(model.DataTransformerConfig(id_val="filterFieldsByName", options=only))
        return panel.with_transformation(
            model.DataTransformerConfig(id_val="organize", options={"indexByName": order, "renameByName": {}})
        )
