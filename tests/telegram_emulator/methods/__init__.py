"""The Bot API's methods."""

from __future__ import annotations

from . import callbacks, media, messages, profile, receiving
from .registry import METHODS, Call, Described

__all__ = ["METHODS", "Call", "Described", "callbacks", "media", "messages", "profile", "receiving"]
