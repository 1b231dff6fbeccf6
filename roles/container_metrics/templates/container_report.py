"""What is told of the project's containers, in Prometheus's text format."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import calendar
import re
import time
from typing import Any

SECONDS_PER_NANOSECOND = 1e-9
# Interfaces of the NAS that lead nowhere outside.
INNER = re.compile(r"lo$|veth|docker|br-|sit|tun|ip6tnl")
HELP = {
    "kbju_container_running": ("gauge", "Whether a container runs; 0 also for one that should exist and does not."),
    "kbju_container_healthy": ("gauge", "Whether its health check succeeds; absent where it has none."),
    "kbju_container_restarts_total": ("counter", "How often the engine has restarted it since it was last started."),
    "kbju_container_oom_kills_total": ("counter", "How often it lost a process for want of memory."),
    "kbju_container_started_timestamp_seconds": ("gauge", "When it was started."),
    "kbju_container_cpu_seconds_total": ("counter", "CPU time used since it was started."),
    "kbju_container_memory_bytes": ("gauge", "Memory in use, without what the kernel caches of files unasked."),
    "kbju_container_memory_limit_bytes": ("gauge", "Its memory limit."),
    "kbju_container_pids": ("gauge", "Its processes and threads."),
    "kbju_container_pids_limit": ("gauge", "The limit of its processes and threads."),
    "kbju_container_network_receive_bytes_total": ("counter", "What it has received."),
    "kbju_container_network_transmit_bytes_total": ("counter", "What it has sent."),
    "kbju_container_log_errors_total": ("counter", "Lines in its log that tell of an error, since they are counted."),
    "kbju_containers_collected_timestamp_seconds": ("gauge", "When all this was looked at."),
    "kbju_stack_memory_budget_bytes": ("gauge", "What all containers together may use."),
    # Under node_exporter's names: inside its container it sees its own interface alone.
    "node_network_receive_bytes_total": ("counter", "What the NAS has received."),
    "node_network_transmit_bytes_total": ("counter", "What the NAS has sent."),
}


class Report:
    """Collects values, and writes them by metric."""

    def __init__(self) -> None:
        self._lines: dict[str, list[str]] = {name: [] for name in HELP}

    def add(self, metric: str, value: float | None, **labels: str) -> None:
        """Add a value; None is none."""
        if value is not None:
            shown = ",".join(f'{name}="{text}"' for name, text in labels.items())
            self._lines[metric].append(f"{metric}{{{shown}}} {value:.17g}" if shown else f"{metric} {value:.17g}")

    def add_container(self, name: str, inspected: dict[str, Any], stats: dict[str, Any] | None) -> None:
        """Add what the engine says of a container. `stats` is None for one that does not run."""
        state, limits = inspected["State"], inspected["HostConfig"]
        health = (state.get("Health") or {}).get("Status", "none")

        def add(metric: str, value: float | None) -> None:
            self.add("kbju_container_" + metric, value, name=name)

        add("running", float(stats is not None))
        add("healthy", None if health == "none" else float(stats is not None and health == "healthy"))
        add("restarts_total", inspected["RestartCount"])
        add("started_timestamp_seconds", seconds(state["StartedAt"]) or None)
        add("memory_limit_bytes", limits["Memory"] or None)
        # No limit is null, 0 or -1.
        add("pids_limit", limits["PidsLimit"] if (limits["PidsLimit"] or 0) > 0 else None)
        if stats is not None:
            add("cpu_seconds_total", stats["cpu_stats"]["cpu_usage"]["total_usage"] * SECONDS_PER_NANOSECOND)
            add("memory_bytes", memory(stats["memory_stats"]))
            add("pids", stats["pids_stats"].get("current"))
            networks = (stats.get("networks") or {}).values()
            add("network_receive_bytes_total", sum(one["rx_bytes"] for one in networks))
            add("network_transmit_bytes_total", sum(one["tx_bytes"] for one in networks))

    def text(self) -> str:
        """Return everything that was added."""
        parts = []
        for name, (kind, said) in HELP.items():
            if self._lines[name]:
                parts += [f"# HELP {name} {said}", f"# TYPE {name} {kind}", *self._lines[name]]
        return "\n".join(parts) + "\n"


def seconds(text: str) -> float:
    """Return a time of the engine's, which is UTC, as seconds since 1970; 0 for the year 1, which stands for never."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    if whole.startswith("0001"):
        return 0.0
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) + float(f"0.{fraction or 0}")


def memory(stats: dict[str, Any]) -> float | None:
    """Return the bytes in use as `docker stats` shows them; None for a container that has just ended."""
    usage, more = stats.get("usage"), stats.get("stats", {})
    if usage is None:
        return None
    # The first is what control groups v1 call it.
    cache = more.get("total_inactive_file", more.get("inactive_file", 0))
    return float(usage - cache if cache < usage else usage)


def interfaces(dev: str) -> dict[str, tuple[int, int]]:
    """Return the bytes received and sent by interface, from the text of /proc/net/dev."""
    found = {}
    for line in dev.splitlines()[2:]:
        name, _, numbers = line.partition(":")
        if not INNER.match(name.strip()):
            values = numbers.split()
            found[name.strip()] = int(values[0]), int(values[8])
    return found
