"""Reads dashboards and refuses those that Grafana would not take, or would show with holes."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from settings import ConfigurationError

# Grafana replaces these before it sends a query; promtool's parser wants something of the right type in their place.
_VARIABLES = (
    (re.compile(r"\$__(rate_)?interval(_ms)?\b|\$\{__(rate_)?interval(_ms)?\}|\$__range(_s|_ms)?\b"), "5m"),
    (re.compile(r"\$\{\w+(:\w+)?\}|\$\w+|\[\[\w+\]\]"), "x"),
)
# Panels that come with Grafana 11.6; another type is shown as "Panel plugin not found".
_PLUGINS = {
    "alertlist",
    "annolist",
    "barchart",
    "bargauge",
    "candlestick",
    "canvas",
    "dashlist",
    "datagrid",
    "flamegraph",
    "gauge",
    "geomap",
    "heatmap",
    "histogram",
    "logs",
    "news",
    "nodeGraph",
    "piechart",
    "row",
    "stat",
    "state-timeline",
    "status-history",
    "table",
    "text",
    "timeseries",
    "traces",
    "trend",
    "xychart",
}
# They show no query's result.
_WITHOUT_QUERY = {"row", "text", "news", "dashlist", "alertlist", "annolist"}
_COLUMNS = 24


def read(path: Path, datasource_ids: set[str]) -> dict[str, Any]:
    """Return the dashboard of a file.

    Args:
        path: the file.
        datasource_ids: names and uids of the data sources that are provisioned.

    Raises:
        ConfigurationError: it does not parse, or Grafana would refuse it, or show less than it is meant to.
    """
    try:
        dashboard: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"provisioning error: {path}: can't be parsed: {error}") from error
    for key in ("uid", "title"):
        if not dashboard.get(key):
            raise ConfigurationError(f"{path}: the dashboard has no {key}")
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", dashboard["uid"]):
        raise ConfigurationError(f"{path}: uid {dashboard['uid']!r}: at most 40 letters, digits, - and _ are allowed")
    queries = []
    panels = list(_panels(dashboard))
    for panel in panels:
        place = f"{path}: panel {panel.get('title', panel.get('id'))!r}"
        _check_panel(panel, place)
        for target in [panel, *panel.get("targets", [])]:
            source = target.get("datasource")
            name = source.get("uid") if isinstance(source, dict) else source
            if name and not str(name).startswith(("$", "-- ", "grafana")) and name not in datasource_ids:
                raise ConfigurationError(f"{place}: data source {name!r} is provisioned by no file")
            if target.get("expr"):
                queries.append((place, target["expr"]))
    twice = [number for number, times in Counter(panel["id"] for panel in panels).items() if times > 1]
    if twice:
        raise ConfigurationError(f"{path}: the panel id {twice[0]} is there twice: links would lead to the wrong panel")
    _check_queries(queries)
    return dashboard


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard.get("panels", []):
        yield panel
        yield from _panels(panel)  # a row that is folded holds its panels


def _check_panel(panel: dict[str, Any], place: str) -> None:
    kind = panel.get("type")
    if kind not in _PLUGINS:
        raise ConfigurationError(f"{place}: Panel plugin not found: {kind}")
    if not isinstance(panel.get("id"), int):
        raise ConfigurationError(f"{place}: the panel has no id")
    position = panel.get("gridPos") or {}
    if not all(isinstance(position.get(key), int) for key in "hwxy"):
        raise ConfigurationError(f"{place}: gridPos wants the whole numbers h, w, x and y, and is {position}")
    if position["w"] < 1 or position["x"] < 0 or position["x"] + position["w"] > _COLUMNS:
        raise ConfigurationError(f"{place}: it does not fit into the grid's {_COLUMNS} columns")
    if kind in _WITHOUT_QUERY:
        return
    targets = panel.get("targets") or []
    if not targets:
        raise ConfigurationError(f"{place}: it asks for nothing")
    letters = [target.get("refId") for target in targets]
    if not all(letters) or len(set(letters)) != len(letters):
        raise ConfigurationError(f"{place}: each query wants a refId of its own, and they have {letters}")
    if not all(target.get("expr") for target in targets):
        raise ConfigurationError(f"{place}: a query has no expr")


def _check_queries(queries: list[tuple[str, str]]) -> None:
    """Let promtool parse every query; the error names the panel."""
    if not queries:
        return
    rules = [{"record": "query", "expr": _without_variables(query)} for _, query in queries]
    if not _refused(rules):
        return
    for rule, (place, query) in zip(rules, queries, strict=True):
        reason = _refused([rule])
        if reason:
            raise ConfigurationError(f"{place}: promtool rejects the query {query!r}: {reason}")


def _without_variables(query: str) -> str:
    for pattern, replacement in _VARIABLES:
        query = pattern.sub(replacement, query)
    return query


def _refused(rules: list[dict[str, str]]) -> str:
    """Return what promtool says against recording rules, or nothing."""
    # Each in a group of its own: equal ones in one group would be refused.
    groups = [{"name": f"query {number}", "rules": [rule]} for number, rule in enumerate(rules)]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.safe_dump({"groups": groups}, file)
        file.flush()
        checked = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False)
        said = (checked.stderr + checked.stdout).replace(file.name, "").strip()
    return said if checked.returncode else ""
