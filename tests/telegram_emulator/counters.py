"""What has happened so far, as numbers that tests compare."""

from __future__ import annotations

import time
from collections import Counter, deque
from dataclasses import dataclass, field

from .errors import Json


class Rate:
    """The most events that fell into any one second."""

    __slots__ = ("_times", "highest")

    def __init__(self) -> None:
        self._times: deque[float] = deque()
        self.highest = 0

    def tick(self) -> int:
        """Count one event now and return the highest number so far."""
        now = time.monotonic()
        times = self._times
        times.append(now)
        while times[0] <= now - 1.0:
            times.popleft()
        self.highest = max(self.highest, len(times))
        return self.highest


@dataclass(slots=True)
class Counters:
    """Numbers of one bot."""

    methods: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    created: int = 0
    filtered: int = 0
    delivered: int = 0
    confirmed: int = 0
    duplicates: int = 0
    webhook_attempts: int = 0
    webhook_ok: int = 0
    webhook_failed: int = 0
    conflicts: int = 0
    messages: Rate = field(default_factory=Rate)
    chat_rate: int = 0

    def view(self, pending: int) -> Json:
        """The numbers as the control API shows them."""
        return {
            "methods": dict(self.methods),
            "statuses": dict(self.statuses),
            "updates": {
                "created": self.created,
                "filtered": self.filtered,
                "delivered": self.delivered,
                "confirmed": self.confirmed,
                "pending": pending,
                "duplicates": self.duplicates,
            },
            "webhook": {
                "attempts": self.webhook_attempts,
                "ok": self.webhook_ok,
                "failed": self.webhook_failed,
            },
            "conflicts_409": self.conflicts,
            "messages_per_second_max": self.messages.highest,
            "messages_per_second_max_one_chat": self.chat_rate,
        }
