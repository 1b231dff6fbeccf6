"""The Makefile and the README are what a newcomer meets first; they must say what is so."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
TARGETS = {"up", "test", "lint", "status", "logs", "verify", "down"}


def test_make_alone_explains_every_target() -> None:
    shown = subprocess.run(["make"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    explained = dict(re.findall(r"^\s+make (\w+)\s+(\S.*)$", shown, flags=re.MULTILINE))

    assert set(explained) >= TARGETS


def test_the_readmes_commands_are_targets() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    makefile = (REPOSITORY / "Makefile").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(re.findall(r"`[^`]+`|```.*?```", readme, flags=re.DOTALL))))

    assert {"up", "test"} <= named
    assert [target for target in named if not re.search(rf"^{target}:", makefile, flags=re.MULTILINE)] == []


def test_the_readmes_links_lead_somewhere() -> None:
    for page in [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md"), *REPOSITORY.glob("roles/*/README.md")]:
        for target in re.findall(r"\]\(([^)#:]+)[^)]*\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page}: {target}"
