"""The program's settings: `backup.json` beside it, written by the role."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from kbju_backup.errors import Exit, Failure

FILE = Path(__file__).resolve().parents[1] / "backup.json"


@dataclass(frozen=True)
class Settings:
    """Where things are and how much of them to keep; the names are those of the file."""

    project: str
    root: str
    """The project's directory; backups, logs and metrics are below it."""
    docker: str
    container: str
    """PostgreSQL's container."""
    database: str
    keep_daily: int
    keep_weekly: int
    keep_monthly: int
    reserve_mb: int
    """Space of the volume in MiB that a backup leaves alone: a full volume would stop PostgreSQL."""
    dump_timeout: int
    """Seconds that a dump, or a restore of one, may take."""
    hyper_backup_task: str
    """Name or number of Hyper Backup's task; empty: none."""
    hyper_backup_timeout: int
    """Seconds that Hyper Backup may take."""
    hyper_backup_grace: int
    """Seconds without a process and without a result after which Hyper Backup counts as silent."""
    hyper_backup_words: dict[str, str]
    """What the log says, by result."""

    @property
    def backups(self) -> Path:
        """The directory of the backups."""
        return Path(self.root) / "backups"

    @property
    def metrics(self) -> Path:
        """The file for node_exporter's textfile collector."""
        return Path(self.root) / "metrics" / "backup.prom"

    @property
    def log(self) -> Path:
        """The log file."""
        return Path(self.root) / "logs" / "backup.log"


def load(file: Path = FILE) -> Settings:
    """Read the settings. Raise Failure where the file is absent, or not what the role writes."""
    remedy = "The role hyper_backup writes it: run playbooks/provision.yml"
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Failure(Exit.SETTINGS, f"The settings in {file} can't be read: {error}", remedy) from None
    names = {field.name for field in fields(Settings)}
    if not isinstance(found, dict) or set(found) != names:
        wrong = sorted(names ^ set(found)) if isinstance(found, dict) else ["not an object"]
        raise Failure(Exit.SETTINGS, f"The settings in {file} are incomplete: {', '.join(wrong)}", remedy)
    return Settings(**found)
