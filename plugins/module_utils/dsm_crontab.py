"""crond's table on a Synology NAS, which DSM makes of its Task Scheduler's files. Python 3.8, standard library only."""

from __future__ import annotations

import os
import re
import time

from ansible.module_utils.dsm import SYNOSCHEDTASK, SYNOSYSTEMCTL, DsmError, Tools

CRONTAB = "/etc/crontab"
PATIENCE_SECONDS = 10.0


def read() -> str:
    """Return the table, or an empty text where there is none."""
    try:
        with open(CRONTAB, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def runs(number: int) -> bool:
    """Tell whether the table runs a task."""
    return re.search(rf"^[^#\n]*--run id={number}\s*$", read(), flags=re.MULTILINE) is not None


def older_than(path: str) -> bool:
    """Tell whether a file was written after the table was."""
    try:
        return os.stat(CRONTAB).st_mtime_ns < os.stat(path).st_mtime_ns
    except OSError:
        return True


def sync(tools: Tools, number: int, scheduled: bool) -> bool:
    """Have DSM make the table of the tasks' files, and crond read it; return whether the table has changed.

    Args:
        tools: calls DSM's programs.
        number: the task that has changed.
        scheduled: whether the table has to run it.

    Raises:
        DsmError: the table does not, or crond does not run any more.
    """
    before = read()
    answer = tools.call(SYNOSCHEDTASK, "--sync")
    # Some releases make the table only when crond starts.
    if read() != before or runs(number) != scheduled:
        restarted = tools.call(SYNOSYSTEMCTL, "restart", "crond")
        status = tools.call(SYNOSYSTEMCTL, "get-active-status", "crond")
        if status.out.strip() != "active":
            raise DsmError("crond does not run after its restart, so no task runs", "restart the NAS", restarted)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while runs(number) != scheduled:
        if time.monotonic() >= deadline:
            raise DsmError(
                f"the file is right, but {CRONTAB} {'does not run' if scheduled else 'still runs'} task {number}",
                "open Control Panel → Task Scheduler: when it shows the task, save it there once; if not, report this",
                answer,
            )
        time.sleep(0.2)  # between two looks; the deadline ends the wait
    return read() != before
