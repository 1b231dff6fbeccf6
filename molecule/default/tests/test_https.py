"""What the world meets at the stack's only door."""

from __future__ import annotations

import pytest
import requests

from rehearsal import Stack


def get(stack: Stack, path: str, auth: tuple[str, str] | None = None) -> requests.Response:
    """Ask nginx over https, trusting only the authority that has issued its certificate."""
    return requests.get(stack.https + path, verify=str(stack.roots), allow_redirects=False, auth=auth, timeout=10)


@pytest.mark.reads
def test_http_redirects_to_https(stack: Stack) -> None:
    answer = requests.get(f"{stack.http}/grafana/?orgId=1", allow_redirects=False, timeout=10)

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"{stack.https}/grafana/?orgId=1"


@pytest.mark.reads
@pytest.mark.parametrize("name", ["grafana", "prometheus", "alertmanager", "runbook"])
def test_a_missing_slash_is_added_on_the_same_port(stack: Stack, name: str) -> None:
    answer = get(stack, f"/{name}")

    assert answer.status_code == 301
    assert answer.headers["Location"] == f"/{name}/"


@pytest.mark.reads
def test_the_bot_answers(stack: Stack) -> None:
    assert get(stack, "/healthz").status_code == 200


@pytest.mark.reads
def test_grafana_is_routed_below_its_sub_path(stack: Stack) -> None:
    login = get(stack, "/grafana/login")
    home = get(stack, "/grafana/")

    assert login.status_code == 200
    assert "Grafana" in login.text
    assert home.status_code == 302
    assert home.headers["Location"] == "/grafana/login"


@pytest.mark.reads
def test_grafanas_password_is_the_configured_one(stack: Stack) -> None:
    assert get(stack, "/grafana/api/datasources").status_code == 401
    assert get(stack, "/grafana/api/datasources", ("admin", "admin")).status_code == 401

    answer = get(stack, "/grafana/api/datasources", ("admin", stack.secret("grafana_password")))

    assert {source["name"] for source in answer.json()} == {"Alertmanager", "Prometheus"}


@pytest.mark.reads
def test_prometheus_asks_for_a_password(stack: Stack) -> None:
    password = stack.secret("monitoring_password")

    assert get(stack, "/prometheus/").status_code == 401
    assert get(stack, "/prometheus/api/v1/targets").status_code == 401
    assert get(stack, "/prometheus/api/v1/targets", ("admin", password + "x")).status_code == 401
    assert get(stack, "/prometheus/api/v1/targets", ("admin", password)).status_code == 200


@pytest.mark.reads
def test_what_is_for_the_stack_itself_stays_inside(stack: Stack) -> None:
    assert get(stack, "/metrics").status_code == 404
    assert get(stack, "/readyz").status_code == 404


def test_a_stranger_can_not_speak_for_telegram(stack: Stack) -> None:
    update = {"update_id": 1, "message": {"message_id": 1, "date": 0, "chat": {"id": 1, "type": "private"}}}

    answer = requests.post(f"{stack.https}/telegram/webhook", json=update, verify=str(stack.roots), timeout=10)

    assert answer.status_code in {401, 403}
