#!/usr/bin/python
"""Ansible module: a shared folder of a Synology NAS, and who may use it."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_share
short_description: Manage a shared folder of a Synology NAS
description:
  - Makes a shared folder with DSM's own C(synoshare), sets its comment and who may read and write, or takes it off
    the list.
  - Never calls chmod - that deletes a Synology access list. What DSM decides about a share's directory stays as it is.
  - A directory that exists and is no share can't be made into one. The module says so and changes nothing.
  - Every change is read back; DSM's exit codes are not trusted.
options:
  name:
    description: The share's name. DSM compares names without regard to case.
    type: str
    required: true
  state:
    description: Whether there is such a share. V(absent) keeps the data, see O(delete_data).
    type: str
    choices: [present, absent]
    default: present
  path:
    description:
      - Where a new share is made, directly on a volume, like C(/volume1/docker). Needed to make one.
      - A share that is somewhere else is an error; it is not moved.
    type: path
  comment:
    description: The comment. Without it a present one stays.
    type: str
  read_write:
    description: Users and C(@groups) who may read and write. Without this, and the two below, rights stay as they are.
    type: list
    elements: str
  read_only:
    description: Users and C(@groups) who may read.
    type: list
    elements: str
  no_access:
    description: Users and C(@groups) who may do nothing, whatever other groups of theirs may do.
    type: list
    elements: str
  append:
    description:
      - Keep who is on a list of the share and not named here. With V(false) each list that is given becomes exactly
        that.
      - Who is named moves from the list that they were on before.
    type: bool
    default: true
  delete_data:
    description: With O(state=absent), also delete everything in the share, for good.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says what would change, and refuses what would be refused.
  diff_mode:
    support: full
    description: The share, its comment and its lists before and after.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: The shared folder of Container Manager
  dsm_share:
    name: docker
    path: /volume1/docker

- name: A share that one group writes and another reads
  dsm_share:
    name: reports
    path: /volume1/reports
    comment: Weekly reports
    read_write: ["@kbju"]
    read_only: ["@users"]

- name: Take it off the list of shares, the data stay
  dsm_share:
    name: reports
    state: absent
"""

