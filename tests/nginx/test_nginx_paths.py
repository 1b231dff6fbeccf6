"""Which requests nginx lets through to what is behind it, however they are written."""

from __future__ import annotations

import json

import pytest

from nginx.conftest import Opener
from nginx.door import PASSWORD, Door

PROMETHEUS, ALERTMANAGER, GRAFANA, BOT = 9090, 9093, 3000, 8000

OPEN = [
    ("GET", "/prometheus/"),
    ("HEAD", "/prometheus/"),
    ("GET", "/prometheus/query?g0.expr=up%7Bjob%3D%22a%22%7D"),
    ("GET", "/prometheus/api/v1/query?query=rate(x%5B5m%5D)"),
    ("GET", "/prometheus/api/v1/label/__name__/values"),
    ("GET", "/prometheus/assets/index-Bx-9.js"),
    ("GET", "/prometheus/-/healthy"),
    ("POST", "/prometheus/api/v1/query"),
    ("POST", "/prometheus/api/v1/query_range"),
    ("POST", "/prometheus/api/v1/series"),
    ("GET", "/alertmanager/"),
    ("GET", "/alertmanager/api/v2/alerts?silenced=false"),
    ("GET", "/alertmanager/-/ready"),
    ("POST", "/alertmanager/api/v2/silences"),
    ("DELETE", "/alertmanager/api/v2/silence/0c1e5b1e-4f00-4bb4-9f9a-0d6d3b2b1c11"),
]
CLOSED = [
    *[("POST", f"/prometheus/api/v1/admin/tsdb/{action}") for action in ("delete_series", "snapshot")],
    ("PUT", "/prometheus/api/v1/admin/tsdb/clean_tombstones"),
    ("GET", "/prometheus/api/v1/admin/tsdb/snapshot"),
    *[(method, f"/prometheus/-/{action}") for method in ("GET", "PUT", "POST") for action in ("reload", "quit")],
    *[("POST", f"/prometheus/api/v1/{taken}") for taken in ("write", "read", "otlp/v1/metrics")],
    ("GET", "/prometheus/federate?match[]=up"),
    ("GET", "/prometheus/debug/pprof/heap"),
    ("GET", "/prometheus/debug"),
    ("PUT", "/prometheus/api/v1/query"),
    ("OPTIONS", "/prometheus/api/v1/query"),
    ("POST", "/alertmanager/-/reload"),
    ("POST", "/alertmanager/api/v2/alerts"),
    ("POST", "/alertmanager/api/v1/alerts"),
    ("PUT", "/alertmanager/api/v2/silences"),
    ("DELETE", "/alertmanager/api/v2/alerts"),
    ("GET", "/alertmanager/debug/pprof/profile"),
]
# Each says /prometheus/api/v1/admin/… or another closed path to somebody.
TRICKS = [
    "/prometheus//api/v1/admin/tsdb/snapshot",
    "//prometheus/api/v1/admin/tsdb/snapshot",
    "/prometheus/api/v1//admin/tsdb/snapshot",
    "/prometheus/api/v1/%61dmin/tsdb/snapshot",
    "/prometheus/api/v1%2fadmin/tsdb/snapshot",
    "/prometheus%2fapi/v1/admin/tsdb/snapshot",
    "/%70rometheus/api/v1/admin/tsdb/snapshot",
    "/prometheus/api/v1/%2561dmin/tsdb/snapshot",
    "/prometheus/api/v1/query/../admin/tsdb/snapshot",
    "/prometheus/api/v1/query/%2e%2e/admin/tsdb/snapshot",
    "/prometheus/api/v1/./admin/tsdb/snapshot",
    "/prometheus/api/v1/admin;x=1/tsdb/snapshot",
    "/prometheus/api/v1;/admin/tsdb/snapshot",
    "/prometheus;/api/v1/admin/tsdb/snapshot",
    "/prometheus/api/v1\\admin/tsdb/snapshot",
    "/prometheus/api/v1/admin%00/tsdb/snapshot",
    "/prometheus/api/v1/query#/../admin/tsdb/snapshot",
    "/prometheus/api/v1/query%3f/../../admin/tsdb/snapshot",
    "/x/../prometheus/-/quit",
    "/grafana/../prometheus/-/quit",
    "/grafana/%2e%2e/prometheus/-/quit",
    "/runbook/../prometheus/-/quit",
    "/telegram/webhook/../../prometheus/-/quit",
    "/PROMETHEUS/-/quit",
    "/Prometheus/api/v1/admin/tsdb/snapshot",
    "/prometheus/-/quit/",
    "http://kbju-prometheus:9090/prometheus/-/quit",
    "https://nas.kbju.test/prometheus/api/v1/admin/tsdb/snapshot",
    "/alertmanager//-/reload",
    "/alertmanager/api/v2/silences/../alerts",
    "/alertmanager/api/v2/%61lerts",
]


@pytest.fixture(scope="module")
def door(opened: Opener) -> Door:
    return opened(nginx_trusted_proxies=["0.0.0.0/0"])


def port_of(path: str) -> int:
    return ALERTMANAGER if "alertmanager" in path else PROMETHEUS


@pytest.mark.parametrize(("method", "path"), OPEN)
def test_what_operators_need_is_open_behind_the_password(door: Door, method: str, path: str) -> None:
    stranger = door.client().ask(path, method)
    mistaken = door.client(password=PASSWORD + "x").ask(path, method)
    operator = door.client(password=PASSWORD).ask(path, method)

    assert (stranger.status, mistaken.status, operator.status) == (401, 401, 200)
    if method != "HEAD":
        assert (operator.arrived["port"], operator.arrived["method"]) == (port_of(path), method)
        assert operator.arrived["path"] == path, "the sub-path and the query stay as they are"
        assert "Authorization" not in operator.arrived["headers"], "the password is nginx's own"


