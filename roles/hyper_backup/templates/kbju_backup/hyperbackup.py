"""Hyper Backup: its task is started, awaited, and its result read from its log.

DSM's program returns early and says nothing of the result; the log's lines are all there is.
"""

from __future__ import annotations

import configparser
import logging
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

from kbju_backup import programs
from kbju_backup.errors import Exit, Failure
from kbju_backup.settings import Settings

PROGRAM = "/var/packages/HyperBackup/target/bin/dsmbackup"
CONFIGURATION = "/var/packages/HyperBackup/etc/synobackup.conf"
LOGS = ("/var/packages/HyperBackup/var/log/synolog", "/var/log/synolog")
LOG = "synobackup.log"
PROCESSES = {"img_backup", "dsmbackup", "synoimgbktool", "synolocalbkp", "synonetbkp", "updatebackup"}
POLL = 2.0
START = 600.0
"""Seconds after which the program that starts a task is no longer expected to return before the task ends."""
_REMEDY = "Look at Hyper Backup's log in DSM; the backup on this NAS is complete"
RESULTS = {
    "partial": Exit.HYPER_BACKUP_PARTIAL,
    "failed": Exit.HYPER_BACKUP_FAILED,
    "cancelled": Exit.HYPER_BACKUP_CANCELLED,
    "timeout": Exit.HYPER_BACKUP_TIMEOUT,
    "unknown": Exit.HYPER_BACKUP_UNKNOWN,
}

log = logging.getLogger("backup")


@dataclass(frozen=True)
class Task:
    """A task of Hyper Backup."""

    number: str
    name: str


def find_task(configuration: str, wanted: str) -> Task:
    """Find a task by its name or number in the text of synobackup.conf. Raise Failure where there is none."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(configuration)
    except configparser.Error as error:
        raise Failure(
            Exit.HYPER_BACKUP_SETUP, f"{CONFIGURATION} can't be read: {error.message}", "Has its format changed?"
        ) from None
    tasks = []
    for section in parser.sections():
        found = re.fullmatch(r"task_(\d+)", section)
        if found:
            tasks.append(Task(found.group(1), parser.get(section, "name", fallback="").strip('"')))
    for task in tasks:
        if wanted in (task.name, task.number):
            return task
    there = ", ".join(f"{task.name} ({task.number})" for task in tasks) or "none"
    raise Failure(
        Exit.HYPER_BACKUP_SETUP,
        f"Hyper Backup has no task {wanted!r}; there are: {there}",
        "Make it in Hyper Backup, or set hyper_backup_task to one of these",
    )


def result_in(lines: list[str], task: str, words: dict[str, str]) -> str | None:
    """Return the last result that the log's lines tell of a task, or None while there is none."""
    result = None
    for line in lines:
        if f"[{task}]" in line:
            for name, word in words.items():
                if word.lower() in line.lower():
                    result = None if name == "started" else name
    return result


class LogTail:
    """The lines that are added to a log from now on, wherever rotation moves them."""

    def __init__(self, folders: tuple[str, ...]) -> None:
        self._folders = folders
        self._seen = {file.stat().st_ino: file.stat().st_size for file in self._files()}

    def lines(self) -> list[str]:
        """Return the new lines, oldest first."""
        found = []
        for file in sorted(self._files(), key=lambda one: one.stat().st_mtime):
            seen = self._seen.get(file.stat().st_ino, 0)
            with file.open("rb") as handle:
                # A log that is shorter than it was has been emptied in its place.
                handle.seek(seen if seen <= os.fstat(handle.fileno()).st_size else 0)
                found += handle.read().decode("utf-8", "replace").splitlines()
        return found

    def _files(self) -> list[Path]:
        for folder in self._folders:
            files = [file for file in Path(folder).glob(LOG + "*") if file.is_file()]
            if files:
                return files
        return []


def is_running(proc: str = "/proc") -> bool:
    """Tell whether one of Hyper Backup's programs lives."""
    for comm in Path(proc).glob("[0-9]*/comm"):
        try:
            # The kernel cuts names after 15 characters; none of these is longer.
            if comm.read_text(encoding="utf-8", errors="replace").strip() in PROCESSES:
                return True
        except OSError:  # it has ended meanwhile
            continue
    return False


class HyperBackup:
    """One run of one task."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._deadline = time.monotonic() + settings.hyper_backup_timeout

    def run(self) -> None:
        """Start the task and wait for its end. Raise Failure for every end but success."""
        task = self._find()
        self._wait_for_others(task)
        tail = LogTail(LOGS)
        try:
            code, complaint = programs.launch([PROGRAM, "--backup", task.number], START)
        except OSError as error:
            raise Failure(
                Exit.HYPER_BACKUP_SETUP,
                f"{PROGRAM} does not start: {error.strerror}",
                "Install Hyper Backup, or set hyper_backup_task to an empty text",
            ) from None
        # None: it has not returned yet. Then it counts among the processes that are awaited.
        if code:
            raise Failure(
                Exit.HYPER_BACKUP_FAILED,
                f"Hyper Backup refused to start the task {task.name}: {complaint.strip()[:200] or code}",
                _REMEDY,
            )
        result = self._await(task, tail)
        if result != "success":
            raise Failure(RESULTS[result], self._what(task, result, tail), _REMEDY)

    def _find(self) -> Task:
        try:
            text = Path(CONFIGURATION).read_text(encoding="utf-8")
        except OSError as error:
            raise Failure(
                Exit.HYPER_BACKUP_SETUP,
                f"{CONFIGURATION} can't be read: {error.strerror}",
                "Install Hyper Backup and make a task in it, or set hyper_backup_task to an empty text",
            ) from None
        return find_task(text, self._settings.hyper_backup_task)

    def _wait_for_others(self, task: Task) -> None:
        waiting = False
        while is_running():
            if not waiting:
                log.info("Hyper Backup is busy already; waiting for its end")
                waiting = True
            if time.monotonic() > self._deadline:
                raise Failure(
                    Exit.HYPER_BACKUP_TIMEOUT,
                    f"Hyper Backup has been busy with something else for {self._settings.hyper_backup_timeout} s; "
                    f"the task {task.name} was not started",
                    _REMEDY,
                )
            time.sleep(POLL)  # between two looks; the deadline ends the wait

    def _await(self, task: Task, tail: LogTail) -> str:
        last_alive = time.monotonic()
        while True:
            # Asked in this order: what ends between the two questions has written its result.
            alive = is_running()
            result = result_in(tail.lines(), task.name, self._settings.hyper_backup_words)
            now = time.monotonic()
            # Before its end, a line may tell of one file that failed; success is told at the end alone.
            if result == "success" or (result is not None and not alive):
                return result
            if alive:
                last_alive = now
            elif now - last_alive > self._settings.hyper_backup_grace:
                return "unknown"
            if now > self._deadline:
                return result or "timeout"
            time.sleep(POLL)  # between two looks; the deadline ends the wait

    def _what(self, task: Task, result: str, tail: LogTail) -> str:
        said = [line.split("]", 2)[-1].strip() for line in tail.lines() if f"[{task.name}]" in line]
        last = f"its log says: {said[-1][:200]}" if said else "its log says nothing of this run"
        if result == "timeout":
            limit = self._settings.hyper_backup_timeout
            return f"Hyper Backup's task {task.name} has not ended within {limit} s (it was not stopped); {last}"
        if result == "unknown":
            return f"Hyper Backup's task {task.name} ended without a result that is known (hyper_backup_words); {last}"
        return f"Hyper Backup's task {task.name}: {result}; {last}"
