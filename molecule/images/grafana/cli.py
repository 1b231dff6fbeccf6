#!/usr/bin/env python3
"""The one command of Grafana's CLI that an operator needs: `grafana cli admin reset-admin-password`."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.path.realpath(__file__)).parent))

import store
from settings import setting


def main(arguments: list[str]) -> int:
    """Run the command in `arguments` and return its exit code."""
    words = [word for word in arguments if not word.startswith("--") and word != "cli"]
    if words[:2] != ["admin", "reset-admin-password"] or "--password-from-stdin" not in arguments:
        print("contract double: knows only: grafana cli admin reset-admin-password --password-from-stdin")
        return 2
    password = sys.stdin.readline().strip()
    if len(password) < 4:
        print("New password is too short")
        return 1
    store.save(Path(setting("PATHS_DATA", "/var/lib/grafana")), password)
    print("Admin password changed successfully ✔")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
