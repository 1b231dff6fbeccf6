"""Telegram's limits: so many messages a second in all, and so many in one chat."""

import time
from collections.abc import Callable


class Bucket:
    """Lets `rate` things a second through, `burst` of them at once. A rate of 0 lets everything through."""

    def __init__(self, rate: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._level = burst
        self._at = clock()

    @property
    def free(self) -> float:
        """How many things may pass now."""
        if not self._rate:
            return float("inf")
        now = self._clock()
        self._level = min(self._burst, self._level + (now - self._at) * self._rate)
        self._at = now
        return self._level

    def take(self) -> None:
        """Count one thing that passes."""
        if self._rate:
            self._level = self.free - 1

    @property
    def wait(self) -> float:
        """How long until the next thing may pass, in seconds."""
        missing = 1 - self.free
        return max(0.0, missing / self._rate) if self._rate else 0.0

    @property
    def idle(self) -> bool:
        """Whether it is as if it had never been used."""
        return self.free >= self._burst


class Limits:
    """What may be sent now, in all and to each chat, by this instance."""

    def __init__(
        self, *, rate: float, chat_rate: float, chat_burst: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Rates are messages a second; 0 is no limit."""
        self._clock = clock
        self._all = Bucket(rate, max(1.0, rate), clock)
        self._chat_rate = chat_rate
        self._chat_burst = chat_burst
        self._chats: dict[int, Bucket] = {}
        self._halted_until = 0.0
        self._refused: tuple[float, int] | None = None

    @property
    def free(self) -> int:
        """How many messages may be sent now; a large number where there is no limit."""
        if self._clock() < self._halted_until:
            return 0
        return int(min(self._all.free, 1_000_000))

    @property
    def wait(self) -> float:
        """How long until a message may be sent, in seconds."""
        return max(self._all.wait, self._halted_until - self._clock(), 0.0)

    def chat_wait(self, chat: int) -> float:
        """How long until a message may be sent to this chat, in seconds."""
        bucket = self._chats.get(chat)
        return bucket.wait if bucket else 0.0

    def take(self, chat: int) -> None:
        """Count a message that is being sent."""
        self._all.take()
        if not self._chat_rate:
            return
        if chat not in self._chats:
            self._forget_idle()
            self._chats[chat] = Bucket(self._chat_rate, self._chat_burst, self._clock)
        self._chats[chat].take()

    def refused(self, chat: int, pause: float) -> None:
        """Note that Telegram wants to be left alone for `pause` seconds.

        It does not say whether about one chat or altogether. Two chats within a second mean the latter.
        """
        now = self._clock()
        if self._refused and self._refused[1] != chat and now - self._refused[0] < 1.0:
            self._halted_until = max(self._halted_until, now + pause)
        self._refused = (now, chat)

    def _forget_idle(self) -> None:
        if len(self._chats) >= 4096:
            self._chats = {chat: bucket for chat, bucket in self._chats.items() if not bucket.idle}
