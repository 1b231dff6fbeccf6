#!/usr/bin/python3
"""Shows an operator the stack at a glance: containers, limits, release, disk, memory, backup, certificate, budget.

Runs on the NAS as root: Python 3.8, standard library only. Exit code 0 when everything shown is well, 1 when something
needs a look (marked with "!"), 2 when the engine does not answer.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

MIB = 2**20
# What the requirements allow: four fifths of the disk; near its limit a container is about to be killed.
DISK_FULL, MEMORY_NEAR = 0.8, 0.9
BACKUP_OLD_HOURS, CERTIFICATE_SHORT_DAYS = 26, 14


def ask(command: list[str]) -> str:
    """Return what a program prints.

    Raises:
        OSError: it can't be started. subprocess.CalledProcessError: it failed.
    """
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def size(text: str) -> float:
    """Return the bytes of a size as `docker stats` prints it, such as 12.3MiB."""
    found = re.match(r"([\d.]+)\s*([kKMGT]?i?B)", text.strip())
    if not found:
        return 0.0
    units = {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 2**10, "MiB": MIB, "GiB": 2**30, "TiB": 2**40}
    return float(found.group(1)) * units.get(found.group(2), 1)


def table(rows: list[list[str]]) -> str:
    """Return rows as columns as wide as their widest cell."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)


def container_rows(inspected: list[dict[str, Any]], stats: dict[str, dict[str, str]]) -> tuple[list[list[str]], bool]:
    """Return a line for each container and whether all are well.

    Args:
        inspected: what `docker inspect` prints.
        stats: rows of `docker stats` by the container's name.
    """
    rows = [["", "CONTAINER", "STATE", "CPU", "MEMORY", "OF LIMIT", "PIDS", "RESTARTS"]]
    well = True
    for one in sorted(inspected, key=lambda row: row["Name"]):
        name, state = one["Name"].lstrip("/"), one["State"]
        health = (state.get("Health") or {}).get("Status")
        used = stats.get(name, {})
        memory, limit = size(used.get("MemUsage", "").partition("/")[0]), one["HostConfig"]["Memory"]
        share = memory / limit if limit else 0.0
        fine = state["Status"] == "running" and health in (None, "healthy") and share < MEMORY_NEAR
        well = well and fine
        rows.append(
            [
                " " if fine else "!",
                name,
                state["Status"] + (f" ({health})" if health else ""),
                used.get("CPUPerc", "-"),
                f"{memory / MIB:.0f} MiB" if used else "-",
                f"{share:.0%} of {limit / MIB:.0f} MiB" if limit else "no limit",
                f"{used.get('PIDs', '-')}/{one['HostConfig']['PidsLimit'] or '-'}",
                str(one["RestartCount"]),
            ]
        )
    return rows, well


def disk_line(total: int, used: int, volume: str) -> tuple[str, bool]:
    """Return what is said of the disk, and whether it is below four fifths; sizes in bytes."""
    share = used / total if total else 0.0
    return f"{volume}: {share:.0%} of {total / 2**30:.1f} GiB used", share < DISK_FULL


def memory_line(meminfo: str, limits: int) -> tuple[str, bool]:
    """Return what is said of the NAS's memory, and whether a tenth of it is available; `limits` in bytes."""
    values = {key: int(number) * 1024 for key, number in re.findall(r"^(\w+):\s+(\d+) kB", meminfo, flags=re.MULTILINE)}
    total, available = values.get("MemTotal", 0), values.get("MemAvailable", 0)
    swapped = values.get("SwapTotal", 0) - values.get("SwapFree", 0)
    said = (
        f"NAS: {available / MIB:.0f} of {total / MIB:.0f} MiB available, {swapped / MIB:.0f} MiB in swap; "
        f"the stack's limits add up to {limits / MIB:.0f} MiB"
    )
    return said, available > total / 10


def metric(folder: str, name: str, default: float | None = None) -> float | None:
    """Return the largest value of a metric in the textfiles that the NAS's tasks leave, or the default."""
    found = []
    for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if file.endswith(".prom"):
            with open(os.path.join(folder, file), encoding="utf-8") as text:
                found += re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\S+)", text.read(), flags=re.MULTILINE)
    return max(map(float, found)) if found else default


def backup_line(last: float | None, now: float) -> tuple[str, bool]:
    """Return what is said of the last proven backup; times in seconds since 1970."""
    if not last:
        return "none yet", False
    hours = (now - last) / 3600
    return f"the last proven one is {hours:.1f} h old", hours < BACKUP_OLD_HOURS


