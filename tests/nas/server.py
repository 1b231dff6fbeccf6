"""A real PostgreSQL for the backup program, in a container of the deployed image, and settings that lead to it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kbju_backup.settings import Settings

DATABASE = "kbju"


def settings(folder: Path, container: str, **changes: Any) -> Settings:
    """Return settings for a project below `folder`."""
    for name in ("backups", "metrics", "logs"):
        (folder / name).mkdir()
    found = {
        "project": "kbju-bot-prod",
        "root": str(folder),
        "docker": shutil.which("docker") or "docker",
        "container": container,
        "database": DATABASE,
        "keep_daily": 7,
        "keep_weekly": 4,
        "keep_monthly": 6,
        "reserve_mb": 1,
        "dump_timeout": 60,
        "hyper_backup_task": "",
        "hyper_backup_timeout": 60,
        "hyper_backup_grace": 1,
        "hyper_backup_words": {},
    }
    return Settings(**{**found, **changes})
