"""Panels about containers, for the dashboards of single services and that of the NAS."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards.kinds import Bars, Lines, States
from dashboards.parts import DOWN_OR_UP, Panel, Query, Step

OF_LIMIT: list[Step] = [(None, "green"), (0.8, "yellow"), (0.9, "red")]
RECEIVED = "kbju_container_network_receive_bytes_total"
SENT = "kbju_container_network_transmit_bytes_total"
CHOSEN = '{name=~"$container"}'
# Those that watch the others; together they may have 900 MB.
WATCHERS = '{name=~"kbju-(prometheus|grafana|alertmanager|blackbox|.+-exporter)"}'


def resources_of(name: str) -> list[Panel]:
    """Return what the container `name` uses of what it may."""
    this = f'{{name="{name}"}}'
    return [
        Lines(
            "Processor",
            "Processor time that the container uses; 100 % is one core.",
            units.PercentUnit,
            [Query(f"rate(kbju_container_cpu_seconds_total{this}[$__rate_interval])", "{{name}}")],
            low=0,
        ),
        Lines(
            "Memory",
            "Memory in use, without what the kernel can take back, and the limit at which the container is killed.",
            units.BytesIEC,
            [
                Query(f"kbju_container_memory_bytes{this}", "in use"),
                Query(f"kbju_container_memory_limit_bytes{this}", "limit"),
            ],
            low=0,
        ),
        Lines(
            "Restarts",
            "Restarts by the engine and kills for want of memory, in an hour. A deployment is neither.",
            units.NoUnit,
            [
                Query(f"increase(kbju_container_restarts_total{this}[1h])", "restarts"),
                Query(f"increase(kbju_container_oom_kills_total{this}[1h])", "killed for memory"),
            ],
            low=0,
        ),
    ]


def all_of_them() -> list[Panel]:
    """Return the containers that the dashboard's variable chooses, against their limits."""
    return [
        States(
            "Running",
            "Whether each container runs. One that is expected and does not exist counts as down.",
            units.NoUnit,
            [Query(f"kbju_container_running{CHOSEN}", "{{name}}")],
            width=12,
            height=10,
            steps=DOWN_OR_UP,
            words=[(0, "down", "red"), (1, "runs", "green")],
        ),
        States(
            "Healthy",
            "What the containers' own health checks say. Those without one are not listed.",
            units.NoUnit,
            [Query(f"kbju_container_healthy{CHOSEN}", "{{name}}")],
            width=12,
            height=10,
            steps=DOWN_OR_UP,
            words=[(0, "unhealthy", "red"), (1, "healthy", "green")],
        ),
        Bars(
            "Memory of its limit",
            "How near each container is to the memory limit at which it is killed.",
            units.PercentUnit,
            [Query(f"kbju_container_memory_bytes{CHOSEN} / kbju_container_memory_limit_bytes{CHOSEN}", "{{name}}")],
            height=10,
            low=0,
            high=1,
            steps=OF_LIMIT,
        ),
        Bars(
            "Processes of their limit",
            "How near each container is to the number of processes and threads that it may have.",
            units.PercentUnit,
            [Query(f"kbju_container_pids{CHOSEN} / kbju_container_pids_limit{CHOSEN}", "{{name}}")],
            height=10,
            low=0,
            high=1,
            steps=OF_LIMIT,
        ),
        Lines(
            "Memory by container",
            "Memory in use, without what the kernel can take back, container on container.",
            units.BytesIEC,
            [Query(f"kbju_container_memory_bytes{CHOSEN}", "{{name}}")],
            height=10,
            low=0,
            stacked=True,
        ),
        Lines(
            "Processor by container",
            "Processor time that the containers use; 100 % is one core.",
            units.PercentUnit,
            [Query(f"rate(kbju_container_cpu_seconds_total{CHOSEN}[$__rate_interval])", "{{name}}")],
            low=0,
            stacked=True,
        ),
        Lines(
            "Network by container",
            "What the containers receive and send, in bits a second; sent is drawn below zero.",
            units.BitsPerSecondSI,
            [
                Query(f"8 * rate({RECEIVED}{CHOSEN}[$__rate_interval])", "to {{name}}"),
                Query(f"-8 * rate({SENT}{CHOSEN}[$__rate_interval])", "from {{name}}"),
            ],
        ),
        Lines(
            "Memory of the monitoring",
            "What all containers that watch the others use together. Their limits add up to less than 900 MB.",
            units.BytesSI,
            [
                Query(f"sum(kbju_container_memory_bytes{WATCHERS})", "in use"),
                Query(f"sum(kbju_container_memory_limit_bytes{WATCHERS})", "limits"),
            ],
            low=0,
            steps=[(None, "green"), (900e6, "red")],
        ),
        Lines(
            "Restarts by container",
            "Restarts by the engine in an hour; a deployment is none.",
            units.NoUnit,
            [Query(f"increase(kbju_container_restarts_total{CHOSEN}[1h])", "{{name}}")],
            low=0,
        ),
        Lines(
            "Killed for want of memory",
            "Times in an hour that the kernel killed a process of a container at its limit.",
            units.NoUnit,
            [Query(f"increase(kbju_container_oom_kills_total{CHOSEN}[1h])", "{{name}}")],
            low=0,
        ),
        Lines(
            "Errors in the logs",
            "Lines of the containers' logs in five minutes that tell of an error.",
            units.NoUnit,
            [Query(f"increase(kbju_container_log_errors_total{CHOSEN}[5m])", "{{name}}")],
            low=0,
        ),
    ]
