"""What has to be counted from run to run: kills for want of memory, and errors in logs."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import json
import os
from typing import Any

from container_engine import NOT_FOUND, Engine, EngineError
from container_logs import count_errors

# One kill is sometimes told twice, milliseconds apart.
SAME_KILL = 0.1
# What a program writes now may not have reached the log yet, in seconds.
LOG_DELAY = 1.0


class Counters:
    """Counts by service. What happened before the first look ever is history, and not counted."""

    def __init__(self, found: dict[str, Any], now: float) -> None:
        self.oom_kills: dict[str, int] = found.get("oom_kills", {})
        self.log_errors: dict[str, int] = found.get("log_errors", {})
        # When the last kill of a service was, and until when all was looked at: seconds since 1970. A clock that was
        # wrong must not stop the counting for long.
        self._killed: dict[str, float] = found.get("killed", {})
        self._events_until = min(found.get("events_until", now), now)
        self._logs_until = min(found.get("logs_until", now - LOG_DELAY), now - LOG_DELAY)
        self._began = found.get("began", now)

    @classmethod
    def load(cls, path: str, now: float) -> Counters:
        """Return what an earlier run left in a file; nothing, where it can't be read."""
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            found = {}
        return cls(found if isinstance(found, dict) else {}, now)

    def save(self, path: str) -> None:
        """Leave the counts for the next run."""
        with open(path + ".new", "w", encoding="utf-8") as file:
            json.dump(
                {
                    "began": self._began,
                    "oom_kills": self.oom_kills,
                    "killed": self._killed,
                    "events_until": self._events_until,
                    "log_errors": self.log_errors,
                    "logs_until": self._logs_until,
                },
                file,
            )
        os.replace(path + ".new", path)

    def look_for_kills(self, engine: Engine, project: str, now: float) -> None:
        """Count what the engine has told of kills since the last look.

        Raises:
            EngineError: it does not answer.
        """
        label = f"com.docker.compose.project={project}"
        for event in engine.events(self._events_until, now, type=["container"], event=["oom"], label=[label]):
            at = event["timeNano"] / 1e9
            # Both ends of the time that is asked for belong to it.
            if at > self._events_until:
                self._count_kill(event["Actor"]["Attributes"].get("com.docker.compose.service", ""), at)
        self._events_until = now

    def look_at_state(self, service: str, state: dict[str, Any], started: float, finished: float) -> None:
        """Count a container's kill that the engine has forgotten the event of: it remembers about a minute."""
        counted = self._killed.get(service, 0.0)
        at = max(started, finished)
        if state.get("OOMKilled") and at > self._began and counted < started:
            self._count_kill(service, at)

    def look_at_logs(self, engine: Engine, containers: dict[str, str], now: float, most: int) -> list[str]:
        """Count the errors in each service's log since the last look; return what could not be read.

        Args:
            engine: what keeps the logs.
            containers: the container's id by service.
            now: seconds since 1970.
            most: how many lines of each are looked at, the last ones.
        """
        until, complaints = now - LOG_DELAY, []
        for service, container in containers.items():
            try:
                found = count_errors(engine.log(container, self._logs_until, until, most))
            except EngineError as error:
                if error.status != NOT_FOUND:
                    complaints.append(str(error))
                continue
            self.log_errors[service] = self.log_errors.get(service, 0) + found
        self._logs_until = until
        return complaints

    def _count_kill(self, service: str, at: float) -> None:
        if at - self._killed.get(service, 0.0) > SAME_KILL:
            self.oom_kills[service] = self.oom_kills.get(service, 0) + 1
        self._killed[service] = at
