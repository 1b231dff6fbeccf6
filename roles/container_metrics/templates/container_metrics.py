#!/usr/bin/python3 -B
"""Tells Prometheus of the project's containers: by node_exporter, through the file metrics/containers.prom.

DSM starts it every minute, and it looks four times, 15 seconds apart; with --once, a single time. Exit codes: 0 all was
seen, 1 something unforeseen, 2 the Docker engine did not answer or a log could not be read. What was seen last stays in
the file then, and says how old it is.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only. -B: no __pycache__ beside a program there.

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from typing import Any, Iterator, NamedTuple

from container_counters import Counters
from container_engine import NOT_FOUND, Engine, EngineError
from container_report import Report, interfaces, seconds

STEP, LOOKS = 15, 4
# The next run begins after 60 s: this one has ended by then, whatever the engine does.
LIFETIME = 57
SERVICE, ONE_OFF = "com.docker.compose.service", "com.docker.compose.oneoff"


class Settings(NamedTuple):
    """What the role has written beside the program."""

    project: str
    root: str
    socket: str
    # The services that run for good.
    containers: list[str]
    memory_budget_bytes: int
    # How many lines of each log are looked at every minute.
    log_lines: int

    @property
    def metrics(self) -> str:
        """The file that node_exporter reads."""
        return f"{self.root}/metrics/containers.prom"

    @property
    def counters(self) -> str:
        """The file with the counts."""
        return f"{self.root}/metrics/.containers.json"


def present(engine: Engine, settings: Settings) -> dict[str, dict[str, Any]]:
    """Return the container of each service, as the engine lists it.

    Of several the one that counts: compose gives an old container another name while it makes the new one, and
    `compose run` adds one for a moment. What is not meant to run for good is there only while it runs.

    Raises:
        EngineError: the engine does not answer.
    """
    label = f"com.docker.compose.project={settings.project}"
    rows = engine.ask("/containers/json", all=1, filters=json.dumps({"label": [label]}))

    def weight(row: dict[str, Any]) -> Any:
        return row["Labels"].get(ONE_OFF) != "True", row["State"] == "running", row["Created"]

    best = {row["Labels"].get(SERVICE, ""): row for row in sorted(rows, key=weight)}
    return {
        service: row for service, row in best.items() if service in settings.containers or row["State"] == "running"
    }


def look(engine: Engine, settings: Settings, counters: Counters, with_logs: bool) -> list[str]:
    """Look at everything once, and write it; return what could not be read.

    Raises:
        EngineError: the engine does not answer; nothing was written.
    """
    report, now = Report(), time.time()
    counters.look_for_kills(engine, settings.project, now)
    found = present(engine, settings)
    for service, row in found.items():
        path = f"/containers/{row['Id']}"
        try:
            inspected = engine.ask(f"{path}/json")
            running = inspected["State"]["Running"] and not inspected["State"]["Restarting"]
            # stream and one-shot: a single look at the counters, without the second that rates need.
            stats = engine.ask(f"{path}/stats", stream="false", **{"one-shot": "true"}) if running else None
        except EngineError as error:
            if error.status != NOT_FOUND:
                raise
            # Removed since it was listed.
            report.add("kbju_container_running", 0, name=service)
            continue
        state = inspected["State"]
        counters.look_at_state(service, state, seconds(state["StartedAt"]), seconds(state["FinishedAt"]))
        report.add_container(service, inspected, stats)
    for service in settings.containers:
        if service not in found:
            report.add("kbju_container_running", 0, name=service)
    complaints = []
    if with_logs:
        logs = {service: row["Id"] for service, row in found.items() if service in settings.containers}
        complaints = counters.look_at_logs(engine, logs, now, settings.log_lines)
    for service in settings.containers:
        report.add("kbju_container_oom_kills_total", counters.oom_kills.get(service, 0), name=service)
        report.add("kbju_container_log_errors_total", counters.log_errors.get(service, 0), name=service)
    with open("/proc/net/dev", encoding="ascii") as file:
        for device, (received, sent) in interfaces(file.read()).items():
            report.add("node_network_receive_bytes_total", received, device=device)
            report.add("node_network_transmit_bytes_total", sent, device=device)
    report.add("kbju_stack_memory_budget_bytes", settings.memory_budget_bytes)
    report.add("kbju_containers_collected_timestamp_seconds", now)
    counters.save(settings.counters)
    write(settings.metrics, report.text())
    return complaints


def write(path: str, text: str) -> None:
    """Write a file that others read at any moment: as a whole or not at all, readable for node_exporter."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), 0o644)
        file.write(text)
    os.replace(path + ".new", path)


@contextlib.contextmanager
def alone(path: str, instead: bool = False) -> Iterator[bool]:
    """Hold a lock; yield whether it was free. With `instead`, whoever holds it is ended."""
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o644), "r+", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not instead:
                yield False
                return
            os.kill(int(lock.read()), signal.SIGTERM)
            fcntl.flock(lock, fcntl.LOCK_EX)
        lock.seek(0)
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield True


def run(settings: Settings, looks: int) -> int:
    """Look so many times, `STEP` seconds apart, and return the exit code."""
    engine, code, started = Engine(settings.socket), 0, time.monotonic()
    counters = Counters.load(settings.counters, time.time())
    for number in range(looks):
        time.sleep(max(0.0, started + number * STEP - time.monotonic()))
        try:
            complaints = look(engine, settings, counters, with_logs=number == 0)
        except EngineError as error:
            complaints = [str(error)]
        for complaint in complaints:
            code = 2
            print(complaint, file=sys.stderr)
    return code


def main(arguments: list[str]) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(prog="container-metrics", description=__doc__)
    parser.add_argument("--once", action="store_true", help="look a single time")
    parser.add_argument("--remove", action="store_true", help="end the run that is under way, and remove what it told")
    options = parser.parse_args(arguments)
    folder = os.path.dirname(os.path.realpath(__file__))
    with open(f"{folder}/container-metrics.json", encoding="utf-8") as file:
        settings = Settings(**json.load(file))
    # Ends the program, should a disk or the engine hold it up.
    signal.alarm(LIFETIME)
    with alone(f"{folder}/.container-metrics.lock", instead=options.remove) as free:
        if options.remove:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(settings.metrics)
            return 0
        if not free:
            print("another run is under way, and tells the same")
            return 0
        return run(settings, 1 if options.once else LOOKS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