def certificate_line(dates: str, now: float) -> tuple[str, bool]:
    """Return what is said of the certificate, from what `openssl x509 -enddate -issuer -subject` prints."""
    found = re.search(r"notAfter=(.*)", dates)
    if not found:
        return "none", False
    days = (time.mktime(time.strptime(found.group(1).strip(), "%b %d %H:%M:%S %Y %Z")) - time.timezone - now) / 86400
    issuer, subject = (re.search(rf"{key}=(.*)", dates) for key in ("issuer", "subject"))
    own = issuer and subject and issuer.group(1) == subject.group(1)
    return f"{days:.0f} days left{', self-signed' if own else ''}", days > CERTIFICATE_SHORT_DAYS


def release_line(records: str) -> tuple[str, bool]:
    """Return what is said of the release that serves, from releases/releases.json; a newer failure needs a look."""
    try:
        rows = json.loads(records)
        serving = next((row for row in reversed(rows) if row["result"] == "serving"), None)
        if serving is None:
            return "none is recorded", False
        said = f"{serving['version']} since {serving['when']} by {serving['who']} (number {serving['number']})"
        last = rows[-1]
        if last["result"] != "failed" or last["number"] < serving["number"]:
            return said, True
        return f"{said}; {last['version']} FAILED on {last['when']}: {last['reason']}", False
    except (ValueError, KeyError, TypeError):
        return "not known: releases/releases.json can't be read", False


def budget_line(answer: str) -> tuple[str, bool]:
    """Return what is said of the month's error budget, from what Prometheus's API answers; "" where it did not."""
    try:
        rows = json.loads(answer)["data"]["result"]
        left = {row["metric"]["__name__"].split("_")[0].partition(":")[2]: float(row["value"][1]) for row in rows}
    except (ValueError, KeyError, TypeError, IndexError):
        left = {}
    known = [(name, left[name]) for name in ("availability", "latency") if name in left]
    if not known:
        return "not known, Prometheus does not tell", True
    said = ", ".join(f"{name} {share:.0%}" for name, share in known)
    return f"{said} left of the last 30 days", all(share > 0 for _, share in known)


def ask_prometheus(docker: str) -> str:
    """Return Prometheus's answer about the budgets; nothing where it does not answer at once."""
    query = quote('{__name__=~"slo:(availability|latency)_budget_remaining:ratio"}')
    url = "http://127.0.0.1:9090/prometheus/api/v1/query?query=" + query
    command = [docker, "exec", "kbju-prometheus", "wget", "-q", "-T", "2", "-O", "-", url]
    try:
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=2.5).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def read(path: str) -> str:
    """Return a file's text; nothing where there is none."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


def main() -> int:
    """Print everything; return the exit code."""
    with open(os.path.splitext(os.path.abspath(__file__))[0] + ".json", encoding="utf-8") as file:
        settings = json.load(file)
    docker, root, now = settings["docker"], settings["root"], time.time()
    # Beside the two seconds that the engine takes to measure.
    asked = ThreadPoolExecutor(max_workers=1).submit(ask_prometheus, docker)
    try:
        label = "label=com.docker.compose.project=" + settings["project"]
        ids = ask([docker, "ps", "--all", "--quiet", "--filter", label]).split()
        inspected = json.loads(ask([docker, "inspect", *ids])) if ids else []
        running = [one["Id"] for one in inspected if one["State"]["Status"] == "running"]
        lines = (
            ask([docker, "stats", "--no-stream", "--format", "{{json .}}", *running]).splitlines() if running else []
        )
    except (OSError, subprocess.CalledProcessError) as error:
        reason = getattr(error, "stderr", None) or error
        print(f"the Docker engine does not answer: {str(reason).strip()}", file=sys.stderr)
        return 2
    rows, well = container_rows(inspected, {row["Name"]: row for row in map(json.loads, lines)})
    print(table(rows) if inspected else f"! no container of {settings['project']} exists")
    well = well and bool(inspected)
    disk = shutil.disk_usage(settings["volume"])
    with open("/proc/meminfo", encoding="ascii") as file:
        meminfo = file.read()
    try:
        openssl = ["/usr/bin/openssl", "x509", "-noout", "-enddate", "-issuer", "-subject", "-in"]
        dates = ask([*openssl, root + "/certs/nginx/cert.pem"])
    except (OSError, subprocess.CalledProcessError):
        dates = ""
    print()
    for title, (said, fine) in [
        ("Release", release_line(read(root + "/releases/releases.json"))),
        ("Budget", budget_line(asked.result())),
        ("Disk", disk_line(disk.total, disk.total - disk.free, settings["volume"])),
        ("Memory", memory_line(meminfo, sum(one["HostConfig"]["Memory"] for one in inspected))),
        ("Backup", backup_line(metric(root + "/metrics", "kbju_backup_last_success_timestamp_seconds"), now)),
        ("Certificate", certificate_line(dates, now)),
    ]:
        print(f"{' ' if fine else '!'} {title + ':':<12} {said}")
        well = well and fine
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
