"""The worker process: reads charts from the socket that is its standard input and answers with pictures.

It imports nothing of the bot but this package, is given no secrets, and never outlives the bot for long: while it
waits the end of the socket ends it, and while it draws the kernel's alarm clock does.
"""

import gc
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from typing import BinaryIO

REQUEST = struct.Struct(">I")
"""Before a chart: its length in bytes."""
ANSWER = struct.Struct(">?I")
"""Before an answer: whether it is a picture (an error's whereabouts otherwise) and its length in bytes."""
_NICENESS = 5
_OOM_SCORE = 500


def main(patience: float) -> None:
    """Answer requests until the socket ends; die of SIGALRM where one takes longer than `patience` seconds."""
    # Python code would not run while a C function hangs, the default action does.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, patience)
    # A picture is worth less than the bot: it gets the CPU later and, where memory runs out, it goes first.
    os.nice(_NICENESS)
    with suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write(str(_OOM_SCORE))
    # Here, so that the alarm watches over the import, too.
    from kbju_bot.charts.drawing import draw  # noqa: PLC0415 - imported only once the alarm watches
    from kbju_bot.charts.spec import decode  # noqa: PLC0415 - imported only once the alarm watches

    # What the imports left stays for good: the collector need not look at it after every picture.
    gc.freeze()
    with socket.socket(fileno=sys.stdin.fileno()) as connection, connection.makefile("rb") as stream:
        signal.setitimer(signal.ITIMER_REAL, 0)
        while (data := _read(stream)) is not None:
            signal.setitimer(signal.ITIMER_REAL, patience)
            try:
                picture, answer = True, draw(decode(data))
            except Exception as error:
                picture, answer = False, _whereabouts(error).encode()
            signal.setitimer(signal.ITIMER_REAL, 0)
            connection.sendall(ANSWER.pack(picture, len(answer)) + answer)
            # A figure is a knot of references with a bitmap of 5 MB in it: the collector would come too late.
            gc.collect()


def _read(stream: BinaryIO) -> bytes | None:
    """Return the next chart, or None at the end of the stream."""
    header = stream.read(REQUEST.size)
    if len(header) < REQUEST.size:
        return None
    (length,) = REQUEST.unpack(header)
    data = stream.read(length)
    return data if len(data) == length else None


def _whereabouts(error: BaseException) -> str:
    """Return an exception's type and the line it came from, without its text: that may quote a measurement."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return type(error).__name__
    return f"{type(error).__name__} at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"


if __name__ == "__main__":
    with suppress(BrokenPipeError, ConnectionResetError):
        main(float(sys.argv[1]))
