"""The role stack in check mode: compared is what lies on the NAS, whichever release has written it.

Played with a program that has compose's plugin, which this machine's Docker need not have, and that refuses files which
are not there, as compose does.
"""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest

from plays import run_role

DOCKER = """\
#!/bin/sh
case "$*" in *info*) echo '{"ClientInfo": {"Plugins": [{"Name": "compose", "Version": "v2.20.1"}]}}'; exit ;; esac
case "$*" in *" version "*) echo '{"version": "2.20.1", "Server": {"ApiVersion": "1.43"}}'; exit ;; esac
case "$*" in *" up "*) echo "$*" >> "$(dirname "$0")/ups" ;; *" ps "*|*images*) echo '[]' ;; esac
for part; do
    if [ "$before" = --file ] && [ ! -e "$part" ]; then echo "open $part: no such file or directory" >&2; exit 14; fi
    before=$part
done
"""


def play(root: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Bring a release of three fragments up; return what Ansible said, and which of them compose was asked about."""
    docker = root / "docker"
    docker.write_text(DOCKER, encoding="utf-8")
    docker.chmod(0o755)
    given = {"kbju_root": str(root), "kbju_project": "kbju", "kbju_docker": str(docker), "kbju_timezone": "UTC"}
    given |= {"stack_edge_subnet": "", "stack_internal_subnet": ""}
    done = run_role(root, "stack", "up", *arguments, stack_fragments=["first", "added", "last"], **given)
    asked = (root / "ups").read_text(encoding="utf-8").split() if (root / "ups").exists() else []
    return done, [Path(file).stem for option, file in pairwise(asked) if option == "--file"]


def write(root: Path, *fragments: str) -> None:
    """Put fragments where a release puts them; base.yml is none of the project's."""
    (root / "compose").mkdir()
    for name in ("base", *fragments):
        (root / f"compose/{name}.yml").write_text("services: {}\n", encoding="utf-8")


def test_what_a_release_adds_does_not_stop_the_check_over_the_one_before(tmp_path: Path) -> None:
    write(tmp_path, "first", "last")

    done, asked = play(tmp_path, "--check")

    assert done.returncode == 0, done.stdout + done.stderr
    assert asked == ["first", "last"]
    assert "Not on the NAS yet, so not compared: added" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("--check",)], ids=["for good", "in check mode"])
def test_a_release_that_is_there_is_compared_as_a_whole(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    write(tmp_path, "first", "added", "last")

    done, asked = play(tmp_path, *arguments)

    assert done.returncode == 0, done.stdout + done.stderr
    assert asked == ["first", "added", "last"]
    assert "Not on the NAS yet" not in done.stdout


def test_a_bare_nas_has_nothing_to_compare(tmp_path: Path) -> None:
    done, asked = play(tmp_path, "--check")

    assert done.returncode == 0, done.stdout + done.stderr
    assert asked == []


def test_a_fragment_that_is_missing_is_no_matter_of_check_mode_alone(tmp_path: Path) -> None:
    write(tmp_path, "first", "last")

    done, _ = play(tmp_path)

    assert done.returncode != 0
    assert "added.yml" in done.stdout
