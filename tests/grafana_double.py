"""Starts Grafana's contract double and hears what it says of its files."""

from __future__ import annotations

import subprocess
import uuid
from collections.abc import Sequence

READY = "data sources, "


def start(image: str, options: Sequence[str]) -> tuple[bool, str]:
    """Start the double with options of docker run; return whether it took its files, and what it said."""
    name = f"kbju-double-{uuid.uuid4().hex[:12]}"
    command = ["docker", "run", "--rm", "--name", name, "--network=none", *options, image]
    said = ""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        for line in running.stdout:
            said += line
            if READY in line:
                subprocess.run(["docker", "kill", name], capture_output=True, check=True)
    return READY in said, said
