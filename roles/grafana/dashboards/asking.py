"""What a dashboard asks of Prometheus: its queries with Grafana's variables replaced as Grafana replaces them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

# As the data source is provisioned (timeInterval), in seconds.
SCRAPE_INTERVAL = 15
# Steps that are easy to read on an axis, in seconds.
_STEPS = (15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800, 3600)
_VARIABLE = re.compile(r"\$(\w+)|\$\{(\w+)(?::\w+)?\}|\[\[(\w+)\]\]")
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Question:
    """One query of a panel, ready to be sent."""

    dashboard: str
    panel: str
    number: int  # the panel's id
    ref: str
    expr: str
    legend: str
    instant: bool


def span_of(dashboard: Mapping[str, Any]) -> int:
    """Return the seconds that a dashboard shows when it is opened.

    Raises:
        ValueError: it begins at a time that is not written as now-6h.
    """
    since = str(dashboard["time"]["from"])
    found = re.fullmatch(r"now-(\d+)([smhd])", since)
    if found is None:
        raise ValueError(f"{dashboard['uid']} begins at {since!r}, and not so many hours or days ago")
    return int(found.group(1)) * _UNITS[found.group(2)]


def step_of(span: int, points: int = 800) -> int:
    """Return the seconds between two values when `span` seconds are shown by at most about `points` of them."""
    return next((step for step in _STEPS if step * points >= span), _STEPS[-1])


def questions(dashboard: Mapping[str, Any], span: int) -> Iterator[Question]:
    """Yield what the panels ask when `span` seconds are shown.

    Args:
        dashboard: the dashboard as Grafana's API hands it out.
        span: how many seconds are shown.

    Raises:
        ValueError: a query names a variable that neither Grafana nor the dashboard has.
    """
    step = step_of(span)
    values = {
        "__interval": f"{step}s",
        "__rate_interval": f"{max(step + SCRAPE_INTERVAL, 4 * SCRAPE_INTERVAL)}s",
        "__range": f"{span}s",
    }
    values |= {one["name"]: _chosen(one) for one in (dashboard.get("templating") or {}).get("list") or []}
    for panel in _panels(dashboard):
        for target in panel.get("targets") or []:
            yield Question(
                dashboard["uid"],
                panel["title"],
                panel["id"],
                target["refId"],
                _replaced(target["expr"], values),
                target.get("legendFormat") or "",
                bool(target.get("instant")),
            )


def legend_of(pattern: str, labels: Mapping[str, str]) -> str:
    """Return what a series is called: `pattern` with {{label}} replaced, or all its labels."""
    if pattern in {"", "__auto"}:
        return ", ".join(f"{name}={value}" for name, value in sorted(labels.items()) if name != "__name__")
    return _LABEL.sub(lambda found: labels.get(found.group(1), ""), pattern)


def _panels(dashboard: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in dashboard.get("panels") or []:
        yield panel
        yield from _panels(panel)


def _chosen(variable: Mapping[str, Any]) -> str:
    """Return the value that a variable has when nobody has chosen one."""
    value = (variable.get("current") or {}).get("value")
    return str(variable.get("allValue") or ".*") if value in {"$__all", None} else str(value)


def _replaced(expr: str, values: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        name = next(group for group in found.groups() if group)
        if name not in values:
            raise ValueError(f"nobody knows the variable {found.group()} in {expr}")
        return values[name]

    return _VARIABLE.sub(value, expr)
