#!/usr/bin/python
"""Ansible module: a local group of a Synology NAS and its members."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_group
short_description: Manage a local group of a Synology NAS
description:
  - Makes or removes a group with DSM's own C(synogroup), so that Control Panel and the file services know it, and
    sets its members.
  - DSM's C(synogroup --member) replaces the whole list of members. This module reads the list first and never drops a
    member whom O(append) does not ask it to drop.
  - Every change is read back; DSM's exit codes are not trusted.
options:
  name:
    description: The group's name.
    type: str
    required: true
  state:
    description: Whether there is such a group.
    type: str
    choices: [present, absent]
    default: present
  members:
    description: Users of the NAS who belong to the group. Without it the members stay as they are.
    type: list
    elements: str
  append:
    description: Keep members that are not listed. With V(false) the group has exactly O(members).
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Says what would change. A member who does not exist yet is no error, another task may make it.
  diff_mode:
    support: full
    description: The group and its members before and after.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: A group whose members may read the logs
  dsm_group:
    name: kbju
    members: [anna]

- name: Exactly these members, nobody else
  dsm_group:
    name: kbju
    members: [anna, boris]
    append: false
"""

RETURN = r"""
members:
  description: The group's members after the task; empty where there is no group.
  returned: success
  type: list
  elements: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm import (
    SYNOGROUP,
    DsmError,
    Tools,
    check_name,
    group_members,
    merged,
    run,
    set_group_members,
)

BUILT_IN = {"administrators", "users", "http"}


def shown(name: str, members: list[str] | None) -> dict[str, Any]:
    """Return one side of the diff."""
    return {} if members is None else {"group": name, "members": sorted(members)}


def remove(tools: Tools, name: str) -> None:
    """Remove the group.

    Raises:
        DsmError: DSM itself needs it, or still has it afterwards.
    """
    answer = tools.call(SYNOGROUP, "--del", name)
    if group_members(tools, name) is not None:
        raise DsmError(f"the group {name} is still there", "remove it in Control Panel → User & Group", answer)


def make(tools: Tools, name: str) -> None:
    """Make the group, without members.

    Raises:
        DsmError: DSM has no such group afterwards.
    """
    answer = tools.call(SYNOGROUP, "--add", name)
    if group_members(tools, name) is None:
        raise DsmError(f"DSM has not made the group {name}", "look whether Control Panel allows this name", answer)


def ensure(module: AnsibleModule, tools: Tools) -> dict[str, Any]:
    """Bring the group into the asked state and return the module's result."""
    name: str = module.params["name"]
    wanted: list[str] | None = module.params["members"]
    check_name("group", name)
    for member in wanted or []:
        check_name("user", member)
    before = group_members(tools, name)
    if module.params["state"] == "absent":
        if name.lower() in BUILT_IN:
            raise DsmError(f"{name} is one of DSM's own groups", "leave it, DSM needs it")
        if before is not None and not module.check_mode:
            remove(tools, name)
        return {"changed": before is not None, "members": [], "diff": {"before": shown(name, before), "after": {}}}
    after = merged(before or [], wanted, module.params["append"])
    if not module.check_mode:
        if before is None:
            make(tools, name)
        if set(after) != set(before or []):
            set_group_members(tools, name, after)
    return {
        "changed": before is None or set(after) != set(before),
        "members": sorted(after),
        "diff": {"before": shown(name, before), "after": shown(name, after)},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "members": {"type": "list", "elements": "str"},
            "append": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    run(module, ensure)


if __name__ == "__main__":
    main()
