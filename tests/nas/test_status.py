"""What an operator sees of the stack at a glance, from what the NAS's tools print."""

from __future__ import annotations

import ast
import calendar
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PATH = "resource_limits/templates/status.py"
MIB = 2**20


@pytest.fixture
def status(program: Callable[[str], ModuleType]) -> Any:
    return program(PATH)


def container(name: str, state: str = "running", health: str | None = "healthy", memory: int = 64) -> dict[str, Any]:
    return {
        "Name": "/" + name,
        "State": {"Status": state, "Health": {"Status": health} if health else None},
        "HostConfig": {"Memory": memory * MIB, "PidsLimit": 32},
        "RestartCount": 0,
    }


def test_dsms_python_can_read_it() -> None:
    text = (Path(__file__).resolve().parents[2] / "roles" / PATH).read_text(encoding="utf-8")
    ast.parse(text, feature_version=(3, 8))


@pytest.mark.parametrize(
    ("said", "size"),
    [("0B", 0), ("12.5MiB", 12.5 * MIB), ("1GiB", 2**30), ("3.2kB", 3200), ("1.5GB", 1.5e9), ("--", 0)],
)
def test_sizes_as_docker_prints_them(status: Any, said: str, size: float) -> None:
    assert status.size(said) == size


def test_use_is_shown_against_the_limit(status: Any) -> None:
    used = {"kbju-nginx": {"MemUsage": "32MiB / 64MiB", "CPUPerc": "1.50%", "PIDs": "3"}}

    rows, well = status.container_rows([container("kbju-nginx")], used)

    assert rows[1] == [" ", "kbju-nginx", "running (healthy)", "1.50%", "32 MiB", "50% of 64 MiB", "3/32", "0"]
    assert well


@pytest.mark.parametrize(
    ("one", "memory"),
    [
        (container("x", state="exited", health=None), "0B"),
        (container("x", health="unhealthy"), "1MiB"),
        (container("x"), "58MiB / 64MiB"),
    ],
)
def test_what_needs_a_look_is_marked(status: Any, one: dict[str, Any], memory: str) -> None:
    rows, well = status.container_rows([one], {"x": {"MemUsage": memory, "CPUPerc": "0%", "PIDs": "1"}})

    assert rows[1][0] == "!"
    assert not well


@pytest.mark.parametrize(("used", "fine"), [(79, True), (80, False)])
def test_a_disk_that_is_four_fifths_full_needs_a_look(status: Any, used: int, fine: bool) -> None:
    said, is_fine = status.disk_line(100, used, "/volume1")

    assert f"{used}%" in said
    assert is_fine is fine


@pytest.mark.parametrize(("available", "fine"), [(500, True), (300, False)])
def test_memory_of_the_nas(status: Any, available: int, fine: bool) -> None:
    meminfo = (
        f"MemTotal: {4000 * 1024} kB\nMemAvailable: {available * 1024} kB\nSwapTotal: 2048 kB\nSwapFree: 1024 kB\n"
    )

    said, is_fine = status.memory_line(meminfo, 3000 * MIB)

    assert said == (f"NAS: {available} of 4000 MiB available, 1 MiB in swap; the stack's limits add up to 3000 MiB")
    assert is_fine is fine


@pytest.mark.parametrize(
    ("last", "said", "fine"), [(None, "none yet", False), (96400.0, "1.0 h", True), (400.0, "27.7 h", False)]
)
def test_the_age_of_the_last_proven_backup(status: Any, last: float | None, said: str, fine: bool) -> None:
    told, is_fine = status.backup_line(last, 100000.0)

    assert said in told
    assert is_fine is fine


def test_metrics_are_found_with_and_without_labels(status: Any, tmp_path: Path) -> None:
    (tmp_path / "a.prom").write_text('# HELP kbju_x y\nkbju_x{name="a"} 5\nkbju_x{name="b"} 1.5e3\nkbju_xy 9000\n')
    (tmp_path / "b.prom.new").write_text("kbju_x 9999\n")

    assert status.metric(str(tmp_path), "kbju_x") == 1500
    assert status.metric(str(tmp_path), "kbju_z") is None
    assert status.metric(str(tmp_path / "missing"), "kbju_x") is None


