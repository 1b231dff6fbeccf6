"""What Prometheus is told of containers, by a real engine with containers that the tests make."""

from __future__ import annotations

import fcntl
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import container_engine
import container_report
import pytest
from container_counters import Counters

import container_metrics
from nas.containers import Project, docker
from rehearsal import until

MIB = 2**20
NOTHING = "--network=none"
FOREVER = "exec sleep 600"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Project]]:
    """Make a project that expects the given services; its containers are removed at the end."""
    made: list[Project] = []

    def project(*expected: str, **changes: object) -> Project:
        made.append(Project(tmp_path, *expected, **changes))
        return made[-1]

    yield project
    for one in made:
        one.remove()


def state_of(container: str) -> str:
    return docker("inspect", "--format", "{{.State.Status}}", container)


def test_a_running_container_is_told_as_the_engine_knows_it(make: Callable[..., Project]) -> None:
    before = time.time()
    project = make("web")
    healthy = ["--health-cmd", "true", "--health-interval", "1s"]
    container = project.run("web", FOREVER, "--memory=64m", "--pids-limit=20", *healthy)
    until(lambda: "healthy" in docker("ps", "--filter", f"id={container}", "--filter", "health=healthy"), "healthy")

    told = project.look()

    assert told["kbju_container_running{web}"] == 1
    assert told["kbju_container_healthy{web}"] == 1
    assert told["kbju_container_restarts_total{web}"] == 0
    assert told["kbju_container_oom_kills_total{web}"] == 0
    assert told["kbju_container_memory_limit_bytes{web}"] == 64 * MIB
    assert 0 < told["kbju_container_memory_bytes{web}"] < 20 * MIB
    assert told["kbju_container_pids_limit{web}"] == 20
    assert 1 <= told["kbju_container_pids{web}"] <= 5
    assert 0 < told["kbju_container_cpu_seconds_total{web}"] < time.time() - before
    assert told["kbju_container_network_receive_bytes_total{web}"] >= 0
    assert told["kbju_container_network_transmit_bytes_total{web}"] >= 0
    assert before < told["kbju_container_started_timestamp_seconds{web}"] < time.time()
    assert before < told["kbju_containers_collected_timestamp_seconds"] <= time.time()
    assert told["kbju_stack_memory_budget_bytes"] == 3 * 2**30
    assert (project.folder / "metrics" / "containers.prom").stat().st_mode & 0o777 == 0o644


def test_down_unhealthy_and_missing_ones_are_told_apart(make: Callable[..., Project]) -> None:
    project = make("stopped", "missing", "sick", "unlimited")
    stopped = project.run("stopped", "exit 0", NOTHING, "--health-cmd", "true")
    sick = project.run("sick", FOREVER, NOTHING, "--health-cmd", "false", "--health-interval=1s", "--health-retries=1")
    project.run("unlimited", FOREVER, NOTHING)
    until(lambda: state_of(stopped) == "exited", "the container ends")
    until(lambda: "unhealthy" in docker("inspect", "--format", "{{.State.Health.Status}}", sick), "unhealthy")

    told = project.look()

    running = {key: value for key, value in told.items() if key.startswith("kbju_container_running")}
    assert running == {
        "kbju_container_running{stopped}": 0,
        "kbju_container_running{missing}": 0,
        "kbju_container_running{sick}": 1,
        "kbju_container_running{unlimited}": 1,
    }
    assert told["kbju_container_healthy{sick}"] == 0
    assert told["kbju_container_healthy{stopped}"] == 0
    assert "kbju_container_memory_bytes{stopped}" not in told
    assert not {key for key in told if key.startswith(("kbju_container_healthy{u", "kbju_container_memory_limit"))}
    # Counters of what is gone stay, so that they do not begin anew with it.
    assert told["kbju_container_log_errors_total{missing}"] == 0


def test_what_the_kernel_caches_of_files_is_no_use_of_memory(make: Callable[..., Project]) -> None:
    project = make("writer")
    container = project.run("writer", f"head -c 30M /dev/zero > /file; echo done; {FOREVER}", NOTHING, "--memory=64m")
    until(lambda: docker("logs", container) == "done", "the file is written")

    assert 0 < project.look()["kbju_container_memory_bytes{writer}"] < 15 * MIB


def test_use_of_cpu_and_network_grows(make: Callable[..., Project]) -> None:
    project = make("busy")
    project.run("busy", "while :; do :; done")

    first = project.look()
    second = project.look()

    assert second["kbju_container_cpu_seconds_total{busy}"] > first["kbju_container_cpu_seconds_total{busy}"]
    assert {key for key in second if key.startswith("node_network_receive_bytes_total")}
    assert not {key for key in second if "{lo}" in key or "{veth" in key}


