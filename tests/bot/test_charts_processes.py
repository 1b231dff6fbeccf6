"""The bot's process and its worker's, seen from outside."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from kbju_bot.charts.child import ANSWER, REQUEST
from kbju_bot.charts.spec import encode

from .charts import WEEKS
from .support import SOURCES

BOT = """
import asyncio, sys
from datetime import date
from kbju_bot.charts.spec import Chart, Point
from kbju_bot.charts.worker import ChartPainter

async def main():
    painter = ChartPainter(timeout=60)
    chart = Chart((Point(date(2026, 11, 23), 80.0, 14.0),), "Вес", "кг", "%", "ru", None)
    await painter.paint(chart)
    heavy = sorted({"matplotlib", "numpy", "PIL"} & set(sys.modules))
    print(painter.worker_pid, *heavy, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await painter.close()

asyncio.run(main())
"""


def start_bot(**options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", BOT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def test_the_bot_does_not_load_what_the_worker_needs_and_logs_nothing(tmp_path: Path) -> None:
    # The home directory can't be written to, and the font list of an earlier start is not there.
    environment = {"HOME": "/proc", "TMPDIR": str(tmp_path), "PYTHONPATH": str(SOURCES)}
    with start_bot(env=environment, cwd="/") as bot:
        output, errors = bot.communicate("", timeout=60)
    assert bot.returncode == 0, errors
    assert len(output.split()) == 1, f"loaded: {output}"
    assert errors == ""


def test_the_worker_dies_with_a_killed_bot(tmp_path: Path) -> None:
    with start_bot(env={**os.environ, "PYTHONPATH": str(SOURCES), "TMPDIR": str(tmp_path)}) as bot:
        assert bot.stdout is not None
        assert bot.stderr is not None
        pid = int(bot.stdout.readline())
        assert Path(f"/proc/{pid}").exists()
        bot.kill()
        bot.wait()
        # Both have it open: it ends with the second one.
        _, errors = bot.communicate(timeout=10)
        assert errors == ""


def test_the_worker_loads_nothing_else_of_the_bot() -> None:
    program = "import sys, kbju_bot.charts.child, kbju_bot.charts.drawing; print(*sys.modules)"
    output = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    ours = {name for name in output if name.startswith("kbju_bot")}
    assert ours == {"kbju_bot", "kbju_bot.charts"} | {
        f"kbju_bot.charts.{name}" for name in ("child", "drawing", "scales", "spec")
    }
    assert "matplotlib.pyplot" not in output
    assert "asyncio" not in output


def test_a_worker_that_hangs_ends_itself() -> None:
    # In C, with the interpreter's lock held: no Python code of the worker runs any more, and nobody watches it.
    program = (
        "import ctypes, kbju_bot.charts.drawing as drawing, kbju_bot.charts.child as child\n"
        "real = drawing.draw\n"
        "def draw(chart):\n"
        "    return ctypes.PyDLL(None).sleep(60) if chart.title == 'hang' else real(chart)\n"
        "drawing.draw = draw\n"
        "child.main(2.0)\n"
    )
    ours, theirs = socket.socketpair()
    with ours, theirs:
        worker = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=theirs.fileno(),
            env={**os.environ, "PYTHONPATH": str(SOURCES), "MPL_IGNORE_SYSTEM_FONTS": "1"},
        )
        theirs.close()
        ours.settimeout(60)
        for chart in (WEEKS, replace(WEEKS, title="hang")):
            data = encode(chart)
            ours.sendall(REQUEST.pack(len(data)) + data)
        picture, _ = ANSWER.unpack(ours.recv(ANSWER.size, socket.MSG_WAITALL))
        assert picture
        assert worker.wait(60) == -signal.SIGALRM
