"""What deploying costs, on an instance that molecule/local/bench-deploy has made.

Everything is measured in one run on one machine, with users writing and nginx probed, and compared with the procedure
that the project's plan had: `down`, `build`, `up -d`. Writes benchmarks/results/deploy.json. The exit code is 1 where a
probe failed or a message was lost.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from backups import Nas, backup, names
from rehearsal import BOT, DOCKER, ROOT, deploy, reach_nas, stack_from_environment, until
from releases import GOOD, Releases
from telegram_emulator.client import Emulator
from writers import Prober, Writers

RESULTS = Path(__file__).with_name("results") / "deploy.json"
UPDATES = int(os.environ.get("KBJU_UPDATES", "4"))
PROBES_PER_SECOND = 50


def timed(*arguments: str, **environment: str) -> float:
    """Run playbooks and return how long that took, in seconds. Raise RuntimeError where they fail."""
    began = time.monotonic()
    done = deploy(*arguments, **environment)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stdout[-3000:]}")
    return time.monotonic() - began


def said(title: str, value: float, unit: str = "s") -> None:
    """Print a figure as soon as it is known."""
    print(f"  {title:<58} {value:8.2f} {unit}", flush=True)


class Measuring:
    """One run."""

    def __init__(self) -> None:
        self.stack = stack_from_environment()
        self.nas = reach_nas()
        self.releases = Releases(self.nas)
        self.found: dict[str, Any] = {}

    def sql(self, query: str) -> str:
        """Run a query in the deployed database."""
        command = f'{DOCKER} exec kbju-postgres psql --no-psqlrc -tA --dbname kbju --command "{query}"'
        return str(self.nas.check_output(command))

    def note(self, name: str, title: str, value: float, unit: str = "s") -> None:
        """Keep a figure."""
        self.found[name] = round(value, 3)
        said(title, value, unit)

    def deployments(self) -> None:
        """Deploy for the first time, again, and with one setting changed."""
        # The images are on the NAS already: how long they travel is the network's matter.
        timed("site.yml")
        timed("playbooks/uninstall.yml", "-e", f"confirm={BOT}")
        self.note("first_deploy_s", "first deployment, images present", timed("site.yml"))
        self.note("no_change_s", "a run without a change", timed("site.yml"))
        self.note(
            "one_change_s",
            "one setting of Alertmanager changed",
            timed("site.yml", "-e", "alertmanager_group_wait=29s"),
        )
        timed("site.yml")

    def updates(self, mode: str) -> None:
        """Update again and again under load."""
        self.releases.make(GOOD)
        telegram = Emulator(self.stack.telegram)
        with Writers(self.stack, self.sql) as writers:
            until(lambda: writers.answered >= 600, "answers", seconds=90)
        usual, conflicts = writers.percentile(0.99), telegram.counters()["conflicts_409"]
        with Prober(self.stack, PROBES_PER_SECOND) as prober, Writers(self.stack, self.sql) as writers:
            took = [self.update(number, mode) for number in range(UPDATES)]
        suffix = "" if mode == "webhook" else "_polling"
        added = max(0.0, writers.percentile(0.99) - usual)
        self.note(f"update{suffix}_s", f"{mode}: an update, median of {UPDATES}", statistics.median(took))
        self.note(f"update{suffix}_probes", f"{mode}: probes, {PROBES_PER_SECOND} a second", prober.asked, "")
        self.note(f"update{suffix}_failed_probes", f"{mode}: of them failed", len(prober.failed), "")
        self.note(f"update{suffix}_messages", f"{mode}: messages, 1,000 a minute", writers.answered, "")
        self.note(f"update{suffix}_wrong_answers", f"{mode}: of them lost, doubled or wrong", len(writers.wrong), "")
        self.note(f"update{suffix}_added_latency_p99_s", f"{mode}: added latency, p99", added)
        self.note(
            f"update{suffix}_409",
            f"{mode}: polls that Telegram refused",
            telegram.counters()["conflicts_409"] - conflicts,
            "",
        )

    def update(self, number: int, mode: str) -> float:
        """Update once and return how long that took, in seconds."""
        began = time.monotonic()
        done = self.releases.update(list(GOOD)[number % 2], KBJU_BOT_MODE=mode)
        if done.returncode != 0:
            raise RuntimeError(done.stdout[-3000:])
        return time.monotonic() - began

    def rollback(self) -> None:
        """Go back once."""
        self.note("rollback_s", "rollback", timed("playbooks/rollback.yml"))

    def restore(self) -> None:
        """Restore a backup."""
        shell = Nas()
        done = backup(shell, "run", "--local-only")
        if done.returncode != 0:
            raise RuntimeError(done.stderr)
        chosen = f"backup={names(shell)[0]} confirm={BOT}"
        self.note(
            "restore_s",
            "restore of a backup, the present state saved first",
            timed("playbooks/restore.yml", "-e", chosen),
        )

    def plan_procedure(self) -> None:
        """Do what the plan had: `down`, `build`, `up -d`, and see how long nobody answers."""
        gap = Gap(self.answers)
        repository = Path(__file__).resolve().parents[1]
        compose = f"{DOCKER} compose --project-directory {ROOT}"
        self.nas.check_output(f"{compose} down")
        # Nothing has changed, so this is the least that a build takes: the layers are all there.
        build = [sys.executable, str(repository / "molecule/images/build.py"), "--only", "bot"]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
        self.nas.check_output(f"{compose} up -d")
        self.note("plan_procedure_downtime_s", "the plan's down, build, up -d: no answer for", gap.end())

    def answers(self) -> bool:
        """Tell whether nginx and the bot behind it answer."""
        command = ["curl", "--silent", "--fail", "--insecure", "--max-time", "2", "--output", os.devnull]
        url = f"https://127.0.0.1:{self.stack.https_port}/healthz"
        return subprocess.run([*command, url], check=False).returncode == 0


class Gap:
    """How long nothing answers, from now on until something does."""

    def __init__(self, answers: Callable[[], bool]) -> None:
        self._answers = answers
        self._began = time.monotonic()

    def end(self) -> float:
        """Wait for an answer and return the seconds since the beginning."""
        until(self._answers, "an answer", seconds=300)
        return time.monotonic() - self._began


def main() -> int:
    """Measure, print, write; return the exit code."""
    measuring = Measuring()
    print("deploying, on one machine in one run:", flush=True)
    measuring.deployments()
    measuring.updates("webhook")
    measuring.rollback()
    timed("site.yml", "-e", "retry_release=true")
    measuring.restore()
    measuring.plan_procedure()
    timed("playbooks/deploy.yml", KBJU_BOT_MODE="polling")
    measuring.updates("polling")
    found = measuring.found
    away = found["plan_procedure_downtime_s"]
    print(f"  going back takes {found['rollback_s'] / away:.2f} of the plan's downtime, and users are served meanwhile")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(f"written to {RESULTS.relative_to(Path.cwd()) if RESULTS.is_relative_to(Path.cwd()) else RESULTS}")
    failures = ("update_failed_probes", "update_wrong_answers", "update_polling_wrong_answers")
    return 1 if any(found[name] for name in failures) else 0


if __name__ == "__main__":
    sys.exit(main())
