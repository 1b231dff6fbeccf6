"""What the benchmark computes from its measurements, and what it refuses to."""

from typing import Any

import pytest

from benchmarks import report
from benchmarks.figures import median, percentile
from benchmarks.plan import FULL, QUICK
from benchmarks.report import Target
from benchmarks.runner import problems


def run(contender: str, updates_per_s: float = 100.0, **more: Any) -> dict[str, Any]:
    return {
        "contender": contender,
        "kind": "closed",
        "latency_ms": 80.0,
        "per_minute": 0,
        "round": 1,
        "replies": 400,
        "updates_per_s": updates_per_s,
        "p50_s": 0.1,
        "p95_s": 0.2,
        "p99_s": 0.3,
        "cpu_ms_per_update": 2.0,
        "database_cpu_ms_per_update": None,
        "load_cpu_share": 0.2,
        "load_delay_p99_ms": 2.0,
        "others_cpu_share": 0.02,
        "machine_busy_share": 0.9,
        "memory": {"rss": 80.0, "pss": 75.0, "processes": 1},
    } | more


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([7.0], 0.5, 7.0),
        ([7.0], 0.99, 7.0),
        (range(100, 0, -1), 0.5, 50),
        (range(100, 0, -1), 0.99, 99),
        (range(100, 0, -1), 1.0, 100),
        (range(1, 1001), 0.99, 990),
        ([1.0] * 99 + [5.0], 0.99, 1.0),
        ([1.0] * 98 + [5.0] * 2, 0.99, 5.0),
        ([1.0, 2.0, 3.0], 0.0, 1.0),
        ([1.0, 2.0, 3.0], 0.5, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 0.99, 4.0),
    ],
)
def test_percentiles_are_values_that_were_measured(values: Any, share: float, expected: float) -> None:
    assert percentile(values, share) == expected


def test_nothing_has_no_percentile_and_no_median() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_one_odd_round_does_not_move_the_median() -> None:
    assert median([3.0, 100.0, 1.0]) == 3.0
    assert median([4.0, 1.0]) == 2.5


def test_ratios_compare_bots_that_receive_alike_and_the_worse_one_counts() -> None:
    summary = report.summarize(
        [
            run("ours-webhook", 600.0, cpu_ms_per_update=1.0),
            run("ptb-webhook", 150.0, cpu_ms_per_update=10.0),
            run("ours-polling", 300.0, cpu_ms_per_update=2.0),
            run("ptb-polling", 60.0, cpu_ms_per_update=8.0),
            run("ptb-sequential", 12.0),
        ]
    )
    assert summary["throughput_webhook_vs_ptb"] == pytest.approx(4)
    assert summary["throughput_polling_vs_ptb"] == pytest.approx(5)
    assert summary["throughput_vs_stock_ptb"] == pytest.approx(4)
    assert summary["cpu_vs_stock_ptb"] == pytest.approx(0.25)
    assert summary["throughput_vs_sequential_ptb"] == pytest.approx(25)
    assert "throughput_vs_aiogram" not in summary


def test_ratios_are_of_the_median_round_and_of_the_slow_api() -> None:
    ours = [run("ours-polling", rate, round=number) for number, rate in enumerate((310.0, 290.0, 30.0), 1)]
    instant = [run("ours-polling", 2000.0, latency_ms=0.0), run("ptb-polling", 10.0, latency_ms=0.0)]
    summary = report.summarize([*ours, *instant, run("ptb-polling", 100.0)])
    assert summary["throughput_vs_stock_ptb"] == pytest.approx(2.9)


@pytest.mark.parametrize("failed", ["ours-polling", "ptb-polling"])
def test_a_failed_run_has_no_ratios(failed: str) -> None:
    results = [run("ours-polling", 300.0), run("ptb-polling", 60.0), run(failed, 1.0, round=2, error="3 lost")]
    summary = report.summarize(results)
    assert "throughput_vs_stock_ptb" not in summary
    assert "cpu_vs_stock_ptb" not in summary
    assert report.failures(results)[0].endswith("3 lost")
    assert "FAILED" in report.table(results)


def test_the_tail_is_that_of_the_slower_way_to_receive() -> None:
    opened: dict[str, Any] = {"kind": "open", "per_minute": 1000}
    results = [run("ours-webhook", p99_s=0.1, **opened), run("ours-polling", p99_s=0.24, **opened)]
    assert report.summarize(results)["p99_s_at_1000_rpm"] == 0.24
    results[1]["error"] = "3 lost"
    assert "p99_s_at_1000_rpm" not in report.summarize(results)


def test_memory_is_the_most_of_ours_with_shared_pages_counted_once() -> None:
    several = {"rss": 400.0, "pss": 220.0, "processes": 4}
    results = [
        run("ours-webhook"),
        run("ours-polling", memory=several),
        run("ptb-polling", memory=several | {"pss": 999}),
    ]
    assert report.summarize(results)["rss_mb"] == 220


def test_what_was_not_measured_is_not_met() -> None:
    at_least, at_most = Target("speed", 3.0, at_least=True), Target("cost", 0.5)
    assert not at_least.met({})
    assert not at_most.met({})
    assert at_least.met({"speed": 3.0})
    assert not at_least.met({"speed": 2.99})
    assert at_most.met({"cost": 0.5})
    assert not at_most.met({"cost": 0.51})
    assert "MISSED cost <= 0.5" in report.verdict({"speed": 3.0}, [at_least, at_most])


@pytest.mark.parametrize(
    ("symptom", "told"),
    [
        ({"load_cpu_share": 0.95}, "it may be the limit"),
        ({"load_delay_p99_ms": 80.0}, "80 ms late"),
        ({"late_p99_ms": 80.0}, "80 ms late"),
        ({"others_cpu_share": 0.7}, "other programs took up to 70% of a core, and disturbed 1 of 1 runs"),
    ],
)
def test_what_disturbs_a_measurement_is_owned_up_to(symptom: dict[str, float], told: str) -> None:
    assert report.warnings([run("ours-polling")]) == []
    assert told in report.warnings([run("ours-polling", **symptom)])[0]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        ({"lost": 2}, "2 updates without a reply"),
        ({"surplus": 1}, "1 replies too many"),
        ({"wrong": {"Sorry": 4}}, "Sorry"),
        ({"replies": 0}, "nothing was measured"),
        ({"broken": ["KeyError: 7"]}, "the load itself failed: KeyError: 7"),
    ],
)
def test_runs_with_lost_doubled_or_wrong_replies_are_worthless(broken: dict[str, Any], told: str) -> None:
    whole = {"lost": 0, "surplus": 0, "wrong": {}, "replies": 10, "broken": []}
    assert problems(whole) == []
    assert told in problems(whole | broken)[0]


@pytest.mark.parametrize("plan", [FULL, QUICK])
def test_a_plan_measures_what_the_targets_need(plan: Any) -> None:
    results = [
        run(one.contender, kind=one.kind, latency_ms=one.latency_ms, per_minute=one.per_minute, round=one.round)
        for one in plan.runs()
    ]
    summary = report.summarize(results)
    assert {target.name for target in report.TARGETS} <= summary.keys()
    assert "throughput_vs_aiogram" in summary


def test_the_full_plan_also_shows_the_bots_own_limits() -> None:
    instant = {one.contender for one in FULL.runs() if one.kind == "closed" and one.latency_ms == 0}
    assert {"ours-webhook", "ours-polling", "ptb-polling", "aiogram-polling"} <= instant
