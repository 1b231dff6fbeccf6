"""dsmbackup: starts a Hyper Backup task.

Source: dsm-facts "Hyper Backup": --backup N, tasks as [task_N] in synobackup.conf, the log and its words (high);
returning early with 0, and a process called img_backup while it runs (medium). The exact lines of the log are from
published ones (medium): LEVEL, tab, date, tab, "SYSTEM:", tab, "[Local][TASKNAME] ...".

Nothing is copied anywhere. How it ends is decided by files in /var/lib/dsm-standin/hyperbackup/:
  outcome   success (default), partial, failed, cancelled, silent (nothing is logged)
            or hang (no end until killed, and what dsmbackup has open stays open)
  seconds   how long it runs, 2 by default
"outcome.N" and "seconds.N" speak for task N only.
"""

from __future__ import annotations

import configparser
import os
import re
import subprocess

from dsm_programs import common

USAGE = "Usage: dsmbackup --backup TASK_ID"
CONFIGURATION = "/var/packages/HyperBackup/etc/synobackup.conf"
LOG = "/var/packages/HyperBackup/var/log/synolog/synobackup.log"
SHELL = "/var/packages/HyperBackup/target/bin/img_backup"
OUTCOMES = ("success", "partial", "failed", "cancelled", "hang", "silent")
# Run by a copy of a shell whose name is img_backup, so that pidof, pgrep and ps find what they find on DSM.
SCRIPT = r"""
log() { printf '%s\t%s\tSYSTEM:\t[Local][%s] %s\n' "$1" "$(date '+%Y/%m/%d %H:%M:%S')" "$name" "$2" >>"$log"; }
[ "$outcome" = silent ] || log info 'Backup task started.'
[ "$outcome" != hang ] || { while :; do sleep 1; done; }
sleep "$seconds"
case $outcome in
    success) log info 'Backup task finished successfully. [1 files scanned] [1 new files] [0 files modified]' ;;
    partial) log warning 'Backup task was partially completed.' ;;
    failed) log err 'Failed to run backup task.' ;;
    cancelled) log warning 'Backup task was cancelled.' ;;
esac
"""


def _setting(name: str, task: str, default: str) -> str:
    for candidate in (f"{name}.{task}", name):
        place = common.state_path("hyperbackup/" + candidate)
        if place.exists():
            return place.read_text().strip()
    return default


def _task_name(task: str) -> str:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    place = common.path(CONFIGURATION)
    if place.exists():
        parser.read_string(place.read_text())
    if not parser.has_section("task_" + task):
        raise common.Refused(f"dsmbackup: no task {task} in {CONFIGURATION}", 1)
    return parser.get("task_" + task, "name", fallback="").strip('"')


def main(name: str, arguments: list[str]) -> int:
    """Start the task in the background and return at once."""
    if len(arguments) != 2 or arguments[0] != "--backup" or not re.fullmatch(r"\d+", arguments[1]):
        raise common.Usage(USAGE)
    common.need_root(name)
    task = arguments[1]
    outcome = _setting("outcome", task, "success")
    if outcome not in OUTCOMES:
        raise common.Refused(f"dsmbackup: outcome {outcome} is none of {', '.join(OUTCOMES)}", 1)
    environment = {
        "PATH": "/usr/bin:/bin",
        "TZ": os.environ.get("TZ", ""),
        "name": _task_name(task),
        "outcome": outcome,
        "seconds": _setting("seconds", task, "2"),
        "log": str(common.path(LOG)),
    }
    common.path(LOG).parent.mkdir(parents=True, exist_ok=True)
    shell = str(common.path(SHELL)) if common.path(SHELL).exists() else "/bin/sh"
    # Whether DSM's closes what it inherits is not known. One that hangs keeps it open, so that nobody relies on that.
    inherited = None if outcome == "hang" else subprocess.DEVNULL
    subprocess.Popen(
        [shell, "-c", SCRIPT, SHELL, "-k", task],
        stdin=inherited,
        stdout=inherited,
        stderr=inherited,
        env=environment,
        cwd="/",
        start_new_session=True,
    )
    return 0
