"""Files the bot has sent."""

from __future__ import annotations

import hashlib
import mimetypes
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import PurePosixPath

from .errors import Json


@dataclass(frozen=True, slots=True)
class StoredFile:
    """One file. The sizes of a photo are files of their own that share one content."""

    id: str
    unique_id: str
    kind: str
    name: str
    path: str
    content: bytes
    width: int = 0
    height: int = 0

    def photo_size(self) -> Json:
        """As ``PhotoSize``."""
        return {**self._base(), "width": self.width, "height": self.height}

    def document(self) -> Json:
        """As ``Document``."""
        mime = mimetypes.guess_type(self.name)[0] or "application/octet-stream"
        return {**self._base(), "file_name": self.name, "mime_type": mime}

    def file(self) -> Json:
        """As ``File``, the answer to getFile."""
        return {**self._base(), "file_path": self.path}

    def view(self) -> Json:
        """What the user sees."""
        shown: Json = {"name": self.name, "size": len(self.content), "url": f"/control/files/{self.id}"}
        return {**shown, "width": self.width, "height": self.height} if self.kind == "photo" else shown

    def _base(self) -> Json:
        return {"file_id": self.id, "file_unique_id": self.unique_id, "file_size": len(self.content)}


class Files:
    """Files by id and by path; the oldest are forgotten when they take too much memory."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._number = 0
        self._by_id: OrderedDict[str, StoredFile] = OrderedDict()
        self._by_path: dict[str, StoredFile] = {}

    def add(self, kind: str, name: str, content: bytes, size: tuple[int, int] = (0, 0)) -> StoredFile:
        """Keep a file."""
        self._number += 1
        name = PurePosixPath(name.replace("\\", "/")).name or "file"
        suffix = ".jpg" if kind == "photo" else PurePosixPath(name).suffix
        prefix = "AgACAgI" if kind == "photo" else "BQACAgI"
        digest = hashlib.sha256(content + b"%dx%d" % size).hexdigest()
        stored = StoredFile(
            id=f"{prefix}{secrets.token_urlsafe(24)}",
            unique_id=f"AQAD{digest[:12]}",
            kind=kind,
            name=name,
            path=f"{kind}s/file_{self._number}{suffix}",
            content=content,
            width=size[0],
            height=size[1],
        )
        self._by_id[stored.id] = stored
        self._by_path[stored.path] = stored
        self._bytes += len(content)
        while self._bytes > self._max_bytes and len(self._by_id) > 1:
            _, oldest = self._by_id.popitem(last=False)
            del self._by_path[oldest.path]
            self._bytes -= len(oldest.content)
        return stored

    def by_id(self, file_id: str) -> StoredFile | None:
        """The file with this ``file_id``."""
        return self._by_id.get(file_id)

    def by_path(self, path: str) -> StoredFile | None:
        """The file with this ``file_path``."""
        return self._by_path.get(path)
