"""dsm-home-service: the User Home service, on or off.

Source: dsm-facts "Platform": logging in by key needs it (medium). Without it /var/services/homes leads nowhere, so
nobody has a home directory and no authorized_keys is read. DSM has no such program; the stand-in needs the switch,
which DSM has in Control Panel and in SYNO.Core.User.Home.
"""

from __future__ import annotations

from dsm_programs import common

HOMES = "/var/services/homes"
DATA = "/volume1/homes"


def is_on() -> bool:
    """Tell whether users have home directories."""
    return common.path(HOMES).is_symlink()


def switch(on: bool) -> None:
    """Turn the service on or off; the data stays."""
    link = common.path(HOMES)
    if on:
        common.path(DATA).mkdir(parents=True, exist_ok=True)
        link.parent.mkdir(parents=True, exist_ok=True)
        if not link.is_symlink():
            link.symlink_to(common.path(DATA))
    elif link.is_symlink():
        link.unlink()


def main(name: str, arguments: list[str]) -> int:
    """Switch, or print the state."""
    if arguments == ["status"]:
        print("on" if is_on() else "off")
        return 0
    if arguments not in (["on"], ["off"]):
        raise common.Usage(f"Usage: {name} on|off|status")
    common.need_root(name)
    switch(arguments == ["on"])
    return 0
