#!/usr/bin/python3 -B
"""Looks whether alerts get through to Alertmanager, and tells the admins itself when they do not.

Run by DSM every five minutes. Prometheus always sends the alert Watchdog; that it stands in Alertmanager, and is
fresh, proves the whole way up to there. One bad look may be a deployment or a boot, so only several running are told,
once, and again when all is well.

Exit codes: 0 all is well, 1 it is not (logs/watch-monitoring.log tells what), 2 a message did not reach every admin,
3 another run holds the lock.
"""
# Runs on the NAS as root: Python 3.8 syntax, standard library only. -B: no __pycache__ beside a program there.

from __future__ import annotations

import argparse
import fcntl
import json
import logging
import logging.handlers
import os
import re
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from datetime import datetime

from watch_telling import TEXTS, Settings, clock, tell

ALERTMANAGER, PROMETHEUS = "kbju-alertmanager", "kbju-prometheus"
WATCHDOG = "http://127.0.0.1:9093/alertmanager/api/v2/alerts?filter=alertname%3DWatchdog"
READY = "http://127.0.0.1:9090/prometheus/-/ready"
# Prometheus repeats an alert about every minute. In seconds, as all times here.
FRESH = 240
# How long the engine may take for an answer.
ENGINE = 30

log = logging.getLogger("watch-monitoring")


@dataclass
class State:
    """What the last look has left for the next one."""

    bad: int = 0
    """How many looks running have not been good."""
    since: float = 0.0
    why: str = ""
    told: list[int] = field(default_factory=list)
    """The admins who know of it."""
    owed: list[int] = field(default_factory=list)
    """Those who know, and have not been told yet that it is over."""

    @classmethod
    def read(cls, path: str) -> State:
        """Return what stands in a file; nothing known when it is absent or damaged."""
        try:
            with open(path, encoding="utf-8") as file:
                return cls(**json.load(file))
        except (OSError, ValueError, TypeError):
            return cls()

    def write(self, path: str) -> None:
        """Write it aside, then rename it."""
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(asdict(self), file)
        os.replace(path + ".new", path)


class NoAnswerError(Exception):
    """A container, or the engine itself, did not answer; the text says how."""


def ask(docker: str, container: str, url: str) -> str:
    """Return what a service answers inside its container.

    Raises:
        NoAnswerError: it did not, or the engine did not.
    """
    command = [docker, "exec", container, "wget", "-q", "-O", "-", "-T", "10", url]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=ENGINE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NoAnswerError(type(error).__name__) from error
    if done.returncode != 0:
        raise NoAnswerError((done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1])
    return done.stdout


def engine_answers(docker: str) -> bool:
    """Tell whether the engine does."""
    try:
        command = [docker, "version", "--format", "{{.Server.Version}}"]
        return subprocess.run(command, capture_output=True, check=False, timeout=ENGINE).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def age(alerts: str, now: float) -> float | None:
    """Return how long ago, in seconds, the youngest Watchdog in Alertmanager's answer came; None when there is none."""
    try:
        # 2026-11-23T22:06:24.123+03:00, in the container's time zone, or with a Z.
        found = [re.sub(r"\.\d+", "", str(one["updatedAt"])) for one in json.loads(alerts)]
        stamps = [datetime.strptime(one, "%Y-%m-%dT%H:%M:%S%z").timestamp() for one in found]
    except (ValueError, TypeError, KeyError):
        return None
    return now - max(stamps) if stamps else None


def look(docker: str, now: float) -> tuple[str, str]:
    """Return what is wrong, as a key of TEXTS (empty: nothing), and a detail for the log."""
    if not engine_answers(docker):
        return "engine", "docker version has failed"
    try:
        came = age(ask(docker, ALERTMANAGER, WATCHDOG), now)
    except NoAnswerError as error:
        return "alertmanager", str(error)
    try:
        ask(docker, PROMETHEUS, READY)
    except NoAnswerError as error:
        return "prometheus", str(error)
    if came is None:
        return "watchdog", "Alertmanager has no alert Watchdog"
    return ("watchdog", f"the Watchdog came {came:.0f} s ago") if came > FRESH else ("", "")


def judge(settings: Settings, state: State, why: str, detail: str, now: float) -> int:
    """Count a look, tell what is to be told, and return the exit code. `state` is changed."""
    texts = TEXTS[settings.language]
    if not why:
        if state.bad:
            log.info("all is well again")
        state.owed = sorted(set(state.owed) | set(state.told))
        if state.owed:
            reached = tell(settings, state.owed, texts["well"].format(since=clock(state.since)))
            state.owed = [admin for admin in state.owed if admin not in reached]
        state.bad, state.why, state.told = 0, "", []
        return 2 if state.owed else 0
    if not state.bad:
        state.since = now
    state.bad += 1
    if why != state.why:
        log.warning("%s: %s", TEXTS["en"][why], detail)
        state.why = why
    # Who was never told that the last one was over learns that it goes on, or of the next one.
    state.owed = []
    if state.bad < settings.patience:
        return 1
    missing = [admin for admin in settings.admins if admin not in state.told]
    text = texts["bad"].format(why=texts[why], since=clock(state.since), runbook=settings.runbook)
    state.told += tell(settings, missing, text)
    return 1 if set(settings.admins) <= set(state.told) else 2


def uptime() -> float:
    """Return how long the NAS has been up, in seconds."""
    with open("/proc/uptime", encoding="ascii") as file:
        return float(file.read().split()[0])


def main() -> int:
    """Look once; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--test", action="store_true", help="write a message to every admin, to see that it arrives")
    options = parser.parse_args()
    with open(os.path.splitext(os.path.abspath(__file__))[0] + ".json", encoding="utf-8") as file:
        settings = Settings(**json.load(file))
    # The messages' clock is Alertmanager's, whatever DSM's own is.
    os.environ["TZ"] = settings.timezone
    time.tzset()
    written = logging.handlers.RotatingFileHandler(
        f"{settings.root}/logs/watch-monitoring.log", maxBytes=2**18, backupCount=1
    )
    written.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[written, logging.StreamHandler()])
    if options.test:
        reached = tell(settings, settings.admins, TEXTS[settings.language]["test"])
        log.info("%d of %d admins were reached", len(reached), len(settings.admins))
        return 0 if len(reached) == len(settings.admins) else 2
    with open(f"{settings.root}/bin/.watch-monitoring.lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 3
        path = f"{settings.root}/bin/.watch-monitoring.state"
        now, state = time.time(), State.read(path)
        why, detail = look(settings.docker, now)
        if why and uptime() < settings.boot_seconds:
            return 1
        code = judge(settings, state, why, detail, now)
        state.write(path)
        return code


if __name__ == "__main__":
    sys.exit(main())
