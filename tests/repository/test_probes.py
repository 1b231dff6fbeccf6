"""What is asked from outside, for the ways in which a NAS may be reached."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
TOKEN = "100200:a-token-that-stands-in-no-address"


def ansible(module: str, arguments: str, *more: str, **settings: Any) -> str:
    """Run a module for the NAS of the example inventory on this machine, and return what ansible said."""
    local = {"ansible_become": False, "ansible_python_interpreter": "python3", "kbju_bot_token": TOKEN}
    command = ["ansible", "nas", "--inventory", "inventories/nas", "--connection", "local", "--playbook-dir", "."]
    command += [*more, "--extra-vars", json.dumps({**local, **settings}), "--module-name", module, "--args", arguments]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rendered(**settings: Any) -> tuple[Any, dict[str, dict[str, str]]]:
    """Return the role's modules, and its probes by service, for the example inventory with other settings."""
    files = [f"{REPOSITORY}/roles/blackbox/templates/{name}.yml.j2" for name in ("config", "scrape")]
    texts = " ~ '---\n' ~ ".join(f"lookup('ansible.builtin.template', '{file}')" for file in files)
    defaults = f"@{REPOSITORY}/roles/blackbox/defaults/main.yml"
    said = ansible("ansible.builtin.debug", "msg={{ " + texts + " }}", "--extra-vars", defaults, **settings)
    assert TOKEN not in said
    config, scrape = yaml.safe_load_all(yaml.safe_load(said.partition("=>")[2])["msg"])
    return config["modules"], probes(scrape)


def probes(scrape: Any) -> dict[str, dict[str, str]]:
    """Return by service the address that is asked, the job, and the address that is shown."""
    jobs = {job["job_name"]: job for job in scrape["scrape_configs"]}
    rows = [(job, row) for job in ("probe-https", "probe-telegram") for row in jobs[job]["static_configs"]]
    return {
        row["labels"]["service"]: {"job": job, "asked": row["targets"][0], "shown": row["labels"]["instance"]}
        for job, row in rows
    }


def test_with_a_domain_the_public_name_is_asked_for_and_verified() -> None:
    modules, found = rendered(kbju_domain="kbju.example.com", nginx_https_port=9443)

    https = modules["https"]["http"]
    assert https["headers"] == {"Host": "kbju.example.com"}
    assert https["tls_config"] == {"server_name": "kbju.example.com", "insecure_skip_verify": False}
    assert https["fail_if_not_ssl"] is True
    assert found == {
        "bot": {
            "job": "probe-https",
            "asked": "https://172.28.240.1:9443/healthz",
            "shown": "https://kbju.example.com/healthz",
        },
        "grafana": {
            "job": "probe-https",
            "asked": "https://172.28.240.1:9443/grafana/api/health",
            "shown": "https://kbju.example.com/grafana/api/health",
        },
        "telegram": {
            "job": "probe-telegram",
            "asked": "https://api.telegram.org/",
            "shown": "https://api.telegram.org/",
        },
    }


def test_without_a_domain_a_self_signed_certificate_is_taken_as_it_is() -> None:
    """And whatever Telegram answers over a verified connection is good."""
    modules, found = rendered()

    assert modules["https"]["http"]["tls_config"]["insecure_skip_verify"] is True
    assert found["bot"]["shown"].endswith(":8443/healthz")
    telegram = modules["telegram"]["http"]
    assert {200, 302, 404, 502} <= set(telegram["valid_status_codes"])
    assert telegram["fail_if_not_ssl"] is True
    assert telegram["follow_redirects"] is False
    assert "tls_config" not in telegram


@pytest.mark.parametrize(
    ("sources", "allowed"),
    [
        (["any"], ["any"]),
        (["192.168.1.0/24"], ["192.168.1.0/24", "172.16.0.0/12", "172.28.240.0/25", "172.28.240.128/25"]),
    ],
    ids=["anybody", "the LAN alone"],
)
def test_the_probe_passes_the_firewall(sources: list[str], allowed: list[str]) -> None:
    said = ansible(
        "ansible.builtin.debug",
        "msg={{ firewall_rules[0].sources | to_json }}",
        "--extra-vars",
        f"@{REPOSITORY}/roles/firewall/vars/main.yml",
        "--extra-vars",
        f"@{REPOSITORY}/roles/firewall/defaults/main.yml",
        firewall_sources_web=sources,
        firewall_web_ports=[8443],
        firewall_container_networks=["172.16.0.0/12", "172.28.240.0/25", "172.28.240.128/25"],
    )

    assert yaml.safe_load(yaml.safe_load(said.partition("=>")[2])["msg"]) == allowed