@pytest.mark.parametrize(
    ("issuer", "day", "said", "fine"),
    [
        ("CN = R3", 31, "30 days left", True),
        ("CN = kbju.example.com", 31, "30 days left, self-signed", True),
        ("CN = R3", 10, "9 days left", False),
    ],
)
def test_the_certificates_end(status: Any, issuer: str, day: int, said: str, fine: bool) -> None:
    dates = f"notAfter=Jan {day} 12:00:00 2030 GMT\nissuer={issuer}\nsubject=CN = kbju.example.com\n"

    told, is_fine = status.certificate_line(dates, calendar.timegm((2030, 1, 1, 12, 0, 0)))

    assert told == said
    assert is_fine is fine


def test_no_certificate_needs_a_look(status: Any) -> None:
    assert status.certificate_line("", 0) == ("none", False)


def release(number: int, result: str, reason: str = "") -> dict[str, Any]:
    when = f"2030-01-0{number}T12:00:00Z"
    return {"number": number, "version": f"1.{number}", "result": result, "who": "a@b", "when": when, "reason": reason}


@pytest.mark.parametrize(
    ("rows", "said", "fine"),
    [
        ([release(1, "replaced"), release(2, "serving")], "1.2 since 2030-01-02T12:00:00Z by a@b (number 2)", True),
        ([release(1, "failed", "x"), release(2, "serving")], "1.2 since 2030-01-02T12:00:00Z by a@b (number 2)", True),
        (
            [release(1, "serving"), release(2, "failed", "never ready")],
            "1.1 since 2030-01-01T12:00:00Z by a@b (number 1); 1.2 FAILED on 2030-01-02T12:00:00Z: never ready",
            False,
        ),
        ([], "none is recorded", False),
        ([{"result": "serving"}], "not known: releases/releases.json can't be read", False),
    ],
)
def test_the_release_that_serves_and_a_newer_one_that_failed(
    status: Any, rows: list[dict[str, Any]], said: str, fine: bool
) -> None:
    assert status.release_line(json.dumps(rows)) == (said, fine)


def test_a_record_that_is_absent_is_not_known(status: Any, tmp_path: Path) -> None:
    said, fine = status.release_line(status.read(str(tmp_path / "releases.json")))

    assert said.startswith("not known")
    assert not fine


def budgets(availability: str, latency: str) -> str:
    left = {"availability": availability, "latency": latency}
    rows = [
        {"metric": {"__name__": f"slo:{name}_budget_remaining:ratio"}, "value": [0, value]}
        for name, value in left.items()
    ]
    return json.dumps({"status": "success", "data": {"resultType": "vector", "result": rows}})


@pytest.mark.parametrize(
    ("answer", "said", "fine"),
    [
        (budgets("0.875", "1"), "availability 88%, latency 100% left of the last 30 days", True),
        (budgets("-0.5", "1"), "availability -50%, latency 100% left of the last 30 days", False),
        ("", "not known, Prometheus does not tell", True),
        ('{"data": {"result": []}}', "not known, Prometheus does not tell", True),
        ('{"data": {"result": [{"metric": {}}]}}', "not known, Prometheus does not tell", True),
    ],
)
def test_the_error_budget_of_the_month(status: Any, answer: str, said: str, fine: bool) -> None:
    assert status.budget_line(answer) == (said, fine)


@pytest.mark.parametrize(
    "trouble", [OSError("gone"), subprocess.TimeoutExpired("docker", 2.5), subprocess.CalledProcessError(1, "docker")]
)
def test_a_prometheus_that_does_not_answer_says_nothing(
    status: Any, trouble: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr(status.subprocess, "run", fail)

    assert status.ask_prometheus("docker") == ""


def test_columns_are_as_wide_as_their_widest_cell(status: Any) -> None:
    assert status.table([["a", "b"], ["long", "c"]]) == "a     b\nlong  c"
