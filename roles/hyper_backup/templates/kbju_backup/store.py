"""The directory of the backups: each is a folder that is complete or absent."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, Iterator

from kbju_backup import writing
from kbju_backup.errors import Exit, Failure, not_written

MANIFEST = "manifest.json"
CHECKSUMS = "SHA256SUMS"
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z")
_UNFINISHED = ".unfinished-"
_DELETED = ".deleted-"


@dataclass(frozen=True)
class Backup:
    """A complete backup."""

    folder: Path
    manifest: dict[str, Any]

    @property
    def name(self) -> str:
        """Its name: when it was taken, in UTC."""
        return self.folder.name

    @property
    def taken(self) -> datetime:
        """When it was taken."""
        return datetime.strptime(self.name, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=timezone.utc)

    @property
    def kind(self) -> str:
        """Why it was taken: nightly, manual or before-restore."""
        return str(self.manifest["kind"])

    @property
    def revision(self) -> str | None:
        """The revision of the schema in it; None before the first migration."""
        found: str | None = self.manifest["schema_revision"]
        return found

    @property
    def rows(self) -> int:
        """How many rows all its tables have."""
        return sum(int(table["rows"]) for table in self.manifest["tables"].values())

    @property
    def size(self) -> int:
        """How large its files are, in bytes."""
        return sum(int(size) for size in self.manifest["files"].values())


class Store:
    """All backups."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextlib.contextmanager
    def locked(self, name: str = "lock", patience: float = 0.0) -> Iterator[None]:
        """Hold a lock while the block runs. Raise Failure where somebody else holds it for `patience` seconds more."""
        file = self.folder / f".{name}"
        try:
            handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise not_written(error, str(self.folder)) from error
        try:
            if not _lock(handle, patience):
                holder = os.read(handle, 20).decode("ascii", "replace").strip()
                raise Failure(
                    Exit.ALREADY_RUNNING,
                    f"Another backup or restore is under way (process {holder or 'unknown'})",
                    "Wait for its end; logs/backup.log shows what it does",
                )
            # For the message above alone. On a full disk it stays empty; the lock holds all the same.
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)
                os.pwrite(handle, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(handle)

    def all(self) -> list[Backup]:
        """Return the complete and proven backups, oldest first."""
        found = []
        for folder in self.folder.iterdir() if self.folder.is_dir() else ():
            manifest = _read_manifest(folder) if _NAME.fullmatch(folder.name) else None
            if manifest is not None:
                found.append(Backup(folder, manifest))
        return sorted(found, key=lambda one: one.name)

    def unreadable(self) -> list[str]:
        """Return the names of folders that should be backups and have no good manifest. Nothing deletes them."""
        good = {one.name for one in self.all()}
        named = [one.name for one in self.folder.iterdir()] if self.folder.is_dir() else []
        return sorted(name for name in named if _NAME.fullmatch(name) and name not in good)

    def last(self) -> Backup | None:
        """Return the newest backup."""
        found = self.all()
        return found[-1] if found else None

    def get(self, name: str) -> Backup:
        """Return a backup by its name. Raise Failure where there is none."""
        for one in self.all():
            if one.name == name:
                return one
        code, what = Exit.NO_SUCH_BACKUP, f"There is no backup {name!r}"
        if name in self.unreadable():
            code, what = Exit.BROKEN_BACKUP, f"The backup {name} has no readable {MANIFEST}"
        names = ", ".join(one.name for one in self.all()) or "none"
        raise Failure(code, what, f"There are: {names}")

    def check(self, backup: Backup) -> None:
        """Compare every file of a backup with its checksum. Raise Failure where one differs or is missing."""
        remedy = "Take another backup, or fetch this one from Hyper Backup"
        try:
            lines = (backup.folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
            sums = {name: value for value, name in (line.split("  ", 1) for line in lines)}
        except (OSError, ValueError):
            raise Failure(Exit.BROKEN_BACKUP, f"{backup.name} has no readable {CHECKSUMS}", remedy) from None
        for name in [*backup.manifest["files"], MANIFEST]:
            file = backup.folder / name
            try:
                found = writing.checksum(file)
            except OSError as error:
                raise Failure(Exit.BROKEN_BACKUP, f"{file} can't be read: {error.strerror}", remedy) from None
            if found != sums.get(name):
                raise Failure(Exit.BROKEN_BACKUP, f"The checksum of {file} is wrong: it is damaged", remedy)

    def new(self) -> Path:
        """Make a folder for a backup that is being taken; nobody takes it for a backup before `complete`."""
        try:
            while True:
                name = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H%M%SZ")
                folder = self.folder / (_UNFINISHED + name)
                if not (folder.exists() or (self.folder / name).exists()):
                    break
                time.sleep(0.1)  # until the next second has a free name
            folder.mkdir(mode=0o700)
        except OSError as error:
            raise not_written(error, str(self.folder)) from error
        return folder

    def complete(self, folder: Path, manifest: dict[str, Any], sums: dict[str, str]) -> Backup:
        """Add manifest and checksums to an unfinished backup and give it its name, for good."""
        writing.write_whole(folder / MANIFEST, json.dumps(manifest, indent=2, sort_keys=True) + "\n")
        sums = {**sums, MANIFEST: writing.checksum(folder / MANIFEST)}
        writing.write_whole(folder / CHECKSUMS, "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)))
        target = folder.with_name(folder.name[len(_UNFINISHED) :])
        try:
            writing.sync_folder(folder)
            folder.rename(target)
            writing.sync_folder(self.folder)
        except OSError as error:
            raise not_written(error, str(self.folder)) from error
        return Backup(target, manifest)

    def delete(self, name: str) -> None:
        """Delete a backup; half of one is never taken for a whole."""
        doomed = self.folder / (_DELETED + name)
        (self.folder / name).rename(doomed)
        shutil.rmtree(doomed)

    def discard(self, folder: Path) -> None:
        """Delete an unfinished backup; what can't be deleted now, the next run deletes."""
        shutil.rmtree(folder, ignore_errors=True)

    def clean_up(self) -> int:
        """Delete what a killed run has left, and return how many folders that were."""
        left = [one for one in self.folder.iterdir() if one.name.startswith((_UNFINISHED, _DELETED))]
        for folder in left:
            self.discard(folder)
        return len(left)


def _lock(handle: int, patience: float) -> bool:
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.2)  # between two looks; the deadline ends the wait
        else:
            return True


def _read_manifest(folder: Path) -> dict[str, Any] | None:
    try:
        found = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    wanted = {"kind", "schema_revision", "tables", "files", "proven"}
    return found if isinstance(found, dict) and wanted <= set(found) and found["proven"] is True else None
