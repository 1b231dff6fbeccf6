#!/usr/bin/python3
"""Puts the former firewall back unless somebody confirms the new one in time.

firewall-revert FOLDER          goes into the background and waits; ends at once when the change is confirmed
firewall-revert FOLDER --now    puts the former firewall back at once

FOLDER holds armed.json, which the module dsm_firewall writes before it changes anything: what to put back, where and
when. The process belongs to no session, so the end of an SSH connection, or of the controller, does not stop it.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import contextlib
import fcntl
import filecmp
import json
import os
import shutil
import signal
import subprocess
import sys
import syslog
import time
from typing import Any

LOOKS_A_SECOND = 4
COMMAND_SECONDS = 60
TRIES = 3


def read_armed(folder: str) -> dict[str, Any] | None:
    """Return what armed.json says, or None when nothing is armed."""
    try:
        with open(os.path.join(folder, "armed.json"), encoding="utf-8") as file:
            found: dict[str, Any] = json.load(file)
            return found
    except FileNotFoundError:
        return None


def note(folder: str, text: str) -> None:
    """Add a line to the system's log, and to the journal where the volume takes it."""
    syslog.syslog("kbju firewall: " + text)
    with contextlib.suppress(OSError), open(os.path.join(folder, "journal.log"), "a", encoding="utf-8") as journal:
        journal.write(time.strftime("%Y-%m-%dT%H:%M:%S%z ") + text + "\n")


def put_back(folder: str, armed: dict[str, Any]) -> str:
    """Give DSM's files their former content; return an empty text, or what went wrong."""
    try:
        replace(folder, armed)
    except OSError as error:
        return str(error)
    return ""


def replace(folder: str, armed: dict[str, Any]) -> None:
    """Replace each file of DSM's with its former content, owner and mode, so that nobody reads half of it."""
    for name in armed["files"]:
        target = os.path.join(armed["target"], name)
        aside = os.path.join(armed["target"], "." + name + ".kbju")
        former = os.path.join(folder, "before", name)
        if not os.path.exists(former):
            if os.path.exists(target):
                os.unlink(target)
            continue
        # While a change waits they are the former ones already, and a full disk takes no new file.
        if os.path.exists(target) and filecmp.cmp(former, target, shallow=False):
            continue
        shutil.copy2(former, aside)
        owner = os.stat(former)
        os.chown(aside, owner.st_uid, owner.st_gid)
        os.rename(aside, target)


def command(armed: dict[str, Any], verb: str) -> str:
    """Call synofirewall; return an empty text, or what went wrong."""
    try:
        done = subprocess.run(
            [armed["synofirewall"], verb],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=COMMAND_SECONDS,
            check=False,
        )  # fmt: skip - one option a line reads no better
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return "" if done.returncode == 0 else f"exit code {done.returncode}: {done.stdout[-500:]!r}"


def revert(folder: str, why: str, due: bool = False) -> bool:
    """Put the former firewall back in force, if one is armed; turn off what can't be. Return False for the latter.

    With `due` only when its time is still up once nobody changes it any more: the module holds the lock while it
    applies a change, and gives it its time when that is done.
    """
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        armed = read_armed(folder)
        if armed is None or (due and time.monotonic() < armed["deadline"]):
            return True
        verb = "--reload" if armed["was_enabled"] else "--disable"
        try:
            problem = ""
            for _ in range(TRIES):
                unwritten = put_back(folder, armed)
                problem = unwritten or command(armed, verb)
                if not problem:
                    break
            if problem:
                # Open is better than shut for ever: whoever sees this can still log in and repair it.
                unloaded = command(armed, "--disable")
                outcome = f"could not turn it off either ({unloaded})" if unloaded else "turned the firewall off"
                note(
                    folder, f"could not put the former firewall back, synofirewall {verb}: {problem}; {outcome}: {why}"
                )
            else:
                note(folder, "put the former firewall back: " + why)
            return not problem
        finally:
            os.unlink(os.path.join(folder, "armed.json"))


def wait(folder: str) -> None:
    """Wait until the time is up or the change is confirmed."""
    armed = read_armed(folder)
    if armed is None:
        return
    now: dict[str, Any] | None = armed
    while now is not None and now["token"] == armed["token"]:
        if time.monotonic() >= now["deadline"]:
            revert(folder, "nobody confirmed the change within {} seconds".format(armed["seconds"]), due=True)
        time.sleep(1 / LOOKS_A_SECOND)  # between two looks; the deadline or a confirmation ends the wait
        # What can't be read just now may not end this: the last that was read counts.
        with contextlib.suppress(OSError):
            now = read_armed(folder)


def into_background(folder: str) -> None:
    """Go on as a process of no session; return in the child alone, when it surely waits."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        # Empty when the child ended before it could say that it waits.
        os._exit(0 if os.read(reading, 1) else 1)
    os.setsid()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.chdir("/")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for standard in range(3):
        os.dup2(nowhere, standard)
    # Held as long as this process lives: the module sees by it whether somebody waits. The one that waited for the
    # change before may need a moment to see that it is confirmed.
    alive = os.open(os.path.join(folder, "alive"), os.O_CREAT | os.O_WRONLY, 0o600)
    fcntl.flock(alive, fcntl.LOCK_EX)
    os.write(writing, b"+")
    os.close(writing)
    os.close(reading)


def main(arguments: list[str]) -> int:
    """Do what the arguments say."""
    if len(arguments) == 2 and arguments[1] == "--now":
        return 0 if revert(arguments[0], "asked for") else 1
    if len(arguments) != 1 or read_armed(arguments[0]) is None:
        sys.stderr.write("usage: firewall-revert FOLDER [--now]; FOLDER must hold armed.json\n")
        return 2
    into_background(arguments[0])
    wait(arguments[0])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