RETURN = r"""
share:
  description: The share after the task - C(name), C(path), C(comment), C(read_write), C(read_only), C(no_access).
  returned: success
  type: dict
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm import SYNOSHARE, DsmError, Tools, check_name, exists, fields, look_up, merged, run

# Our names of the lists, what --get calls them, and what --setuser takes.
LISTS = {
    "no_access": ("Deny list", "NA"),
    "read_only": ("RO list", "RO"),
    "read_write": ("RW list", "RW"),
}


def read(tools: Tools, name: str) -> dict[str, Any] | None:
    """Return the share as DSM shows it, or None where there is none."""
    text = look_up(tools, SYNOSHARE, "ALL", name, "Path")
    if text is None:
        return None
    found = fields(text)
    share: dict[str, Any] = {
        "name": found.get("Name", name),
        "path": found["Path"],
        "comment": found.get("Comment", ""),
    }
    for key, (title, _) in LISTS.items():
        share[key] = sorted(one.strip() for one in found.get(title, "").split(",") if one.strip())
    return share


def aim(before: dict[str, Any] | None, params: dict[str, Any]) -> dict[str, Any]:
    """Return the share as it shall be.

    Raises:
        DsmError: somebody is named twice.
    """
    after = dict(before or {"name": params["name"], "path": params["path"], "comment": ""})
    if params["comment"] is not None:
        after["comment"] = params["comment"]
    given = {key: params[key] for key in LISTS if params[key] is not None}
    named = [one for people in given.values() for one in people]
    twice = sorted({one for one in named if named.count(one) > 1})
    if twice:
        raise DsmError(f"{', '.join(twice)} is named more than once", "name each on one list only")
    for key in LISTS:
        kept = [one for one in after.get(key, []) if one not in named or one in given.get(key, [])]
        after[key] = sorted(merged(kept, given.get(key), params["append"]))
    return after


def refuse_impossible(before: dict[str, Any] | None, path: str | None, name: str) -> None:
    """Refuse what DSM can't do or would do badly.

    Raises:
        DsmError: the share is elsewhere, a new one has no place, or something else is in its place.
    """
    if before is not None:
        if path is not None and path != before["path"]:
            raise DsmError(
                f"the share {name} is at {before['path']} and not at {path}",
                "give its present path; shares are not moved",
            )
        return
    if path is None:
        raise DsmError(
            f"there is no share {name}, and no path was given to make it", "give its path, like /volume1/" + name
        )
    if exists(path):
        raise DsmError(
            f"{path} exists and is no shared folder; DSM can't make a directory into one",
            f"move it away (mv {path} {path}.kept), run this again, and move its content into the new share",
        )
    if not exists(os.path.dirname(path)):
        raise DsmError(
            f"there is no volume {os.path.dirname(path)}", "create it in Storage Manager or give another path"
        )


def write(tools: Tools, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    """Make the share or change what differs, and read it back.

    Raises:
        DsmError: DSM shows another share afterwards.
    """
    name, answer, present = after["name"], None, before
    if present is None:
        answer = tools.call(SYNOSHARE, "--add", name, after["comment"], after["path"], "", "", "", "1", "0")
        present = read(tools, name)
        if present is None:
            raise DsmError(
                f"DSM has not made the share {name}", "try the same in Control Panel → Shared Folder", answer
            )
    elif present["comment"] != after["comment"]:
        answer = tools.call(SYNOSHARE, "--setdesc", name, after["comment"])
    # Rights are taken before they are given: nobody is on two lists in between.
    for sign in "-+":
        for key, (_, right) in LISTS.items():
            source, other = (present[key], after[key]) if sign == "-" else (after[key], present[key])
            people = [one for one in source if one not in other]
            if people:
                answer = tools.call(SYNOSHARE, "--setuser", name, right, sign, ",".join(people))
    now = read(tools, name) or {}
    wrong = [key for key in ("comment", *LISTS) if now.get(key) != after[key]]
    if wrong:
        raise DsmError(
            f"the share {name} does not have the {' and '.join(wrong).replace('_', ' ')} that was asked for, but "
            + "; ".join(f"{key}: {now.get(key)}" for key in wrong),
            "users and @groups must exist on this NAS; set the rest in Control Panel → Shared Folder",
            answer,
        )


def refuse_unknown_removal(tools: Tools) -> None:
    """Refuse to remove a share with a tool that may take the data too.

    Raises:
        DsmError: this DSM's synoshare takes --del in another form.
    """
    usage = tools.call(SYNOSHARE, "--help")
    if "TRUE|FALSE" not in usage.text:
        raise DsmError(
            "this DSM's synoshare does not say that --del takes TRUE or FALSE for the data, so nothing was removed",
            "remove the share in Control Panel → Shared Folder",
            usage,
        )


def remove(tools: Tools, share: dict[str, Any], delete_data: bool) -> None:
    """Take the share off the list, with or without its data.

    Raises:
        DsmError: the result is not what was asked for.
    """
    answer = tools.call(SYNOSHARE, "--del", "TRUE" if delete_data else "FALSE", share["name"])
    if read(tools, share["name"]) is not None:
        raise DsmError(
            f"the share {share['name']} is still there", "remove it in Control Panel → Shared Folder", answer
        )
    if not delete_data and not exists(share["path"]):
        raise DsmError(
            f"DSM has removed {share['path']} with the share, although its data were to stay",
            "restore it from a snapshot or a backup now",
            answer,
        )


def ensure(module: AnsibleModule, tools: Tools) -> dict[str, Any]:
    """Bring the share into the asked state and return the module's result."""
    params, name = module.params, module.params["name"]
    check_name("shared folder", name)
    for key in LISTS:
        for person in params[key] or []:
            check_name("user or @group", person[1:] if person.startswith("@") else person)
    before = read(tools, name)
    if params["state"] == "absent":
        if before is not None:
            refuse_unknown_removal(tools)
            if not module.check_mode:
                remove(tools, before, params["delete_data"])
        return {"changed": before is not None, "share": {}, "diff": {"before": before or {}, "after": {}}}
    refuse_impossible(before, params["path"], name)
    after = aim(before, params)
    if after != before and not module.check_mode:
        write(tools, before, after)
    return {"changed": after != before, "share": after, "diff": {"before": before or {}, "after": after}}


def main() -> None:
    """Run the module."""
    people = {"type": "list", "elements": "str"}
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "path": {"type": "path"},
            "comment": {"type": "str"},
            "read_write": people,
            "read_only": people,
            "no_access": people,
            "append": {"type": "bool", "default": True},
            "delete_data": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    run(module, ensure)


if __name__ == "__main__":
    main()
