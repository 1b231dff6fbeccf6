"""Run the benchmark: `python -m benchmarks`."""

import argparse
import asyncio
import json
import signal
import sys
import time
from importlib.metadata import version
from pathlib import Path

# The Telegram stand-in and the PostgreSQL of the tests.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from benchmarks import report
from benchmarks.children import REPOSITORY
from benchmarks.plan import FULL, QUICK, SMOKE
from benchmarks.procfs import describe_machine
from benchmarks.runner import carry_out

RESULTS = REPOSITORY / "benchmarks" / "results" / "bot.json"
PLANS = {"full": FULL, "quick": QUICK, "smoke": SMOKE}
MISSED, FAILED = 1, 2


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    plans = parser.add_mutually_exclusive_group()
    plans.add_argument("--plan", choices=list(PLANS), default="full", help="how thorough to be")
    plans.add_argument("--quick", dest="plan", action="store_const", const="quick", help="about a minute, for CI")
    parser.add_argument("--bot-source", type=Path, default=REPOSITORY / "bot" / "src", help="where kbju_bot is")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the figures go")
    parser.add_argument("--no-targets", action="store_true", help="do not fail because a target is missed")
    return parser.parse_args()


async def bench(options: argparse.Namespace) -> int:
    """Run, report, and return the exit code: 0, 1 where a target was missed, 2 where a run failed."""
    if (task := asyncio.current_task()) is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    started = time.monotonic()

    def tell(line: str) -> None:
        print(f"[{time.monotonic() - started:4.0f} s] {line}", file=sys.stderr, flush=True)

    machine = describe_machine()
    versions = {
        name: version(name) for name in ("python-telegram-bot", "httpx", "aiogram", "aiohttp", "asyncpg", "uvloop")
    }
    results, database = await carry_out(PLANS[options.plan], options.bot_source.resolve(), tell)
    summary, failed = report.summarize(results), report.failures(results)
    print(f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mb']} MB, kernel {machine['kernel']},")
    print(f"load before {machine['load_before']}; Python {machine['python']},", end=" ")
    print(", ".join(f"{name} {number}" for name, number in versions.items()))
    print(f"PostgreSQL: {', '.join(f'{name} {value}' for name, value in database.items())}\n")
    print(report.table(results), end="\n\n")
    for line in failed:
        print(f"FAILED  {line}")
    for line in report.warnings(results):
        print(f"CAUTION {line}")
    print(report.verdict(summary))
    whole = {
        **summary,
        "targets_met": all(target.met(summary) for target in report.TARGETS),
        "plan": options.plan,
        "machine": machine,
        "versions": versions,
        "database": database,
        "runs": results,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(whole, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    tell(f"all figures are in {options.output}")
    if failed:
        return FAILED
    return 0 if whole["targets_met"] or options.no_targets else MISSED


def main() -> int:
    """Run until done or interrupted."""
    try:
        return asyncio.run(bench(parse_arguments()))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
