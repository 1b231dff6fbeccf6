"""The benchmark's instruments: users, clocks, and the whole of it once, small."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import procfs
from benchmarks.crowd import QUIET, TEXT, Crowd
from benchmarks.ledger import Ledger
from telegram_emulator.bot import Bot
from telegram_emulator.config import Config

REPOSITORY = Path(__file__).resolve().parents[2]
SMOKE = [sys.executable, "-m", "benchmarks", "--plan", "smoke", "--no-targets"]


class Talker:
    """A bot that answers what it is told to."""

    def __init__(self) -> None:
        self.bot = Bot("1:abc", Config())
        self.crowd = Crowd(self.bot)

    def answer(self, user: int, text: str = TEXT) -> None:
        self.bot.send(self.bot.chat(user), self.bot.new_message(text=text))

    def next(self) -> int:
        update = self.bot.queue.take(1)[0]
        self.bot.queue.confirm(update.id + 1)
        return update.chat_id


def test_replies_are_paired_with_updates_in_order() -> None:
    ledger = Ledger()
    ledger.write(1, 10.0)
    ledger.write(1, 11.0)
    ledger.write(2, 12.0)
    for user, now in ((1, 20.0), (2, 21.0)):
        assert ledger.reply(user, now, TEXT, TEXT)
    assert [one.waited for one in ledger.answered] == [10.0, 9.0]
    assert (ledger.open, ledger.surplus, ledger.wrong) == (1, 0, {})


def test_a_second_reply_is_noticed() -> None:
    talker = Talker()
    talker.crowd.write(7)
    talker.answer(7)
    assert talker.crowd.ledger.surplus == 0
    talker.answer(7)
    assert talker.crowd.ledger.surplus == 1


def test_an_apology_is_no_reply() -> None:
    talker = Talker()
    talker.crowd.write(7)
    talker.answer(7, "Sorry, something broke")
    assert talker.crowd.ledger.wrong == {"Sorry, something broke": 1}


async def test_lost_replies_are_waited_for_and_then_counted() -> None:
    talker = Talker()
    talker.crowd.write(7)
    talker.crowd.write(8)
    asyncio.get_running_loop().call_later(QUIET + 0.2, talker.answer, 7)
    await talker.crowd.settle(QUIET + 0.4)
    assert talker.crowd.ledger.open == 1
    assert talker.crowd.ledger.answered[0].waited == pytest.approx(QUIET + 0.2, abs=0.15)


async def test_every_user_has_one_update_in_flight() -> None:
    talker = Talker()
    talking = asyncio.create_task(talker.crowd.converse([1, 2, 3], 0.5))
    for _ in range(30):
        await asyncio.sleep(0.005)
        assert talker.crowd.ledger.open == len(talker.bot.queue) == 3
        talker.answer(talker.next())
    await talking
    talker.answer(talker.next())
    await asyncio.sleep(0)
    assert talker.crowd.ledger.open == 2


async def test_arrivals_keep_their_rate_whatever_the_bot_does() -> None:
    talker = Talker()
    started = time.perf_counter()
    await talker.crowd.arrive([1, 2, 3], rate=400, seconds=1)
    assert 340 <= talker.crowd.ledger.open <= 460
    assert 0.9 <= time.perf_counter() - started <= 1.5


@pytest.fixture
def family() -> Iterator[int]:
    """A process that burns 0.3 s, a child of it that burns 0.3 s and ends, and one that stays."""
    burn = "import time\nwhile time.process_time() < 0.3: pass\n"
    code = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {burn!r}])\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])\n"
        f"{burn}print('ready', flush=True)\n"
        "sys.stdin.read()\nchild.kill()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process.pid
        process.stdin.close()


def test_cpu_and_memory_are_those_of_the_whole_family(family: int) -> None:
    assert 0.55 <= procfs.cpu_seconds(family) <= 1.2
    memory = procfs.memory(family)
    assert memory.processes == 2
    assert memory.rss > memory.pss > 5


def alive(pid: int) -> bool:
    try:
        return not Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].startswith(" Z")
    except FileNotFoundError:
        return False


def containers(pid: int) -> set[str]:
    command = ["docker", "ps", "--all", "--quiet", f"--filter=name=kbju-bench-{pid}-"]
    return set(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())


def test_a_small_benchmark_of_the_real_bot(tmp_path: Path) -> None:
    output = tmp_path / "results" / "bot.json"
    command = [*SMOKE, "--output", str(output)]
    with subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as done:
        said, errors = done.communicate()
    assert done.returncode == 0, said + errors
    told = json.loads(output.read_text())
    assert [run["contender"] for run in told["runs"]] == ["ours-webhook", "ptb-polling", "ours-webhook", "ours-webhook"]
    assert all(run["lost"] == run["surplus"] == 0 and run["cpu_ms_per_update"] > 0 for run in told["runs"])
    assert 0 < told["p99_s_at_1000_rpm"] < 5
    assert 20 < told["rss_mb"] < 1000
    assert "ours, webhook, PostgreSQL" in said
    assert not containers(done.pid)


def test_an_interrupted_benchmark_leaves_nothing_behind() -> None:
    # What a shell starts in the background ignores SIGINT, and so does all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(SMOKE, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True) as process:
        signal.signal(signal.SIGINT, before)
        assert process.stderr is not None
        next(line for line in process.stderr if "gets its users" in line)
        end = time.monotonic() + 60
        # The load, and the first bot.
        while len(pids := procfs.tree(process.pid)) < 3 or not any(b"kbju_bot\0run" in command(pid) for pid in pids):
            assert time.monotonic() < end
            time.sleep(0.1)
        assert containers(process.pid)
        os.kill(process.pid, signal.SIGINT)
        process.stderr.read()
        assert process.wait(60) == 130
    assert not any(alive(pid) for pid in pids)
    assert not containers(process.pid)


def command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""