@pytest.mark.parametrize(("method", "path"), CLOSED)
def test_what_is_closed_is_closed_with_the_password_too(door: Door, method: str, path: str) -> None:
    assert door.client(password=PASSWORD).ask(path, method).status == 403


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
@pytest.mark.parametrize("path", TRICKS)
def test_a_trick_reaches_neither(door: Door, path: str, method: str) -> None:
    """The upstream here echoes whatever comes: not even what it would refuse may arrive."""
    answer = door.client(password=PASSWORD).ask(path, method)

    assert answer.arrived.get("port") not in {PROMETHEUS, ALERTMANAGER}, answer.arrived


@pytest.mark.parametrize(
    "path",
    [
        *[f"/{name}" for name in ("metrics", "readyz")],
        "//metrics",
        "/./metrics",
        "/%6detrics",
        "/x/../metrics",
        "/metrics/",
        "/metrics%2f",
        "/metrics;x",
        "/metrics%00",
        "/grafana/../metrics",
        "/telegram/../readyz",
        "/readyz#",
    ],
)
def test_what_the_bot_tells_the_stack_alone_stays_inside(door: Door, path: str) -> None:
    answer = door.client().ask(path)

    # Another path of the bot's it may be, which it does not know; that one never.
    assert answer.arrived.get("path") in {None, "/metrics/"}
    assert answer.status in {200, 400, 404}


def test_the_others_get_their_requests_unchanged(door: Door) -> None:
    bot = door.client().ask("/healthz?x=%2F")
    grafana = door.client(password=PASSWORD).ask("/grafana/d/kbju-overview/%D0%9E%D0%B1?x=1")

    assert (bot.arrived["port"], bot.arrived["path"]) == (BOT, "/healthz?x=%2F")
    assert (grafana.arrived["port"], grafana.arrived["path"]) == (GRAFANA, "/grafana/d/kbju-overview/%D0%9E%D0%B1?x=1")
    assert "Authorization" in grafana.arrived["headers"], "Grafana's login is its own"


@pytest.mark.parametrize("name", ["prometheus", "alertmanager", "runbook", "grafana"])
def test_a_missing_slash_is_added(door: Door, name: str) -> None:
    answer = door.client().ask(f"/{name}")

    assert answer.status == 301
    # Without a name and a port: the container's port is not the one that the world knows.
    assert answer.headers["Location"] == f"/{name}/"


# ---- an authority's challenges, which anybody may ask for ------------------------------------------------------------


def test_a_challenge_is_served_without_https(door: Door) -> None:
    assert door.ask_plainly("/.well-known/acme-challenge/token") == (200, b"proof")


def test_whoever_looks_for_challenges_that_are_not_there_leaves_no_errors(door: Door) -> None:
    for name in ("", "x", "x/", "token/", "x" * 300, "%00", "../", "..%2f..%2fx"):
        assert door.ask_plainly(f"/.well-known/acme-challenge/{name}")[0] in {301, 400, 403, 404}, name

    assert [line for line in door.log().splitlines() if "[error]" in line or "[crit]" in line] == []


# ---- the runbook -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"), [("", "# Сводка\n"), ("BotDown", "# BotDown\n"), ("BotDown.md", "# BotDown\n")]
)
def test_a_page_of_the_runbook_is_shown_as_text(door: Door, path: str, text: str) -> None:
    page = door.client(password=PASSWORD).ask(f"/runbook/{path}")

    assert (page.status, page.body.decode()) == (200, text)
    assert page.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert door.client().ask(f"/runbook/{path}").status == 401


@pytest.mark.parametrize(
    "path", ["Nothing", "../secrets/htpasswd", "%2e%2e/secrets/htpasswd", "..%2f..%2fetc/passwd", "x/"]
)
def test_nothing_else_is_served_as_a_page(door: Door, path: str) -> None:
    assert door.client(password=PASSWORD).ask(f"/runbook/{path}").status in {400, 404}


def test_pages_are_not_written(door: Door) -> None:
    for method in ("POST", "PUT", "DELETE"):
        assert door.client(password=PASSWORD).ask("/runbook/BotDown", method).status == 405


# ---- the status page -------------------------------------------------------------------------------------------------


def inside(door: Door, path: str) -> tuple[int, str]:
    """What nginx's listener for the exporter answers to a container beside it."""
    status, text = json.loads(
        door.inside(
            "import http.client, json; c = http.client.HTTPConnection('kbju-nginx', 8082); "
            f"c.request('GET', '{path}'); r = c.getresponse(); print(json.dumps([r.status, r.read().decode()]))"
        )
    )
    return status, text


def test_the_status_page_is_alone_on_its_listener(door: Door) -> None:
    status, text = inside(door, "/stub_status")

    assert status == 200
    assert "Active connections" in text
    for path in ("/", "/healthz", "/prometheus/", "/metrics", "/stub_status/x"):
        assert inside(door, path)[0] == 404, path


def test_the_world_never_gets_the_status_page(door: Door) -> None:
    for path in ("/stub_status", "/grafana/../stub_status", "/runbook/../stub_status"):
        assert b"Active connections" not in door.client(password=PASSWORD).ask(path).body
