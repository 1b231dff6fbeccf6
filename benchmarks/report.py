"""The results as figures to compare, as a table to read, and as a verdict."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .contenders import CONTENDERS
from .figures import median
from .plan import API_LATENCY_MS, OURS

Result = Mapping[str, Any]
Summary = dict[str, float]

LOAD_IS_BUSY = 0.8
"""From this share of a core on, the load itself may be what is measured."""
LOAD_IS_LATE_MS = 25.0
OTHERS_ARE_BUSY = 0.25
"""From this share of a core on, the machine was not ours alone."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure of the summary and its bound."""

    name: str
    bound: float
    at_least: bool = False

    def met(self, summary: Summary) -> bool:
        """Tell whether it is met. What was not measured is not."""
        value = summary.get(self.name)
        if value is None:
            return False
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{self.name} {'>=' if self.at_least else '<='} {self.bound:g}"


TARGETS = (
    Target("throughput_vs_stock_ptb", 3.0, at_least=True),
    Target("cpu_vs_stock_ptb", 0.5),
    Target("p99_s_at_1000_rpm", 0.25),
    Target("p99_s_at_10000_rpm", 1.0),
    Target("rss_mb", 250.0),
)


def summarize(results: Sequence[Result]) -> Summary:
    """Return the figures that the targets speak of, and their kin. What failed leaves its figures out.

    Ratios compare equals: bots that receive in the same way, the median of their rounds. Where a comparison exists for
    both ways, the worse one counts.
    """
    summary: Summary = {}
    for mode in ("webhook", "polling"):
        for rival in ("ptb", "aiogram"):
            pair = f"ours-{mode}", f"{rival}-{mode}"
            _put(summary, f"throughput_{mode}_vs_{rival}", _ratio(results, *pair, "updates_per_s"))
            _put(summary, f"cpu_{mode}_vs_{rival}", _ratio(results, *pair, "cpu_ms_per_update"))
    sequential = _ratio(results, "ours-polling", "ptb-sequential", "updates_per_s")
    _put(summary, "throughput_vs_sequential_ptb", sequential)
    _put(summary, "throughput_vs_memory_ptb", _ratio(results, "ours-polling", "ptb-memory", "updates_per_s"))
    for rival, name in (("ptb", "stock_ptb"), ("aiogram", "aiogram")):
        _put(summary, f"throughput_vs_{name}", _worst(summary, f"throughput_{{}}_vs_{rival}", min))
        _put(summary, f"cpu_vs_{name}", _worst(summary, f"cpu_{{}}_vs_{rival}", max))
    for per_minute in sorted({one["per_minute"] for one in results if one["kind"] == "open"}):
        runs = [one for one in results if one["kind"] == "open" and one["per_minute"] == per_minute]
        if all("error" not in one for one in runs):
            summary[f"p99_s_at_{per_minute}_rpm"] = max(one["p99_s"] for one in runs)
    ours = [one for one in results if one["contender"] in OURS]
    if ours and all("error" not in one for one in ours):
        summary["rss_mb"] = max(_footprint(one) for one in ours)
    drains = [one for one in results if one["kind"] == "drain"]
    if drains and all("error" not in one for one in drains):
        summary["drain_updates_per_s"] = min(one["updates_per_s"] for one in drains)
    return summary


def failures(results: Iterable[Result]) -> list[str]:
    """Return a line for each run that failed."""
    return [f"{_load(one)}, {CONTENDERS[one['contender']].title}: {one['error']}" for one in results if "error" in one]


def warnings(results: Iterable[Result]) -> list[str]:
    """Return a line for each run that measured something beside the bot, and one if other programs disturbed it all."""
    found = []
    whole = [one for one in results if "error" not in one]
    for one in whole:
        told = []
        if one["load_cpu_share"] >= LOAD_IS_BUSY:
            share = f"{one['load_cpu_share']:.0%} of a core"
            told.append(f"the Telegram stand-in with its users took {share}, it may be the limit")
        if (late := max(one.get("late_p99_ms") or 0.0, one["load_delay_p99_ms"] or 0.0)) >= LOAD_IS_LATE_MS:
            told.append(f"the stand-in got the processor up to {late:.0f} ms late (p99), and waits include that")
        if told:
            found.append(f"{_load(one)}, {CONTENDERS[one['contender']].title}: {'; '.join(told)}")
    others = [one["others_cpu_share"] for one in whole]
    if (disturbed := sum(share >= OTHERS_ARE_BUSY for share in others)) > 0:
        found.append(
            f"other programs took up to {max(others):.0%} of a core, and disturbed {disturbed} of {len(whole)} runs: "
            "neither the figures nor a missed target say much about the bot"
        )
    return found