def test_kills_for_want_of_memory_are_counted_over_restarts(make: Callable[..., Project]) -> None:
    project = make("greedy")
    container = project.run("greedy", "exec tail /dev/zero", NOTHING, "--memory=24m", "--memory-swap=24m")
    until(lambda: state_of(container) == "exited", "it is killed")
    assert project.look()["kbju_container_oom_kills_total{greedy}"] == 0, "what was before the first look is history"

    for kills in (1, 2):
        docker("start", container)
        until(lambda: state_of(container) == "exited", "it is killed")
        assert project.look()["kbju_container_oom_kills_total{greedy}"] == kills
        assert project.look()["kbju_container_oom_kills_total{greedy}"] == kills, "counted once"


def test_restarts_by_the_engine_are_counted(make: Callable[..., Project]) -> None:
    project = make("crashing")
    container = project.run("crashing", "exit 1", NOTHING, "--restart=on-failure:2")
    until(lambda: state_of(container) == "exited", "the engine gives up")

    told = project.look()

    assert told["kbju_container_restarts_total{crashing}"] == 2
    assert told["kbju_container_running{crashing}"] == 0
    assert told["kbju_container_oom_kills_total{crashing}"] == 0


def test_a_kill_that_is_told_twice_is_one() -> None:
    counters = Counters({}, now=100)

    class Engine(container_engine.Engine):
        def events(self, since: float, until: float, **filters: list[str]) -> list[dict[str, Any]]:
            actor = {"Attributes": {"com.docker.compose.service": "web"}}
            return [{"timeNano": int(at * 1e9), "Actor": actor} for at in (100, 101, 101.002, 103)]

    counters.look_for_kills(Engine(""), "project", now=105)

    assert counters.oom_kills == {"web": 2}, "the first was counted by the look before"


def test_a_kill_whose_event_is_forgotten_counts_once() -> None:
    counters = Counters({}, now=100)

    for _ in range(2):
        counters.look_at_state("history", {"OOMKilled": True}, started=10, finished=20)
        counters.look_at_state("killed", {"OOMKilled": True}, started=10, finished=110)
        # The engine keeps the note while the next life goes on.
        counters.look_at_state("alive", {"OOMKilled": True}, started=120, finished=110)
        counters.look_at_state("well", {"OOMKilled": False}, started=10, finished=110)

    assert counters.oom_kills == {"killed": 1, "alive": 1}


