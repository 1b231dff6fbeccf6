"""Telling the operator what happens: on the terminal as long as there is one, and in the log."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path

_LARGEST_LOG = 1 << 20


class Teller:
    """Writes lines with the seconds since the start."""

    def __init__(self, log: Path) -> None:
        self._log = log
        self._started = time.monotonic()
        # The last runs are enough.
        with contextlib.suppress(OSError):
            if log.stat().st_size > _LARGEST_LOG:
                log.rename(str(log) + ".1")

    @property
    def seconds(self) -> float:
        """How long this run has taken."""
        return time.monotonic() - self._started

    def say(self, text: str) -> None:
        """Tell one step, or several lines about it."""
        self.note(text)
        try:
            print(f"{self.seconds:6.1f} s  {text}", flush=True)
        except OSError:
            # The operator's connection is cut. What was begun is finished all the same.
            with open(os.devnull, "w", encoding="ascii") as nowhere:
                os.dup2(nowhere.fileno(), sys.stdout.fileno())

    def note(self, text: str) -> None:
        """Write to the log alone."""
        # A log that can't be written, as on a full disk, must not stop an update.
        with contextlib.suppress(OSError):
            opened = os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
            with open(opened, "a", encoding="utf-8") as file:
                file.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {self.seconds:6.1f} s  {text}\n")
