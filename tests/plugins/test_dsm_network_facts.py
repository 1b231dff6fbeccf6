"""What the NAS sees of the network: tables as the kernel and the engine print them, real names and real answers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from plugins.modules import dsm_network_facts as facts

ROUTES = """\
Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
eth0\t0001A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
"""


class _Refusing(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/elsewhere":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:9/closed")
            self.end_headers()
        else:
            self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[str]:
    """A server that answers everything with 404."""
    http = HTTPServer(("127.0.0.1", 0), _Refusing)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/"
    http.shutdown()
    thread.join()
    http.server_close()


def test_routes_without_the_default_one() -> None:
    assert facts.parse_routes(ROUTES) == [
        {"subnet": "192.168.1.0/24", "interface": "eth0"},
        {"subnet": "172.17.0.0/16", "interface": "docker0"},
    ]


def test_docker_networks() -> None:
    inspected = """[{"Name": "kbju-network-edge", "IPAM": {"Config": [{"Subnet": "172.28.240.0/25"}]}},
                    {"Name": "host", "IPAM": {"Config": null}},
                    {"Name": "six", "IPAM": {"Config": [{"Subnet": "fd00::/64"}]}}]"""

    assert facts.parse_networks(inspected) == {"kbju-network-edge": ["172.28.240.0/25"], "host": [], "six": []}


def test_an_error_of_http_is_an_answer_with_a_date(server: str) -> None:
    problem, date = facts.call(server, 5)

    assert problem is None
    assert facts.seconds_ahead(date, time.time()) == pytest.approx(0, abs=2)


def test_where_an_answer_leads_to_is_not_asked(server: str) -> None:
    """Telegram's own root leads to its website, which a provider may block."""
    problem, _ = facts.call(f"{server}elsewhere", 5)

    assert problem is None


def test_an_answer_that_is_no_http_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: listener.accept()[0].sendall(b"SSH-2.0-x\r\n\r\n"))
        thread.start()
        problem, _ = facts.call(f"http://127.0.0.1:{listener.getsockname()[1]}/", 5)
        thread.join()

    assert problem


def test_a_closed_port_says_so() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: nobody else can answer there
        problem, date = facts.call(f"http://127.0.0.1:{taken.getsockname()[1]}/", 5)

    assert problem == "Connection refused"
    assert date == ""


@pytest.mark.parametrize(("now", "ahead"), [(784111777.5, 0), (784111837.5, 60), (784111717.5, -60)])
def test_how_far_the_clock_is_ahead(now: float, ahead: float) -> None:
    assert facts.seconds_ahead("Sun, 06 Nov 1994 08:49:37 GMT", now) == ahead


def test_a_senseless_date_says_nothing() -> None:
    assert facts.seconds_ahead("yesterday", 0) is None


def test_names() -> None:
    assert "127.0.0.1" in facts.resolve("localhost")
    assert facts.resolve("no-such-name.invalid") == []
    assert facts.resolve("kbju..example.com") == []
