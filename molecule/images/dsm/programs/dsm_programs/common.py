"""What the programs share: the root they work under, state on disk, locking, and errors.

DSM_ROOT names another root directory. Then nothing outside it is touched and no process is started or stopped, so
that tests run the programs without a container.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import sys
from pathlib import Path
from typing import Any, Callable, Iterator

ROOT = Path(os.environ.get("DSM_ROOT") or "/")
# A temporary root is not the machine: no daemons, no iptables, no need to be root.
IS_MACHINE = Path("/") == ROOT

# Program name: module.
PROGRAMS = {
    "dsm-home-service": "homeservice",
    "dsm-init": "init",
    "dsmbackup": "dsmbackup",
    "synoacltool": "synoacltool",
    "synofirewall": "synofirewall",
    "synogetkeyvalue": "synogetkeyvalue",
    "synogroup": "synogroup",
    "synopkg": "synopkg",
    "synoschedtask": "synoschedtask",
    "synoshare": "synoshare",
    "synosystemctl": "synosystemctl",
    "synouser": "synouser",
    "synowebapi": "synowebapi",
    "systemctl": "synosystemctl",
}

# DSM's programs return -1 where they fail.
FAILED = 255


class Refused(Exception):
    """A request DSM turns down: its text for stderr and the exit code."""

    def __init__(self, text: str, code: int = FAILED) -> None:
        super().__init__(text)
        self.code = code


class Usage(Refused):
    """Arguments that make no sense to the program."""

    def __init__(self, text: str) -> None:
        super().__init__(text, 1)


def run(main: Callable[[str, list[str]], int], name: str, arguments: list[str]) -> int:
    """Call a program's main and turn a Refused into its message and exit code."""
    try:
        return main(name, arguments)
    except Refused as refusal:
        print(refusal, file=sys.stderr)
        return refusal.code
    except BrokenPipeError:
        return 1


def path(absolute: str) -> Path:
    """Give the place of an absolute path of the NAS under the root in use."""
    return ROOT / absolute.lstrip("/")


def need_root(program: str) -> None:
    """Refuse a change that a user without root rights asks for."""
    if IS_MACHINE and os.geteuid() != 0:
        raise Refused(program + ": permission denied (must be run as root)", 1)


def log(text: str) -> None:
    """Say something in the log of the container."""
    print("dsm: " + text, flush=True)


def write(target: Path, text: str, mode: int = 0o644) -> None:
    """Replace a file as a whole, so that nobody reads half of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(target.name + ".new")
    temporary.write_text(text)
    temporary.chmod(mode)
    temporary.rename(target)


def load_json(source: Path, default: Any) -> Any:
    """Read a JSON file, or give the default where there is none."""
    try:
        return json.loads(source.read_text())
    except FileNotFoundError:
        return default


def save_json(target: Path, value: Any, mode: int = 0o644) -> None:
    """Write a JSON file as a whole."""
    write(target, json.dumps(value, indent=3, sort_keys=True) + "\n", mode)


def state_path(name: str) -> Path:
    """Give the place where the stand-in keeps what DSM keeps in databases of its own."""
    return path("/var/lib/dsm-standin/" + name)


@contextlib.contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold a lock: two programs that change the same state wait for each other."""
    lock = path("/run/lock/dsm-" + name)
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def key_values(source: Path) -> dict[str, str]:
    """Read key="value" lines as they stand in synoinfo.conf, VERSION and INFO files."""
    values = {}
    for line in source.read_text().splitlines():
        key, separator, value = line.partition("=")
        if separator and not key.lstrip().startswith("#"):
            values[key.strip()] = value.strip().strip('"')
    return values
