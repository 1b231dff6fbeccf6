#!/usr/bin/python
"""Ansible module: entries of a Synology access list."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_acl
short_description: Manage entries of a Synology access list
description:
  - Adds entries to, or removes entries from, the access list (ACL) of a file or directory, with DSM's own
    C(synoacltool).
  - Entries that are not named stay, in their order. An entry is found by its text and never by a position that was read
    before another one was removed.
  - Never calls chmod - that deletes the list. So does Ansible's C(mode) of other modules; do not use it on such a path.
  - Every change is read back; DSM's exit codes are not trusted.
options:
  path:
    description: The file or directory.
    type: path
    required: true
  state:
    description: Whether the entries are on the list.
    type: str
    choices: [present, absent]
    default: present
  entries:
    description:
      - Entries as C(synoacltool -get) prints them, for instance C(group:kbju:allow:r-x---a-R-c--:fd--).
    type: list
    elements: str
    required: true
  convert:
    description:
      - Whether a path without a list ("Linux mode") gets one. Then the list alone decides, and who had rights by the
        mode, also a container's user, has them no more unless an entry gives them. With V(false) that is refused.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says what would change, and refuses what would be refused. A path that another task has yet to make
      counts as one with an empty list.
  diff_mode:
    support: full
    description: The list before and after.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: The group may read what is in the directory
  dsm_acl:
    path: /volume1/reports/weekly
    entries: ["group:kbju:allow:r-x---a-R-c--:fd--"]
"""

RETURN = r"""
acl:
  description: The entries after the task, in their order, inherited ones among them; null in Linux mode.
  returned: success
  type: list
  elements: str
"""

import re
from typing import Any, NamedTuple

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm import SYNOACLTOOL, DsmError, Tools, exists, run

ENTRY = re.compile(
    r"(?:user:[^:]+|group:[^:]+|(?:owner|everyone|authenticated_user|system):[^:]*)"
    r":(?:allow|deny):[rwxpdDaARWcCo-]{13}:[fdin-]{4}"
)
ROW = re.compile(r"^\s*\[(\d+)\]\s*(\S.*?)\s*\(level: ?(\d+)\)\s*$", flags=re.MULTILINE)
LINUX_MODE = "Linux mode"


class Row(NamedTuple):
    """A row of the list: its place, its text, and from how many directories above it is inherited."""

    place: int
    entry: str
    level: int


def read(tools: Tools, path: str) -> list[Row] | None:
    """Return the list of a path, or None where it has none (Linux mode).

    Raises:
        DsmError: synoacltool prints neither.
    """
    answer = tools.call(SYNOACLTOOL, "-get", path)
    if LINUX_MODE in answer.text:
        return None
    rows = [Row(int(place), entry, int(level)) for place, entry, level in ROW.findall(answer.out)]
    if not rows and "ACL version" not in answer.out:
        raise DsmError(f"the access list of {path} can't be read", "look whether the path exists on this NAS", answer)
    return rows


def texts(rows: list[Row] | None) -> list[str]:
    """Return the entries alone."""
    return [row.entry for row in rows or []]


def add(tools: Tools, path: str, entry: str) -> None:
    """Put one entry on the list.

    Raises:
        DsmError: it is not there afterwards, or another one is gone.
    """
    before = texts(read(tools, path))
    answer = tools.call(SYNOACLTOOL, "-add", path, entry)
    now = texts(read(tools, path))
    if sorted(now) != sorted([*before, entry]):
        raise DsmError(
            f"{path} has not got the entry {entry}, its list is now: {'; '.join(now) or 'none'}",
            "the user or group must exist on this NAS",
            answer,
        )


def refuse_inherited(path: str, rows: list[Row], entries: list[str]) -> None:
    """Refuse to remove here what stands on the list of a directory above.

    Raises:
        DsmError: one of the entries is inherited.
    """
    for row in rows:
        if row.entry in entries and row.level != 0:
            raise DsmError(
                f"{path} inherits the entry {row.entry} from a directory above",
                "remove it there, or stop the inheritance in DSM",
            )


def remove(tools: Tools, path: str, entry: str) -> None:
    """Take one entry off the list, by the place it has now.

    Raises:
        DsmError: it is gone or inherited by now, or something else has changed.
    """
    rows = read(tools, path) or []
    refuse_inherited(path, rows, [entry])
    own = [row for row in rows if row.entry == entry]
    if not own:
        raise DsmError(f"somebody else has just removed the entry {entry} from {path}", "run this again")
    # Without a place -del would delete the whole list.
    answer = tools.call(SYNOACLTOOL, "-del", path, str(own[-1].place))
    left = texts(rows)
    left.pop(rows.index(own[-1]))
    now = texts(read(tools, path))
    if now != left:
        raise DsmError(
            f"the list of {path} is not the old one without {entry}, but: {'; '.join(now) or 'none'}",
            f"before, it was: {'; '.join(texts(rows))}; put right what differs with synoacltool or in File Station",
            answer,
        )


def ensure(module: AnsibleModule, tools: Tools) -> dict[str, Any]:
    """Bring the list into the asked state and return the module's result."""
    path, wanted = module.params["path"], list(dict.fromkeys(module.params["entries"]))
    for entry in wanted:
        if not ENTRY.fullmatch(entry):
            raise DsmError(
                f"{entry!r} is no entry of an access list",
                "write it as synoacltool -get prints it: group:NAME:allow:rwxpdDaARWc--:fd--, 13 rights and 4 flags",
            )
    missing_path = not exists(path)
    if missing_path and module.params["state"] == "present" and not module.check_mode:
        raise DsmError(f"there is nothing at {path}", "make the directory or the share first")
    rows = [] if missing_path else read(tools, path)
    before = texts(rows)
    if module.params["state"] == "present":
        missing = [entry for entry in wanted if entry not in before]
        if missing and rows is None and not module.params["convert"]:
            raise DsmError(
                f"{path} has no access list, its mode decides (Linux mode). With a list, others would lose access",
                "set convert: true if that is meant",
            )
        after = before + missing
        change, todo = add, missing
    else:
        refuse_inherited(path, rows or [], wanted)
        todo = [entry for entry in before if entry in wanted]
        after = [entry for entry in before if entry not in wanted]
        change = remove
    if not module.check_mode:
        for entry in todo:
            change(tools, path, entry)
        if todo:
            rows = read(tools, path)
            after = texts(rows)
    return {
        "changed": bool(todo),
        "acl": None if rows is None and not after else after,
        "diff": {"before": {"acl": before}, "after": {"acl": after}},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "entries": {"type": "list", "elements": "str", "required": True},
            "convert": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, ensure)


if __name__ == "__main__":
    main()
