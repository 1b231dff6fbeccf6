#!/usr/bin/python3 -B
"""Helps containers that the Docker engine leaves as they are: paused ones go on, hung ones are started again.

Runs on the NAS as root, every minute: Python 3.8, standard library only. What it does stands in logs/heal.log.
Exit code 0 when all is well or was helped, 1 when something was not, 2 when the engine does not answer.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from typing import Any, Iterator

from heal_memory import Memory, write

# A restart waits until the database has ended in peace: its grace is 60 s.
PATIENCE = 120
# The next run is a minute away; several restarts may follow one another.
LIFETIME = 600
LOG_LINES = 500


class EngineError(Exception):
    """The Docker engine does not do what it is asked to."""


class Healer:
    """One look at the project's containers."""

    def __init__(self, settings: dict[str, Any], memory: Memory, now: float) -> None:
        self._settings = settings
        self._memory = memory
        self._now = now
        self.log = f"{settings['root']}/logs/heal.log"
        self.given_up: list[str] = []
        self.failed = False

    def look(self) -> list[str]:
        """Help whom it can, and return the names of all containers. Raise EngineError."""
        label = f"label=com.docker.compose.project={self._settings['project']}"
        ids = self._docker("ps", "--quiet", "--no-trunc", "--filter", label).split()
        found = json.loads(self._docker("inspect", *ids)) if ids else []
        for one in found:
            if one["State"].get("Paused"):
                self._help(one["Name"].lstrip("/"), "unpause", "it was paused")
        sick = {one["Id"]: one for one in found if _is_unhealthy(one["State"])}
        enough = self._settings["unhealthy_minutes"] * 60
        times = self._memory.unhealthy_for(list(sick), self._now)
        due = [one for one in sick.values() if times[one["Id"]] >= enough]
        if due:
            self._restart(due, times)
        return [one["Name"].lstrip("/") for one in found]

    def _restart(self, due: list[dict[str, Any]], times: dict[str, float]) -> None:
        with free(self._settings["locks"]) as nobody_works:
            for one in due:
                name, minutes = one["Name"].lstrip("/"), times[one["Id"]] / 60
                if self._memory.restarts(name, self._now) >= self._settings["restarts_per_hour"]:
                    self.given_up.append(name)
                    self._say(f"{name} is unhealthy and was started as often as is allowed in an hour: given up")
                elif not nobody_works:
                    self._say(f"{name} is unhealthy for {minutes:.0f} min; a backup or an update runs, so it waits")
                else:
                    self._help(name, "restart", f"it was unhealthy for {minutes:.0f} min")
                    self._memory.forget(one["Id"])

    def _help(self, name: str, action: str, reason: str) -> None:
        # Also what fails counts: it must not be tried for ever.
        self._memory.note(name, action, self._now)
        try:
            self._docker(action, name)
        except EngineError as error:
            self.failed = True
            self._say(f"{name}: {action} failed, {reason}: {error}")
        else:
            self._say(f"{name}: {action}, {reason}")

    def _docker(self, *arguments: str) -> str:
        command = [self._settings["docker"], *arguments]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EngineError(str(error)) from error
        if done.returncode != 0:
            raise EngineError(done.stderr.strip() or f"docker {arguments[0]}: exit code {done.returncode}")
        return done.stdout

    def _say(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
        print(line, end="")
        # Helping goes on where the disk is full.
        with contextlib.suppress(OSError):
            lines = []
            with contextlib.suppress(FileNotFoundError), open(self.log, encoding="utf-8") as file:
                lines = file.readlines()
            write(self.log, "".join([*lines[1 - LOG_LINES :], line]), 0o640)


def _is_unhealthy(state: dict[str, Any]) -> bool:
    return bool(state.get("Running")) and (state.get("Health") or {}).get("Status") == "unhealthy"


@contextlib.contextmanager
def free(locks: list[str]) -> Iterator[bool]:
    """Hold the locks of all who work on the stack, as many as there are; yield whether nobody held one."""
    with contextlib.ExitStack() as held:
        try:
            for path in locks:
                # Who has never run has no lock yet.
                if os.path.exists(path):
                    fcntl.flock(held.enter_context(open(path, "rb")), fcntl.LOCK_EX | fcntl.LOCK_NB)
            nobody = True
        except BlockingIOError:
            nobody = False
        yield nobody


def run(settings: dict[str, Any], state: str) -> int:
    """Look once, write what there is to tell, and return the exit code."""
    now, memory = time.time(), Memory.load(state)
    healer = Healer(settings, memory, now)
    try:
        names = healer.look()
    except EngineError as error:
        print(f"the Docker engine does not answer: {error}", file=sys.stderr)
        return 2
    # On a full disk it forgets, and has helped all the same.
    try:
        memory.save(state)
        write(f"{settings['root']}/metrics/heal.prom", memory.report(names, healer.given_up, now), 0o644)
    except OSError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if healer.failed or healer.given_up else 0


def main() -> int:
    """Run the program and return its exit code."""
    folder = os.path.dirname(os.path.realpath(__file__))
    with open(f"{folder}/heal.json", encoding="utf-8") as file:
        settings = json.load(file)
    # Ends the program, should a disk or the engine hold it up.
    signal.alarm(LIFETIME)
    with open(f"{folder}/.heal.lock", "a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("another run is under way")
            return 0
        return run(settings, f"{folder}/.heal.state")


if __name__ == "__main__":
    sys.exit(main())
