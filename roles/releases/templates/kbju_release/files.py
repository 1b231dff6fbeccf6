"""What is kept of releases: the compose fragment of each, and the secrets that the serving one was started with."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from kbju_release.errors import Exit, Failure
from kbju_release.settings import Settings

DATABASE_PASSWORD = "db_password"  # noqa: S105 - a file's name


class Files:
    """The kept files, below releases/ and for root alone."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secrets = settings.secrets.with_name("bot-serving")

    def keep(self, number: int) -> None:
        """Keep what is in place now as what release `number` was started with."""
        folder = self._folder(number)
        folder.mkdir(parents=True, exist_ok=True)
        _copy(self._settings.compose, folder / "bot.yml")
        _mirror(self._settings.secrets, self._secrets)

    def has(self, number: int) -> bool:
        """Tell whether a release's files are kept."""
        return (self._folder(number) / "bot.yml").exists()

    def put_back(self, number: int) -> None:
        """Put a release's compose fragment in place. Raise Failure where it is not kept."""
        if not self.has(number):
            raise Failure(
                Exit.NO_SUCH_RELEASE, f"The files of release {number} are not kept", "release list shows which are"
            )
        _copy(self._folder(number) / "bot.yml", self._settings.compose)

    def put_secrets_back(self) -> None:
        """Put the secrets in place that the serving release was started with."""
        if self._secrets.is_dir():
            # The database has its new password already.
            _mirror(self._secrets, self._settings.secrets, but=DATABASE_PASSWORD)

    def forget(self, kept: set[int]) -> None:
        """Delete the files of all releases but these."""
        for folder in self._settings.folder.iterdir():
            if folder.name.isdigit() and int(folder.name) not in kept:
                shutil.rmtree(str(folder))

    def _folder(self, number: int) -> Path:
        return self._settings.folder / str(number)


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its mode and owner, so that there is never half of it."""
    new = target.with_name(target.name + ".new")
    shutil.copy2(str(source), str(new))
    stat = source.stat()
    os.chown(str(new), stat.st_uid, stat.st_gid)
    os.replace(str(new), str(target))


def _mirror(source: Path, target: Path, but: str = "") -> None:
    """Make a flat directory like another one."""
    target.mkdir(mode=0o700, exist_ok=True)
    for file in [one for one in source.iterdir() if one.name != but]:
        same = target / file.name
        # A container has the directory mounted: what is as it should be stays untouched.
        if not same.exists() or same.read_bytes() != file.read_bytes():
            _copy(file, same)
    for file in target.iterdir():
        if not (source / file.name).exists():
            file.unlink()
