"""What can go wrong, each cause with an exit code of its own."""

from __future__ import annotations

import errno
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the program; the role's README has the same table."""

    OK = 0
    ALREADY_RUNNING = 10
    DISK_FULL = 11
    NO_DATABASE = 12
    DUMP_FAILED = 13
    NOT_PROVEN = 14
    NOT_WRITTEN = 15
    HYPER_BACKUP_SETUP = 20
    HYPER_BACKUP_FAILED = 21
    HYPER_BACKUP_PARTIAL = 22
    HYPER_BACKUP_CANCELLED = 23
    HYPER_BACKUP_TIMEOUT = 24
    HYPER_BACKUP_UNKNOWN = 25
    NO_SUCH_BACKUP = 30
    BROKEN_BACKUP = 31
    NEWER_SCHEMA = 32
    NOT_RESTORED = 33
    USAGE = 64
    BUG = 70
    SETTINGS = 78
    TERMINATED = 143


class Failure(Exception):
    """Something an operator can act on: what happened, and what to do about it."""

    def __init__(self, code: Exit, what: str, remedy: str) -> None:
        super().__init__(f"{what}. {remedy}")
        self.code = code


def not_written(error: OSError, place: str) -> Failure:
    """Return the failure for an error while writing below `place`."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Failure(
            Exit.DISK_FULL,
            f"The disk is full: no space left while writing below {place}",
            "Free space on the volume, or keep fewer backups (hyper_backup_keep)",
        )
    return Failure(
        Exit.NOT_WRITTEN,
        f"Writing below {place} failed: {error.strerror or error}",
        "Look at the volume's health in Storage Manager",
    )
