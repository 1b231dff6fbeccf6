"""Synology's access lists, and how a chmod makes one vanish.

DSM's kernel drops the list in the chmod system call. No kernel does that here, so the stand-in notes the state of the
inode (mode, owner, ctime) when a list is set and judges later from what changed:
- another mode: somebody called chmod, the list is gone, for good;
- the same mode and owner, but a ctime newer than both the noted one and the mtime: only metadata was written, which is
  a chmod to the mode it already had, the list is gone as well;
- a new owner, or a ctime that equals the mtime (content written): the list stays.
Missed: a chmod to the same mode followed by a change of the content before anybody asks.
The notes lie on the volume, as the lists do: a new container with an old volume still has them.
No kernel enforces the lists here, and what is made below a directory does not inherit them.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Any

from dsm_programs import common

ENTRY = re.compile(
    r"(user:[^:]+|group:[^:]+|owner:\*?|everyone:\*?|authenticated_user:\*?|system:\*?)"
    r":(allow|deny):[r-][w-][x-][p-][d-][D-][a-][A-][R-][W-][c-][C-][o-]:[f-][d-][i-][n-]"
)


def _notes() -> Path:
    return common.path("/volume1/@dsm-standin/acl.json")


def _stamp(target: Path) -> dict[str, int]:
    found = target.stat()
    return {
        "inode": found.st_ino,
        "mode": stat.S_IMODE(found.st_mode),
        "uid": found.st_uid,
        "gid": found.st_gid,
        "ctime": found.st_ctime_ns,
    }


def _survived(target: Path, noted: dict[str, int]) -> bool:
    now = _stamp(target)
    if now["inode"] != noted["inode"] or now["mode"] != noted["mode"]:
        return False
    if (now["uid"], now["gid"]) != (noted["uid"], noted["gid"]):
        return True
    return now["ctime"] == noted["ctime"] or now["ctime"] <= target.stat().st_mtime_ns


def get(target: str) -> list[str] | None:
    """Give the entries of a path, or None where it is in Linux mode."""
    place = common.path(target)
    if not place.exists():
        raise common.Refused(f"(synoacltool.c, 360)No such file or directory: {target}")
    key = os.path.normpath(target)
    notes = common.load_json(_notes(), {})
    if key not in notes:
        return None
    entries: list[str] = notes[key]["entries"]
    if _survived(place, notes[key]["stamp"]):
        _note(key, entries)
        return entries
    _note(key, None)
    return None


def put(target: str, entries: list[str]) -> None:
    """Set the entries of a path; an empty list puts it into Linux mode."""
    _note(os.path.normpath(target), entries or None)


def _note(key: str, entries: list[str] | None) -> None:
    # Reading notes too: who may only read leaves the judgement to the next one.
    if common.IS_MACHINE and os.geteuid() != 0:
        return
    with common.locked("acl"):
        notes: dict[str, Any] = common.load_json(_notes(), {})
        if entries is None:
            notes.pop(key, None)
        else:
            notes[key] = {"entries": entries, "stamp": _stamp(common.path(key))}
        common.save_json(_notes(), notes)
