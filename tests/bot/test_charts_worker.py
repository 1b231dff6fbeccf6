"""The process that draws charts: started, shared, lost, replaced and stopped."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop

from kbju_bot.charts.spec import decode, encode
from kbju_bot.charts.worker import ChartBusyError, ChartError, ChartPainter

from .charts import LAST_DAY, LONG, WEEKS, chart_of, numbered
from .support import eventually


@pytest.fixture
async def painter() -> AsyncIterator[ChartPainter]:
    painter = ChartPainter(timeout=60)
    yield painter
    await painter.close()


def runs_still(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def proc(pid: int, name: str) -> str:
    return Path(f"/proc/{pid}/{name}").read_text()


def memory(pid: int, field: str) -> int:
    """Return a memory figure of the process in MB."""
    lines = proc(pid, "status").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{field}:")) // 1024


def worker_of(painter: ChartPainter) -> int:
    pid = painter.worker_pid
    assert pid is not None
    return pid


async def test_every_worker_draws_the_same(painter: ChartPainter) -> None:
    assert painter.worker_pid is None
    other = ChartPainter(timeout=60, cache_bytes=0)
    one, same, again = await asyncio.gather(painter.paint(LONG), other.paint(LONG), other.paint(WEEKS))
    assert one.startswith(b"\x89PNG")
    assert one == same != again
    assert await other.paint(WEEKS) == again
    assert other.drawn == 3
    await other.close()


async def test_a_known_picture_needs_no_worker(painter: ChartPainter) -> None:
    picture = await painter.paint(WEEKS)
    os.kill(worker_of(painter), signal.SIGSTOP)
    async with asyncio.timeout(5):
        assert await painter.paint(decode(encode(WEEKS))) == picture
    assert painter.drawn == 1


async def test_equal_charts_asked_for_at_once_are_drawn_once(painter: ChartPainter) -> None:
    async with asyncio.timeout(60):
        pictures = await asyncio.gather(*(painter.paint(WEEKS) for _ in range(10)), painter.paint(numbered(1)))
    assert len(set(pictures)) == 2
    assert painter.drawn == 2


async def test_a_killed_worker_is_replaced(painter: ChartPainter) -> None:
    await painter.paint(numbered(1))
    first = worker_of(painter)
    os.kill(first, signal.SIGKILL)
    assert await painter.paint(numbered(2))
    second = worker_of(painter)
    assert second != first
    # This time in the midst of its work.
    os.kill(second, signal.SIGSTOP)
    picture = asyncio.create_task(painter.paint(numbered(3)))
    done, _ = await asyncio.wait([picture], timeout=0.2)
    assert not done
    os.kill(second, signal.SIGKILL)
    assert await picture
    assert worker_of(painter) != second
    assert not runs_still(first)
    assert not runs_still(second)


async def test_a_worker_that_always_dies_is_an_error_and_no_reason_to_give_up(
    painter: ChartPainter, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        with pytest.raises(ChartError, match="dies"):
            await painter.paint(WEEKS)
        assert caplog.text.count("the chart worker is gone") == 2
        patch.setattr(sys, "executable", "/nowhere/python")
        with pytest.raises(ChartError, match="FileNotFoundError"):
            await painter.paint(WEEKS)
    assert await painter.paint(WEEKS)


async def test_a_chart_the_worker_fails_at_is_an_error_without_a_value_in_it(
    painter: ChartPainter, caplog: pytest.LogCaptureFixture
) -> None:
    impossible = chart_of([(LAST_DAY, 77.5, None)], title="half a character: \ud83d")
    with pytest.raises(ChartError, match=r"^\w+ at [a-z_]+\.py:[0-9]+$"):
        await painter.paint(impossible)
    pid = worker_of(painter)
    assert await painter.paint(WEEKS)
    assert worker_of(painter) == pid
    assert "a chart can't be drawn" in caplog.text
    assert "77.5" not in caplog.text
    assert "half" not in caplog.text


async def test_a_picture_that_takes_too_long_costs_its_worker(painter: ChartPainter) -> None:
    await painter.paint(numbered(1))
    first = worker_of(painter)
    os.kill(first, signal.SIGSTOP)
    painter.timeout = 0.2
    async with asyncio.timeout(10):
        with pytest.raises(ChartError, match="too long"):
            await painter.paint(numbered(2))
    assert not runs_still(first)
    painter.timeout = 60
    assert await painter.paint(numbered(2))


async def test_callers_that_go_away_break_nothing(painter: ChartPainter) -> None:
    callers = [asyncio.create_task(painter.paint(numbered(index))) for index in (1, 1, 2)]
    await eventually(lambda: painter.worker_pid)
    for caller in callers[1:]:
        caller.cancel()
    picture = await callers[0]
    assert await painter.paint(numbered(1)) == picture
    assert all(
        isinstance(r, asyncio.CancelledError) for r in await asyncio.gather(*callers[1:], return_exceptions=True)
    )
    assert await painter.paint(numbered(2))
    assert painter.drawn == 2


async def test_too_many_waiting_charts_are_refused() -> None:
    painter = ChartPainter(timeout=60, waiting=2)
    await painter.paint(numbered(0))
    os.kill(worker_of(painter), signal.SIGSTOP)
    callers = [asyncio.create_task(painter.paint(numbered(index))) for index in (1, 2, 3)]
    await asyncio.wait(callers, timeout=0.05)
    with pytest.raises(ChartBusyError):
        await painter.paint(numbered(4))
    # One that waits already does not wait twice, one that is known does not wait.
    callers.append(asyncio.create_task(painter.paint(numbered(3))))
    assert await painter.paint(numbered(0))
    os.kill(worker_of(painter), signal.SIGCONT)
    assert len(set(await asyncio.gather(*callers))) == 3
    assert await painter.paint(numbered(4))
    await painter.close()


async def test_an_idle_worker_goes_and_comes_back() -> None:
    painter = ChartPainter(timeout=60, idle_seconds=0.1)
    for index in range(2):
        await painter.paint(numbered(index))
        pid = worker_of(painter)
        await eventually(lambda pid=pid: painter.worker_pid is None and not runs_still(pid))
    assert painter.drawn == 2
    await painter.close()


async def test_closing_leaves_nothing_and_nobody_waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    painter = ChartPainter(timeout=60)
    await painter.paint(numbered(0))
    assert os.listdir(tmp_path)
    pid = worker_of(painter)
    os.kill(pid, signal.SIGSTOP)
    callers = [asyncio.create_task(painter.paint(numbered(index))) for index in (1, 2)]
    await asyncio.wait(callers, timeout=0.05)
    async with asyncio.timeout(10):
        await painter.close()
        results = await asyncio.gather(*callers, return_exceptions=True)
    assert [type(result) for result in results] == [ChartError] * 2
    assert not runs_still(pid)
    assert not os.listdir(tmp_path)
    with pytest.raises(ChartError):
        await painter.paint(numbered(0))
    await painter.close()


async def test_the_worker_is_small_and_modest_and_knows_no_secrets(
    painter: ChartPainter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_TOKEN", "not-for-the-worker")
    for index in range(12):
        await painter.paint(chart_of([(LAST_DAY, 70.0 + index, 14.0)]))
    pid = worker_of(painter)
    assert memory(pid, "VmHWM") <= 95
    assert "not-for-the-worker" not in proc(pid, "environ")
    assert proc(pid, "oom_score_adj").strip() == "500"
    assert os.getpriority(os.PRIO_PROCESS, pid) > os.getpriority(os.PRIO_PROCESS, 0)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def test_one_painter_serves_loops_one_after_another(run: Callable[..., Any]) -> None:
    painter = ChartPainter(timeout=60)
    pids = []

    async def work(index: int) -> None:
        assert await painter.paint(numbered(index))
        pids.append(worker_of(painter))

    run(work(0))
    assert not runs_still(pids[0]), "the worker outlives its loop"
    run(work(1))
    run(painter.close())
    assert painter.drawn == 2


def test_under_uvloop_callers_and_workers_may_go_away() -> None:
    async def work() -> None:
        painter = ChartPainter(timeout=60)
        await painter.paint(numbered(1))
        first = worker_of(painter)
        os.kill(first, signal.SIGSTOP)
        callers = [asyncio.create_task(painter.paint(numbered(2))) for _ in range(2)]
        await asyncio.wait(callers, timeout=0.05)
        callers[0].cancel()
        os.kill(first, signal.SIGKILL)
        assert await callers[1]
        os.kill(worker_of(painter), signal.SIGSTOP)
        painter.timeout = 0.1
        with pytest.raises(ChartError, match="too long"):
            await painter.paint(numbered(3))
        await painter.close()

    uvloop.run(work())


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_a_loop_closed_in_the_midst_of_work_is_left_behind(new_loop: Callable[[], asyncio.AbstractEventLoop]) -> None:
    painter = ChartPainter(timeout=60)

    async def leave() -> None:
        await painter.paint(numbered(0))
        os.kill(worker_of(painter), signal.SIGSTOP)
        left.append(asyncio.ensure_future(painter.paint(numbered(1))))
        await asyncio.sleep(0)

    left: list[asyncio.Future[bytes]] = []
    loop = new_loop()
    loop.run_until_complete(leave())
    loop.close()
    pid = worker_of(painter)

    async def go_on() -> None:
        picture = asyncio.create_task(painter.paint(numbered(1)))
        await asyncio.sleep(0)
        # What was left is thrown away in the midst of the new work, and must not take that along.
        left.clear()
        gc.collect()
        assert await picture
        await painter.close()

    loop = new_loop()
    loop.run_until_complete(go_on())
    loop.close()
    assert not runs_still(pid)
