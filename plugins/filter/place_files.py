"""Filters that make entries for the module place_files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any


def secret_files(accounts: Sequence[dict[str, Any]], folder: str, owner: int) -> list[dict[str, Any]]:
    """Return an entry for each account's password: a file below `folder`, by the account's name, for one uid to read.

    Args:
        accounts: rows of `name` and `password`.
        folder: where, below the module's root.
        owner: the uid.
    """
    return [
        {
            "path": f"{folder}/{account['name']}",
            "content": account["password"],
            "owner": owner,
            "mode": "0400",
            "secret": True,
        }
        for account in accounts
    ]


def below(rows: Sequence[dict[str, Any]], folder: str) -> list[dict[str, Any]]:
    """Return an entry for `folder` itself, 0755 and root's, and the entries with it before their paths."""
    return [{"path": folder}, *({**row, "path": f"{folder}/{row['path']}"} for row in rows)]


def copies_into(paths: Sequence[str], folder: str) -> list[dict[str, Any]]:
    """Return an entry for each file of the controller: copied as it is into `folder`, under its own name."""
    return [{"path": f"{folder}/{PurePosixPath(path).name}", "copy": path} for path in sorted(paths)]


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"below": below, "copies_into": copies_into, "secret_files": secret_files}
