"""What a run does one after the other, with the time each stage takes and where it failed."""

from __future__ import annotations

import contextlib
import logging
import time
from typing import Iterator

log = logging.getLogger("backup")


class Stages:
    """The stages of one run."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.failed = ""
        """The stage that failed; empty: none."""

    @contextlib.contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time the block. The innermost stage that an exception leaves is the failed one."""
        started = time.monotonic()
        try:
            yield
        except BaseException:
            self.failed = self.failed or name
            raise
        self.seconds[name] = round(time.monotonic() - started, 3)
        log.info("%s: done in %.1f s", name, self.seconds[name])
