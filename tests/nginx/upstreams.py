"""Stands for everything behind nginx: answers each request with what has arrived, as JSON."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PORTS = (3000, 8000, 9090, 9093)


class Echo(BaseHTTPRequestHandler):
    """Tells which port was asked, how, for what, and with which headers."""

    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        """Read the request to its end and tell of it."""
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {
            "port": self.connection.getsockname()[1],
            "method": self.command,
            "path": self.path,
            "headers": dict(self.headers),
        }
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


if __name__ == "__main__":
    for port in PORTS:
        Thread(target=ThreadingHTTPServer(("", port), Echo).serve_forever).start()
