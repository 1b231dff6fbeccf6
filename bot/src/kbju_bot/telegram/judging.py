"""What becomes of a call that failed, by the kind of failure."""

import random
from dataclasses import dataclass
from typing import Any

from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, RetryAfter, TelegramError

from kbju_bot.aio import whereabouts
from kbju_bot.telegram.api import pause_of

_LONGEST_PAUSE = 60.0


@dataclass(frozen=True, slots=True)
class Sent:
    """Telegram accepted the call."""

    result: Any = None


@dataclass(frozen=True, slots=True)
class Retry:
    """The call is to be made again after `delay` seconds."""

    delay: float
    reason: str
    counts: bool = True
    """Whether something went wrong; False where the call only waits for its turn."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Telegram wants to be left alone for `delay` seconds: this chat, or altogether."""

    delay: float
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """The user does not want to hear from the bot."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The call can never succeed."""

    reason: str


Outcome = Sent | Retry | Refused | Blocked | Failed


def judge(error: Exception, attempts: int) -> Outcome:
    """Decide what becomes of a call that failed with `error` at attempt number `attempts`."""
    # The order matters: the library derives BadRequest from NetworkError, which is otherwise worth another try.
    match error:
        case RetryAfter():
            return Refused(pause_of(error), "too many requests")
        case Forbidden():
            return Blocked()
        case BadRequest() | ChatMigrated():
            return Failed(f"{type(error).__name__}: {error}")
        case InvalidToken():
            return Retry(_LONGEST_PAUSE / 2, "the bot's token is refused")
        case TelegramError() | TimeoutError() | OSError():
            longest = min(_LONGEST_PAUSE, 0.5 * 2.0 ** min(attempts - 1, 10))
            return Retry(longest * random.uniform(0.5, 1), type(error).__name__)  # noqa: S311 - to spread the load
        case _:
            return Failed(whereabouts(error))
