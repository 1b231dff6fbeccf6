"""The role verify, with a Docker that the tests make say what it should not."""

from __future__ import annotations

from pathlib import Path

from plays import run_role

REFUSAL = 'nginx: [emerg] unknown directive "srever" in /etc/nginx/kbju/nginx.conf:7'


def test_a_configuration_that_nginx_refuses_is_told(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"""#!/bin/sh
case "$*" in "exec kbju-nginx nginx -t "*) echo '{REFUSAL}' >&2; exit 1 ;; esac
""")
    docker.chmod(0o755)
    healthy = {"containers": {"kbju-nginx": {"health": "healthy"}}}

    done = run_role(
        tmp_path, "verify", "checks", kbju_docker=str(docker), kbju_root="/root", kbju_project="kbju", dsm=healthy
    )

    told = done.stdout.partition("Say what does not work")[2]
    assert done.returncode != 0
    assert "Nginx takes its configuration: no." in told
    assert REFUSAL in told
