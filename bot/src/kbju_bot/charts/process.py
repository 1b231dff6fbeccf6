"""The worker process as the bot sees it."""

import asyncio
import os
import socket
import subprocess
import sys
from pathlib import Path

from kbju_bot.charts.child import ANSWER, REQUEST

_ROOT = Path(__file__).parents[2]
_LONGEST_ANSWER = 16 * 1024 * 1024
# What the interpreter itself may need. Nothing else is handed down: the bot's environment holds its secrets.
_INHERITED = ("LD_LIBRARY_PATH", "PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX")
_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    # One thread, whose memory goes back to the system once a picture is done.
    "OPENBLAS_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    # The font comes with matplotlib; looking for others takes time and could change the picture.
    "MPL_IGNORE_SYSTEM_FONTS": "1",
}


class WorkerGoneError(Exception):
    """The process ended, or talks nonsense."""


class WorkerFailedError(Exception):
    """The process could not draw this chart; it is well otherwise. The text says where, and quotes no data."""


class Worker:
    """A running worker process. Bound to no event loop.

    Not made by `multiprocessing`: that would import the bot's main module, keep a second process for its books and
    offer no way to stop one that hangs. Starting it raises OSError where there is no process to be had.
    """

    def __init__(self, directory: str, patience: float) -> None:
        """`directory` is for matplotlib's list of fonts; `patience`: seconds after which a drawing kills itself."""
        inherited = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        self._socket, theirs = socket.socketpair()
        self._socket.setblocking(False)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "kbju_bot.charts.child", str(patience)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    env={**inherited, **_ENVIRONMENT, "PYTHONPATH": str(_ROOT), "MPLCONFIGDIR": directory},
                    # Ctrl-C is for the bot, which then closes the socket.
                    start_new_session=True,
                )
            except OSError:
                self._socket.close()
                raise

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    async def draw(self, chart: bytes) -> bytes:
        """Return the picture of an encoded chart. Raises WorkerGoneError or WorkerFailedError.

        After WorkerGoneError, and where this is cancelled, the worker can only be stopped.
        """
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(self._socket, REQUEST.pack(len(chart)) + chart)
            picture, length = ANSWER.unpack(await self._read(ANSWER.size))
            if length > _LONGEST_ANSWER:
                raise WorkerGoneError("its answer makes no sense")
            answer = await self._read(length)
        except OSError as error:
            raise WorkerGoneError(error.strerror) from error
        if not picture:
            raise WorkerFailedError(answer.decode(errors="replace"))
        return answer

    async def _read(self, length: int) -> bytes:
        loop = asyncio.get_running_loop()
        buffer = bytearray()
        while len(buffer) < length:
            part = await loop.sock_recv(self._socket, min(length - len(buffer), 65536))
            if not part:
                raise WorkerGoneError("it has ended")
            buffer += part
        return bytes(buffer)

    def stop(self) -> None:
        """Kill the process and wait for its end. It has nothing to lose."""
        self._socket.close()
        self._process.kill()
        self._process.wait()
