"""Prometheus sees every service, under the names that the requirements give."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from rehearsal import NAMES, Stack


def query(stack: Stack, expression: str) -> list[dict[str, Any]]:
    """Return the result of an instant query to the deployed Prometheus."""
    answer = requests.get(
        f"{stack.https}/prometheus/api/v1/query",
        params={"query": expression},
        auth=("admin", stack.secret("monitoring_password")),
        verify=str(stack.roots),
        timeout=10,
    )
    answer.raise_for_status()
    result: list[dict[str, Any]] = answer.json()["data"]["result"]
    return result


@pytest.mark.reads
def test_every_target_is_up(stack: Stack) -> None:
    targets = sorted((row["metric"]["job"], row["value"][1]) for row in query(stack, "up"))

    jobs = ["alertmanager", "blackbox", "kbju-bot", "nginx", "node-exporter", "postgres"]
    jobs += ["probe-https", "probe-https", "probe-telegram", "prometheus"]
    assert targets == [(job, "1") for job in jobs]


@pytest.mark.reads
def test_the_exporter_reaches_postgres(stack: Stack) -> None:
    assert [row["value"][1] for row in query(stack, "pg_up")] == ["1"]


@pytest.mark.reads
@pytest.mark.parametrize(
    "name",
    [
        "bot_messages_total",
        "bot_commands_total",
        "bot_response_time_seconds_count",
        "bot_active_users",
        "db_connections",
    ],
)
def test_the_bots_metrics_have_their_names(stack: Stack, name: str) -> None:
    assert query(stack, name), f"Prometheus has no {name}"


@pytest.mark.reads
def test_prometheus_knows_when_the_certificate_expires(stack: Stack) -> None:
    """An alert needs it in time: Let's Encrypt's certificates live for 90 days, and pebble's here too."""
    left = query(stack, "(kbju_certificate_expiry_timestamp_seconds - time()) / 86400")

    assert {row["metric"]["name"] for row in left} == set(NAMES)
    assert all(60 < float(row["value"][1]) <= 90 for row in left)
