"""What becomes of the table of budgets on kernels that can limit more and less."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]


def limits(folder: Path, docker: dict[str, Any] | None, cores: int = 4) -> dict[str, dict[str, Any]]:
    """Return the services of the compose fragment, written for a kernel and so many cores."""
    settings = {"dsm": {"docker": docker, "cores": cores}, "resource_limits_cpu_ceiling": 0.8}
    template = f"src={REPOSITORY}/roles/resource_limits/templates/limits.yml.j2 dest={folder}/limits.yml"
    command = ["ansible", "nas", "--inventory", "inventories/nas", "--connection", "local", "--playbook-dir", "."]
    command += [
        "--extra-vars",
        json.dumps({**settings, "ansible_become": False, "ansible_python_interpreter": "python3"}),
    ]
    command += ["--module-name", "ansible.builtin.template", "--args", template]
    subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    services: dict[str, dict[str, Any]] = yaml.safe_load((folder / "limits.yml").read_text(encoding="utf-8"))[
        "services"
    ]
    return services


def test_where_the_kernel_has_everything(tmp_path: Path) -> None:
    bot = limits(tmp_path, {"cpu_quota": True, "swap_limit": True})["kbju-bot-prod"]

    assert bot == {
        "mem_limit": "1024m",
        "memswap_limit": "1024m",
        "mem_reservation": "512m",
        "cpu_shares": 1024,
        "cpus": 1.0,
        "pids_limit": 128,
    }


@pytest.mark.parametrize(
    "docker", [{"cpu_quota": False, "swap_limit": False}, None], ids=["old kernel", "no engine yet"]
)
def test_without_quota_weights_are_left(tmp_path: Path, docker: dict[str, Any] | None) -> None:
    """On such kernels the engine refuses a quota: the container would not start."""
    for service in limits(tmp_path, docker).values():
        assert {"cpus", "memswap_limit"} & set(service) == set()
        assert service["cpu_shares"] > 0
        assert service["mem_limit"]


def test_no_service_takes_all_cores(tmp_path: Path) -> None:
    services = limits(tmp_path, {"cpu_quota": True, "swap_limit": True}, cores=1)

    assert services["kbju-postgres"]["cpus"] == 0.8
    assert services["kbju-nginx"]["cpus"] == 0.5
