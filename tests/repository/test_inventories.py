"""What an operator starts from: an inventory that loads, and examples that can't be deployed by mistake."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.filter.preflight import unfit_secrets

REPOSITORY = Path(__file__).resolve().parents[2]
VAULT_EXAMPLE = REPOSITORY / "inventories" / "nas" / "group_vars" / "nas" / "vault.yml.example"


def variables_of(inventory: str) -> dict[str, Any]:
    """Return the variables of the inventory's only NAS."""
    command = ["ansible-inventory", "--inventory", f"inventories/{inventory}", "--list"]
    listed = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=True)
    (host,) = json.loads(listed.stdout)["nas"]["hosts"]
    found: dict[str, Any] = json.loads(listed.stdout)["_meta"]["hostvars"][host]
    return found


@pytest.mark.parametrize("inventory", ["nas", "local"])
def test_an_inventory_has_one_nas_reached_over_ssh_and_sudo(inventory: str) -> None:
    variables = variables_of(inventory)

    assert variables["ansible_become"] is True
    assert variables["ansible_user"]
    assert "kbju_images" in variables, "the wiring in group_vars is found from this inventory"


def test_the_vault_example_names_every_secret() -> None:
    example = yaml.safe_load(VAULT_EXAMPLE.read_text(encoding="utf-8"))
    wired = yaml.safe_load((REPOSITORY / "group_vars" / "all" / "main.yml").read_text(encoding="utf-8"))

    assert set(example) == set(wired["preflight_secrets"]) | {"vault_become_password"}


def test_the_vault_example_is_refused_by_preflight() -> None:
    example = yaml.safe_load(VAULT_EXAMPLE.read_text(encoding="utf-8"))

    assert set(unfit_secrets(example, "CHANGE-ME", 12)["example"]) == set(example)


def test_a_real_vault_can_not_be_committed() -> None:
    ignored = ["git", "check-ignore", "inventories/nas/group_vars/nas/vault.yml", ".vault-password"]
    listed = subprocess.run(ignored, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert listed.stdout.split() == ignored[2:]


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "https://nas.example.lan:8443"),
        ({"kbju_domain": "kbju.example.com"}, "https://kbju.example.com"),
        ({"kbju_domain": "kbju.example.com", "kbju_public_https_port": 8443}, "https://kbju.example.com:8443"),
    ],
)
def test_the_public_address_is_where_nginx_can_be_reached(settings: dict[str, Any], url: str) -> None:
    """Without a domain nothing is forwarded, and 443 of the NAS is DSM's own."""
    command = ["ansible", "--inventory", "inventories/nas", "nas", "--connection", "local"]
    command += ["--module-name", "ansible.builtin.debug", "--args", "msg={{ nginx_public_url }}"]
    shown = subprocess.run(
        [*command, "--extra-vars", json.dumps(settings)], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )

    assert url in shown.stdout.replace('"', " ").split()
