"""The NAS's clock against a web server's, over real connections."""

from __future__ import annotations

import ast
import email.utils
import http.server
import json
import ssl
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nas.authority import DAY, Authority

PROGRAM = Path(__file__).resolve().parents[2] / "roles/prometheus/templates/compare_clock.py"


class _Answer(http.server.BaseHTTPRequestHandler):
    # How far the server's clock is ahead of this machine's, in seconds; None: it does not tell the time.
    ahead: float | None = 0.0

    def do_HEAD(self) -> None:
        # As Telegram does for what is no method: the status does not matter.
        self.send_response_only(302)
        if self.ahead is not None:
            self.send_header("Date", email.utils.formatdate(int(time.time() + self.ahead), usegmt=True))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@dataclass
class Nas:
    """The program as the role puts it in place, and a server with a clock."""

    root: Path
    server: http.server.ThreadingHTTPServer
    url: str

    def server_is_ahead(self, seconds: float | None) -> None:
        self.server.RequestHandlerClass = type("Answer", (_Answer,), {"ahead": seconds})

    def compare(self) -> subprocess.CompletedProcess[str]:
        settings = {"url": self.url, "metrics": f"{self.root}/metrics/clock.prom"}
        (self.root / "bin/compare-clock.json").write_text(json.dumps(settings), encoding="utf-8")
        command = [sys.executable, str(self.root / "bin/compare-clock")]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def metrics(self) -> dict[str, float]:
        lines = (self.root / "metrics/clock.prom").read_text(encoding="utf-8").splitlines()
        return {name: float(value) for name, value in (line.split() for line in lines if line[0] != "#")}


@pytest.fixture
def nas(tmp_path: Path) -> Iterator[Nas]:
    for name in ("bin", "metrics"):
        (tmp_path / name).mkdir()
    (tmp_path / "bin/compare-clock").write_bytes(PROGRAM.read_bytes())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield Nas(tmp_path, server, f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


def test_dsms_python_can_read_it() -> None:
    ast.parse(PROGRAM.read_text(encoding="utf-8"), feature_version=(3, 8))


@pytest.mark.parametrize("off", [0.0, 1.5, -2.0, -5400.5])
def test_the_difference_is_told_to_a_quarter_of_a_second(nas: Nas, off: float) -> None:
    nas.server_is_ahead(-off)

    said = nas.compare()

    assert said.returncode == 0, said.stderr
    assert nas.metrics()["kbju_clock_skew_seconds"] == pytest.approx(off, abs=0.25)
    assert nas.metrics()["kbju_clock_compared_timestamp_seconds"] == pytest.approx(time.time(), abs=5)


def test_node_exporter_may_read_the_figures(nas: Nas) -> None:
    nas.compare()

    file = nas.root / "metrics/clock.prom"
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(file.parent.iterdir()) == [file], "nothing half written is left beside it"


def test_a_certificate_that_a_wrong_clock_takes_for_expired_is_no_obstacle(nas: Nas) -> None:
    chain, key = Authority().issue("example.org", since=-3 * DAY, until=-2 * DAY)
    (nas.root / "cert.pem").write_text(key + chain, encoding="utf-8")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(nas.root / "cert.pem")
    nas.server.socket = context.wrap_socket(nas.server.socket, server_side=True)
    nas.url = nas.url.replace("http:", "https:")
    nas.server_is_ahead(3.0)

    assert nas.compare().returncode == 0
    assert nas.metrics()["kbju_clock_skew_seconds"] == pytest.approx(-3, abs=0.25)


def test_what_was_found_before_stays_when_nobody_answers(nas: Nas) -> None:
    nas.compare()
    before = nas.metrics()
    nas.url = "http://127.0.0.1:1"

    said = nas.compare()

    assert said.returncode == 1
    assert "http://127.0.0.1:1 does not answer" in said.stderr
    assert nas.metrics() == before


def test_a_server_that_does_not_tell_the_time(nas: Nas) -> None:
    nas.server_is_ahead(None)

    said = nas.compare()

    assert said.returncode == 1
    assert f"{nas.url} does not tell the time" in said.stderr
    assert not (nas.root / "metrics/clock.prom").exists()