def table(results: Sequence[Result]) -> str:
    """Return all runs as lines of text, grouped by load; rounds stay apart."""
    lines = []
    load = None
    for one in sorted(results, key=lambda one: (_order(one), list(CONTENDERS).index(one["contender"]), one["round"])):
        if _load(one) != load:
            load = _load(one)
            lines += ["", load, _row("", *_HEADS)]
        lines.append(_row(CONTENDERS[one["contender"]].title, *_cells(one)))
    return "\n".join(lines).lstrip("\n")


def verdict(summary: Summary, targets: Iterable[Target] = TARGETS) -> str:
    """Return the summary's figures, each target with what was reached."""
    lines = [f"{name:<34}{value:>10.3f}" for name, value in sorted(summary.items())]
    lines.append("")
    for target in targets:
        value = summary.get(target.name)
        reached = "not measured" if value is None else f"{value:.3f}"
        lines.append(f"{'met   ' if target.met(summary) else 'MISSED'} {target!s:<36}{reached:>12}")
    return "\n".join(lines)


_HEADS = (
    "updates/s",
    "p50 ms",
    "p95 ms",
    "p99 ms",
    "n",
    "CPU ms/u",
    "DB ms/u",
    "RSS MB",
    "load CPU",
    "others",
    "machine",
)


def _cells(one: Result) -> list[str]:
    if "error" in one:
        return ["FAILED"]
    waits = [f"{one[name] * 1000:.0f}" if name in one else "-" for name in ("p50_s", "p95_s", "p99_s")]
    database = one["database_cpu_ms_per_update"]
    return [
        f"{one['updates_per_s']:.0f}",
        *waits,
        str(one["replies"]),
        f"{one['cpu_ms_per_update']:.2f}",
        "-" if database is None else f"{database:.2f}",
        f"{_footprint(one):.0f}",
        f"{one['load_cpu_share']:.0%}",
        f"{one['others_cpu_share']:.0%}",
        f"{one['machine_busy_share']:.0%}",
    ]


def _row(title: str, *cells: str) -> str:
    return f"  {title:<58}" + "".join(f"{cell:>10}" for cell in cells)


def _load(one: Result) -> str:
    kind = {"closed": "64 users, one update of each in flight", "drain": "backlog of a bot that was down"}
    shown = kind.get(one["kind"]) or f"{one['per_minute']:,} updates a minute by 10,000 users"
    return f"{shown}; API latency {one['latency_ms']:g} ms"


def _order(one: Result) -> tuple[int, float, int]:
    return ("closed", "open", "drain").index(one["kind"]), -one["latency_ms"], one["per_minute"]


def _footprint(one: Result) -> float:
    memory = one["memory"]
    return float(memory["rss"] if memory["processes"] == 1 else memory["pss"])


def _typical(results: Iterable[Result], contender: str, figure: str) -> float | None:
    runs = [
        one
        for one in results
        if one["contender"] == contender and one["kind"] == "closed" and one["latency_ms"] == API_LATENCY_MS
    ]
    if not runs or any("error" in one for one in runs):
        return None
    return median([one[figure] for one in runs])


def _ratio(results: Sequence[Result], one: str, other: str, figure: str) -> float | None:
    mine, theirs = _typical(results, one, figure), _typical(results, other, figure)
    return mine / theirs if mine is not None and theirs else None


def _put(summary: Summary, name: str, value: float | None) -> None:
    if value is not None:
        summary[name] = value


def _worst(summary: Summary, pattern: str, choose: Any) -> float | None:
    values = [summary[name] for mode in ("webhook", "polling") if (name := pattern.format(mode)) in summary]
    return choose(values) if values else None
