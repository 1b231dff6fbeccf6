"""Filters for preflight: what a report says of secrets and ports."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any


def unfit_secrets(
    secrets: Mapping[str, str], marker: str, shortest: int, patterns: Mapping[str, str] | None = None
) -> dict[str, list[str]]:
    """Return the names, never the values, of secrets that can't be used.

    Args:
        secrets: values by name.
        marker: text that marks a value as the example's.
        shortest: the fewest characters.
        patterns: regular expressions, by name, for secrets that must look in a certain way.
    """
    found: dict[str, list[str]] = {"missing": [], "example": [], "short": [], "malformed": []}
    for name, value in secrets.items():
        text = str(value or "")
        if not text:
            found["missing"].append(name)
        elif marker in text:
            found["example"].append(name)
        elif len(text) < shortest:
            found["short"].append(name)
        elif name in (patterns or {}) and not re.search((patterns or {})[name], text):
            found["malformed"].append(name)
    return found


def taken_ports(dsm: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    """Return the wanted ports that somebody else listens on, with the holder and the variable to change.

    Args:
        dsm: the facts of the module dsm_facts.
        wanted: rows of `port`, `container` (which may hold the port) and `variable`.
    """
    taken = []
    for row in wanted:
        port = int(row["port"])
        ours = dsm["containers"].get(row["container"]) or {}
        if ours.get("state") == "running" and port in ours["ports"]:
            continue
        holders = sorted({one["process"] for one in dsm["listeners"] if one["port"] == port})
        if holders:
            taken.append({"problem": f"port {port} is held by {', '.join(holders)}", "variable": str(row["variable"])})
    return taken


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"unfit_secrets": unfit_secrets, "taken_ports": taken_ports}
