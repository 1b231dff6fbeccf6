"""The program's settings: `release.json` beside it, written by the role."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kbju_release.errors import Exit, Failure

FILE = Path(__file__).resolve().parents[1] / "release.json"


@dataclass(frozen=True)
class Settings:
    """Where things are and how long they may take; the names are those of the file."""

    project: str
    """Compose's project, and the name of the bot's service and container."""
    root: str
    docker: str
    keep: int
    """How many releases can be gone back to."""
    ready_timeout: int
    """Seconds until a new instance must be ready."""
    probation: int
    """Seconds that a new instance is watched while it serves."""
    next_memory_mb: int
    """The limit of the instance beside the old one, in MiB."""

    @property
    def next(self) -> str:
        """The container of the instance that serves while the bot's own is replaced."""
        return self.project + "-next"

    @property
    def folder(self) -> Path:
        """The record, and what is needed to go back."""
        return Path(self.root) / "releases"

    @property
    def compose(self) -> Path:
        """The fragment that says what the bot is."""
        return Path(self.root) / "compose" / "bot.yml"

    @property
    def secrets(self) -> Path:
        """What the bot's containers find below /run/secrets."""
        return Path(self.root) / "secrets" / "bot"

    @property
    def log(self) -> Path:
        """The log file."""
        return Path(self.root) / "logs" / "releases.log"


def load(file: Path = FILE) -> Settings:
    """Read the settings. Raise Failure where the file is absent, or not what the role writes."""
    remedy = "The role releases writes it: run site.yml"
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(Exit.SETTINGS, f"The settings in {file} can't be read: {error}", remedy) from None
    names = {field.name for field in fields(Settings)}
    if not isinstance(found, dict) or set(found) != names:
        wrong = sorted(names ^ set(found)) if isinstance(found, dict) else ["not an object"]
        raise Failure(Exit.SETTINGS, f"The settings in {file} are incomplete: {', '.join(wrong)}", remedy)
    return Settings(**found)
