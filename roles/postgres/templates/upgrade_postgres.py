#!/usr/bin/python3 -IB
"""Takes the database to PostgreSQL's next major version, and back: upgrade-postgres --help tells more."""

import os
import sys

# Isolated from the environment, so the folder beside this file is named here.
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from kbju_upgrade.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
