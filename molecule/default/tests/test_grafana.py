"""Who may look at the dashboards, and what they find there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from rehearsal import Stack, deploy


def get(stack: Stack, path: str, password: str | None = None) -> requests.Response:
    """Ask Grafana through nginx, as the admin or as nobody."""
    auth = None if password is None else ("admin", password)
    address = f"{stack.https}/grafana/{path}"
    return requests.get(address, auth=auth, verify=str(stack.roots), allow_redirects=False, timeout=10)


def answer(stack: Stack, path: str) -> Any:
    """Return what Grafana's API tells the admin."""
    found = get(stack, f"api/{path}", stack.secret("grafana_password"))
    assert found.status_code == 200, f"{path}: {found.text}"
    return found.json()


@pytest.mark.reads
@pytest.mark.parametrize("path", ["api/search", "api/dashboards/home", "api/dashboards/uid/kbju-overview", "api/org"])
def test_nobody_is_anonymous(stack: Stack, path: str) -> None:
    assert get(stack, path).status_code == 401


@pytest.mark.reads
def test_who_is_not_logged_in_is_sent_to_the_login(stack: Stack) -> None:
    for path in ("", "d/kbju-bot/"):
        found = get(stack, path)

        assert found.status_code == 302
        assert found.headers["Location"].startswith("/grafana/login")


@pytest.mark.reads
def test_the_overview_is_the_home_page(stack: Stack) -> None:
    assert answer(stack, "dashboards/home")["dashboard"]["uid"] == "kbju-overview"


@pytest.mark.reads
def test_the_dashboards_lie_in_one_folder_and_can_not_be_changed(stack: Stack) -> None:
    found = answer(stack, "search?type=dash-db")
    meta = [answer(stack, f"dashboards/uid/{one['uid']}")["meta"] for one in found]

    assert [folder["title"] for folder in answer(stack, "folders")] == ["KBJU"]
    assert {one["folderTitle"] for one in found} == {"KBJU"}
    assert all(one["provisioned"] for one in meta)


@pytest.mark.reads
def test_the_data_sources_answer(stack: Stack) -> None:
    series = answer(stack, "datasources/proxy/uid/prometheus/api/v1/query?query=up")["data"]["result"]
    status = answer(stack, "datasources/proxy/uid/alertmanager/api/v2/status")

    assert {one["metric"]["job"] for one in series} >= {"prometheus", "kbju-bot"}
    assert status["versionInfo"]["version"]


@pytest.fixture
def with_password(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Deploy with another admin's password and return what Ansible said; the old one is back afterwards."""

    def change(password: str) -> str:
        file = tmp_path / "password.json"
        file.write_text(json.dumps({"vault_grafana_password": password}), encoding="utf-8")
        said = deploy("playbooks/deploy.yml", "--extra-vars", f"@{file}")
        assert said.returncode == 0, said.stdout[-3000:]
        return said.stdout

    yield change
    back = deploy("playbooks/deploy.yml")
    assert back.returncode == 0, back.stdout[-3000:]


def test_a_changed_password_counts(
    stack: Stack, docker: Callable[[str], str], with_password: Callable[[str], str]
) -> None:
    old, new = stack.secret("grafana_password"), "another-" + stack.secret("grafana_password")
    ask = "inspect --format '{{.Id}} {{.State.StartedAt}}' kbju-grafana"
    before = docker(ask)

    with_password(new)

    assert get(stack, "api/user", new).status_code == 200
    assert get(stack, "api/user", old).status_code == 401
    assert docker(ask) == before, "who looks at a dashboard is not interrupted, and what Grafana keeps is kept"
    assert "changed=0 " in with_password(new)
