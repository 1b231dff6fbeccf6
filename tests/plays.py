"""Runs tasks of a role through ansible itself, on this machine."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[1]


def run_role(
    folder: Path, role: str, tasks_from: str, *arguments: str, **variables: Any
) -> subprocess.CompletedProcess[str]:
    """Run one task file of a role, with a playbook that is written into `folder`, and return what ansible said.

    `arguments` are ansible-playbook's.

    The inventory's variables are not there: what the tasks need is given.
    """
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **variables},
        "tasks": [{"ansible.builtin.include_role": {"name": role, "tasks_from": tasks_from}}],
    }
    (folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    return subprocess.run(
        ["ansible-playbook", "--inventory", "localhost,", *arguments, str(folder / "play.json")],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
