#!/usr/bin/python
"""Ansible module: a local user of a Synology NAS."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_user
short_description: Manage a local user of a Synology NAS
description:
  - Makes, changes or removes a user with DSM's own C(synouser), so that Control Panel and the file services know the
    user.
  - DSM chooses the uid. The primary group is C(users).
  - Every change is read back; DSM's exit codes are not trusted.
options:
  name:
    description: The user's name.
    type: str
    required: true
  state:
    description: Whether there is such a user. V(absent) leaves the home directory where it is.
    type: str
    choices: [present, absent]
    default: present
  full_name:
    description: What Control Panel calls the description. Without it a present one stays.
    type: str
  mail:
    description: The user's mail address. Without it a present one stays.
    type: str
  disabled:
    description:
      - Whether the account is expired as DSM calls it - the user is there and owns files, but can't log in to anything.
        Refused for DSM's own users and for the one as whom this session runs.
      - Without it a new user is not disabled, and a present one stays as it is.
    type: bool
  adopt:
    description: Whether a user that is there already under another O(full_name) is taken for this one. With V(false)
      it is somebody else's - V(present) is refused, V(absent) leaves it.
    type: bool
    default: true
  groups:
    description: Groups, beside the primary one, that the user belongs to. They must exist. Without it they stay.
    type: list
    elements: str
  append:
    description: Keep groups that are not listed. With V(false) the user leaves them.
    type: bool
    default: true
  password:
    description:
      - The user's password. Without it a new user gets a random one, made on the NAS and told to nobody, and a
        present user keeps what is there.
      - It is handed to C(chpasswd) as a hash by the standard input, so it stands in no process list. File services
        that keep hashes of their own (SMB) do not learn it this way; see O(password_in_argv).
    type: str
  update_password:
    description:
      - V(on_create) sets the password of a new user alone. V(always) sets it whenever the one on the NAS is another.
    type: str
    choices: [on_create, always]
    default: on_create
  password_in_argv:
    description:
      - Hand O(password) to C(synouser) itself, which takes it as an argument only. All of DSM then knows it, SMB too,
        but every local user and every process of the NAS can read it in the process list for as long as C(synouser)
        runs, about a second.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Says what would change. A group that does not exist yet is no error, another task may make it.
  diff_mode:
    support: full
    description: The user before and after, without the password.
notes:
  - The random password of a new user does stand in the argument list of C(synouser --add) while that runs; DSM allows
    no other way. Where O(password) is given it is replaced at once, and where O(disabled) is set it opens nothing.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: An account that owns things and can't log in
  dsm_user:
    name: kbju
    full_name: KBJU bot
    adopt: false
    disabled: true
    groups: [kbju]

- name: A person, with a password that only the first run sets
  dsm_user:
    name: anna
    mail: anna@example.com
    password: "{{ vault_anna_password }}"
"""

RETURN = r"""
user:
  description: The user after the task - C(name), C(uid), C(full_name), C(mail), C(disabled), C(groups); empty when
    absent.
  returned: success
  type: dict
password_changed:
  description: Whether the task has set, or in check mode would set, O(password).
  returned: success
  type: bool
"""

import secrets
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm import (
    SYNOUSER,
    DsmError,
    Tools,
    check_name,
    fields,
    group_members,
    look_up,
    merged,
    refuse_needed_user,
    run,
    set_group_members,
)
from ansible.module_utils.dsm_password import find_chpasswd, password_is, set_password

PRIMARY_GROUP = "users"
ALWAYS = "always"
# What DSM prints of an account that has not expired; it prints other words, or a date, of one that has.
NOT_EXPIRED = {"false", "no", "0", "normal"}


def read(tools: Tools, name: str) -> dict[str, Any] | None:
    """Return the user as DSM shows it, or None where there is none."""
    text = look_up(tools, SYNOUSER, "local", name, "User Name")
    if text is None:
        return None
    found = fields(text)
    member_of = [line.split(")", 1)[1].strip() for line in text.splitlines() if line.startswith("(") and ")" in line]
    return {
        "name": found["User Name"],
        "uid": int(found["User uid"]) if found.get("User uid", "").isdigit() else None,
        "full_name": found.get("Fullname", ""),
        "mail": found.get("User Mail", ""),
        "disabled": found.get("Expired", "false").lower() not in NOT_EXPIRED,
        "groups": sorted(group for group in member_of if group != PRIMARY_GROUP),
    }


def aim(before: dict[str, Any] | None, params: dict[str, Any]) -> dict[str, Any]:
    """Return the user as it shall be."""
    after = dict(before or {"name": params["name"], "full_name": "", "mail": "", "disabled": False, "groups": []})
    after.update({key: params[key] for key in ("full_name", "mail", "disabled") if params[key] is not None})
    after["groups"] = sorted(merged(after["groups"], params["groups"], params["append"]))
    return after


def differ(one: dict[str, Any] | None, other: dict[str, Any], *keys: str) -> bool:
    """Tell whether two states differ in one of the keys."""
    return one is None or any(one[key] != other[key] for key in keys)


