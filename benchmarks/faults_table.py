"""Prints the measured times of `make test-faults` as a table for docs/reliability.md."""

from __future__ import annotations

import json
import sys
from pathlib import Path

MEASURED = Path(__file__).resolve().parents[1] / ".ci" / "output" / "faults.json"


def main() -> int:
    """Print the table; return the exit code."""
    if not MEASURED.exists():
        print(f"{MEASURED} is not there: make test-faults writes it", file=sys.stderr)
        return 1
    print("| Fault | Longest wait, measured | Promised |\n|---|---|---|")
    for fault, row in json.loads(MEASURED.read_text(encoding="utf-8")).items():
        print(f"| {fault} | {row['measured_s']:.1f} s | {row['promised_s']:g} s |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
