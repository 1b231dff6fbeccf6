#!/usr/bin/python
"""Ansible module: a service's directories and files, in one round trip."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: place_files
short_description: Put a service's directories and files in place in one round trip
description:
  - Makes directories, writes files and removes what is no longer wanted, with owner and mode, below one root. A
    deployment that has nothing to do takes as long as one task, not as one for each file.
  - The action plugin of the same name renders templates and reads files on the controller, and notifies the handlers
    of those files that changed.
  - A file is written aside and renamed, so nobody reads half of it. A mode is set only where it differs, and never
    outside what is listed - on DSM a chmod deletes an access list.
options:
  root:
    description: The directory that everything lies below. It must exist, except in check mode.
    type: path
    required: true
  directories:
    description: Directories, parents first.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The path below O(root)., type: str, required: true}
      owner: {description: The owner's uid., type: int, default: 0}
      group: {description: The group's gid or its name on the NAS; as the owner's uid when absent., type: str}
      mode: {description: The mode in octal., type: str, default: "0755"}
      exclusive: {description: Remove files in it that are not listed., type: bool, default: false}
  files:
    description: Files, in any order.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The path below O(root)., type: str, required: true}
      template: {description: Where the content comes from - a template of the role., type: str}
      copy: {description: Where the content comes from - a file in templates/ as it is., type: str}
      content: {description: Where the content comes from - this text., type: str}
      owner: {description: The owner's uid., type: int, default: 0}
      group: {description: The group's gid or its name on the NAS; as the owner's uid when absent., type: str}
      mode: {description: The mode in octal., type: str, default: "0644"}
      secret: {description: Show nothing of the content anywhere., type: bool, default: false}
      state: {description: V(absent) removes the file., type: str, choices: [present, absent], default: present}
      notify: {description: Handlers to notify when this file changes., type: list, elements: str, default: []}
  secrets:
    description: As O(files); the action plugin puts secret files here, so that Ansible masks their contents.
    type: list
    elements: dict
    default: []
    suboptions:
      path: {description: The path below O(root)., type: str, required: true}
      content: {description: The text., type: str}
      owner: {description: The owner's uid., type: int, default: 0}
      group: {description: The group's gid or its name on the NAS; as the owner's uid when absent., type: str}
      mode: {description: The mode in octal., type: str, default: "0400"}
attributes:
  check_mode: {support: full, description: Tells what would change.}
  diff_mode: {support: full, description: "Shows contents, except secret ones, and changed owners and modes."}
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: Put the configuration in place
  place_files:
    root: /volume1/docker/kbju-bot-prod
    directories:
      - {path: config/nginx}
      - {path: secrets/nginx, owner: 101, mode: "0500"}
    files:
      - {path: config/nginx/nginx.conf, template: nginx.conf.j2, notify: [Reload nginx]}
      - {path: secrets/nginx/htpasswd, content: "{{ line }}", owner: 101, mode: "0400", secret: true}
"""

RETURN = r"""
changed_paths:
  description: The paths below O(root) that were made, written, removed, or got another owner or mode.
  returned: always
  type: list
  elements: str
"""

import grp
import os
import stat
from typing import Any

from ansible.module_utils.basic import AnsibleModule

HIDDEN = "(secret, not shown)\n"


class Unfit(Exception):
    """Something in the way; the text says what, where, and what to do."""


def find(path: str) -> os.stat_result | None:
    """Return what is known of a path itself, links not followed, or None where nothing is."""
    try:
        return os.lstat(path)
    except FileNotFoundError:
        return None


def rights(found: os.stat_result) -> str:
    """Return owner, group and mode as a diff shows them."""
    return f"{found.st_uid}:{found.st_gid} {stat.S_IMODE(found.st_mode):04o}"


def gid_of(row: dict[str, Any], check_mode: bool) -> int:
    """Return the number of a row's group; in check mode a group that is still to be made counts as -1."""
    group = row["group"]
    if group is None:
        return int(row["owner"])
    if group.isdigit():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        if check_mode:
            return -1
        raise Unfit(f"there is no group {group} on this NAS: playbooks/provision.yml makes it") from None


