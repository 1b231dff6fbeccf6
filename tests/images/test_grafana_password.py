"""The role has a running Grafana take another admin's password, once, and says what to do when it does not."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from plays import run_role

REPOSITORY = Path(__file__).resolve().parents[2]
FIRST, SECOND = "a-first-password", "a-second-password"


def grafana() -> str:
    image = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))["kbju_images"]
    return f"{image['grafana']['name']}:{image['grafana']['tag']}"


class Grafana:
    """A container as the role deploys it, with the deployed dashboards, and a NAS around it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "secrets").mkdir(mode=0o755)
        self.set_file(FIRST)
        mount = f"--volume={folder}/secrets:/run/secrets:ro"
        setting = "--env=GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/admin_password"
        port = "--publish=127.0.0.1::3000"
        self.id = self.docker("run", "--detach", port, mount, setting, grafana()).strip()
        port = self.docker("port", self.id, "3000").splitlines()[0].rpartition(":")[2]
        self.address = f"http://127.0.0.1:{port}/api/user"
        # The role names the container as it is called on the NAS.
        self.program = folder / "docker"
        self.program.write_text(f'#!/bin/bash\nexec {shutil.which("docker")} "${{@/kbju-grafana/{self.id}}}"\n')
        self.program.chmod(0o755)

    @staticmethod
    def docker(*arguments: str) -> str:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout

    def set_file(self, password: str) -> None:
        """Put the password where the deployment puts it."""
        (self.folder / "secrets/admin_password").write_text(password, encoding="utf-8")

    def lets_in(self, password: str) -> bool:
        return requests.get(self.address, auth=("admin", password), timeout=5).status_code == 200

    def has_password(self, password: str, *arguments: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run the role's tasks on a NAS whose vault has `password`."""
        settings = {
            "kbju_docker": str(self.program),
            "grafana_admin_password": password,
            "grafana_login_url": self.address,
            "grafana_placed": {"changed_paths": []},
            "dsm": {"containers": {"kbju-grafana": {}}},
        }
        return run_role(self.folder, "grafana", "password", *arguments, **{**settings, **variables})


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Grafana]:
    found = Grafana(tmp_path)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                assert found.lets_in(FIRST)
                break
            except requests.ConnectionError:
                assert time.monotonic() < deadline, "Grafana does not listen"
                time.sleep(0.1)  # between two looks; the assertion above ends the wait
        yield found
    finally:
        found.docker("rm", "--force", "--volumes", found.id)


def test_the_password_that_it_has_changes_nothing(running: Grafana) -> None:
    said = running.has_password(FIRST)

    assert said.returncode == 0, said.stdout
    assert "changed=0 " in said.stdout


def test_another_password_counts_at_once_and_only_once(running: Grafana) -> None:
    running.set_file(SECOND)

    said = running.has_password(SECOND, "-vvv")

    assert said.returncode == 0, said.stdout
    assert "changed=1 " in said.stdout
    assert running.lets_in(SECOND)
    assert not running.lets_in(FIRST)
    assert SECOND not in said.stdout + said.stderr
    assert "changed=0 " in running.has_password(SECOND).stdout


def test_a_password_that_grafana_does_not_take(running: Grafana) -> None:
    running.set_file("abc")

    said = running.has_password("abc")

    assert said.returncode != 0
    assert "new password is too short" in said.stdout
    assert "deploy again" in said.stdout
    assert running.lets_in(FIRST)


def test_a_grafana_that_refuses_the_password_that_it_was_given(running: Grafana) -> None:
    """As one does that lets nobody in for a while: a deployment must not call that a success."""
    running.program.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")

    said = running.has_password(SECOND)

    assert said.returncode != 0
    assert "still says" in said.stdout
    assert "deploy again" in said.stdout
    assert SECOND not in said.stdout + said.stderr


def test_a_grafana_that_does_not_answer(running: Grafana) -> None:
    running.docker("stop", "--time=1", running.id)

    said = running.has_password(SECOND, grafana_login_retries=1)

    assert said.returncode != 0
    assert "can't be told" in said.stdout
    assert running.address in said.stdout


@pytest.mark.parametrize(
    "variables",
    [{"dsm": {"containers": {}}}, {"grafana_placed": {"changed_paths": ["secrets/grafana/admin_password"]}}],
    ids=["before the first deployment", "before a change"],
)
def test_check_mode_tries_no_password_that_is_not_there_yet(running: Grafana, variables: dict[str, Any]) -> None:
    """After five wrong ones Grafana would let nobody in for a while."""
    before = running.docker("logs", running.id)

    said = running.has_password(SECOND, "--check", **variables)

    assert said.returncode == 0, said.stdout
    assert "changed=0 " in said.stdout
    assert running.docker("logs", running.id) == before


def test_check_mode_later_changes_nothing(running: Grafana) -> None:
    said = running.has_password(SECOND, "--check")

    assert said.returncode == 0, said.stdout
    assert running.lets_in(FIRST)
