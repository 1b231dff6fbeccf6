"""Writing files that are whole or absent: hashed while written, on the disk before they are named."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import stat
import tarfile
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Iterable, Iterator

from kbju_backup.errors import Exit, Failure, not_written
from kbju_backup.programs import CHUNK

_LOOK_EVERY = 16 << 20


class Sink:
    """A new file that hashes what is written to it and stops before the volume is full."""

    def __init__(self, file: Path, reserve: int) -> None:
        self.path = file
        self.size = 0
        self._reserve = reserve
        self._hash = hashlib.sha256()
        self._next_look = 0
        # Only root may read what may hold everybody's diary.
        self._file = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)

    @property
    def checksum(self) -> str:
        """The SHA-256 of what has been written so far."""
        return self._hash.hexdigest()

    def write(self, chunk: bytes) -> int:
        """Write all of `chunk`. Raise Failure where there is no space for it."""
        try:
            if self.size >= self._next_look:
                self._next_look = self.size + _LOOK_EVERY
                check_space(self.path.parent, self._reserve)
            view = memoryview(chunk)
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            raise not_written(error, str(self.path.parent)) from error
        self.size += len(chunk)
        self._hash.update(chunk)
        return len(chunk)

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        try:
            if kind is None:
                os.fsync(self._file)
        except OSError as error:
            raise not_written(error, str(self.path.parent)) from error
        finally:
            os.close(self._file)


def free_space(folder: Path) -> int:
    """Return the free space of the volume that `folder` is on, in bytes."""
    return shutil.disk_usage(str(folder)).free


def check_space(folder: Path, needed: int) -> None:
    """Raise Failure where the volume has less than `needed` bytes free."""
    free = free_space(folder)
    if free < needed:
        raise Failure(
            Exit.DISK_FULL,
            f"The disk is too full: {free >> 20} MB are free on the volume of {folder}, {needed >> 20} MB are needed",
            "Free space on the volume, or keep fewer backups (hyper_backup_keep)",
        )


def write_whole(file: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file by `text`: it holds the old content or the new, never a part."""
    aside = file.with_name(f".{file.name}.new")
    try:
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w", encoding="utf-8") as handle:
            handle.write(text)
            handle.flush()
            os.fchmod(handle.fileno(), mode)
            os.fsync(handle.fileno())
        aside.rename(file)
    except OSError as error:
        with contextlib.suppress(OSError):
            aside.unlink()
        raise not_written(error, str(file.parent)) from error


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read_chunks(file: Path, reserve: int = 0) -> Iterator[bytes]:
    """Read a file piece by piece. Raise Failure where its volume has less than `reserve` bytes free meanwhile.

    What is read goes into PostgreSQL, which would stop on a full volume: a copy must not take the last of it.
    """
    read = 0
    with file.open("rb") as handle:
        while True:
            if reserve and read % _LOOK_EVERY == 0:
                check_space(file.parent, reserve)
            chunk = handle.read(CHUNK)
            if not chunk:
                return
            read += len(chunk)
            yield chunk


def checksum(file: Path) -> str:
    """Return the SHA-256 of a file."""
    found = hashlib.sha256()
    for chunk in read_chunks(file):
        found.update(chunk)
    return found.hexdigest()


def pack(sink: Sink, root: Path, names: Iterable[str]) -> int:
    """Write a compressed tar of files and folders below `root` and return how many files are in it.

    Logs are written meanwhile: each file is taken as long as it was when it was opened. Left out is
    what has gone, and what is no regular file.
    """
    packed = 0
    with tarfile.open(mode="w|gz", fileobj=sink) as archive:  # type: ignore[call-overload]  # all it calls is write
        for file in sorted(_files(root, names)):
            handle = _open_regular(file)
            if handle is None:
                continue
            with handle:
                archive.addfile(archive.gettarinfo(arcname=str(file.relative_to(root)), fileobj=handle), handle)
            packed += 1
    return packed


def _open_regular(file: Path) -> BinaryIO | None:
    # The bot may write to its logs' folder: a pipe there must not hold us up, a link must not lead us elsewhere.
    try:
        number = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENXIO):  # gone, a link, a socket
            return None
        raise
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        return None
    return open(number, "rb")


def _files(root: Path, names: Iterable[str]) -> Iterator[Path]:
    for name in names:
        start = root / name
        if start.is_file():
            yield start
        for folder, _, files in os.walk(start):
            yield from (Path(folder) / file for file in files)
