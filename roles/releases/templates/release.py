#!/usr/bin/python3 -IB
"""Updates the bot without downtime, rolls it back, and keeps the record of its releases: release --help tells more."""

import os
import sys

# Isolated from the environment, so the folder beside this file is named here.
sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))

from kbju_release.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
