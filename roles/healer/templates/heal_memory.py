"""What the healer remembers from run to run, and tells Prometheus."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import json
import os
from typing import Any

HOUR = 3600.0
HELP = {
    "kbju_heal_actions_total": ("counter", "How often a container was helped, and how."),
    "kbju_heal_given_up": ("gauge", "Whether a container is unhealthy and was started again as often as is allowed."),
    "kbju_heal_looked_timestamp_seconds": ("gauge", "When the healer has looked last."),
}


class Memory:
    """Since when containers are unhealthy, and what was done; times in seconds since 1970."""

    def __init__(self, found: dict[str, Any]) -> None:
        # By the container's id: a new container starts anew.
        self._unhealthy: dict[str, float] = found.get("unhealthy", {})
        self._restarts: dict[str, list[float]] = found.get("restarts", {})
        self._actions: dict[str, dict[str, int]] = found.get("actions", {})

    @classmethod
    def load(cls, path: str) -> Memory:
        """Return what an earlier run left in a file; nothing, where it can't be read."""
        try:
            with open(path, encoding="utf-8") as file:
                found = json.load(file)
        except (OSError, ValueError):
            found = {}
        return cls(found if isinstance(found, dict) else {})

    def save(self, path: str) -> None:
        """Leave it for the next run."""
        kept = {"unhealthy": self._unhealthy, "restarts": self._restarts, "actions": self._actions}
        write(path, json.dumps(kept), 0o600)

    def unhealthy_for(self, ids: list[str], now: float) -> dict[str, float]:
        """Return for how long each of these is unhealthy, in seconds; the others no longer are."""
        # A clock that was ahead must not make anybody wait.
        self._unhealthy = {one: min(self._unhealthy.get(one, now), now) for one in ids}
        return {one: now - since for one, since in self._unhealthy.items()}

    def restarts(self, name: str, now: float) -> int:
        """Return how often a container was started again within the last hour."""
        self._restarts[name] = [at for at in self._restarts.get(name, []) if now - HOUR < at <= now]
        return len(self._restarts[name])

    def note(self, name: str, action: str, now: float) -> None:
        """Remember an action."""
        if action == "restart":
            self._restarts.setdefault(name, []).append(now)
        counts = self._actions.setdefault(name, {})
        counts[action] = counts.get(action, 0) + 1

    def forget(self, container: str) -> None:
        """Begin anew with a container that was just started."""
        self._unhealthy.pop(container, None)

    def report(self, names: list[str], given_up: list[str], now: float) -> str:
        """Return what Prometheus reads. A count begins with 0, or its first step would not be seen."""
        rows: dict[str, list[str]] = {metric: [] for metric in HELP}
        for name in sorted({*names, *self._actions}):
            for action in ("restart", "unpause"):
                count = self._actions.get(name, {}).get(action, 0)
                rows["kbju_heal_actions_total"].append(f'{{name="{name}",action="{action}"}} {count}')
            rows["kbju_heal_given_up"].append(f'{{name="{name}"}} {int(name in given_up)}')
        rows["kbju_heal_looked_timestamp_seconds"].append(f" {now:.0f}")
        lines = []
        for metric, (kind, said) in HELP.items():
            lines += [f"# HELP {metric} {said}", f"# TYPE {metric} {kind}", *(metric + row for row in rows[metric])]
        return "\n".join(lines) + "\n"


def write(path: str, text: str, mode: int) -> None:
    """Write a file that others read at any moment: as a whole or not at all."""
    with open(path + ".new", "w", encoding="utf-8") as file:
        os.fchmod(file.fileno(), mode)
        file.write(text)
    os.replace(path + ".new", path)
