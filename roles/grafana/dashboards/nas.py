"""The NAS: processor, memory, disk, network, and the containers against their limits."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards.containers import all_of_them
from dashboards.kinds import Lines, Number
from dashboards.parts import NOT_COMPARED, Board, Panel, Query, Row

# The machine's own ports: no bridges, and neither end of what leads into containers.
PORTS = '{device!~"lo|docker.*|br-.*|veth.*"}'


def glance() -> list[Panel]:
    """Return the NAS in numbers."""
    return [
        Number(
            "Runs for",
            "Time since the NAS was started.",
            units.Seconds,
            [Query("time() - node_boot_time_seconds", "runs for")],
        ),
        Number(
            "Processor",
            "Share of the processor that is busy.",
            units.PercentUnit,
            [Query('1 - avg(rate(node_cpu_seconds_total{mode="idle"}[$__rate_interval]))', "busy")],
            decimals=0,
            steps=[(None, "green"), (0.8, "red")],
        ),
        Number(
            "Memory available",
            "Memory that programs can still have without anything being swapped out.",
            units.BytesIEC,
            [Query("node_memory_MemAvailable_bytes", "available")],
            decimals=1,
        ),
        Number(
            "Memory of the stack",
            "What all containers use of the 3 GiB that the stack may have.",
            units.PercentUnit,
            [Query("sum(kbju_container_memory_bytes) / scalar(kbju_stack_memory_budget_bytes)", "of its budget")],
            decimals=0,
            steps=[(None, "green"), (0.8, "yellow"), (1, "red")],
        ),
        Number(
            "Fullest disk",
            "Share of the fullest file system that is full.",
            units.PercentUnit,
            [Query("max(nas:filesystem_used:ratio)", "full")],
            decimals=0,
            steps=[(None, "green"), (0.8, "yellow"), (0.95, "red")],
        ),
        Number(
            "Clock",
            "How far the NAS's clock is off, compared with Telegram's every ten minutes.",
            units.Seconds,
            [Query("abs(kbju_clock_skew_seconds)", "off by", NOT_COMPARED)],
            steps=[(None, "green"), (1, "red")],
        ),
    ]


def machine() -> list[Panel]:
    """Return processor and memory."""
    return [
        Lines(
            "Processor by use",
            "Share of all cores; iowait is time in which the disks are waited for.",
            units.PercentUnit,
            [Query('avg by (mode) (rate(node_cpu_seconds_total{mode!="idle"}[$__rate_interval]))', "{{mode}}")],
            low=0,
            stacked=True,
        ),
        Lines(
            "Load",
            "Programs that run or wait for a disk. Above the number of cores they wait for each other.",
            units.NoUnit,
            [
                Query("node_load1", "1 minute"),
                Query("node_load15", "15 minutes"),
                Query('count(node_cpu_seconds_total{mode="idle"})', "cores"),
            ],
            low=0,
        ),
        Lines(
            "Memory",
            "In use by programs, in use as cache that can be taken back, and free.",
            units.BytesIEC,
            [
                Query("node_memory_MemTotal_bytes - node_memory_MemAvailable_bytes", "in use"),
                Query("node_memory_MemAvailable_bytes - node_memory_MemFree_bytes", "can be taken back"),
                Query("node_memory_MemFree_bytes", "free"),
            ],
            low=0,
            stacked=True,
        ),
    ]


def disks_and_network() -> list[Panel]:
    """Return what is stored and what is moved."""
    return [
        Lines(
            "Disk space in use",
            "Share of each volume, and of /, that is full. Tickets begin at 80 % (90 % of /), pages at 95 %.",
            units.PercentUnit,
            [
                Query("nas:filesystem_used:ratio", "{{mountpoint}}"),
            ],
            low=0,
            high=1,
            steps=[(None, "green"), (0.8, "yellow"), (0.95, "red")],
        ),
        Lines(
            "Disk traffic",
            "What is read from each disk, and written to it, which is drawn below zero.",
            units.BytesPerSecondIEC,
            [
                Query("rate(node_disk_read_bytes_total[$__rate_interval])", "read from {{device}}"),
                Query("-rate(node_disk_written_bytes_total[$__rate_interval])", "written to {{device}}"),
            ],
        ),
        Lines(
            "Disks at work",
            "Share of time in which each disk had something to do.",
            units.PercentUnit,
            [Query("rate(node_disk_io_time_seconds_total[$__rate_interval])", "{{device}}")],
            low=0,
            high=1,
        ),
        Lines(
            "Network",
            "What the NAS's network ports receive, and what they send, which is drawn below zero.",
            units.BitsPerSecondSI,
            [
                Query(f"8 * rate(node_network_receive_bytes_total{PORTS}[$__rate_interval])", "to {{device}}"),
                Query(f"-8 * rate(node_network_transmit_bytes_total{PORTS}[$__rate_interval])", "from {{device}}"),
            ],
            width=12,
        ),
        Lines(
            "Connections to nginx",
            "Connections that are open, and of those the ones that only wait for a next request.",
            units.NoUnit,
            [
                Query("nginx_connections_active", "open"),
                Query("nginx_connections_waiting", "waiting"),
            ],
            width=6,
            low=0,
        ),
        Lines(
            "Requests to nginx",
            "Requests that nginx has answered, a second, for all services behind it.",
            units.RequestsPerSecond,
            [Query("rate(nginx_http_requests_total[$__rate_interval])", "requests")],
            width=6,
            low=0,
        ),
    ]


BOARD = Board(
    "kbju-nas",
    "NAS",
    "Processor, memory, disks and network of the NAS, and each container against its limits.",
    [
        Row("At a glance", glance()),
        Row("Processor and memory", machine()),
        Row("Disks and network", disks_and_network()),
        Row("Containers", all_of_them()),
    ],
    variable=("container", "Containers", "label_values(kbju_container_running, name)"),
)
