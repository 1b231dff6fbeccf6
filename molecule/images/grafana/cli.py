#!/usr/bin/env python3
"""The one command of Grafana's CLI that a deployment needs: `grafana cli admin reset-admin-password`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(os.path.realpath(__file__)).parent))

import store
from settings import ConfigurationError, setting


def main(arguments: list[str]) -> int:
    """Run the command in `arguments` and return its exit code."""
    parser = argparse.ArgumentParser(prog="grafana cli", description="contract double: knows this one command alone")
    parser.add_argument("cli", choices=["cli"])
    parser.add_argument("--homepath", default=".", help="where Grafana's defaults are")
    parser.add_argument("admin", choices=["admin"])
    parser.add_argument("command", choices=["reset-admin-password"])
    # The other way, the password as an argument, is one that everybody on the machine could read.
    parser.add_argument("--password-from-stdin", action="store_true", required=True)
    options = parser.parse_args(arguments)

    if not (Path(options.homepath) / "conf" / "defaults.ini").is_file():
        print("Could not find config defaults, make sure homepath command line parameter is set", file=sys.stderr)
        return 1
    print("New Password: ")
    password = sys.stdin.readline().rstrip("\n")
    if not password:
        print("Error: ✗ can't read password from stdin", file=sys.stderr)
        return 1
    if len(password) < 4:
        print("Error: ✗ new password is too short", file=sys.stderr)
        return 1
    try:
        store.save(Path(setting("PATHS_DATA", "/var/lib/grafana")), password)
    except (ConfigurationError, OSError) as error:
        print(f"Error: ✗ failed to update user password: {error}", file=sys.stderr)
        return 1
    print("Admin password changed successfully ✔")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
