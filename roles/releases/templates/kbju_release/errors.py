"""What can go wrong, each cause with an exit code of its own."""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of the program; the role's README has the same table."""

    OK = 0
    NOT_STARTED = 20
    NOT_READY = 21
    MIGRATION = 22
    DOOR = 23
    NO_MESSAGE = 24
    BROKE_DOWN = 25
    NO_SUCH_RELEASE = 30
    SCHEMA = 31
    NOTHING_RUNS = 32
    CONFIGURATION = 33
    OLD_IS_GONE = 40
    USAGE = 64
    BUG = 70
    UNDER_WAY = 75
    SETTINGS = 78
    TERMINATED = 143


class Failure(Exception):
    """Something an operator can act on: what happened, and what to do about it."""

    def __init__(self, code: Exit, what: str, remedy: str = "") -> None:
        super().__init__(f"{what}. {remedy}".strip())
        self.code = code
        self.what = what
