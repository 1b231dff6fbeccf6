"""Each fault in turn: exactly the alerts that it should set off, exactly the messages that it should cost, and an end.

The rules and Alertmanager's settings are those that are deployed, but all of their waiting times are six times shorter.
The real ones are proven by tests/rules, minute by minute, and by test_1_postgres.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from testinfra.host import Host

from alarms import OF_THE_MACHINE, Chat, Files, Monitoring, hurrying
from rehearsal import BOT, ROOT, Stack, until

TIMES = 6
METRICS = f"{ROOT}/metrics"


@dataclass(frozen=True)
class Fault:
    """A container that is stopped, what fires, and what of it is told."""

    container: str
    fires: frozenset[str]
    told: tuple[str, ...]


def fault(container: str, *fires: str, told: str | None = None) -> Fault:
    """Return a fault of a container; what it sets off beside being down, and what is told in place of that."""
    down = f"ContainerDown({container})"
    return Fault(container, frozenset({down, *fires}), (told or "ContainerDown",))


FAULTS = [
    fault("kbju-postgres", "PostgresDown(postgres)", "BotDatabaseUnreachable", told="PostgresDown"),
    fault(BOT, "BotDown", "HttpsProbeFailing", told="BotDown"),
    fault("kbju-nginx", "NginxDown", "HttpsProbeFailing", "GrafanaUnreachable", told="NginxDown"),
    fault("kbju-grafana", "GrafanaUnreachable"),
    fault("kbju-blackbox", "TargetDown(blackbox)"),
    fault("kbju-postgres-exporter", "TargetDown(postgres)"),
    fault("kbju-nginx-exporter", "TargetDown(nginx)"),
    # What containers do is read through it, so nobody knows that it is one of them.
    Fault("kbju-node-exporter", frozenset({"TargetDown(node-exporter)"}), ("TargetDown",)),
]


@pytest.fixture(scope="module")
def monitoring(nas: Host) -> Monitoring:
    return Monitoring(nas)


@pytest.fixture(scope="module")
def hurry(nas: Host) -> Iterator[None]:
    with hurrying(nas, TIMES):
        yield


@pytest.fixture
def chat(stack: Stack, monitoring: Monitoring, hurry: None) -> Chat:
    """The admin's chat, once nothing is left of an earlier fault."""
    wait_for_peace(monitoring)
    return Chat(stack)


def wait_for_peace(monitoring: Monitoring) -> None:
    """Wait until nothing fires, nothing is about to, and Alertmanager knows it."""

    def quiet() -> bool:
        known = monitoring.alerts("firing") | monitoring.alerts("pending") | monitoring.active()
        return known <= OF_THE_MACHINE

    until(quiet, "peace", 240)


def wait_for(expected: frozenset[str], monitoring: Monitoring) -> None:
    """Wait until all that is expected fires, and nothing else is about to."""
    until(lambda: expected <= monitoring.alerts("firing"), f"firing of {sorted(expected)}", 240)
    until(lambda: monitoring.alerts("pending") <= OF_THE_MACHINE, "the last one that may still follow", 240)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.container)
def test_a_stopped_container(fault: Fault, chat: Chat, monitoring: Monitoring, docker: Callable[[str], str]) -> None:
    began = time.time()

    docker(f"stop {fault.container}")
    try:
        wait_for(fault.fires, monitoring)
        until(lambda: len(chat.told()) >= len(fault.told), f"message of {fault.told}", 60)
    finally:
        docker(f"start {fault.container}")
    wait_for_peace(monitoring)
    until(lambda: len(chat.over()) >= len(fault.told), "the message that it is over", 90)

    assert monitoring.fired(began) - OF_THE_MACHINE == fault.fires
    assert chat.told() == list(fault.told)
    assert len(chat.over()) == len(fault.told)


@pytest.mark.parametrize("container", ["kbju-prometheus", "kbju-alertmanager"])
def test_a_stopped_watcher_is_told_of_by_the_nas(
    container: str, chat: Chat, monitoring: Monitoring, nas: Host, docker: Callable[[str], str]
) -> None:
    """Neither can tell of itself. DSM's scheduler calls the program every five minutes; here it is called at once."""
    watch = f"{ROOT}/bin/watch-monitoring"

    docker(f"stop {container}")
    try:
        # The second look tells. Another one, by DSM, may be under way.
        until(lambda: nas.run(watch).rc == 1 and len(chat.watched()) == 1, "the watcher's message", 60)
    finally:
        docker(f"start {container}")
    until(lambda: nas.run(watch).rc == 0, "the watcher's content", 120)
    until(lambda: len(chat.watched()) == 2, "the watcher's message that it is over", 30)
    wait_for_peace(monitoring)

    assert chat.told() == []


def test_a_full_disk_an_expiring_certificate_and_an_old_backup(
    chat: Chat, monitoring: Monitoring, nas: Host, docker: Callable[[str], str]
) -> None:
    """At the same time, for their rules wait the longest. What is changed are the real sources of the figures."""
    files, began = Files(nas), time.time()
    expected = frozenset({"DiskFull(/volume2)", "DiskAlmostFull(/volume2)", "CertificateExpiresSoon", "BackupTooOld"})
    # A volume of its own: the stack's is as large as this machine's disk. The exporter sees mounts when it starts.
    nas.check_output("mkdir -p /volume2 && mount -t tmpfs -o size=16m kbju-rehearsal /volume2")
    nas.check_output("head -c 16200000 /dev/zero > /volume2/full")
    try:
        nas.check_output(f"{ROOT}/bin/backup run --kind manual")
        docker("restart kbju-node-exporter")
        age(files, f"{METRICS}/backup.prom", "kbju_backup_last_success_timestamp_seconds", time.time() - 26.5 * 3600)
        age(files, f"{METRICS}/certbot.prom", "kbju_certificate_expiry_timestamp_seconds", time.time() + 13 * 86400)

        wait_for(expected, monitoring)
        until(lambda: len(chat.told()) >= 3, "three messages", 60)
    finally:
        nas.check_output("rm -f /volume2/full")
        nas.check_output("umount /volume2 && rmdir /volume2")
        docker("restart kbju-node-exporter")
        # Both write their figures anew.
        nas.check_output(f"{ROOT}/bin/renew-certificate")
        nas.check_output(f"{ROOT}/bin/backup run --kind manual")
    wait_for_peace(monitoring)
    until(lambda: len(chat.over()) >= 3, "three ends", 90)

    assert monitoring.fired(began) - OF_THE_MACHINE == expected
    # That it is nearly full goes without saying where it is full.
    assert sorted(chat.told()) == ["BackupTooOld", "CertificateExpiresSoon", "DiskFull"]


def age(files: Files, path: str, metric: str, value: float) -> None:
    """Give all series of a metric in a textfile another value."""
    lines = files.read(path).splitlines()
    changed = [f"{line.rpartition(' ')[0]} {value:.0f}" if line.startswith(metric) else line for line in lines]
    assert changed != lines, f"{path} has no {metric}"
    files.write(path, "\n".join(changed) + "\n")
