"""Processes and the machine, by Linux's /proc."""

import os
import platform
from dataclasses import dataclass
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of a process and its descendants, in MB (10^6 bytes)."""

    rss: float
    """Pages shared between the processes count once for each."""
    pss: float
    """Shared pages are split between those who share them."""
    processes: int


def tree(root: int) -> list[int]:
    """Return a process and its descendants. Empty where it is gone."""
    children: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    if _stat(root) is None:
        return []
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(root: int) -> float:
    """Return the CPU time a process, its descendants and those of them that have ended took so far, in seconds."""
    # utime, stime, cutime, cstime: fields 14 to 17, proc(5).
    return sum(sum(map(int, fields[11:15])) for pid in tree(root) if (fields := _stat(pid))) / _TICK


def memory(root: int) -> Memory:
    """Return the memory of a process and its descendants now."""
    rss = pss = 0
    pids = tree(root)
    for pid in pids:
        try:
            rollup = (_PROC / str(pid) / "smaps_rollup").read_text()
        except OSError:
            continue
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in rollup.splitlines()[1:]}
        rss += kilobytes["Rss"]
        pss += kilobytes["Pss"]
    return Memory(rss * 1024 / 1e6, pss * 1024 / 1e6, len(pids))


def machine_seconds() -> tuple[float, float, float]:
    """Return how long all cores together were busy, idle, and kept from running by the hypervisor, in seconds."""
    user, nice, system, idle, iowait, irq, softirq, steal = map(
        int, (_PROC / "stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq) / _TICK, (idle + iowait) / _TICK, steal / _TICK


def describe_machine() -> dict[str, object]:
    """Return what the figures depend on: the processor, the cores, the kernel, the load just now."""
    info = (_PROC / "cpuinfo").read_text()
    model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "?")
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model or platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": round(pages / 1e6),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": [round(one, 2) for one in os.getloadavg()],
    }


def _stat(pid: int) -> list[str] | None:
    # The name, in brackets, may hold spaces and brackets itself: what follows it starts with field 3.
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
