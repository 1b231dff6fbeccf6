"""What the exporters tell of the deployed stack: every container, users' way to it, the database."""

from __future__ import annotations

import re
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any

import pytest
import requests
from testinfra.host import Host

from rehearsal import DOCKER, ROOT, Stack, until

MIB = 2**20
PER_CONTAINER = [
    "running",
    "healthy",
    "restarts_total",
    "oom_kills_total",
    "started_timestamp_seconds",
    "cpu_seconds_total",
    "memory_bytes",
    "memory_limit_bytes",
    "pids",
    "pids_limit",
    "network_receive_bytes_total",
    "network_transmit_bytes_total",
    "log_errors_total",
]
# What rules and dashboards ask for, and the settings of the exporters decide about.
OTHERS = [
    'node_cpu_seconds_total{mode="idle"}',
    "node_memory_MemAvailable_bytes",
    'node_filesystem_avail_bytes{mountpoint="/volume1"}',
    "node_disk_io_time_seconds_total",
    "node_load1",
    "node_boot_time_seconds",
    "node_time_seconds",
    "node_timex_sync_status",
    "node_timex_offset_seconds",
    'node_network_receive_bytes_total{device="eth0"}',
    'node_network_transmit_bytes_total{device="eth0"}',
    "pg_settings_max_connections",
    'pg_stat_activity_count{datname="kbju"}',
    'pg_stat_activity_max_tx_duration{datname="kbju"}',
    "pg_locks_count",
    'pg_stat_database_deadlocks{datname="kbju"}',
    'pg_stat_database_xact_commit{datname="kbju"}',
    'pg_stat_user_tables_n_dead_tup{relname="users"}',
    'pg_database_size_bytes{datname="kbju"}',
    "pg_long_running_transactions",
    "pg_long_running_transactions_oldest_timestamp_seconds",
]
Query = Callable[[str], list[dict[str, Any]]]


@pytest.fixture(scope="session")
def ask(stack: Stack) -> Callable[..., Any]:
    """Ask the deployed Prometheus's API and return the answer's data."""

    def run(path: str, **parameters: str) -> Any:
        answer = requests.get(
            f"{stack.https}/prometheus/api/v1/{path}",
            params=parameters,
            auth=("admin", stack.secret("monitoring_password")),
            verify=str(stack.roots),
            timeout=10,
        )
        answer.raise_for_status()
        return answer.json()["data"]

    return run


@pytest.fixture(scope="session")
def query(ask: Callable[..., Any]) -> Query:
    """Run an instant query and return its series."""
    return lambda expression: ask("query", query=expression)["result"]


def by(label: str, series: list[dict[str, Any]]) -> dict[str, float]:
    """Return the values of series by one of their labels."""
    return {one["metric"][label]: float(one["value"][1]) for one in series}


@pytest.mark.reads
@pytest.mark.parametrize("metric", PER_CONTAINER)
def test_every_container_is_told_of(query: Query, containers: dict[str, Any], metric: str) -> None:
    # The nginx exporter's image has nothing to check its health with.
    asked = {name for name, one in containers.items() if metric != "healthy" or "Health" in one["State"]}

    assert set(by("name", query(f"kbju_container_{metric}"))) == asked


@pytest.mark.reads
def test_containers_are_told_as_they_are(query: Query, containers: dict[str, Any]) -> None:
    def told(metric: str) -> dict[str, float]:
        return by("name", query(f"kbju_container_{metric}"))

    # A container that was started a moment ago has yet to be looked at by its health check.
    until(lambda: set(told("healthy").values()) == {1}, "all are healthy", seconds=60)
    assert set(told("running").values()) == {1}
    assert told("memory_limit_bytes") == {name: one["HostConfig"]["Memory"] for name, one in containers.items()}
    assert told("pids_limit") == {name: one["HostConfig"]["PidsLimit"] for name, one in containers.items()}
    assert told("restarts_total") == {name: one["RestartCount"] for name, one in containers.items()}
    assert all(0 < used < told("memory_limit_bytes")[name] for name, used in told("memory_bytes").items())
    assert all(0 < used <= told("pids_limit")[name] for name, used in told("pids").items())
    assert all(age > 0 for age in by("name", query("time() - kbju_container_started_timestamp_seconds")).values())


@pytest.mark.reads
def test_the_program_looks_every_quarter_of_a_minute(query: Query) -> None:
    (age,) = query("time() - kbju_containers_collected_timestamp_seconds")
    (looks,) = query("changes(kbju_containers_collected_timestamp_seconds[2m])")
    (budget,) = query("kbju_stack_memory_budget_bytes")

    # It is looked at, written, and read by Prometheus, each every 15 s.
    assert float(age["value"][1]) < 40
    assert 5 <= float(looks["value"][1]) <= 9
    assert float(budget["value"][1]) == 3072 * MIB


@pytest.mark.reads
def test_use_of_cpu_grows(query: Query) -> None:
    grown = by("name", query("increase(kbju_container_cpu_seconds_total[2m])"))

    # A health check alone costs some.
    assert grown
    assert all(0 < seconds < 2 * 120 for seconds in grown.values())


@pytest.mark.reads
@pytest.mark.parametrize("selector", OTHERS)
def test_what_is_asked_for_is_there(query: Query, selector: str) -> None:
    assert query(selector), f"Prometheus has no {selector}"


