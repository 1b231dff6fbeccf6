"""Fixtures for the tests of the dsm_* modules."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible.module_utils.basic import AnsibleModule

from dsm.module_runner import Runner
from dsm.standin import Nas

# Found where dsm.module_runner has made it known.
from ansible.module_utils import dsm, dsm_crontab, dsm_password, dsm_task_files  # isort: skip - only after the above


@pytest.fixture
def nas(tmp_path: Path) -> Nas:
    return Nas(tmp_path / "nas")


@pytest.fixture
def runner(nas: Nas, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Runner:
    found = Runner(nas, capsys)
    monkeypatch.setattr(AnsibleModule, "run_command", found.call)
    monkeypatch.setattr(dsm, "is_root", lambda: True)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.setattr(dsm_password, "SHADOW", str(nas.path("/etc/shadow")))
    monkeypatch.setattr(dsm_password, "CHPASSWD", ())
    monkeypatch.setattr(dsm_crontab, "CRONTAB", str(nas.path("/etc/crontab")))
    monkeypatch.setattr(dsm_crontab, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr(dsm_task_files, "FOLDER", str(nas.path("/usr/syno/etc/synoschedule.d")))
    monkeypatch.setattr(dsm_task_files, "WORKSHOP", str(nas.path("/usr/syno/etc")))
    monkeypatch.setattr(dsm_task_files, "FIRST", (os.geteuid(), os.getegid(), 0o660))
    return found


@pytest.fixture
def people(nas: Nas) -> Nas:
    """A NAS with the users ann, bob and cy."""
    for name in ("ann", "bob", "cy"):
        nas.ok("synouser", "--add", name, "Passw0rd!", "", "0", "", "0")
    return nas
