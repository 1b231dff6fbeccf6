"""The role's configuration as a deployment writes it."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parents[2]
ROLE = REPOSITORY / "roles" / "alertmanager"
ADMINS = [1, 2]
RUNBOOK = "https://nas.example/runbook"
GRAFANA = "https://nas.example/grafana/"
EXTERNAL = "https://nas.example/alertmanager/"


def render(folder: Path, **changes: Any) -> Path:
    """Write alertmanager.yml and messages.tmpl into `folder` and return it; `changes` are variables of the role."""
    variables = {
        "kbju_project": "kbju-bot-prod",
        "kbju_volume": "/volume1",
        "kbju_timezone": "Europe/Moscow",
        "alertmanager_telegram_api_url": "http://telegram.example",
        "alertmanager_external_url": EXTERNAL,
        "alertmanager_runbook_url": RUNBOOK,
        "alertmanager_grafana_url": GRAFANA,
        "alertmanager_admin_ids": ADMINS,
    }
    files = [
        {"path": name.removesuffix(".j2"), "template": str(ROLE / "templates" / name), "owner": os.getuid()}
        for name in ("alertmanager.yml.j2", "messages.tmpl.j2")
    ]
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars_files": [str(ROLE / "defaults" / "main.yml"), str(ROLE / "vars" / "main.yml")],
        "tasks": [{"place_files": {"root": str(folder), "files": files}}],
    }
    extra = {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **variables, **changes}
    (folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    (folder / "variables.json").write_text(json.dumps(extra), encoding="utf-8")
    done = subprocess.run(
        [
            "ansible-playbook",
            "--inventory",
            "localhost,",
            "--extra-vars",
            f"@{folder}/variables.json",
            f"{folder}/play.json",
        ],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise AssertionError(done.stdout[-3000:] + done.stderr[-1000:])
    return folder