@pytest.mark.reads
def test_the_probes_succeed(query: Query, stack: Stack) -> None:
    found = {
        (one["metric"]["job"], one["metric"]["service"]): (one["metric"]["instance"], one["value"][1])
        for one in query("probe_success")
    }

    assert {probe: value for probe, (_, value) in found.items()} == {
        ("probe-https", "bot"): "1",
        ("probe-https", "grafana"): "1",
        ("probe-telegram", "telegram"): "1",
    }
    assert found["probe-https", "bot"][0].endswith("/healthz")
    assert found["probe-https", "grafana"][0].endswith("/grafana/api/health")


@pytest.mark.reads
def test_the_probe_sees_the_certificate_that_is_served(query: Query, stack: Stack) -> None:
    context = ssl.create_default_context(cafile=str(stack.roots))
    with (
        socket.create_connection((stack.address, stack.https_port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=stack.names[0]) as served,
    ):
        ends = ssl.cert_time_to_seconds(str((served.getpeercert() or {})["notAfter"]))

    (seen,) = query('probe_ssl_earliest_cert_expiry{service="bot"}')

    assert float(seen["value"][1]) == ends


@pytest.mark.reads
def test_no_secret_stands_in_a_target(ask: Callable[..., Any], stack: Stack) -> None:
    targets = str(ask("targets"))

    assert "probe-telegram" in targets
    assert [name for name, secret in stack.secrets().items() if secret in targets] == []


@pytest.mark.reads
def test_half_of_the_exporters_series_are_not_kept(query: Query) -> None:
    """Each of the server's settings would be one, and each query's text a label."""
    settings = {one["metric"]["__name__"] for one in query('{__name__=~"pg_settings_.+"}')}

    assert settings == {
        "pg_settings_max_connections",
        "pg_settings_superuser_reserved_connections",
        "pg_settings_shared_buffers_bytes",
    }
    assert query('{job="postgres", query!=""}') == []
    assert query('{job="postgres", __tmp_kept!=""}') == []


@pytest.mark.reads
def test_the_exporters_collectors_succeed(query: Query) -> None:
    """Two have nothing to read where there is no such hardware."""
    failed = by("collector", query("node_scrape_collector_success == 0 or pg_scrape_collector_success == 0"))

    assert set(failed) <= {"hwmon", "mdadm"}
    assert query("pg_exporter_last_scrape_error == 0")


def test_the_exporters_account_reads_statistics_and_no_row(nas: Host, sql: Callable[[str], str]) -> None:
    def as_exporter(statement: str) -> Any:
        return nas.run(
            f"{DOCKER} exec kbju-postgres psql --no-psqlrc --tuples-only --dbname kbju "
            f"--command 'SET ROLE kbju_exporter' --command '{statement}'"
        )

    tables = sql("SELECT relname FROM pg_stat_user_tables ORDER BY 1").split()
    assert "users" in tables
    for statement in (
        *(f'SELECT * FROM public."{table}"' for table in tables),
        "CREATE TABLE public.intruder (id int)",
        "SELECT pg_ls_dir($$.$$)",
        "COPY (SELECT 1) TO PROGRAM $$true$$",
    ):
        refused = as_exporter(statement)
        assert refused.rc != 0, statement
        assert re.search("permission denied|must be superuser", refused.stderr), statement
    assert as_exporter("SELECT sum(deadlocks) FROM pg_stat_database").rc == 0
    granted = "SELECT roleid::regrole FROM pg_auth_members WHERE member = 'kbju_exporter'::regrole"
    assert sql(granted).split() == ["pg_read_all_stats"]


def test_a_stopped_container_is_down_within_a_minute(
    query: Query, docker: Callable[[str], str], nas: Host, containers: dict[str, Any]
) -> None:
    """And up again, with the counters that it had."""

    def told(metric: str, name: str = "kbju-grafana") -> float:
        return by("name", query(f"kbju_container_{metric}"))[name]

    errors = told("log_errors_total")
    docker("stop kbju-grafana")
    try:
        until(lambda: told("running") == 0, "a stopped container is down", seconds=60)
        until(lambda: query('probe_success{service="grafana"} == 0'), "its probe fails", seconds=60)
        assert told("running", "kbju-nginx") == 1
        assert told("log_errors_total") == errors
    finally:
        docker("start kbju-grafana")
    until(lambda: told("running") == 1, "a started container is up", seconds=60)
    until(lambda: told("healthy") == 1, "and healthy", seconds=60)
    until(lambda: query('probe_success{service="grafana"} == 1'), "its probe succeeds", seconds=60)
    assert told("restarts_total") == 0, "nobody but a person has started it"


def test_errors_in_a_log_are_counted_and_stand_nowhere_else(query: Query, nas: Host, sql: Callable[[str], str]) -> None:
    def told() -> float:
        return by("name", query("kbju_container_log_errors_total"))["kbju-postgres"]

    # What other tests have provoked a moment ago is counted first.
    now = time.time()
    until(lambda: query(f"kbju_containers_collected_timestamp_seconds > {now:.0f}"), "a look at the log", seconds=60)
    before = told()
    for _ in range(3):
        refused = nas.run(f"{DOCKER} exec kbju-postgres psql --dbname kbju --command 'SELECT a_word_of_somebodys'")
        assert refused.rc != 0
    # Whoever gives a wrong password, or is cut off, is no error of the database's.
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kbju_exporter'")

    until(lambda: told() == before + 3, "three errors are counted", seconds=120)
    assert nas.run(f"grep -rl a_word_of_somebodys {ROOT}/metrics {ROOT}/logs").stdout == ""
    assert re.fullmatch(r"\S+\n?", nas.check_output(f"ls {ROOT}/metrics/containers.prom"))
