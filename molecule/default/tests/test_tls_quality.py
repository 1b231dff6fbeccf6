"""TLS and headers, as a suspicious stranger sees them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml

from rehearsal import NAMES, REPOSITORY, Stack

HARMLESS = {"OK", "INFO", "LOW"}
# What is not said of nginx: why it may be.
EXCUSED = {
    "cert_revocation": "pebble puts no address of a revocation list into certificates; Let's Encrypt does",
    "engine_problem": "Debian's openssl has no engine for GOST, which testssl.sh would try too",
    "sessionresumption_ticket": "testssl.sh can't tell whether a session was resumed by a ticket; nginx gives none",
}


def image(key: str) -> str:
    listed = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))
    return f"{listed['kbju_build_images'][key]['name']}:{listed['kbju_build_images'][key]['tag']}"


def scan(stack: Stack, folder: Path, *parts: str) -> list[dict[str, Any]]:
    """Return what testssl.sh finds when it looks at nginx by itself, with the authority's root trusted."""
    inspected = ["docker", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"]
    address = subprocess.run([*inspected, stack.instance], capture_output=True, text=True, check=True).stdout.strip()
    folder.chmod(0o777)
    command = ["docker", "run", "--rm", "--network", stack.instance, "--volume", f"{stack.roots.parent}:/roots:ro"]
    command += ["--volume", f"{folder}:/found", image("testssl"), "--quiet", "--color", "0", "--warnings", "off"]
    command += ["--add-ca", "/roots/roots.pem", "--nodns", "none", "--ip", address, "--jsonfile", "/found/all.json"]
    said = subprocess.run(
        [*command, *parts, f"https://{NAMES[0]}:8443/healthz"], capture_output=True, text=True, check=False
    )
    found: list[dict[str, Any]] = json.loads((folder / "all.json").read_text(encoding="utf-8"))
    # The exit code counts findings, the excused ones too.
    assert [one for one in found if one["id"] == "scanTime"], said.stdout + said.stderr
    return found


@pytest.mark.parametrize(
    ("parts", "proof"),
    [
        pytest.param(
            ["--protocols", "--std", "--server-defaults"], "cert_chain_of_trust", id="protocols and certificate"
        ),
        pytest.param(["--vulnerable", "--headers"], "ROBOT", id="vulnerabilities and headers"),
    ],
)
def test_testssl_finds_nothing_above_low(stack: Stack, tmp_path: Path, parts: list[str], proof: str) -> None:
    found = scan(stack, tmp_path, *parts)

    assert {one["severity"] for one in found if one["id"] == proof} == {"OK"}
    assert [one for one in found if one["severity"] not in HARMLESS and one["id"] not in EXCUSED] == []


def test_every_answer_has_the_headers_once(stack: Stack) -> None:
    for path in ("/healthz", "/grafana/login", "/prometheus/", "/nothing"):
        headers = requests.get(stack.https + path, verify=str(stack.roots), allow_redirects=False, timeout=10).headers

        assert headers["Strict-Transport-Security"] == "max-age=63072000", path
        assert headers["X-Content-Type-Options"] == "nosniff", path
        assert headers["X-Frame-Options"] == "SAMEORIGIN", path
        assert headers["Referrer-Policy"] == "same-origin", path
