"""Who gets to the monitoring and to the webhook, on the deployed stack. tests/nginx has every path and every limit."""

from __future__ import annotations

import json
import re

import pytest
import requests
from testinfra.host import Host

from rehearsal import DOCKER, REPOSITORY, Stack, deploy
from telegram_emulator.client import User

# What each answers to nobody else's question.
SIGNS = {
    "/grafana/api/health": '"database"',
    "/prometheus/-/healthy": "Prometheus Server is Healthy",
    "/alertmanager/api/v2/status": '"cluster"',
}
CLOSED = [
    ("POST", "/prometheus/api/v1/admin/tsdb/snapshot"),
    ("POST", "/prometheus/-/quit"),
    ("POST", "/prometheus/api/v1/write"),
    ("GET", "/prometheus/debug/pprof/heap"),
    ("POST", "/alertmanager/-/reload"),
    ("POST", "/alertmanager/api/v2/alerts"),
    ("GET", "/alertmanager/debug/pprof/heap"),
]


@pytest.fixture
def operator(stack: Stack) -> requests.Session:
    """Somebody who knows the password."""
    session = requests.Session()
    session.auth = ("admin", stack.secret("monitoring_password"))
    session.verify = str(stack.roots)
    # The machine's own roots, where its environment names some, would take the place of these.
    session.trust_env = False
    return session


@pytest.mark.reads
@pytest.mark.parametrize("path", ["/prometheus/api/v1/status/buildinfo", "/alertmanager/api/v2/status", "/runbook/"])
def test_the_monitoring_is_behind_a_password(stack: Stack, operator: requests.Session, path: str) -> None:
    stranger = requests.get(stack.https + path, verify=str(stack.roots), timeout=10)
    mistaken = requests.get(stack.https + path, verify=str(stack.roots), auth=("admin", "admin"), timeout=10)

    assert (stranger.status_code, mistaken.status_code) == (401, 401)
    assert operator.get(stack.https + path, timeout=10).status_code == 200


@pytest.mark.reads
@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_changes_or_lays_bare_is_closed(stack: Stack, operator: requests.Session, method: str, path: str) -> None:
    assert operator.request(method, stack.https + path, timeout=10).status_code == 403


@pytest.mark.reads
def test_a_long_query_may_be_posted(stack: Stack, operator: requests.Session) -> None:
    answer = operator.post(f"{stack.https}/prometheus/api/v1/query", data={"query": "nginx_up"}, timeout=10)

    assert [row["value"][1] for row in answer.json()["data"]["result"]] == ["1"]


@pytest.mark.reads
def test_no_other_port_of_the_nas_leads_to_the_monitoring(nas: Host, stack: Stack) -> None:
    """Asked on the NAS itself, where no firewall is in the way."""
    tables = nas.check_output("cat /proc/net/tcp /proc/net/tcp6")
    listening = {int(port, 16) for port in re.findall(r"^ +\d+: [0-9A-F]+:([0-9A-F]+) \S+ 0A ", tables, re.MULTILINE)}
    nginx = int(nas.check_output(f"{DOCKER} port kbju-nginx 8443").splitlines()[0].rpartition(":")[2])
    assert nginx in listening
    for port in listening - {nginx}:
        for path, sign in SIGNS.items():
            for scheme in ("http", "https"):
                said = nas.run(f"curl --silent --insecure --max-time 2 {scheme}://127.0.0.1:{port}{path}").stdout
                assert sign not in said, f"{scheme}://127.0.0.1:{port}{path}"


@pytest.mark.reads
def test_every_page_of_the_runbook_is_the_releases(stack: Stack, operator: requests.Session) -> None:
    pages = sorted((REPOSITORY / "docs/runbook").glob("*.md"))

    assert pages
    for page in pages:
        answer = operator.get(f"{stack.https}/runbook/{page.stem}", timeout=10)
        assert answer.content == page.read_bytes(), page.name
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"


def test_the_webhook_can_be_for_telegrams_networks_alone(stack: Stack, user_id: int) -> None:
    """The stand-in for Telegram has an address of a local network; without those it is a stranger like others."""
    user = User(user_id, stack.telegram, first_name="Zoya", language_code="en")

    strict = deploy("playbooks/deploy.yml", "--extra-vars", json.dumps({"nginx_local_networks": []}))
    assert strict.returncode == 0, strict.stdout[-3000:]
    refused = requests.post(f"{stack.https}/telegram/webhook", json={}, verify=str(stack.roots), timeout=10)
    user.send_text("/start")

    mended = deploy("playbooks/deploy.yml")
    assert mended.returncode == 0, mended.stdout[-3000:]
    assert refused.status_code == 403
    # It was not lost: Telegram brings again what was refused.
    assert "Zoya" in user.wait_for_reply(timeout=60)["text"]
