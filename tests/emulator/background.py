"""An event loop in a thread, for tests that block: the emulator and its bot run there."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Background:
    """Context manager: the thread with the loop."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever)

    def run(self, work: Coroutine[Any, Any, T], seconds: float = 20.0) -> T:
        """Do the work over there and return its result.

        Raises:
            TimeoutError: it has taken longer than `seconds`.
        """
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
