"""Users and groups in the ordinary passwd, shadow and group files, numbered as DSM numbers them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field

from dsm_programs import common

FIRST_UID = 1026
FIRST_GID = 65536
USERS_GID = 100
ADMINISTRATORS = "administrators"
LOGIN_SHELL = "/bin/sh"
NO_SHELL = "/sbin/nologin"


@dataclass
class User:
    """A line of /etc/passwd."""

    name: str
    uid: int
    gid: int
    fullname: str
    home: str
    shell: str

    def line(self) -> str:
        """Give the user as a line of /etc/passwd."""
        return ":".join([self.name, "x", str(self.uid), str(self.gid), self.fullname, self.home, self.shell])


@dataclass
class Group:
    """A line of /etc/group."""

    name: str
    gid: int
    members: list[str] = field(default_factory=list)

    def line(self) -> str:
        """Give the group as a line of /etc/group."""
        return ":".join([self.name, "x", str(self.gid), ",".join(self.members)])


def _lines(name: str) -> list[list[str]]:
    source = common.path("/etc/" + name)
    if not source.exists():
        return []
    return [line.split(":") for line in source.read_text().splitlines() if line and not line.startswith("#")]


def users() -> dict[str, User]:
    """Read /etc/passwd."""
    return {f[0]: User(f[0], int(f[2]), int(f[3]), f[4], f[5], f[6]) for f in _lines("passwd")}


def groups() -> dict[str, Group]:
    """Read /etc/group."""
    return {f[0]: Group(f[0], int(f[2]), [m for m in f[3].split(",") if m]) for f in _lines("group")}


def save_users(entries: dict[str, User]) -> None:
    """Write /etc/passwd."""
    common.write(common.path("/etc/passwd"), "".join(user.line() + "\n" for user in entries.values()))


def save_groups(entries: dict[str, Group]) -> None:
    """Write /etc/group. Who is an administrator has a login shell, nobody else has: so DSM decides about SSH."""
    common.write(common.path("/etc/group"), "".join(group.line() + "\n" for group in entries.values()))
    administrators = entries[ADMINISTRATORS].members if ADMINISTRATORS in entries else []
    people = users()
    for user in people.values():
        if user.uid >= FIRST_UID and user.uid < FIRST_GID - 2:
            user.shell = LOGIN_SHELL if user.name in administrators else NO_SHELL
    save_users(people)


def set_password(name: str, password: str) -> None:
    """Write the hash of a password to /etc/shadow. The password goes to openssl by its standard input."""
    hashed = subprocess.run(
        ["openssl", "passwd", "-6", "-stdin"], input=password + "\n", capture_output=True, text=True, check=True
    ).stdout.strip()
    entries = [fields for fields in _lines("shadow") if fields[0] != name]
    entries.append([name, hashed, "19000", "0", "99999", "7", "", "", ""])
    common.write(common.path("/etc/shadow"), "".join(":".join(fields) + "\n" for fields in entries), 0o640)


def drop_password(name: str) -> None:
    """Remove a user from /etc/shadow."""
    entries = [fields for fields in _lines("shadow") if fields[0] != name]
    common.write(common.path("/etc/shadow"), "".join(":".join(fields) + "\n" for fields in entries), 0o640)


def next_uid() -> int:
    """Give the uid of the next user DSM makes: nobody chooses it."""
    return max([FIRST_UID - 1] + [u.uid for u in users().values() if FIRST_UID <= u.uid < FIRST_GID - 2]) + 1


def next_gid() -> int:
    """Give the gid of the next group DSM makes."""
    return max([FIRST_GID - 1] + [g.gid for g in groups().values() if g.gid >= FIRST_GID]) + 1
