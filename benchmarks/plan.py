"""What is measured: which bots, under which load, how long and how often."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

from .contenders import CONTENDERS, IN_FLIGHT

API_LATENCY_MS = 80.0
"""What a call of the Bot API takes from a NAS at home, in milliseconds."""

Kind = Literal["closed", "open", "drain"]
OURS = ("ours-webhook", "ours-polling")


@dataclass(frozen=True, slots=True)
class Run:
    """One bot under one load, started anew."""

    contender: str
    kind: Kind
    latency_ms: float
    seconds: float
    warmup: float
    per_minute: int = 0
    """Updates a minute, in an open loop."""
    count: int = 0
    """Updates that wait when the bot starts, in a drain."""
    round: int = 1

    @property
    def label(self) -> str:
        """For progress and errors."""
        load = {
            "closed": f"{IN_FLIGHT} in flight",
            "open": f"{self.per_minute} a minute",
            "drain": f"{self.count} waiting",
        }[self.kind]
        again = f", round {self.round}" if self.round > 1 else ""
        return f"{CONTENDERS[self.contender].title}: {load}, API {self.latency_ms:g} ms{again}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How thorough to be."""

    contenders: tuple[str, ...] = tuple(CONTENDERS)
    rounds: int = 2
    """How often each bot is measured with the API's latency; bots take turns."""
    instant: tuple[str, ...] = tuple(CONTENDERS)
    """The bots that are also measured without latency, once."""
    seconds: float = 4.0
    warmup: float = 1.5
    open_modes: tuple[str, ...] = OURS
    open_seconds: dict[int, float] = field(default_factory=lambda: {1_000: 24.0, 10_000: 16.0})
    """Updates a minute, and for how many seconds."""
    backlog: int = 5_000

    def runs(self) -> Iterator[Run]:
        """Yield what to run, in turn, so that a change of the machine's mood hits all."""
        closed = Run("", "closed", API_LATENCY_MS, self.seconds, self.warmup)
        for number in range(1, self.rounds + 1):
            for key in self.contenders:
                yield replace(closed, contender=key, round=number)
        for key in self.instant:
            yield replace(closed, contender=key, latency_ms=0.0)
        for per_minute, seconds in self.open_seconds.items():
            for key in self.open_modes:
                yield Run(key, "open", API_LATENCY_MS, seconds, 2.0, per_minute=per_minute)
        if self.backlog:
            for key in self.open_modes:
                yield Run(key, "drain", API_LATENCY_MS, 0.0, 0.0, count=self.backlog)


FULL = Plan()
QUICK = Plan(
    contenders=("ours-webhook", "ptb-webhook", "ours-polling", "ptb-polling", "aiogram-webhook"),
    rounds=1,
    instant=(),
    seconds=2.0,
    warmup=1.0,
    open_modes=("ours-webhook",),
    open_seconds={1_000: 6.0, 10_000: 5.0},
    backlog=1_000,
)
SMOKE = Plan(
    contenders=("ours-webhook", "ptb-polling"),
    rounds=1,
    instant=(),
    seconds=1.0,
    warmup=0.5,
    open_modes=("ours-webhook",),
    open_seconds={1_000: 2.0},
    backlog=100,
)
