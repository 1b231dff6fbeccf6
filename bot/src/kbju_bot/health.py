"""Whether the bot can do its work: what it depends on is asked in the background, readiness is answered from memory."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kbju_bot.logs import Redactor
from kbju_bot.metrics import Metrics
from kbju_bot.storage.errors import brief

log = logging.getLogger(__name__)
_redact = Redactor()


@dataclass(slots=True)
class _Check:
    patience: float
    since: float
    succeeded_at: float | None = None
    failing: str | None = "not asked yet"


class Readiness:
    """What is known of each dependency. A dependency is well within `patience` seconds of its last success."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._checks: dict[str, _Check] = {}
        self.state = "starting"
        """What the bot is doing: starting, polling, standby, webhook or stopping."""

    def expect(self, name: str, patience: float) -> None:
        """Add a dependency. With a patience of 0 a single failure counts."""
        self._checks[name] = _Check(patience, time.monotonic())
        self._metrics.dependency_up.labels(name).set(0)

    def succeeded(self, name: str) -> None:
        """Note that the dependency answered."""
        check = self._checks[name]
        if check.failing and check.succeeded_at is not None:
            log.info("%s answers again", name)
        check.succeeded_at, check.failing = time.monotonic(), None
        self._metrics.dependency_up.labels(name).set(1)

    def failed(self, name: str, reason: str) -> None:
        """Note that the dependency did not answer."""
        # It is shown to whoever asks /readyz.
        reason = _redact(reason)
        check = self._checks[name]
        if check.failing is None:
            log.warning("%s does not answer: %s", name, reason)
        check.failing = reason
        self._metrics.dependency_up.labels(name).set(0)

    def report(self) -> tuple[bool, dict[str, object]]:
        """Return whether the bot is ready, and for each dependency whether it is well and why not."""
        checks: dict[str, object] = {}
        ready = self.state not in {"starting", "stopping"}
        for name, check in self._checks.items():
            recent = check.succeeded_at is not None and time.monotonic() - check.succeeded_at <= check.patience
            well = check.failing is None or recent
            checks[name] = {"ok": True} if well else {"ok": False, "reason": check.failing}
            ready = ready and well
        return ready, {"ready": ready, "state": self.state, "checks": checks}


async def keep_asking(
    readiness: Readiness, name: str, ask: Callable[[], Awaitable[object]], *, interval: float
) -> None:
    """Ask a dependency every `interval` seconds, giving it as long to answer but 5 seconds at most, for ever."""
    while True:
        try:
            async with asyncio.timeout(min(5.0, max(interval, 1.0))):
                await ask()
        except Exception as error:
            readiness.failed(name, brief(error))
        else:
            readiness.succeeded(name)
        await asyncio.sleep(interval)
