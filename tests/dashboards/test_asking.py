"""Queries are sent as Grafana sends them."""

from __future__ import annotations

from typing import Any

import pytest

from dashboards.asking import legend_of, questions, span_of, step_of


def board(expr: str, *variables: dict[str, Any]) -> dict[str, Any]:
    target = {"refId": "A", "expr": expr, "legendFormat": "{{job}}"}
    panel = {"id": 2, "title": "Panel", "targets": [target]}
    row = {"id": 1, "title": "Row", "type": "row", "panels": [panel]}
    return {"uid": "one", "time": {"from": "now-6h"}, "panels": [row], "templating": {"list": list(variables)}}


def expression(expr: str, *variables: dict[str, Any], span: int = 6 * 3600) -> str:
    (question,) = questions(board(expr, *variables), span)
    return question.expr


def test_a_rate_spans_four_scrapes() -> None:
    assert expression("rate(x_total[$__rate_interval])", span=3600) == "rate(x_total[60s])"


def test_a_rate_over_a_week_spans_more_than_a_step() -> None:
    assert expression("rate(x_total[${__rate_interval}])", span=7 * 86400) == "rate(x_total[915s])"


def test_the_range_is_what_is_shown() -> None:
    assert expression("increase(x_total[$__range])", span=3600) == "increase(x_total[3600s])"


def test_all_values_of_a_variable() -> None:
    every = {"name": "container", "current": {"value": "$__all"}, "allValue": ".+"}

    assert expression('x{name=~"$container"}', every) == 'x{name=~".+"}'


def test_a_chosen_value() -> None:
    chosen = {"name": "container", "current": {"value": "kbju-nginx"}}

    assert expression('x{name=~"[[container]]"}', chosen) == 'x{name=~"kbju-nginx"}'


def test_a_variable_that_nobody_knows() -> None:
    with pytest.raises(ValueError, match=r"nobody knows the variable \$job"):
        expression('x{job="$job"}')


@pytest.mark.parametrize(("since", "seconds"), [("now-6h", 21600), ("now-7d", 604800), ("now-15m", 900)])
def test_what_a_dashboard_shows_when_it_is_opened(since: str, seconds: int) -> None:
    assert span_of({"uid": "one", "time": {"from": since}}) == seconds


def test_a_dashboard_that_begins_elsewhere() -> None:
    with pytest.raises(ValueError, match="now/d"):
        span_of({"uid": "one", "time": {"from": "now/d"}})


@pytest.mark.parametrize(("span", "step"), [(60, 15), (6 * 3600, 30), (7 * 86400, 900), (10**9, 3600)])
def test_steps(span: int, step: int) -> None:
    assert step_of(span) == step


def test_legends() -> None:
    labels = {"__name__": "x", "job": "bot", "name": "kbju"}

    assert legend_of("{{job}} in {{ name }}, {{gone}}", labels) == "bot in kbju, "
    assert legend_of("__auto", labels) == "job=bot, name=kbju"
