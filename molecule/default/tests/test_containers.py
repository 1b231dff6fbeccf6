"""Every container is hardened, limited and healthy; only nginx can be reached."""

from __future__ import annotations

import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from testinfra.host import Host

from rehearsal import BOT, DOCKER, OURS, REHEARSED, ROOT, SERVICES, Stack

Containers = dict[str, dict[str, Any]]
INSIDE_PORTS = {
    5432: "PostgreSQL",
    9090: "Prometheus",
    9093: "Alertmanager",
    3000: "Grafana",
    8000: "the bot",
    8082: "nginx's status page",
    9100: "node_exporter",
    9113: "nginx's exporter",
    9115: "blackbox_exporter",
    9187: "PostgreSQL's exporter",
}
# Their images have no program to look with; Prometheus tells whether they answer.
WITHOUT_HEALTH_CHECK = {"kbju-nginx-exporter"}


@pytest.mark.reads
def test_the_services_are_those_that_are_meant(containers: Containers) -> None:
    assert set(containers) == SERVICES


@pytest.mark.reads
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_healthy_without_a_restart(containers: Containers, name: str) -> None:
    state = containers[name]["State"]

    assert state["Status"] == "running"
    assert state.get("Health", {}).get("Status") == (None if name in WITHOUT_HEALTH_CHECK else "healthy")
    assert containers[name]["RestartCount"] == 0
    assert containers[name]["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


@pytest.mark.reads
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_limits(containers: Containers, name: str) -> None:
    limits = containers[name]["HostConfig"]

    assert limits["Memory"] > 0
    assert limits["PidsLimit"] > 0
    assert limits["NanoCpus"] > 0 or limits["CpuShares"] > 0


@pytest.mark.reads
def test_memory_limits_fit_the_nas(containers: Containers) -> None:
    assert sum(one["HostConfig"]["Memory"] for one in containers.values()) <= 3 * 2**30


@pytest.mark.reads
@pytest.mark.parametrize("name", sorted(SERVICES))
def test_hardening(containers: Containers, name: str) -> None:
    host = containers[name]["HostConfig"]

    assert host["ReadonlyRootfs"] is True
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] is None
    assert host["Privileged"] is False
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["LogConfig"] == {"Type": "json-file", "Config": {"max-file": "3", "max-size": "10m"}}
    assert not [mount for mount in containers[name]["Mounts"] if mount["Source"].endswith("docker.sock")]


@pytest.mark.reads
def test_no_process_is_root(nas: Host) -> None:
    listing = nas.check_output(f"for c in $({DOCKER} ps -q --filter {OURS}); do {DOCKER} top $c -o pid,uid,comm; done")
    users = {line.split()[1] for line in listing.splitlines()} - {"UID"}

    assert users == {"999", "65534", "65532", "65530", "472", "101", "1000", "1001"}


@pytest.mark.reads
def test_only_nginx_publishes_ports(containers: Containers) -> None:
    publishing = {name for name, one in containers.items() if one["HostConfig"]["PortBindings"]}

    assert publishing == {"kbju-nginx"}


@pytest.mark.reads
def test_not_reachable_from_outside(nas: Host, stack: Stack) -> None:
    """The NAS's own address is asked, as a machine in the same network would ask it: DSM's firewall does not answer.

    Nor would anybody behind it: from the NAS itself, which passes the firewall, the same address refuses.
    """
    address = stack.nas_address
    # On a real NAS its owner decides about the firewall.
    closed = (TimeoutError,) if REHEARSED else (TimeoutError, ConnectionRefusedError)
    could_not_connect = 7

    def answers(port: int) -> bool:
        try:
            socket.create_connection((address, port), timeout=3).close()
        except closed:
            return False
        return True

    assert answers(stack.nas_https_port), "the way there is open"
    # At the same time: each is waited for.
    with ThreadPoolExecutor(len(INSIDE_PORTS)) as pool:
        found = dict(zip(INSIDE_PORTS.values(), pool.map(answers, INSIDE_PORTS), strict=True))
    assert [name for name, answered in found.items() if answered] == []
    for port, name in INSIDE_PORTS.items():
        asked = nas.run(f"curl --silent --max-time 3 telnet://{address}:{port} < /dev/null")
        assert asked.rc == could_not_connect, name


@pytest.mark.reads
def test_the_database_is_out_of_nginxs_reach(nas: Host, containers: Containers) -> None:
    networks = containers["kbju-postgres"]["NetworkSettings"]["Networks"]
    address = networks["kbju-network-internal"]["IPAddress"]
    # curl says when the connection stood; 0 is never.
    probe = "curl --silent --output /dev/null --max-time 3 --write-out '%{{time_connect}}' telnet://{}:{} < /dev/null"

    reached = nas.run(f"{DOCKER} exec kbju-nginx {probe.format(BOT, 8000)}")
    refused = nas.run(f"{DOCKER} exec kbju-nginx {probe.format(address, 5432)}")

    assert set(networks) == {"kbju-network-internal"}
    assert float(reached.stdout) > 0
    assert float(refused.stdout) == 0


@pytest.mark.reads
def test_an_operator_can_type_docker_compose(nas: Host) -> None:
    services = nas.check_output(f"cd {ROOT} && {DOCKER} compose ps --services")

    assert set(services.split()) == SERVICES


def test_the_bots_account_can_not_change_the_schema(docker: Callable[[str], str], nas: Host) -> None:
    refused = nas.run(
        f"{DOCKER} exec kbju-postgres psql --dbname kbju --command 'SET ROLE kbju_bot; CREATE TABLE intruder (id int)'"
    )

    assert refused.rc != 0
    assert "permission denied" in refused.stderr
