"""Long polling: one receiver at a time, the newest wins."""

from __future__ import annotations

import asyncio

from .counters import Counters
from .errors import ApiError, conflict
from .updates import Update, UpdateQueue

MAX_TIMEOUT = 50


class Polling:
    """The getUpdates side of one bot."""

    def __init__(self, queue: UpdateQueue, counters: Counters) -> None:
        self._queue = queue
        self._counters = counters
        self._waiter: asyncio.Future[None] | None = None

    async def get(self, offset: int, limit: int, timeout: float) -> list[Update]:  # noqa: ASYNC109 - the name in the Bot API
        """Confirm what is below the offset and return what follows, waiting for the first of it if need be."""
        if self._waiter is not None and not self._waiter.done():
            self._counters.conflicts += 1
            self.terminate(
                conflict("terminated by other getUpdates request; make sure that only one bot instance is running")
            )
        self._queue.confirm(offset)
        batch = self._queue.take(limit)
        if batch or timeout <= 0:
            return batch
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(min(timeout, MAX_TIMEOUT)):
                await waiter
        except TimeoutError:
            return []
        finally:
            if self._waiter is waiter:
                self._waiter = None
        return self._queue.take(limit)

    def wake(self) -> None:
        """An update has arrived."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def terminate(self, error: ApiError) -> None:
        """End the poll that waits, if one does, with this error."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)
