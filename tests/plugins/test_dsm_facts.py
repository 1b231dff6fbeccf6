"""The module that reads the NAS: its parsers, and that DSM's Python can read the module."""

from __future__ import annotations

import ast
import socket
from pathlib import Path

import pytest

from plugins.modules import dsm_facts

MODULES = sorted((Path(__file__).resolve().parents[2] / "plugins").glob("module*/*.py"))


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_dsms_python_can_read_the_module(module: Path) -> None:
    ast.parse(module.read_text(encoding="utf-8"), feature_version=(3, 8))


def test_version_file() -> None:
    text = 'majorversion="7"\nproductversion="7.2.2"\nbuildnumber="72806"\n'

    assert dsm_facts.key_values(text)["productversion"] == "7.2.2"


@pytest.mark.parametrize(("key", "mb"), [("MemTotal", 3712), ("SwapTotal", 2047), ("Absent", None)])
def test_meminfo(key: str, mb: int | None) -> None:
    text = "MemTotal:        3801372 kB\nMemFree:          100000 kB\nSwapTotal:       2097084 kB\n"

    assert dsm_facts.memory_mb(text, key) == mb


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("0100007F", "127.0.0.1"),
        ("00000000", "0.0.0.0"),  # noqa: S104
        ("00000000000000000000000001000000", "::1"),
        ("0000000000000000FFFF00000100007F", "::ffff:127.0.0.1"),
    ],
)
def test_addresses_of_proc_net_tcp(written: str, address: str) -> None:
    assert dsm_facts.decode_address(written) == address


def test_a_listener_of_this_machine_is_found_with_its_process() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        table = dsm_facts.read_text("/proc/net/tcp")
        found = dsm_facts.parse_listeners(table, dsm_facts.socket_owners())

        (row,) = [row for row in found if row["port"] == listener.getsockname()[1]]

    assert row["address"] == "127.0.0.1"
    assert row["process"] == Path("/proc/self/comm").read_text(encoding="utf-8").strip()


def test_a_connection_is_no_listener() -> None:
    header = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    row = "   0: 0100007F:20FB 0100007F:C350 {} 00000000:00000000 00:00000000 00000000     0        0 4711 1 0\n"

    assert dsm_facts.parse_listeners(header + row.format("01"), {}) == []
    assert dsm_facts.parse_listeners(header + row.format("0A"), {"4711": "nginx"}) == [
        {"port": 8443, "address": "127.0.0.1", "process": "nginx"}
    ]
