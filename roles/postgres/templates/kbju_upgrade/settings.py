"""The program's settings: `upgrade.json` and those of its neighbours, the backups and the releases."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import kbju_release.settings

import kbju_backup.settings

FILE = Path(__file__).resolve().parents[1] / "upgrade.json"
POSTGRES = "kbju-postgres"
EXPORTER = "kbju-postgres-exporter"


class Failure(Exception):
    """Something an operator can act on, with the exit code that says which kind."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


# The role's README has the same table.
REFUSED, FAILED, NOT_PUT_BACK, UNDER_WAY = 30, 33, 40, 75


class Fragment(NamedTuple):
    """What a compose/postgres.yml says of the server."""

    image: str
    volume: str

    @property
    def major(self) -> int:
        """The major version: the role lets only tags be deployed that begin with it."""
        return int(re.search(r":(\d+)[^/@]*(@|$)", self.image).group(1))  # type: ignore[union-attr]  # as said


def read_fragment(file: Path) -> Fragment:
    """Read a fragment that the role has written. Raise Failure where it is absent or not such a one."""
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise Failure(REFUSED, f"{file} can't be read: {error.strerror}. Run site.yml first") from None
    image = re.search(r"^    image: (\S+)$", text, flags=re.MULTILINE)
    volume = re.search(r"^    name: (\S+)$", text, flags=re.MULTILINE)
    if image is None or volume is None:
        raise Failure(REFUSED, f"{file} names no image or no volume. Run site.yml first")
    return Fragment(image.group(1), volume.group(1))


@dataclass(frozen=True)
class Settings:
    """Where things are; the fields are those of the file."""

    accounts: list[str]
    """NAME:KIND, as accounts.sh takes them."""
    uid: int
    memory_mb: int
    initdb_args: str
    backup: kbju_backup.settings.Settings
    release: kbju_release.settings.Settings

    @property
    def root(self) -> Path:
        """The project's directory."""
        return Path(self.release.root)

    @property
    def serving(self) -> Path:
        """The fragment that compose goes by: whichever server it names is the one that counts, at any moment."""
        return self.root / "compose" / "postgres.yml"

    @property
    def folder(self) -> Path:
        """What is needed to go on after a cut, and to go back; for root alone."""
        return self.root / "releases" / "postgres"

    @property
    def wanted(self) -> Path:
        """The fragment of the server to come, written by the playbook."""
        return self.folder / "next.yml"

    @property
    def before(self) -> Path:
        """The fragment from before the last upgrade."""
        return self.folder / "before.yml"

    @property
    def journal(self) -> Path:
        """Which volume is being filled; absent: no upgrade is under way."""
        return self.folder / "under-way"

    @property
    def log(self) -> Path:
        """The log file."""
        return self.root / "logs" / "upgrade-postgres.log"


def load() -> Settings:
    """Read the settings of all three."""
    try:
        found = json.loads(FILE.read_text(encoding="utf-8"))
        return Settings(backup=kbju_backup.settings.load(), release=kbju_release.settings.load(), **found)
    except (OSError, ValueError, TypeError) as error:
        remedy = "playbooks/upgrade_postgres.yml writes it"
        raise Failure(REFUSED, f"The settings in {FILE} can't be read: {error}. {remedy}") from None
