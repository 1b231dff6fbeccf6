"""Which connection a module runs over: sudo hides it, the processes above have it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dsm.firewall_modules import REPOSITORY, session

FIND = """
import json, os, sys
sys.path.insert(0, {tests!r}); sys.path.insert(0, {repository!r})
from dsm.firewall_modules import session
{patch}
print(json.dumps(session.find(os.getpid())))
"""
# A process called sshd that holds a connection, above one that asks.
SSHD = """
import os, socket, subprocess, sys
held = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
open("/proc/self/comm", "w").write("sshd")
subprocess.run([sys.executable, "-c", sys.argv[2]], check=True)
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        found.listen()
        yield found


def script(patch: str = "") -> str:
    return FIND.format(tests=str(REPOSITORY / "tests"), repository=str(REPOSITORY), patch=patch)


def test_the_variable_is_found_in_a_process_above_though_the_own_environment_lacks_it() -> None:
    """As with sudo: the shell that sshd has started has it, the module does not."""
    below = [sys.executable, "-c", script()]
    shell = f"import subprocess; subprocess.run({below!r}, env={{'PATH': '/usr/bin:/bin'}}, check=True)"
    said = subprocess.run(
        [sys.executable, "-c", shell],
        env={"PATH": "/usr/bin:/bin", "SSH_CONNECTION": "192.168.1.20 51000 192.168.1.5 22"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert json.loads(said) == ["192.168.1.20", 51000, "192.168.1.5", 22]


def test_without_the_variable_the_socket_of_the_sshd_above_is_taken(listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    said = subprocess.run(
        [sys.executable, "-c", SSHD, str(port), script("session.from_environment = lambda environ: None")],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    source, source_port, address, found = json.loads(said)
    assert (source, source_port) == ("127.0.0.1", port)
    assert address == "127.0.0.1"
    assert found != port


@pytest.mark.parametrize(
    ("environ", "found"),
    [
        (b"A=b\0SSH_CONNECTION=10.0.0.9 5 10.0.0.1 22\0", ("10.0.0.9", 5, "10.0.0.1", 22)),
        (b"SSH_CONNECTION=::ffff:10.0.0.9 5 ::ffff:10.0.0.1 22\0", ("10.0.0.9", 5, "10.0.0.1", 22)),
        (b"SSH_CONNECTION=fe80::9%eth0 5 fe80::1%eth0 22\0", ("fe80::9", 5, "fe80::1", 22)),
        (b"SSH_CONNECTION=UNKNOWN 65535 UNKNOWN 65535\0", None),
        (b"SSH_CONNECTION=\0", None),
        (b"", None),
    ],
)
def test_what_the_variable_says(environ: bytes, found: object) -> None:
    assert session.from_environment(environ) == found


def test_the_interface_of_an_address_is_found() -> None:
    assert session.interface_of("127.0.0.1") == "lo"
    assert session.interface_of("203.0.113.77") is None
    assert session.interface_of("fe80::1") is None


def test_the_processes_above_end_with_the_first() -> None:
    found = session.ancestors(os.getpid())

    assert found[0] == os.getppid()
    assert Path(f"/proc/{found[-1]}").exists()