def write_account(tools: Tools, before: dict[str, Any] | None, after: dict[str, Any], password: str) -> None:
    """Make the user, with a password, or change what is not its password or a group.

    Raises:
        DsmError: DSM shows another user afterwards.
    """
    name, expired = after["name"], "1" if after["disabled"] else "0"
    if before is None:
        answer = tools.call(SYNOUSER, "--add", name, password, after["full_name"], expired, after["mail"], "0")
    elif differ(before, after, "full_name", "mail", "disabled"):
        answer = tools.call(SYNOUSER, "--modify", name, after["full_name"], expired, after["mail"])
    else:
        return
    now = read(tools, name)
    if now is None:
        raise DsmError(f"DSM has not made the user {name}", "look whether Control Panel allows this name", answer)
    for key in ("full_name", "mail", "disabled"):
        if now[key] != after[key]:
            raise DsmError(
                f"{key} of the user {name} is {now[key]!r} and not {after[key]!r}", "set it in Control Panel", answer
            )


def write_groups(tools: Tools, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
    """Have the user join and leave groups; other members stay.

    Raises:
        DsmError: there is no such group, or it has other members afterwards.
    """
    name, present = after["name"], set(before["groups"] if before else [])
    for group in sorted(present ^ set(after["groups"])):
        members = group_members(tools, group)
        if members is None:
            raise DsmError(f"there is no group {group} for the user {name} to join", "make it with dsm_group first")
        others = [member for member in members if member != name]
        set_group_members(tools, group, others if group in present else [*others, name])


def remove(tools: Tools, name: str) -> None:
    """Remove the user.

    Raises:
        DsmError: it is still there afterwards.
    """
    answer = tools.call(SYNOUSER, "--del", name)
    if read(tools, name) is not None:
        raise DsmError(f"the user {name} is still there", "remove it in Control Panel → User & Group", answer)


def ensure(module: AnsibleModule, tools: Tools) -> dict[str, Any]:
    """Bring the user into the asked state and return the module's result."""
    params, name = module.params, module.params["name"]
    check_name("user", name)
    for group in params["groups"] or []:
        check_name("group", group)
    before = read(tools, name)
    is_others = before is not None and not params["adopt"] and before["full_name"] != params["full_name"]
    if params["state"] == "absent":
        before = None if is_others else before
        if before is not None:
            refuse_needed_user(name, "removed")
            if not module.check_mode:
                remove(tools, name)
        diff = {"before": before or {}, "after": {}}
        return {"changed": before is not None, "user": {}, "password_changed": False, "diff": diff}

    if before is not None and is_others:
        raise DsmError(
            f"there is a user {name} already, described as {before['full_name']!r} and not as {params['full_name']!r}:"
            " somebody else's, who was left alone",
            "give another name, or describe this one so in Control Panel if it is the one that is meant",
        )
    after = aim(before, params)
    if after["disabled"] and not (before and before["disabled"]):
        refuse_needed_user(name, "disabled")
    password: str | None = params["password"]
    if password and "\n" in password:
        raise DsmError(f"the password of {name} has a line break in it", "give it as one line")
    always = params["update_password"] == ALWAYS
    new_password = bool(password) and (before is None or (always and not password_is(tools, name, password or "")))
    if new_password and not params["password_in_argv"]:
        find_chpasswd()
    if not module.check_mode:
        # Long, and with every kind of character, whatever this NAS's rules for passwords ask for.
        throwaway = "aA1!" + secrets.token_urlsafe(24)
        module.no_log_values.add(throwaway)
        in_argv = password if password and params["password_in_argv"] else None
        try:
            write_account(tools, before, after, in_argv or throwaway)
            if password and new_password and not (in_argv and before is None):
                set_password(tools, name, password, in_argv=params["password_in_argv"])
        except DsmError:
            if new_password and before is None:
                # The next run would find the user there, and leave it a password that nobody knows.
                remove(tools, name)
            raise
        write_groups(tools, before, after)
        after = read(tools, name) or after
    changed = differ(before, after, "full_name", "mail", "disabled", "groups") or new_password
    hint = {"password": "set anew"} if new_password else {}
    return {
        "changed": changed,
        "user": after,
        "password_changed": new_password,
        "diff": {"before": before or {}, "after": dict(after, **hint)},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "full_name": {"type": "str"},
            "mail": {"type": "str"},
            "disabled": {"type": "bool"},
            "adopt": {"type": "bool", "default": True},
            "groups": {"type": "list", "elements": "str"},
            "append": {"type": "bool", "default": True},
            "password": {"type": "str", "no_log": True},
            "update_password": {"choices": ["on_create", ALWAYS], "default": "on_create", "no_log": False},
            "password_in_argv": {"type": "bool", "default": False, "no_log": False},
        },
        required_if=[("adopt", False, ("full_name",))],
        supports_check_mode=True,
    )
    run(module, ensure)


if __name__ == "__main__":
    main()
