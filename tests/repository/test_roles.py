"""Who has read one role has read all: the same files, every variable described, no second truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = sorted(path.name for path in (REPOSITORY / "roles").iterdir())
FILES = ["README.md", "defaults/main.yml", "handlers/main.yml", "meta/argument_specs.yml", "tasks/main.yml"]
LONGEST_TABLE_OF_CONTENTS = 90


def load(role: str, file: str) -> Any:
    return yaml.safe_load((REPOSITORY / "roles" / role / file).read_text(encoding="utf-8"))


@pytest.mark.parametrize("role", ROLES)
def test_a_role_has_the_files_that_every_role_has(role: str) -> None:
    folder = REPOSITORY / "roles" / role

    assert [file for file in FILES if not (folder / file).is_file()] == []
    assert (folder / "templates").is_dir() or role in {"directories", "images", "packages", "verify"}, "no templates"


@pytest.mark.parametrize("role", ROLES)
def test_defaults_and_argument_specs_say_the_same(role: str) -> None:
    defaults = load(role, "defaults/main.yml") or {}
    options = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert {name: option["default"] for name, option in options.items() if "default" in option} == defaults


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_is_typed_described_and_has_a_value(role: str) -> None:
    for entry, spec in load(role, "meta/argument_specs.yml")["argument_specs"].items():
        assert spec["short_description"], entry
        for name, option in spec["options"].items():
            assert option.get("type"), f"{name} has no type"
            assert option.get("description"), f"{name} has no description"
            assert ("default" in option) != bool(option.get("required")), f"{name}: a default, or required"


@pytest.mark.parametrize("role", ROLES)
def test_secrets_are_marked(role: str) -> None:
    for spec in load(role, "meta/argument_specs.yml")["argument_specs"].values():
        for name, option in spec["options"].items():
            if name.endswith(("_password", "_token", "_secret", "_secrets")):
                assert option.get("no_log") is True, f"{name} may be printed"


@pytest.mark.parametrize("role", ROLES)
def test_required_variables_are_wired(role: str) -> None:
    wired: dict[str, Any] = {}
    for file in (REPOSITORY / "group_vars" / "all").glob("*.yml"):
        wired |= yaml.safe_load(file.read_text(encoding="utf-8"))
    options = load(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]

    assert [name for name, option in options.items() if option.get("required") and name not in wired] == []


@pytest.mark.parametrize("role", ROLES)
def test_the_readme_names_the_role_and_its_purpose(role: str) -> None:
    first = (REPOSITORY / "roles" / role / "README.md").read_text(encoding="utf-8").splitlines()[0]

    assert first == f"# {role}"


@pytest.mark.parametrize("role", ROLES)
def test_the_tasks_read_as_a_table_of_contents(role: str) -> None:
    lines = (REPOSITORY / "roles" / role / "tasks" / "main.yml").read_text(encoding="utf-8").splitlines()

    assert len(lines) <= LONGEST_TABLE_OF_CONTENTS
