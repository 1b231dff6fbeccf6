"""Asks the Docker engine over its socket: a program less to start, a shape of answer that is documented."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from typing import Any, Iterator

NOT_FOUND = 404
# What precedes each piece of a log: which output it came from, three zeros, its length.
HEADER = 8


class EngineError(Exception):
    """The engine did not answer, or not what was asked for; `status` is HTTP's, 0 where there was no answer."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class _Connection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Engine:
    """The engine behind a socket; each question may take `timeout` seconds between two signs of life."""

    def __init__(self, path: str, timeout: float = 10) -> None:
        self._path = path
        self._timeout = timeout

    def ask(self, path: str, **query: Any) -> Any:
        """Return the answer to a question that is answered in JSON.

        Raises:
            EngineError: there was none.
        """
        return json.loads(b"".join(self._stream(path, query)))

    def events(self, since: float, until: float, **filters: list[str]) -> list[dict[str, Any]]:
        """Return what happened between two moments, in seconds since 1970. The engine remembers the last 256 events.

        Raises:
            EngineError: there was no answer.
        """
        query = {"since": f"{since:.6f}", "until": f"{until:.6f}", "filters": json.dumps(filters)}
        return [json.loads(line) for line in b"".join(self._stream("/events", query)).splitlines()]

    def log(self, container: str, since: float, until: float, most: int) -> Iterator[bytes]:
        """Yield the lines that a container wrote between two moments, in seconds since 1970: at most the last `most`.

        Raises:
            EngineError: the container is gone, or its log can't be read.
        """
        query = {"stdout": 1, "stderr": 1, "since": f"{since:.6f}", "until": f"{until:.6f}", "tail": most}
        # By output: a long line comes in pieces, and the pieces of another may come between.
        begun: dict[int, bytes] = {}
        for output, piece in _pieces(self._stream(f"/containers/{container}/logs", query)):
            *lines, begun[output] = (begun.get(output, b"") + piece).split(b"\n")
            yield from lines
        yield from filter(None, begun.values())

    def _stream(self, path: str, query: dict[str, Any]) -> Iterator[bytes]:
        connection = _Connection(self._path, self._timeout)
        try:
            connection.request("GET", f"{path}?{urllib.parse.urlencode(query)}")
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                said = answer.read(500).decode("utf-8", "replace").strip()
                raise EngineError(f"the engine answers {answer.status} to {path}: {said}", answer.status)
            while True:
                chunk = answer.read1(1 << 16)
                if not chunk:
                    return
                yield chunk
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"the Docker engine at {self._path} does not answer to {path}: {error}") from error
        finally:
            connection.close()


def _pieces(chunks: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield the pieces of a log, each with the number of the output it was written to."""
    left = b""
    for chunk in chunks:
        left += chunk
        while len(left) >= HEADER:
            end = HEADER + int.from_bytes(left[4:HEADER], "big")
            if len(left) < end:
                break
            yield left[0], left[HEADER:end]
            left = left[end:]
