"""The role verify, with a Docker that the tests make say what it should not."""

from __future__ import annotations

from pathlib import Path

import pytest

from plays import run_role

REFUSALS = {
    "Nginx": (
        "exec kbju-nginx nginx -t ",
        'nginx: [emerg] unknown directive "srever" in /etc/nginx/kbju/nginx.conf:7',
    ),
    "Prometheus": (
        "exec kbju-prometheus promtool check config ",
        "FAILED: parsing YAML file /etc/prometheus/prometheus.yml: field srcape_configs not found",
    ),
    "Alertmanager": (
        "exec kbju-alertmanager amtool check-config ",
        "amtool: error: failed to validate 1 file(s)",
    ),
}


@pytest.mark.parametrize("service", REFUSALS)
def test_a_configuration_that_its_service_refuses_is_told(tmp_path: Path, service: str) -> None:
    """Also when it was written by an earlier run, and the service still works with the one before."""
    command, refusal = REFUSALS[service]
    docker = tmp_path / "docker"
    docker.write_text(f"""#!/bin/sh
case "$*" in "{command}"*) echo '{refusal}' >&2; exit 1 ;; esac
""")
    docker.chmod(0o755)
    healthy = {"containers": {"kbju-nginx": {"health": "healthy"}}}

    done = run_role(
        tmp_path, "verify", "checks", kbju_docker=str(docker), kbju_root="/root", kbju_project="kbju", dsm=healthy
    )

    told = done.stdout.partition("Say what does not work")[2]
    assert done.returncode != 0
    assert f"{service} takes its configuration: no." in told
    assert refusal in told
