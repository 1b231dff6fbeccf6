"""Who waits for which reply, and how long those waited who got theirs."""

from collections import Counter, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answered:
    """One update and its reply, in seconds of one clock."""

    written: float
    replied: float

    @property
    def waited(self) -> float:
        """How long the user waited, in seconds."""
        return self.replied - self.written


class Ledger:
    """Pairs replies with updates: a chat's first reply answers its first update that has none yet."""

    def __init__(self) -> None:
        self.answered: list[Answered] = []
        self.surplus = 0
        """Replies that answer nothing: some update was answered twice."""
        self.wrong: Counter[str] = Counter()
        """Replies with another text than the right one, by the beginning of their text."""
        self._waiting: dict[int, deque[float]] = {}
        self._open = 0

    @property
    def open(self) -> int:
        """How many updates have no reply."""
        return self._open

    def write(self, user: int, now: float) -> None:
        """Note that an update is available to the bot."""
        self._waiting.setdefault(user, deque()).append(now)
        self._open += 1

    def reply(self, user: int, now: float, text: str, expected: str) -> bool:
        """Note that a reply has arrived; return whether the user waited for it."""
        if expected not in text:
            self.wrong[text[:40]] += 1
        waiting = self._waiting.get(user)
        if not waiting:
            self.surplus += 1
            return False
        self._open -= 1
        self.answered.append(Answered(waiting.popleft(), now))
        return True
