"""Logging that never shows a token."""

from __future__ import annotations

import logging
import re
import sys

_IN_PATH = re.compile(r"(/bot)\d+(?::|%3A)[^/\s?\"']+", re.IGNORECASE)
_BARE = re.compile(r"\b\d{6,}:[A-Za-z0-9_-]{20,}")


class RedactingFormatter(logging.Formatter):
    """Blots tokens out of the finished line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """One line of the log."""
        return redact(super().format(record))


def redact(text: str) -> str:
    """Text without tokens."""
    return _BARE.sub("<token>", _IN_PATH.sub(r"\1<token>", text))


def configure(level: str) -> None:
    """Log to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
