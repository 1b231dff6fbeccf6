"""Helpers for asyncio."""

import asyncio

import pytest

from kbju_bot.aio import Turns, happened, unless, whereabouts


async def test_turns_are_first_come_first_served_and_leave_nothing_behind() -> None:
    turns = Turns()
    order: list[str] = []
    first_holds = asyncio.Event()
    go = asyncio.Event()

    async def take(key: int, name: str) -> None:
        async with turns.take(key):
            first_holds.set()
            await go.wait()
            order.append(name)

    tasks = [asyncio.create_task(take(1, "a"))]
    await first_holds.wait()
    tasks += [asyncio.create_task(take(1, name)) for name in "bcd"]
    go.set()
    async with turns.take(2):
        pass
    await asyncio.gather(*tasks)
    assert order == list("abcd")
    assert len(turns) == 0


async def test_unless_cancels_the_work() -> None:
    event, cancelled = asyncio.Event(), asyncio.Event()

    async def work() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return "done"

    asyncio.get_running_loop().call_soon(event.set)
    assert await unless(event, work()) is None
    assert cancelled.is_set()


async def test_unless_returns_what_is_done() -> None:
    async def work() -> int:
        return 5

    assert await unless(asyncio.Event(), work()) == 5
    assert not await happened(asyncio.Event(), within=0)


async def test_unless_passes_failures_on() -> None:
    async def work() -> int:
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"):
        await unless(asyncio.Event(), work())


def test_whereabouts_quotes_nothing() -> None:
    try:
        float("83 kg")
    except ValueError as error:
        text = whereabouts(error)
    assert text.startswith("ValueError at test_aio.py:")
    assert "83" not in text.replace("test_aio.py:83", "")
