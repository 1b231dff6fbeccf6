"""What a run costs while it lasts: CPU of the bot, of PostgreSQL, of the load itself, and the load's own delays."""

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import Any, Self

from . import procfs
from .figures import percentile

_BEAT = 0.02


@dataclass(frozen=True, slots=True)
class Reading:
    """Clocks at one moment, in seconds."""

    at: float
    bot: float
    database: float | None
    load: float
    busy: float
    idle: float
    steal: float

    @classmethod
    def take(cls, bot: int, database: int | None) -> Self:
        """Read them: `bot` and `database` are the numbers of the root processes."""
        busy, idle, steal = procfs.machine_seconds()
        return cls(
            at=time.perf_counter(),
            bot=procfs.cpu_seconds(bot),
            database=procfs.cpu_seconds(database) if database else None,
            load=time.process_time(),
            busy=busy,
            idle=idle,
            steal=steal,
        )


class Pulse:
    """Measures how late this process gets to run what is due."""

    def __init__(self) -> None:
        self.delays: list[float] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            due = time.perf_counter() + _BEAT
            await asyncio.sleep(_BEAT)
            self.delays.append(max(0.0, time.perf_counter() - due))


def costs(before: Reading, after: Reading, replies: int, bot: int, pulse: Pulse) -> dict[str, Any]:
    """Return the costs between two readings, by names that say their units. CPU shares are of one core."""
    seconds = after.at - before.at
    database = None
    if before.database is not None and after.database is not None and replies:
        database = (after.database - before.database) / replies * 1000
    busy = after.busy - before.busy
    cores = busy + after.idle - before.idle + after.steal - before.steal
    known = after.bot - before.bot + after.load - before.load + (after.database or 0.0) - (before.database or 0.0)
    return {
        "cpu_ms_per_update": (after.bot - before.bot) / replies * 1000 if replies else None,
        "cpu_share": (after.bot - before.bot) / seconds,
        "database_cpu_ms_per_update": database,
        "load_cpu_share": (after.load - before.load) / seconds,
        "load_delay_p99_ms": percentile(pulse.delays, 0.99) * 1000 if pulse.delays else None,
        "others_cpu_share": max(0.0, busy - known) / seconds,
        "machine_busy_share": busy / cores if cores else None,
        "machine_steal_share": (after.steal - before.steal) / cores if cores else None,
        "memory": asdict(procfs.memory(bot)),
    }
