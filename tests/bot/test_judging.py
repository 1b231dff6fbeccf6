"""What becomes of a call that failed."""

import pytest
from telegram.error import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from kbju_bot.telegram.judging import Blocked, Failed, Refused, Retry, judge


def test_retry_after_is_taken_at_its_word() -> None:
    assert judge(RetryAfter(17), 1) == Refused(17.0, "too many requests")


def test_refusals() -> None:
    assert judge(Forbidden("Forbidden: bot was blocked by the user"), 1) == Blocked()
    assert judge(BadRequest("Bad Request: chat not found"), 1) == Failed("BadRequest: Chat not found")
    assert isinstance(judge(TypeError("secret"), 1), Failed)


@pytest.mark.parametrize(
    "error",
    [NetworkError("x"), TimedOut(), Conflict("x"), InvalidToken(), TelegramError("x"), TimeoutError(), OSError()],
)
@pytest.mark.parametrize("attempts", [1, 5, 100, 100_000])
def test_what_may_pass_is_never_given_up(error: Exception, attempts: int) -> None:
    outcome = judge(error, attempts)
    assert isinstance(outcome, Retry)
    assert 0 < outcome.delay <= 60


def test_pauses_grow() -> None:
    delays = [outcome.delay for n in (1, 4, 7) if isinstance(outcome := judge(NetworkError("x"), n), Retry)]
    assert delays == sorted(delays)
    assert delays[0] <= 0.5
    assert delays[-1] >= 16
