"""Telegram's limits, by a clock that the test turns."""

from kbju_bot.telegram.limits import Bucket, Limits


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def drain(limits: Limits, chat: int) -> int:
    sent = 0
    while limits.free and not limits.chat_wait(chat) and sent < 1000:
        limits.take(chat)
        sent += 1
    return sent


def test_a_bucket_lets_its_rate_through() -> None:
    clock = Clock()
    bucket = Bucket(10, 10, clock)
    for _ in range(10):
        assert not bucket.wait
        bucket.take()
    assert 0.09 < bucket.wait <= 0.1
    clock.now += 0.1
    assert bucket.wait < 1e-9
    clock.now += 3600
    assert bucket.free == 10


def test_all_chats_share_the_rate() -> None:
    clock = Clock()
    limits = Limits(rate=30, chat_rate=0, chat_burst=5, clock=clock)
    assert drain(limits, 1) + drain(limits, 2) == 30
    assert limits.wait > 0
    clock.now += 1
    assert drain(limits, 3) == 30


def test_a_chat_has_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    limits = Limits(rate=0, chat_rate=1, chat_burst=5, clock=clock)
    assert drain(limits, 1) == 5
    assert 0 < limits.chat_wait(1) <= 1
    assert limits.chat_wait(2) == 0
    clock.now += 2
    assert drain(limits, 1) == 2


def test_no_limit() -> None:
    limits = Limits(rate=0, chat_rate=0, chat_burst=5, clock=Clock())
    assert drain(limits, 1) == 1000
    assert limits.wait == 0


def test_one_refused_chat_halts_nobody_else_two_halt_all() -> None:
    clock = Clock()
    limits = Limits(rate=30, chat_rate=1, chat_burst=5, clock=clock)
    limits.refused(1, 7)
    limits.refused(1, 7)
    assert limits.free == 30
    limits.refused(2, 7)
    assert limits.free == 0
    assert limits.wait == 7
    clock.now += 7
    assert limits.free == 30


def test_refusals_long_apart_are_the_chats_own() -> None:
    clock = Clock()
    limits = Limits(rate=30, chat_rate=1, chat_burst=5, clock=clock)
    limits.refused(1, 7)
    clock.now += 1.5
    limits.refused(2, 7)
    assert limits.free == 30


def test_chats_that_went_quiet_take_no_memory() -> None:
    clock = Clock()
    limits = Limits(rate=0, chat_rate=1, chat_burst=5, clock=clock)
    for chat in range(20_000):
        limits.take(chat)
        clock.now += 0.01
    assert len(limits._chats) < 5000
