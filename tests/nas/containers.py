"""Containers of a project that a test has of its own in this machine's engine, and the program that looks at them."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "container_metrics" / "templates"
IMAGE = "kbju/debian:trixie"


def docker(*arguments: str) -> str:
    """Run a Docker command and return what it prints; fails the test when it fails."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


class Project:
    """A compose project below a folder, with the program as it lies on the NAS."""

    def __init__(self, folder: Path, *expected: str, **changes: Any) -> None:
        self.name = f"kbju-test-{secrets.token_hex(4)}"
        self.folder = folder
        self._made: list[str] = []
        (folder / "bin").mkdir()
        (folder / "metrics").mkdir()
        for module in TEMPLATES.glob("*.py"):
            shutil.copy(module, folder / "bin")
        settings = {
            "project": self.name,
            "root": str(folder),
            "socket": "/var/run/docker.sock",
            "containers": list(expected),
            "memory_budget_bytes": 3 * 2**30,
            "log_lines": 1000,
        }
        (folder / "bin" / "container-metrics.json").write_text(json.dumps({**settings, **changes}), encoding="utf-8")

    def run(self, service: str, script: str, *options: str, one_off: bool = False) -> str:
        """Start a container of a service that runs a shell script, and return its id."""
        labels = {"project": self.name, "service": service, "oneoff": str(one_off)}
        given = [part for key, value in labels.items() for part in ("--label", f"com.docker.compose.{key}={value}")]
        given += ["--log-driver", "json-file", "--init"]
        self._made.append(docker("run", "--detach", *given, *options, IMAGE, "sh", "-c", script))
        return self._made[-1]

    def program(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the program as DSM does, with other arguments."""
        command = [sys.executable, "-B", str(self.folder / "bin" / "container_metrics.py"), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def look(self) -> dict[str, float]:
        """Have the program look once, and return what it has told: `metric` or `metric{name}`, and its value."""
        done = self.program("--once")
        assert (done.returncode, done.stderr) == (0, "")
        return self.told()

    def told(self) -> dict[str, float]:
        """Return what stands in the file for node_exporter."""
        text = (self.folder / "metrics" / "containers.prom").read_text(encoding="utf-8")
        found = re.findall(r'^(\w+)(?:\{\w+="([^"]*)"\})? (\S+)$', text, flags=re.MULTILINE)
        assert len(found) == len([line for line in text.splitlines() if not line.startswith("#")])
        return {f"{metric}{{{label}}}" if label else metric: float(value) for metric, label, value in found}

    def remove(self) -> None:
        """Remove the containers."""
        if self._made:
            docker("rm", "--force", *self._made)
