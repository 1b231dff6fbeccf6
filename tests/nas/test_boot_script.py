"""What DSM calls at boot: the way back of the firewall first, then the stack."""

from __future__ import annotations

import shlex
import subprocess
import time
from pathlib import Path

import jinja2
import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "roles" / "boot" / "templates" / "rc.sh.j2"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Our folder on the NAS, with programs that note how they are called, and the script as DSM has it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "firewall").mkdir()
    for name in ("boot", "firewall-revert"):
        program = tmp_path / "bin" / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >>{tmp_path}/calls\n', encoding="utf-8")
        program.chmod(0o755)
    environment = jinja2.Environment(autoescape=False)  # noqa: S701 - a shell script, no page
    environment.filters["quote"] = shlex.quote
    template = environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
    text = template.render(kbju_root=str(tmp_path), ansible_managed="", boot_engine_timeout=10)
    (tmp_path / "rc.sh").write_text(text, encoding="utf-8")
    (tmp_path / "rc.sh").chmod(0o755)
    return tmp_path


def boot(root: Path) -> list[str]:
    """Call the script as DSM does; return what it called, once the stack is being started."""
    subprocess.run([str(root / "rc.sh"), "start"], check=True, timeout=10)
    deadline = time.monotonic() + 10
    while not (root / "calls").exists() or "boot\n" not in (root / "calls").read_text(encoding="utf-8"):
        assert time.monotonic() < deadline
        time.sleep(0.05)  # between two looks; the assertion above ends the wait
    return (root / "calls").read_text(encoding="utf-8").splitlines()


def test_an_unconfirmed_change_of_the_firewall_is_undone_first(root: Path) -> None:
    (root / "firewall" / "armed.json").write_text("{}", encoding="utf-8")

    assert boot(root) == [f"firewall-revert {root}/firewall --now", "boot"]


def test_without_one_the_firewall_is_left_alone(root: Path) -> None:
    assert boot(root) == ["boot"]


def test_the_stack_is_started_though_the_way_back_fails(root: Path) -> None:
    (root / "firewall" / "armed.json").write_text("{}", encoding="utf-8")
    (root / "bin" / "firewall-revert").unlink()

    assert boot(root) == ["boot"]


def test_a_volume_that_is_mounted_late_is_waited_for(root: Path) -> None:
    (root / "bin").rename(root / "later")
    subprocess.run([str(root / "rc.sh"), "start"], check=True, timeout=10)
    (root / "later").rename(root / "bin")

    assert boot(root)[0] == "boot"
