"""Faults of one container or of what lies between two, and their ends. Each touches the stand-in alone."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from testinfra.host import Host

from rehearsal import DOCKER, REPOSITORY, until

MEASURED = Path(os.environ.get("KBJU_FAULTS_FILE") or REPOSITORY / ".ci" / "output" / "faults.json")


class Containers:
    """The containers of the deployed stack."""

    def __init__(self, nas: Host) -> None:
        self.nas = nas

    def pid(self, name: str) -> int:
        """Return the process id of a container's main process, as the NAS sees it; 0 where it does not run."""
        return int(self.nas.check_output(f"{DOCKER} inspect --format '{{{{.State.Pid}}}}' {name}"))

    def state(self, name: str) -> str:
        """Return a container's state, and its health where it has a check."""
        form = "{{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}"
        return str(self.nas.check_output(f"{DOCKER} inspect --format '{form}' {name}")).strip()

    def killed(self, name: str) -> None:
        """End a container's main process. Not by the engine, which would leave it down as somebody's wish."""
        self.nas.check_output(f"kill -9 {self.pid(name)}")

    def out_of_memory(self, name: str) -> None:
        """Have the kernel end a container's main process because its memory is used up, by something beside it."""
        before = self.pid(name)
        # Of those in the container it is the main process that the kernel is to choose.
        self.nas.check_output(f"echo 1000 > /proc/{before}/oom_score_adj")
        # One endless line, which tail keeps.
        self.nas.check_output(f"{DOCKER} exec --detach {name} tail /dev/zero")
        until(lambda: self.pid(name) not in {0, before}, f"{name} is out of memory and back", seconds=60)

    @contextlib.contextmanager
    def cut(self, name: str, port: int) -> Iterator[None]:
        """Let nothing of a container reach a port of others, while the block runs."""
        inside = f"nsenter --target {self.pid(name)} --net iptables"
        rule = f"OUTPUT --protocol tcp --dport {port} --jump DROP"
        self.nas.check_output(f"{inside} --append {rule}")
        try:
            yield
        finally:
            self.nas.check_output(f"{inside} --delete {rule}")


def note(fault: str, seconds: float, promised: float) -> None:
    """Keep a measured time for the table of docs/reliability.md (benchmarks/faults_table.py)."""
    known = json.loads(MEASURED.read_text(encoding="utf-8")) if MEASURED.exists() else {}
    known[fault] = {"measured_s": round(seconds, 1), "promised_s": promised}
    MEASURED.parent.mkdir(parents=True, exist_ok=True)
    MEASURED.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")
