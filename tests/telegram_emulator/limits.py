"""Telegram's sending limits, for those who want to be held to them."""

from __future__ import annotations

import math
import time
from collections import deque

from .errors import too_many_requests


class Window:
    """At most ``limit`` events a second."""

    __slots__ = ("_limit", "_times")

    def __init__(self, limit: float) -> None:
        # Less than one a second is one event in a longer window.
        self._limit = limit
        self._times: deque[float] = deque()

    def wait(self) -> float:
        """Seconds until the next event fits; 0 when it fits now."""
        now = time.monotonic()
        span = max(1.0, 1.0 / self._limit)
        while self._times and self._times[0] <= now - span:
            self._times.popleft()
        if len(self._times) < max(1, int(self._limit)):
            return 0.0
        return self._times[0] + span - now

    def take(self) -> None:
        """Count an event."""
        self._times.append(time.monotonic())


class Limits:
    """The windows of one bot: all chats together, and each on its own."""

    def __init__(self, total: float | None, chat: float | None) -> None:
        self._chat_limit = chat
        self._total = Window(total) if total else None
        self._chats: dict[int, Window] = {}

    def check(self, chat_id: int) -> None:
        """Let one message pass, or raise 429."""
        windows = [self._total] if self._total else []
        if self._chat_limit:
            window = self._chats.get(chat_id)
            if window is None:
                window = self._chats[chat_id] = Window(self._chat_limit)
            windows.append(window)
        # A refused message must not use up the other window's room.
        wait = max((window.wait() for window in windows), default=0.0)
        if wait > 0:
            raise too_many_requests(max(1, math.ceil(wait)))
        for window in windows:
            window.take()
