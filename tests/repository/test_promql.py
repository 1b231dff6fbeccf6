"""The names that a query selects, found without Prometheus."""

from __future__ import annotations

import pytest

import promql

READ = {
    "up": {"up"},
    "sum(rate(a_total[5m]))": {"a_total"},
    "sum by (job, name) (rate(a_total[$__rate_interval]))": {"a_total"},
    "sum(a) without (instance) / on (name) group_left (uid) b": {"a", "b"},
    "a * on() group_left b": {"a", "b"},
    "a and b or c unless d": {"a", "b", "c", "d"},
    'a{job="x_total", name!~"y|z"} > bool 1e-3': {"a"},
    'a{path="}"} == 0x1F': {"a"},
    '{__name__="a:ratio_5m", job="b"}': {"a:ratio_5m"},
    '{__name__=~"a|b"}': {"a", "b"},
    'label_replace(a, "to", "$1", "from", "(.*)")': {"a"},
    "topk($top, a) offset 1h30m": {"a"},
    "max_over_time(deriv(a[5m])[1h:30s]) - a @ end()": {"a"},
    'count_values by (x) ("version", a)': {"a"},
    "histogram_quantile(0.99, sum by (le) (rate(a_bucket[5m])))": {"a_bucket"},
    "quantile_over_time(0.5, slo:a:ratio_5m[1d]) < Inf": {"slo:a:ratio_5m"},
    'a{name="$name"} # not b\n + ${offset}': {"a"},
    "time() - 5": set(),
}


@pytest.mark.parametrize(("expression", "names"), READ.items())
def test_the_names_that_an_expression_selects(expression: str, names: set[str]) -> None:
    assert promql.metrics_of(expression) == names


@pytest.mark.parametrize("expression", ["kbju_$what", "${prefix}_total", '{__name__=~"kbju_.+"}', "rate(a[5m", "a ; b"])
def test_names_that_cannot_be_told_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"PromQL|variable|can't be told|missing"):
        promql.metrics_of(expression)


def test_what_our_programs_export_is_known_before_anything_has_happened() -> None:
    known = promql.known_metrics()

    assert known >= {
        "bot_response_time_seconds_bucket",
        "bot_charts_total",
        "db_connections",
        "kbju_backup_hyper_backup_result",
        "kbju_backup_stage_success",
        "kbju_boot_success",
        "kbju_certificate_expiry_timestamp_seconds",
        "up",
    }
    assert "bot_response_time_seconds" not in known, "a histogram has no series of its own name"
