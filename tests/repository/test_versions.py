"""One version of each thing, wherever it is named."""

from __future__ import annotations

import importlib.metadata
import json
import re
import tomllib
from pathlib import Path

import ansible_collections
import pytest
import yaml

import kbju_bot

REPOSITORY = Path(__file__).resolve().parents[2]


def pins(text: str) -> dict[str, str]:
    """Return name and version of every name==version line."""
    found = re.findall(r"^([\w.-]+)(?:\[[\w,]+\])?==(\S+)", text, flags=re.MULTILINE)
    return {name.lower().replace("_", "-"): version for name, version in found}


def read(path: str) -> str:
    return (REPOSITORY / path).read_text(encoding="utf-8")


def wanted() -> dict[str, str]:
    """Return all versions that pyproject.toml asks for."""
    groups = tomllib.loads(read("pyproject.toml"))["dependency-groups"]
    return pins("\n".join(line for group in groups.values() for line in group))


@pytest.mark.parametrize(("name", "version"), wanted().items())
def test_what_pyproject_asks_for_is_installed(name: str, version: str) -> None:
    assert importlib.metadata.version(name) == version


@pytest.mark.parametrize("collection", yaml.safe_load(read("requirements.yml"))["collections"], ids=str)
def test_galaxys_collections_are_those_of_the_installed_ansible(collection: dict[str, str]) -> None:
    namespace, name = collection["name"].split(".")
    folder = Path(next(iter(ansible_collections.__path__))) / namespace / name
    manifest = json.loads((folder / "MANIFEST.json").read_text(encoding="utf-8"))

    assert collection["version"] == manifest["collection_info"]["version"]


def test_constraints_hold_every_pin() -> None:
    constraints = pins(read("constraints.txt"))

    for source in (wanted(), pins(read("bot/requirements.lock"))):
        assert {name: constraints.get(name) for name in source} == source


def test_the_bots_image_has_the_bots_version() -> None:
    images = yaml.safe_load(read("group_vars/all/images.yml"))["kbju_images"]

    assert images["bot"]["tag"] == kbju_bot.__version__


def test_no_image_floats() -> None:
    listed = yaml.safe_load(read("group_vars/all/images.yml"))
    tags = [image["tag"] for images in listed.values() for image in images.values()]

    assert all(re.search(r"\d+\.\d+", tag) for tag in tags), tags


def test_collections_that_roles_use_are_in_the_requirements() -> None:
    listed = {collection["name"] for collection in yaml.safe_load(read("requirements.yml"))["collections"]}
    texts = [path.read_text(encoding="utf-8") for path in REPOSITORY.glob("roles/*/*/*.yml")] + [read("ansible.cfg")]
    used = {f"{a}.{b}" for text in texts for a, b in re.findall(r"\b(community|ansible)\.(\w+)\.\w+", text)}

    assert used - {"ansible.builtin"} == listed
