"""Filters for preflight: what a report says of secrets and ports."""

from __future__ import annotations

import ipaddress
import itertools
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


def overlapping_subnets(network: Mapping[str, Any], wanted: Mapping[str, str]) -> list[str]:
    """Return what the wanted subnets overlap with, in words.

    Args:
        network: the facts of the module dsm_network_facts.
        wanted: subnets by the name of the Docker network that will have them; their own routes do not count.
    """
    networks, found = network["docker_networks"], []
    subnets = {name: ipaddress.ip_network(subnet, strict=False) for name, subnet in wanted.items()}
    if any(one.overlaps(other) for one, other in itertools.combinations(subnets.values(), 2)):
        found.append(f"{', '.join(f'{name} ({subnet})' for name, subnet in subnets.items())} overlap each other")
    for subnet in sorted(set(subnets.values())):
        for name, theirs in networks.items():
            if name not in wanted and any(subnet.overlaps(ipaddress.ip_network(one)) for one in theirs):
                found.append(f"{subnet} overlaps the Docker network {name} ({', '.join(theirs)})")
        listed = {one for listing in networks.values() for one in listing}
        for route in network["routes"]:
            other = ipaddress.ip_network(route["subnet"])
            # A route to a network of Docker's is that network: ours, or told above. Without an answering engine nobody
            # knows whose its bridges are.
            of_docker = str(other) in listed or (not networks and route["interface"].startswith(("br-", "docker")))
            if not of_docker and subnet.overlaps(other):
                found.append(f"{subnet} overlaps {other}, which the NAS reaches by {route['interface']}")
    return found


def memory_of(budgets: Mapping[str, Mapping[str, Any]]) -> int:
    """Return how much memory the services of a table of budgets may use at the same time, in MiB.

    Those that run by turns (`one_shot`) count once, as much as the largest of them.
    """
    steady = [row["memory_mb"] for row in budgets.values() if not row.get("one_shot")]
    turns = [row["memory_mb"] for row in budgets.values() if row.get("one_shot")]
    return int(sum(steady) + max(turns, default=0))


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {
            "unfit_secrets": unfit_secrets,
            "taken_ports": taken_ports,
            "overlapping_subnets": overlapping_subnets,
            "memory_of": memory_of,
        }
