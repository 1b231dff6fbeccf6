"""What the header of a picture tells."""

from __future__ import annotations

import struct

_PNG = b"\x89PNG\r\n\x1a\n"
_FRAME_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS = frozenset({0x01, *range(0xD0, 0xD8)})


def size_of(content: bytes) -> tuple[int, int] | None:
    """Width and height of a PNG or JPEG; ``None`` for anything else."""
    if content.startswith(_PNG) and content[12:16] == b"IHDR" and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
        return (width, height) if width and height else None
    if content.startswith(b"\xff\xd8"):
        return _jpeg(content)
    return None


def media_type(content: bytes) -> str:
    """The media type of a PNG or a JPEG."""
    return "image/png" if content.startswith(_PNG) else "image/jpeg"


def _jpeg(content: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            return None
        marker = content[at + 1]
        if marker == 0xFF:  # padding
            at += 1
            continue
        if marker in _BARE_MARKERS:
            at += 2
            continue
        if marker in _FRAME_MARKERS:
            if at + 9 > len(content):
                return None
            height, width = struct.unpack(">HH", content[at + 5 : at + 9])
            return (width, height) if width and height else None
        at += 2 + int(struct.unpack(">H", content[at + 2 : at + 4])[0])
    return None


def scaled(size: tuple[int, int], longest: int) -> tuple[int, int]:
    """The size with its longer side brought down to ``longest``."""
    width, height = size
    factor = longest / max(width, height)
    return max(1, round(width * factor)), max(1, round(height * factor))