def test_errors_in_logs_are_counted_from_run_to_run(make: Callable[..., Project]) -> None:
    project = make("speaker")
    secret = "a-diary-that-nobody-reads"
    error = f"level=ERROR msg={secret}"
    # Standard error too, and a line that the engine keeps in pieces of 16 KiB: one that begins like an error is none.
    long = f"printf '%016384d{error}\\n' 0; echo {error} >&2"
    wait = "while [ ! -e /go ]; do sleep 0.05; done"
    container = project.run("speaker", f"echo {error}; echo ready; {wait}; echo {error}; {long}; {FOREVER}", NOTHING)
    until(lambda: "ready" in docker("logs", container), "it has spoken")
    time.sleep(1.1)  # the program leaves the last second to the next look

    assert project.look()["kbju_container_log_errors_total{speaker}"] == 0, "what was before the first look is history"
    docker("exec", container, "touch", "/go")
    until(lambda: project.look()["kbju_container_log_errors_total{speaker}"] == 2, "both errors are counted")
    time.sleep(1.1)
    assert project.look()["kbju_container_log_errors_total{speaker}"] == 2, "counted once"

    # Nobody's words leave the log.
    kept = [file for file in project.folder.rglob("*") if file.is_file() and file.parent.name != "bin"]
    assert len(kept) == 2
    assert not [file for file in kept if secret in file.read_text(encoding="utf-8")]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        # What compose has made and not started yet does not hide what it is going to replace.
        (("running", "False", 1), ("created", "False", 2)),
        (("exited", "False", 2), ("exited", "False", 1)),
        # Somebody runs a command in the place of a service that is down.
        (("exited", "False", 1), ("running", "True", 2)),
    ],
)
def test_of_several_containers_of_a_service_the_one_that_serves_counts(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    rows = [
        {
            "State": state,
            "Created": created,
            "Labels": {container_metrics.SERVICE: "bot", container_metrics.ONE_OFF: off},
        }
        for state, off, created in (one, other)
    ]
    settings = container_metrics.Settings("project", "/", "", ["bot"], 0, 0)

    for order in (rows, rows[::-1]):

        class Engine(container_engine.Engine):
            def ask(self, path: str, **query: Any) -> Any:
                return list(order)  # noqa: B023 - asked at once

        assert container_metrics.present(Engine(""), settings) == {"bot": rows[0]}


def test_what_compose_runs_for_a_moment_is_there_while_it_runs(make: Callable[..., Project]) -> None:
    project = make("bot")
    project.run("bot", FOREVER, NOTHING, "--memory=64m")
    project.run("certbot", FOREVER, NOTHING, "--memory=16m", one_off=True)
    ended = project.run("migrate", "exit 0", NOTHING, one_off=True)
    until(lambda: state_of(ended) == "exited", "the task ends")

    told = project.look()

    assert told["kbju_container_memory_limit_bytes{bot}"] == 64 * MIB
    assert told["kbju_container_memory_limit_bytes{certbot}"] == 16 * MIB
    assert not {key for key in told if "migrate" in key}, "what ran for a moment is not down"


def test_two_runs_never_look_at_the_same_time(make: Callable[..., Project]) -> None:
    project = make()
    with (project.folder / "bin" / ".container-metrics.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        started = time.monotonic()
        done = project.program()

    assert done.returncode == 0
    assert "another run" in done.stdout
    assert time.monotonic() - started < 10
    assert not (project.folder / "metrics" / "containers.prom").exists()


def test_after_a_removal_nothing_is_told_any_more(make: Callable[..., Project]) -> None:
    project = make()
    program = [sys.executable, "-B", str(project.folder / "bin" / "container_metrics.py")]
    with subprocess.Popen(program) as under_way:
        until((project.folder / "metrics" / "containers.prom").exists, "it has looked")

        removed = project.program("--remove")

        assert (removed.returncode, removed.stderr) == (0, "")
        assert under_way.wait(timeout=5) == -signal.SIGTERM
    assert not (project.folder / "metrics" / "containers.prom").exists()


def test_without_an_engine_what_was_seen_last_stays_and_the_cause_is_told(make: Callable[..., Project]) -> None:
    project = make("web")
    before = project.look()
    settings = project.folder / "bin" / "container-metrics.json"
    settings.write_text(settings.read_text().replace("/var/run/docker.sock", "/nowhere/docker.sock"))

    done = project.program("--once")

    assert done.returncode == 2
    assert "the Docker engine at /nowhere/docker.sock does not answer" in done.stderr
    assert project.told() == before


def test_an_unreadable_count_begins_anew(make: Callable[..., Project]) -> None:
    project = make("web")
    (project.folder / "metrics" / ".containers.json").write_text("{ half", encoding="utf-8")

    assert project.look()["kbju_container_oom_kills_total{web}"] == 0
    assert json.loads((project.folder / "metrics" / ".containers.json").read_text(encoding="utf-8"))


def test_an_engine_that_hangs_is_not_waited_for(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "docker.sock"))
        listener.listen()

        with pytest.raises(container_engine.EngineError, match="does not answer"):
            container_engine.Engine(str(tmp_path / "docker.sock"), timeout=0.2).ask("/info")


def test_a_clock_that_was_ahead_does_not_stop_the_counting() -> None:
    counters = Counters({"logs_until": 10**9, "events_until": 10**9}, now=1000)
    asked: list[tuple[float, float]] = []

    class Engine(container_engine.Engine):
        def log(self, container: str, since: float, until: float, most: int) -> Iterator[bytes]:
            asked.append((since, until))
            yield b"level=error"

    counters.look_at_logs(Engine(""), {"web": "1"}, now=1060, most=10)

    assert asked == [(999, 1059)]
    assert counters.log_errors == {"web": 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2026-11-23T18:21:49.009023597Z", 1795458109.009023597),
        ("2026-11-23T18:21:49Z", 1795458109),
        ("0001-01-01T00:00:00Z", 0),
    ],
)
def test_the_engines_times(text: str, value: float) -> None:
    assert container_report.seconds(text) == pytest.approx(value, abs=1e-6)


def test_the_memory_of_control_groups_of_both_kinds() -> None:
    """This machine has one kind, the NAS another."""
    first = {"usage": 100, "stats": {"total_inactive_file": 30, "inactive_file": 1}}
    second = {"usage": 100, "stats": {"inactive_file": 30}}

    assert container_report.memory(first) == container_report.memory(second) == 70
    assert container_report.memory({}) is None
