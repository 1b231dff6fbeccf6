"""The role verify, with a Docker that the tests make say what it should not."""

from __future__ import annotations

import http.server
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
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
SETTINGS = {"kbju_root": "/root", "kbju_project": "kbju", "stack_edge_subnet": "172.28.240.0/25"}
# Says of the probe what the file beside it says, of everything else that it is well; has the containers of that list.
DOCKER = """\
#!/bin/sh
there=$(dirname "$0")
echo "$*" >> "$there/calls"
case "$*" in
exec*) grep -qx "$2" "$there/containers" || { echo "Error: No such container: $2" >&2; exit 1; } ;;
esac
case "$*" in
*targets*) echo '{"data": {"activeTargets": [{"health": "up"}]}}' ;;
*probe_success*) cat "$there/probe" ;;
*pg_up*) echo '{"data": {"result": [{"value": [1, "1"]}]}}' ;;
esac
"""
EARLIER = ["kbju-nginx", "kbju-prometheus"]
ALL = [*EARLIER, "kbju-alertmanager", "kbju-blackbox", "kbju-postgres-exporter"]


class Healthz(http.server.BaseHTTPRequestHandler):
    """What nginx says for the bot."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def https_port(tmp_path: Path) -> Iterator[int]:
    """A port where https is answered."""
    files = [f"{tmp_path}/key.pem", f"{tmp_path}/cert.pem"]
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(
        [*command, "-subj", "/CN=test", "-keyout", files[0], "-out", files[1]], capture_output=True, check=True
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthz) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def verify(
    folder: Path, containers: list[str], probe: int, port: int, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Verify a stack of these containers in which everything is well, but for what the probe may tell."""
    (folder / "docker").write_text(DOCKER, encoding="utf-8")
    (folder / "docker").chmod(0o755)
    (folder / "containers").write_text("\n".join(containers) + "\n", encoding="utf-8")
    (folder / "probe").write_text(json.dumps({"data": {"result": [{"value": [1, str(probe)]}]}}), encoding="utf-8")
    dsm = {"containers": {name: {"health": "healthy"} for name in containers}}
    given = {**SETTINGS, "kbju_docker": str(folder / "docker"), "dsm": dsm, "nginx_https_port": port}
    return run_role(folder, "verify", "checks", *arguments, **given, verify_retries=1, verify_delay=0)


def test_a_stack_that_works_is_found_so(tmp_path: Path, https_port: int) -> None:
    done = verify(tmp_path, ALL, 1, https_port)

    assert done.returncode == 0, done.stdout
    assert "probe_success" in (tmp_path / "calls").read_text(encoding="utf-8")


def test_a_failing_probe_is_told_with_its_remedy(tmp_path: Path, https_port: int) -> None:
    done = verify(tmp_path, ALL, 0, https_port)

    told = done.stdout.partition("Say what does not work")[2]
    assert done.returncode != 0
    assert "The bot answers Prometheus's probe by https: no." in told
    assert f"allow 172.28.240.0/25 the TCP port {https_port}" in " ".join(told.split())


def test_what_the_release_before_does_not_have_is_asked_for_good_only(tmp_path: Path, https_port: int) -> None:
    checked = verify(tmp_path, EARLIER, 0, https_port, "--check")
    done = verify(tmp_path, EARLIER, 0, https_port)

    assert checked.returncode == 0, checked.stdout
    assert done.returncode != 0
    assert "Alertmanager takes its configuration: no." in done.stdout


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

    done = run_role(tmp_path, "verify", "checks", kbju_docker=str(docker), dsm=healthy, **SETTINGS)

    told = done.stdout.partition("Say what does not work")[2]
    assert done.returncode != 0
    assert f"{service} takes its configuration: no." in told
    assert refusal in told
