"""Processes that a benchmark starts, and always ends, by their numbers."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self, cast

import aiohttp

REPOSITORY = Path(__file__).resolve().parents[1]
TESTS = REPOSITORY / "tests"
TOKEN = "4200001:" + "B" * 35


class ChildError(Exception):
    """A process did not do what it was started for; the text says what it printed."""


class Child:
    """A Python process in a session of its own, so that Ctrl-C reaches it only through us."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, output: Path) -> None:
        self.name = name
        self.process = process
        self._output = output

    @classmethod
    async def start(
        cls,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        directory: Path,
        *,
        piped: bool = False,
    ) -> Self:
        """Start `python ARGUMENTS` with nothing in its environment but what is given and the PATH.

        `piped`: its standard input and output are ours; otherwise it has no input, and its output goes to a file.
        """
        output = directory / f"{name}.log"
        with output.open("ab") as file:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *arguments,
                env={"PATH": os.environ.get("PATH", os.defpath), **environment},
                cwd=directory,
                start_new_session=True,
                stdin=asyncio.subprocess.PIPE if piped else asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE if piped else file,
                stderr=file,
            )
        return cls(name, process, output)

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.pid

    def check(self) -> None:
        """Raise ChildError where it has ended."""
        if self.process.returncode is not None:
            raise ChildError(f"{self.name} ended with {self.process.returncode}: {self.tail()}")

    def tail(self) -> str:
        """Return the end of what it printed."""
        return self._output.read_text(errors="replace")[-2000:].strip()

    async def stop(self, patience: float = 10.0) -> None:
        """End it, by force after `patience` seconds."""
        if self.process.returncode is not None:
            return
        try:
            self.process.terminate()
            await asyncio.wait_for(self.process.wait(), patience)
        finally:
            # Also where waiting itself was interrupted.
            if self.process.returncode is None:
                self.process.kill()
                await self.process.wait()


class Load:
    """The process with the Telegram stand-in and its users."""

    def __init__(self, child: Child, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self.child = child
        self._session = session

    async def order(self, part: str, **order: Any) -> dict[str, Any]:
        """Have it run one part of a benchmark and return what it measured."""
        async with self._session.post(f"{self.url}/bench/{part}", json=order) as response:
            if response.status != 200:
                raise ChildError(f"the load failed at {part}: {self.child.tail()}")
            told: dict[str, Any] = await response.json()
            return told


@asynccontextmanager
async def running_load(latency_ms: float, first_update_id: int, directory: Path) -> AsyncIterator[Load]:
    """Start the load process."""
    arguments = ["-m", "benchmarks.load", f"--latency-ms={latency_ms}", f"--first-update-id={first_update_id}"]
    environment = {"PYTHONPATH": f"{REPOSITORY}:{TESTS}", "BOT_TOKEN": TOKEN}
    child = await Child.start("load", arguments, environment, directory, piped=True)
    try:
        printed = cast("asyncio.StreamReader", child.process.stdout)
        line = await asyncio.wait_for(printed.readline(), 30)
        if not line:
            await child.process.wait()
            child.check()
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600)) as session:
            yield Load(child, f"http://127.0.0.1:{json.loads(line)['port']}", session)
    finally:
        await child.stop()


@asynccontextmanager
async def running_bot(
    name: str, arguments: Sequence[str], environment: Mapping[str, str], directory: Path
) -> AsyncIterator[Child]:
    """Start a bot."""
    child = await Child.start(name, arguments, {**environment, "BOT_TOKEN": TOKEN}, directory)
    try:
        yield child
    finally:
        await child.stop()
