"""Charts without matplotlib in the bot: a worker process draws them and goes away when it is not needed."""

import asyncio
import contextlib
import logging
import tempfile

from kbju_bot.aio import happened, whereabouts
from kbju_bot.charts.cache import ByteCache
from kbju_bot.charts.process import Worker, WorkerFailedError, WorkerGoneError
from kbju_bot.charts.spec import Chart, encode, key_of

log = logging.getLogger(__name__)

_GRACE = 5.0
"""Seconds that the worker's own alarm comes after the painter's: the painter is the one to know."""
_ATTEMPTS = 2


class ChartError(Exception):
    """The chart can't be drawn (now). The text quotes nothing of it."""


class ChartBusyError(ChartError):
    """Too many charts wait already."""


class _Job:
    def __init__(self, chart: bytes, future: asyncio.Future[bytes]) -> None:
        self.chart = chart
        self.future = future


class ChartPainter:
    """Draws charts, one after another, in a worker process that runs only as long as there is work.

    `idle_seconds`: how long the worker stays without work. `timeout`: how long one picture may take, in seconds, the
    worker's start included but not the wait for other pictures. `cache_bytes`: how much of the pictures is kept.
    `waiting`: how many charts may wait for the one being drawn. Made anywhere; used by one event loop at a time.
    """

    def __init__(
        self,
        *,
        idle_seconds: float = 120.0,
        timeout: float = 20.0,
        cache_bytes: int = 8 * 1024 * 1024,
        waiting: int = 64,
    ) -> None:
        self.idle_seconds = idle_seconds
        self.timeout = timeout
        self._waiting = waiting
        self._cache = ByteCache(cache_bytes)
        # In the order they came; the first one is being drawn.
        self._jobs: dict[str, _Job] = {}
        self._more = asyncio.Event()
        self._runner: asyncio.Task[None] | None = None
        self._worker: Worker | None = None
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._closed = False
        self.drawn = 0
        """Pictures drawn so far, those from the cache not counted."""

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id while it runs."""
        return self._worker.pid if self._worker is not None else None

    async def paint(self, chart: Chart) -> bytes:
        """Return the chart as PNG. Raises ChartError or, where too many are waiting, ChartBusyError.

        Equal charts are drawn once. What is begun is finished even if nobody waits for it any more: whoever asked is
        likely to ask again.
        """
        if self._closed:
            raise ChartError("the painter is closed")
        encoded = encode(chart)
        key = key_of(encoded)
        picture = self._cache.get(key)
        if picture is not None:
            return picture
        self._adopt()
        job = self._jobs.get(key)
        if job is None:
            if len(self._jobs) > self._waiting:
                raise ChartBusyError(f"{self._waiting} charts are waiting already")
            job = self._jobs[key] = _Job(encoded, asyncio.get_running_loop().create_future())
            # Where nobody waits any more the error has no reader, and asyncio would complain.
            job.future.add_done_callback(lambda future: future.exception())
            self._more.set()
            if self._runner is None or self._runner.done():
                self._runner = asyncio.create_task(self._run(), name="charts")
        return await asyncio.shield(job.future)

    async def close(self) -> None:
        """Stop the worker, fail what waits, forget the pictures. `paint` raises ChartError from now on."""
        self._closed = True
        self._adopt()
        if self._runner is not None:
            self._runner.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._runner
            self._runner = None
        # A runner that was cancelled before its first step stopped nothing.
        self._abandon()
        self._cache.clear()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def _adopt(self) -> None:
        """Leave behind what another event loop, closed without cancelling its tasks, did not finish."""
        if self._runner is not None and self._runner.get_loop() is not asyncio.get_running_loop():
            self._runner = None
            self._jobs.clear()
            self._abandon()
            self._more = asyncio.Event()

    async def _run(self) -> None:
        this = asyncio.current_task()
        try:
            while True:
                while self._jobs:
                    await self._next()
                self._more.clear()
                if await happened(self._more, within=self.idle_seconds):
                    continue
                await self._stop_worker()
                if not self._jobs:
                    return
        finally:
            # A task that its loop left pending gets here when it is thrown away: others are at work by then.
            if self._runner is this:
                self._abandon()

    async def _next(self) -> None:
        key, job = next(iter(self._jobs.items()))
        try:
            picture = await self._draw(job.chart)
        except ChartError as error:
            job.future.set_exception(error)
        except Exception as error:
            log.error("a chart can't be drawn: %s", whereabouts(error))  # noqa: TRY400 - a traceback may quote the chart
            job.future.set_exception(ChartError(whereabouts(error)))
        else:
            self.drawn += 1
            self._cache.put(key, picture)
            job.future.set_result(picture)
        del self._jobs[key]

    async def _draw(self, chart: bytes) -> bytes:
        for _ in range(_ATTEMPTS):
            try:
                async with asyncio.timeout(self.timeout):
                    return await self._start_worker().draw(chart)
            except WorkerFailedError as error:
                log.error("a chart can't be drawn: %s", error)  # noqa: TRY400 - the traceback is not the worker's
                raise ChartError(str(error)) from None
            except TimeoutError:
                log.warning("a chart takes longer than %g s, its worker is stopped", self.timeout)
                await self._stop_worker()
                raise ChartError("it takes too long") from None
            except WorkerGoneError as error:
                log.warning("the chart worker is gone: %s", error)
                await self._stop_worker()
        raise ChartError("its worker dies")

    def _start_worker(self) -> Worker:
        if self._worker is None:
            if self._directory is None:
                self._directory = tempfile.TemporaryDirectory(prefix="kbju-charts-", ignore_cleanup_errors=True)
            self._worker = Worker(self._directory.name, self.timeout + _GRACE)
        return self._worker

    async def _stop_worker(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            # Its end may take a while on a busy disk.
            await asyncio.shield(asyncio.to_thread(worker.stop))

    def _abandon(self) -> None:
        """Fail what waits and stop the worker, at once."""
        for job in self._jobs.values():
            if not job.future.done():
                job.future.set_exception(ChartError("the painter stops"))
        self._jobs.clear()
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.stop()
