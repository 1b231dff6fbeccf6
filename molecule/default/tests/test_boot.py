"""After a reboot of the NAS everything is back without Ansible, and when it can't be, somebody is told."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from rehearsal import DOCKER, ROOT, Stack, reach_nas, until


def reboot(stack: Stack) -> Host:
    """Restart the stand-in as DSM restarts, and wait until SSH answers; return the NAS, over a new connection."""
    subprocess.run(["docker", "restart", "--time", "30", stack.instance], check=True, capture_output=True)
    until(lambda: ready(stack), "the NAS boots", 90)
    return reach_nas()


def ready(stack: Stack) -> bool:
    command = ["docker", "exec", stack.instance, "/usr/local/sbin/dsm-ready"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def metric(nas: Host, name: str) -> float | None:
    """Return a metric of the boot script's, None before there is one."""
    found = re.search(rf"^{name} (\S+)$", nas.run(f"cat {ROOT}/metrics/boot.prom").stdout, flags=re.MULTILINE)
    return float(found.group(1)) if found else None


@pytest.fixture
def hidden_network_file(nas: Host) -> Iterator[str]:
    """A compose fragment that is gone."""
    path = f"{ROOT}/compose/stack.yml"
    nas.check_output(f"mv {path} {path}.hidden")
    yield path
    nas.check_output(f"mv {path}.hidden {path}")


def test_everything_is_back_after_a_reboot(stack: Stack, nas: Host) -> None:
    """Also what Docker itself would leave down: DSM was seen to do so."""
    before = nas.check_output(f"{DOCKER} ps --no-trunc --quiet").split()
    nas.check_output(f"{DOCKER} stop kbju-grafana kbju-prometheus")
    booted = time.time()

    nas = reboot(stack)
    until(lambda: (metric(nas, "kbju_boot_finished_timestamp_seconds") or 0) > booted, "the boot script ends", 240)

    assert metric(nas, "kbju_boot_success") == 1
    running = nas.check_output(f"{DOCKER} ps --no-trunc --quiet").split()
    assert sorted(running) == sorted(before), "all run, and none was made anew"
    assert nas.check_output(f"{DOCKER} ps --quiet --filter health=starting --filter health=unhealthy") == ""
    assert "the stack is up and healthy" in nas.check_output(f"tail -n 1 {ROOT}/logs/boot.log")


def test_a_stack_that_can_not_start_is_told(nas: Host, hidden_network_file: str) -> None:
    said = nas.run(f"{ROOT}/bin/boot")

    assert said.rc == 1
    assert metric(nas, "kbju_boot_success") == 0
    last = nas.check_output(f"tail -n 1 {ROOT}/logs/boot.log")
    assert "FAILED: the stack did not come up" in last
    assert hidden_network_file in last


def test_it_can_be_run_again_by_hand(nas: Host) -> None:
    assert nas.run(f"{ROOT}/bin/boot").rc == 0
    assert metric(nas, "kbju_boot_success") == 1
