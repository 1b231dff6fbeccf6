"""What can be set when the emulator starts."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

WELL_FORMED_TOKEN = re.compile(r"\d{1,17}:[A-Za-z0-9_-]{3,}")


def first_update_id() -> int:
    """Where numbering starts: higher at every start, and within 31 bits.

    A bot remembers the updates it has seen, and the offset it has reached. A restarted emulator that counted from one
    again would look to it like a long row of duplicates.
    """
    return int((time.time() - 1_700_000_000) * 10) % 2**31


@dataclass(frozen=True, slots=True)
class Config:
    """Options of one emulator."""

    tokens: tuple[str, ...] = ()
    """The bots that exist. Empty: every well-formed token is a bot."""
    any_webhook: bool = False
    """Accept webhooks over plain HTTP and on any port."""
    chat_limit: float | None = None
    """Messages a second to one chat."""
    total_limit: float | None = None
    """Messages a second in all."""
    latency: Mapping[str, float] = field(default_factory=dict)
    """Seconds each call takes, by lower-case method name; ``*`` for the methods not named."""
    webhook_timeout: float = 30.0
    webhook_backoff: float = 0.5
    webhook_backoff_max: float = 30.0
    max_pending: int = 100_000
    max_messages: int = 2_000
    max_file_bytes: int = 256 * 1024 * 1024
    max_body_bytes: int = 60 * 1024 * 1024
    first_update_id: int = field(default_factory=first_update_id)

    def latency_of(self, method: str) -> float:
        """Seconds a call of this method (lower case) is held before it is carried out."""
        return self.latency.get(method, self.latency.get("*", 0.0))
