"""The connection that a module runs over, as the NAS sees it.

sudo drops SSH_CONNECTION; the processes above still have it.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import fcntl
import ipaddress
import os
import socket
import struct
from typing import Any, NamedTuple

ESTABLISHED = "01"
SIOCGIFADDR = 0x8915


class Session(NamedTuple):
    """A TCP connection of the operator: where it comes from and where on the NAS it ends."""

    source: str
    source_port: int
    address: str
    port: int


def plain(address: str) -> str:
    """Return an address, as IPv4 where it is an IPv4 address in IPv6's clothes; without a zone."""
    found: Any = ipaddress.ip_address(address.partition("%")[0])
    return str(getattr(found, "ipv4_mapped", None) or found)


def from_environment(environ: bytes) -> Session | None:
    """Return the connection that /proc/PID/environ names."""
    for entry in environ.split(b"\0"):
        if entry.startswith(b"SSH_CONNECTION="):
            fields = entry.decode("ascii", "replace").partition("=")[2].split()
            if len(fields) == 4 and fields[1].isdigit() and fields[3].isdigit():
                try:
                    return Session(plain(fields[0]), int(fields[1]), plain(fields[2]), int(fields[3]))
                except ValueError:
                    return None
    return None


def _end(text: str) -> list[Any]:
    packed, port = text.split(":")
    words = [int(packed[at : at + 8], 16) for at in range(0, len(packed), 8)]
    family = socket.AF_INET if len(words) == 1 else socket.AF_INET6
    return [plain(socket.inet_ntop(family, struct.pack(f"={len(words)}I", *words))), int(port, 16)]


def established(table: str) -> dict[str, Session]:
    """Return the established connections of a /proc/net/tcp-like table by their sockets' inode numbers."""
    found = {}
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == ESTABLISHED:
            found[fields[9]] = Session(*_end(fields[2]), *_end(fields[1]))
    return found


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def ancestors(pid: int) -> list[int]:
    """Return the processes above one, nearest first."""
    found: list[int] = []
    while pid > 1:
        # The name in the second field may hold anything; what follows its last parenthesis does not.
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
        pid = int(fields[1]) if len(fields) > 1 else 0
        if pid:
            found.append(pid)
    return found


def find(pid: int) -> Session | None:
    """Return the SSH connection that a process runs over, or None where there is none, like on a console."""
    above = ancestors(pid)
    for one in [pid, *above]:
        session = from_environment(_read(f"/proc/{one}/environ"))
        if session:
            return session
    # Without the variable: the socket that the nearest sshd above holds.
    tables = b"\n".join([_read("/proc/net/tcp"), _read("/proc/net/tcp6")]).decode("ascii", "replace")
    sockets = established(tables)
    for one in above:
        if _read(f"/proc/{one}/comm").startswith(b"sshd"):
            try:
                links = [os.readlink(f"/proc/{one}/fd/{fd}") for fd in os.listdir(f"/proc/{one}/fd")]
            except OSError:
                continue
            for link in links:
                if link.startswith("socket:[") and link[8:-1] in sockets:
                    return sockets[link[8:-1]]
    return None


def interface_of(address: str) -> str | None:
    """Return the network interface that has an IPv4 address, or None where none has it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(asked.fileno(), SIOCGIFADDR, request)
            except OSError:
                continue
            if socket.inet_ntoa(answer[20:24]) == address:
                return name
    return None
