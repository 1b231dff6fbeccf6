"""synogetkeyvalue: one value of a key="value" file.

Source: published scripts (medium): an unknown key prints an empty line and is no error.
"""

from __future__ import annotations

from dsm_programs import common


def main(name: str, arguments: list[str]) -> int:
    """Print the value of the key."""
    if len(arguments) != 2:
        raise common.Usage(f"Usage: {name} FILE KEY")
    source = common.path(arguments[0])
    if not source.is_file():
        raise common.Refused(f"{name}: no such file: {arguments[0]}", 1)
    print(common.key_values(source).get(arguments[1], ""))
    return 0
