"""The admin password, kept in the data folder as Grafana keeps it in its database."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

_FILE = "admin-password.scrypt"


def _digest(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, n=2**12, r=8, p=1)


def save(data: Path, password: str) -> None:
    """Store the hash of `password` in the folder `data`, replacing the file in one step."""
    salt = os.urandom(16)
    new = data / (_FILE + ".new")
    new.write_bytes(base64.b64encode(salt) + b" " + base64.b64encode(_digest(password, salt)))
    new.replace(data / _FILE)


def save_first(data: Path, password: str) -> None:
    """Store `password` unless one is stored: like Grafana, the setting counts only on the first start."""
    if not (data / _FILE).exists():
        save(data, password)


def matches(data: Path, password: str) -> bool:
    """Tell whether `password` is the stored one."""
    salt, digest = (base64.b64decode(part) for part in (data / _FILE).read_bytes().split())
    return hmac.compare_digest(digest, _digest(password, salt))
