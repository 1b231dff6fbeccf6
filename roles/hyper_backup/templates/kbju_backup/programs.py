"""Starting programs and streaming through them: nothing is held in memory, nothing runs for ever."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
import threading
from typing import IO, Any, Callable, Iterable, Iterator, Sequence

CHUNK = 1 << 20
_COMPLAINT = 64 << 10


class Running:
    """A program under way; `complaint` holds the end of what it wrote to standard error."""

    def __init__(self, process: subprocess.Popen[bytes], timeout: float) -> None:
        self.process = process
        self.complaint = b""
        self.timed_out = False
        self._reader = threading.Thread(target=self._read_complaint, daemon=True)
        self._reader.start()
        self._timer = threading.Timer(timeout, self._give_up)
        self._timer.daemon = True
        self._timer.start()

    def finish(self) -> int:
        """Wait for the end and return the exit code."""
        code = self.process.wait()
        self._timer.cancel()
        self._reader.join(timeout=5)
        return code

    def kill(self) -> None:
        """End it, whatever it does."""
        self.process.kill()

    def _give_up(self) -> None:
        self.timed_out = True
        self.process.kill()

    def _read_complaint(self) -> None:
        stream = self.process.stderr
        while stream is not None:
            chunk = stream.read(4096)
            if not chunk:
                return
            self.complaint = (self.complaint + chunk)[-_COMPLAINT:]


@contextlib.contextmanager
def started(command: Sequence[str], timeout: float) -> Iterator[Running]:
    """Run a program with pipes at both ends for at most `timeout` seconds; it does not outlive the block."""
    process = subprocess.Popen(
        list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()
    )
    running = Running(process, timeout)
    try:
        yield running
    except BaseException:
        running.kill()
        raise
    finally:
        running.finish()
        for stream in (process.stdin, process.stdout, process.stderr):
            _close(stream)


def stream(
    command: Sequence[str],
    timeout: float,
    source: Iterable[bytes] = (),
    sink: Callable[[bytes], Any] | None = None,
) -> tuple[int, str]:
    """Feed `source` to a program, then hand what it prints to `sink`; return its exit code and its complaint.

    A program that is fed must not print much before it has read everything. A timeout is an exit code of -9.
    """
    with started(command, timeout) as running:
        stdin, stdout = running.process.stdin, running.process.stdout
        # A program that fails stops reading; its exit code tells more than the broken pipe.
        with contextlib.suppress(BrokenPipeError):
            for chunk in source:
                stdin.write(chunk)  # type: ignore[union-attr]  # both are pipes
        _close(stdin)
        while True:
            chunk = stdout.read(CHUNK)  # type: ignore[union-attr]  # a pipe
            if not chunk:
                break
            if sink is not None:
                sink(chunk)
        code = running.finish()
    complaint = running.complaint.decode("utf-8", "replace")
    return code, f"it took longer than {timeout:g} s" if running.timed_out else complaint


def output(command: Sequence[str], timeout: float, text: str = "") -> tuple[int, str, str]:
    """Feed `text` to a program and return its exit code, what it printed and its complaint."""
    printed: list[bytes] = []
    code, complaint = stream(command, timeout, [text.encode()], printed.append)
    return code, b"".join(printed).decode("utf-8", "replace"), complaint


def launch(command: Sequence[str], patience: float) -> tuple[int | None, str]:
    """Run a program that leaves others behind it; return its exit code and its complaint.

    The code is None where it has not ended within `patience` seconds; it is left alone then. Nothing is piped: those
    that it leaves behind would hold the pipes open as long as they live.
    """
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=said, env=_environment()
        )
        # Somebody must take its exit code, however late: until then it counts among the processes.
        waiting = threading.Thread(target=process.wait, daemon=True)
        waiting.start()
        waiting.join(patience)
        said.seek(0)
        return process.returncode, said.read(_COMPLAINT).decode("utf-8", "replace")


def _environment() -> dict[str, str]:
    # The environment of the caller is none of the program's business.
    return {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/root")}


def _close(stream: IO[bytes] | None) -> None:
    if stream is not None:
        with contextlib.suppress(BrokenPipeError):
            stream.close()
