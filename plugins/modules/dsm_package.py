#!/usr/bin/python
"""Ansible module: a package of a Synology NAS."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_package
short_description: Manage a package of a Synology NAS
description:
  - Installs a package from Synology's server, starts, stops or removes it, with DSM's own C(synopkg), and waits until
    DSM says that it is so.
  - C(synopkg status) prints a sentence in early releases of DSM 7 and JSON in later ones. The module reads both, and
    gives up with the text where it understands neither.
options:
  name:
    description: The package's name as C(synopkg list --name) prints it, for instance C(ContainerManager).
    type: str
    required: true
  state:
    description:
      - V(present) - installed, running or not. V(started) and V(stopped) - installed, and running or not.
      - V(absent) - not installed. Data that the package keeps in shared folders stay.
    type: str
    choices: [present, started, stopped, absent]
    default: present
  timeout:
    description: How long to wait for the state, in seconds. An installation downloads the package within it.
    type: int
    default: 600
attributes:
  check_mode:
    support: full
    description: Says what would change.
  diff_mode:
    support: full
    description: The package's state before and after.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: Container Manager runs
  dsm_package:
    name: ContainerManager
    state: started
"""

RETURN = r"""
package_state:
  description: The state after the task, in check mode the one it would have - V(started), V(stopped) or V(absent).
  returned: success
  type: str
"""

import json
import re
import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm import SYNOPKG, Answer, DsmError, Tools, run

# Words of the JSON answer's "status".
WORDS = {"running": "started", "start": "started", "stop": "stopped", "stopped": "stopped", "non_installed": "absent"}
# What the sentences say, the surest first: "no such package" may well contain "stop".
SENTENCES = (
    (r"no such package|not installed|non_installed|failed to locate given package", "absent"),
    (r"\b(isn't|is not) (started|running|turned on)|\bstop(ped)?\b|Status: \[(3|17)\]", "stopped"),
    (r"\b(started|running|turned on)\b|Status: \[0\]", "started"),
)
POLL_SECONDS = 2.0
OK = {"present": {"started", "stopped"}, "started": {"started"}, "stopped": {"stopped"}, "absent": {"absent"}}


def understand(text: str) -> str | None:
    """Return started, stopped or absent for what `synopkg status` printed, or None where it can't be told."""
    try:
        word = json.loads(text)["status"]
    except (ValueError, KeyError, TypeError):
        return next((state for pattern, state in SENTENCES if re.search(pattern, text, flags=re.IGNORECASE)), None)
    return WORDS.get(word)


class Package:
    """A package of the NAS."""

    def __init__(self, tools: Tools, name: str, timeout: int) -> None:
        self.tools = tools
        self.name = name
        self.timeout = timeout

    def status(self) -> tuple[str | None, Answer]:
        """Return the state, and the answer it was read from."""
        answer = self.tools.call(SYNOPKG, "status", self.name)
        return understand(answer.text.strip()), answer

    def state(self) -> str:
        """Return the state, waiting while the package is on its way to one.

        Raises:
            DsmError: DSM's answer can't be understood.
        """
        return self.wait_for({"started", "stopped", "absent"}, None)

    def wait_for(self, states: set[str], cause: Answer | None) -> str:
        """Wait until the package is in one of the states, and return it.

        Raises:
            DsmError: it is not, in time.
        """
        # What synopkg itself calls a failure may still have worked, but is not worth a long wait.
        patience = self.timeout if cause and cause.code == 0 else min(self.timeout, 30)
        deadline = time.monotonic() + patience
        while True:
            found, answer = self.status()
            if found in states:
                return str(found)
            if time.monotonic() >= deadline:
                break
            time.sleep(POLL_SECONDS)  # between two looks; the deadline ends the wait
        if cause is None:
            raise DsmError(
                f"the state of the package {self.name} can't be understood",
                "look for it in the Package Center, and report what synopkg printed",
                answer,
            )
        raise DsmError(
            f"the package {self.name} is {found or 'in an unknown state'} and not {' or '.join(sorted(states))}",
            f"look for it in the Package Center, which says what is missing; {answer.quote()}",
            cause,
        )

    def change(self, verb: str, states: set[str]) -> str:
        """Have DSM do something to the package, wait for the state, and return it."""
        return self.wait_for(states, self.tools.call(SYNOPKG, verb, self.name))


def ensure(module: AnsibleModule, tools: Tools) -> dict[str, Any]:
    """Bring the package into the asked state and return the module's result."""
    name, wanted = module.params["name"], module.params["state"]
    if not re.fullmatch(r"\w[\w.+-]*", name):
        raise DsmError(f"{name!r} is no name of a package", "synopkg list --name prints the installed ones")
    package = Package(tools, name, module.params["timeout"])
    before = package.state()
    after = before if before in OK[wanted] else {"present": "stopped"}.get(wanted, wanted)
    if after != before and not module.check_mode:
        now = before
        if now == "absent":
            now = package.change("install_from_server", OK["present"])
        if now not in OK[wanted]:
            verb = {"started": "start", "stopped": "stop", "absent": "uninstall"}[wanted]
            now = package.change(verb, OK[wanted])
        after = now
    return {
        "changed": after != before,
        "package_state": after,
        "diff": {"before": {name: before}, "after": {name: after}},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "started", "stopped", "absent"], "default": "present"},
            "timeout": {"type": "int", "default": 600},
        },
        supports_check_mode=True,
    )
    run(module, ensure)


if __name__ == "__main__":
    main()