class Placer:
    """Puts things in place below a root and notes what it did; in check mode it only notes."""

    def __init__(self, root: str, check_mode: bool) -> None:
        self.root = root
        self.check_mode = check_mode
        self.changed: list[str] = []
        self.diffs: list[dict[str, str]] = []

    def _note(self, path: str, before: str, after: str) -> None:
        if path not in self.changed:
            self.changed.append(path)
        self.diffs.append({"before_header": path, "after_header": path, "before": before, "after": after})

    def _own(self, path: str, place: str, row: dict[str, Any]) -> None:
        """Set owner and mode of what exists, where they differ."""
        found = os.lstat(place)
        group = gid_of(row, self.check_mode)
        mode = int(row["mode"], 8)
        wanted = f"{row['owner']}:{group} {mode:04o}"
        if rights(found) == wanted:
            return
        self._note(path, rights(found) + "\n", wanted + "\n")
        if self.check_mode:
            return
        # The owner first: a change of owner may clear bits of the mode.
        if (found.st_uid, found.st_gid) != (row["owner"], group):
            os.chown(place, row["owner"], group)
        if stat.S_IMODE(os.lstat(place).st_mode) != mode:
            os.chmod(place, mode)

    def directory(self, row: dict[str, Any]) -> None:
        """Make a directory, or set its owner and mode."""
        place = os.path.join(self.root, row["path"])
        found = find(place)
        if found is None:
            self._note(row["path"] + "/", "", "directory\n")
            if self.check_mode:
                return
            os.mkdir(place, 0o700)
        elif not stat.S_ISDIR(found.st_mode):
            raise Unfit(f"{place} is no directory: move it away, its place is needed")
        self._own(row["path"] + "/", place, row)

    def file(self, row: dict[str, Any], secret: bool) -> None:
        """Write a file when its content differs, and set its owner and mode."""
        place = os.path.join(self.root, row["path"])
        found = find(place)
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise Unfit(f"{place} is no regular file: move it away, its place is needed")
        wanted, mode = row["content"].encode(), int(row["mode"], 8)
        group = gid_of(row, self.check_mode)
        before = b""
        if found is not None:
            with open(place, "rb") as file:
                before = file.read()
        if found is not None and before == wanted:
            self._own(row["path"], place, row)
            return
        if secret:
            self._note(row["path"], "" if found is None else HIDDEN, "another " + HIDDEN)
        else:
            self._note(row["path"], before.decode(errors="replace"), row["content"])
        if self.check_mode:
            return
        aside = place + ".new"
        # Closed from its first byte, and never through a link that somebody has put there.
        if find(aside) is not None:
            os.unlink(aside)
        handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(wanted)
                file.flush()
                os.fsync(file.fileno())
            os.chown(aside, row["owner"], group)
            os.chmod(aside, mode)
            os.rename(aside, place)
        except OSError:
            os.unlink(aside)
            raise

    def remove_others(self, row: dict[str, Any], listed: set[str]) -> None:
        """Remove what is directly in a directory and neither listed nor a directory itself."""
        place = os.path.join(self.root, row["path"])
        for name in sorted(os.listdir(place)) if find(place) else []:
            path = os.path.join(row["path"], name)
            if path not in listed and not stat.S_ISDIR(os.lstat(os.path.join(self.root, path)).st_mode):
                self.remove({"path": path})

    def remove(self, row: dict[str, Any]) -> None:
        """Remove a file."""
        place = os.path.join(self.root, row["path"])
        found = find(place)
        if found is None:
            return
        if stat.S_ISDIR(found.st_mode):
            raise Unfit(f"{place} is a directory, and only files are removed here")
        self._note(row["path"], "file\n", "")
        if not self.check_mode:
            os.unlink(place)


def rows(default_mode: str, **more: Any) -> dict[str, Any]:
    """Return the options of one entry."""
    return {
        "path": {"type": "str", "required": True},
        "owner": {"type": "int", "default": 0},
        "group": {"type": "str"},
        "mode": {"type": "str", "default": default_mode},
        **more,
    }


def main() -> None:
    """Put everything in place and tell what changed."""
    state = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    text = {"type": "str"}
    lists: dict[str, dict[str, Any]] = {
        "directories": rows("0755", exclusive={"type": "bool", "default": False}),
        "files": rows(
            "0644",
            content=text,
            template=text,
            copy=text,
            secret={"type": "bool", "default": False},
            notify={"type": "list", "elements": "str", "default": []},
            state=state,
        ),
        "secrets": rows("0400", content={"type": "str", "no_log": True}),
    }
    module = AnsibleModule(
        argument_spec={
            "root": {"type": "path", "required": True},
            **{
                # By this name Ansible would take the paths for secrets, too; what is one is marked inside.
                name: {"type": "list", "elements": "dict", "default": [], "options": options, "no_log": False}
                for name, options in lists.items()
            },
        },
        supports_check_mode=True,
    )
    given = module.params
    placer = Placer(given["root"], module.check_mode)
    row: dict[str, Any] = {}
    try:
        for row in given["directories"]:
            placer.directory(row)
        for row in given["files"]:
            if row["state"] == "absent":
                placer.remove(row)
            else:
                placer.file(row, secret=False)
        for row in given["secrets"]:
            placer.file(row, secret=True)
        listed = {row["path"] for row in given["files"] + given["secrets"]}
        for row in given["directories"]:
            if row["exclusive"]:
                placer.remove_others(row, listed)
    except Unfit as problem:
        module.fail_json(msg=str(problem), changed_paths=placer.changed)
    except (OSError, ValueError) as error:
        module.fail_json(
            msg=f"{os.path.join(given['root'], row.get('path', ''))}: {error}", changed_paths=placer.changed
        )
    module.exit_json(changed=bool(placer.changed), changed_paths=placer.changed, diff=placer.diffs)


if __name__ == "__main__":
    main()
