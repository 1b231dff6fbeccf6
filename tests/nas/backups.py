"""A backup as the tests write one."""

from __future__ import annotations

from typing import Any

NAME = "2026-01-31T003000Z"


def manifest(**changes: Any) -> dict[str, Any]:
    tables = {"public.users": {"rows": 3, "digest": "1"}}
    files = {"database.dump": 4}
    return {
        "kind": "nightly",
        "schema_revision": "0002",
        "tables": tables,
        "files": files,
        "proven": True,
        "durations": {},
    } | changes
