"""Filters over the answers of Prometheus's HTTP API."""

from __future__ import annotations

import json
from typing import Any


def targets_not_up(answer: str) -> list[str]:
    """Return a line for each target that is not up, in the answer of /api/v1/targets.

    An answer without any target counts as a problem too; one that is no such answer gives its own text back.
    """
    try:
        targets = json.loads(answer)["data"]["activeTargets"]
    except (ValueError, KeyError, TypeError):
        return [answer] if answer else []
    if not targets:
        return ["Prometheus has no targets"]
    return [
        f"{target['labels']['job']} ({target['scrapeUrl']}): {target['health']} {target['lastError']}".rstrip()
        for target in targets
        if target["health"] != "up"
    ]


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"targets_not_up": targets_not_up}
