"""A user's password on a Synology NAS: compared and set without standing in a process list, as far as DSM allows.

C(synouser) takes passwords as arguments only. chpasswd, where the NAS has it, reads a hash from its standard input;
then /etc/shadow has the password, and services with hashes of their own (SMB) do not. Python 3.8, standard library
only.
"""

from __future__ import annotations

import os

from ansible.module_utils.dsm import SYNOUSER, DsmError, Tools

OPENSSL = "/usr/bin/openssl"
CHPASSWD = ("/usr/sbin/chpasswd", "/usr/bin/chpasswd", "/sbin/chpasswd", "/bin/chpasswd")
SHADOW = "/etc/shadow"
# The kinds of hash that openssl makes: $kind$salt$hash.
KINDS = {"1", "5", "6"}


def find_chpasswd() -> str:
    """Return the program that reads hashes from its standard input.

    Raises:
        DsmError: this NAS has none.
    """
    for path in CHPASSWD:
        if os.path.exists(path):
            return path
    raise DsmError(
        "this NAS has no chpasswd, and DSM's synouser takes a password only as an argument, which every process"
        " can read while it runs",
        "set the password in Control Panel and leave it out here, or accept that with password_in_argv: true",
    )


def stored_hash(name: str) -> str:
    """Return what /etc/shadow has for a user, or an empty text."""
    try:
        with open(SHADOW, encoding="utf-8", errors="replace") as file:
            rows = [line.rstrip("\n").split(":") for line in file]
    except OSError:
        return ""
    return next((row[1] for row in rows if len(row) > 1 and row[0] == name), "")


def hashed(tools: Tools, password: str, kind: str = "6", salt: str | None = None) -> str:
    """Return the hash of a password, which openssl reads from its standard input.

    Raises:
        DsmError: openssl made none.
    """
    choice = ["-salt", salt] if salt else []
    answer = tools.call(OPENSSL, "passwd", "-" + kind, *choice, "-stdin", data=password + "\n")
    if answer.code != 0 or not answer.out.startswith("$"):
        raise DsmError("openssl makes no hash of the password", "look whether /usr/bin/openssl runs on the NAS")
    return str(answer.out.strip())


def can_compare(stored: str) -> bool:
    """Tell whether a stored hash is of a kind that openssl makes too."""
    parts = stored.split("$")
    return len(parts) == 4 and parts[1] in KINDS


def password_is(tools: Tools, name: str, password: str) -> bool:
    """Tell whether a user has this password; where that can't be compared it counts as another one."""
    stored = stored_hash(name)
    if not can_compare(stored):
        return False
    _, kind, salt, _ = stored.split("$")
    return bool(hashed(tools, password, kind, salt) == stored)


def set_password(tools: Tools, name: str, password: str, *, in_argv: bool) -> None:
    """Give a user a password.

    Raises:
        DsmError: the NAS has another one afterwards.
    """
    before = stored_hash(name)
    if in_argv:
        answer = tools.call(SYNOUSER, "--setpw", name, password)
    else:
        answer = tools.call(find_chpasswd(), "-e", data=f"{name}:{hashed(tools, password)}\n")
    after = stored_hash(name)
    taken = password_is(tools, name, password) if can_compare(after) else after != before
    if not taken:
        raise DsmError(
            f"the NAS has not taken the password of {name}",
            "DSM may find it too weak: Control Panel → User & Group → Advanced shows its rules",
            answer,
        )
