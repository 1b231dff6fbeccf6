"""Who is told, when, and of what: the routes, the quiet hours, and the heartbeat."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import Queue
from typing import Any

import pytest

from alertmanager.running import Admin, Alertmanager, alert, amtool, settle


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alertmanager_language": "en"},
        {"alertmanager_admin_ids": []},
        {"alertmanager_quiet_hours": {}},
        {"alertmanager_quiet_hours": {"from": "13:00", "to": "14:30"}},
        {"alertmanager_quiet_hours": {"from": "22:00", "to": "00:00"}},
        {"alertmanager_heartbeat_url": "https://example.com/secret"},
    ],
    ids=lambda changes: " ".join(map(str, changes.values())) or "defaults",
)
def test_alertmanager_takes_the_configuration(rendered: Callable[..., Path], changes: dict[str, Any]) -> None:
    folder = rendered(**changes)

    done = amtool(folder, "check-config", "/etc/alertmanager/alertmanager.yml")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 templates" in done.stdout
    assert "secret" not in (folder / "alertmanager.yml").read_text(encoding="utf-8").replace("/run/secrets", "")


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (["alertname=PostgresDown", "severity=page", "service=postgres"], "pages"),
        (["alertname=DiskFull", "severity=page", "service=nas", "mountpoint=/volume1"], "pages"),
        (["alertname=DiskFull", "severity=page", "service=nas", "mountpoint=/"], "pages"),
        (["alertname=DiskFull", "severity=page", "service=nas", "mountpoint=/volume2"], "tickets-in-silence"),
        (["alertname=DiskAlmostFull", "severity=ticket", "service=nas"], "tickets-in-silence,tickets"),
        (["alertname=Watchdog", "severity=none", "service=prometheus"], "heartbeat"),
        (["alertname=Forgotten", "service=nas"], "tickets-in-silence,tickets"),
        (["alertname=Misspelt", "severity=warning"], "tickets-in-silence,tickets"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else value,
)
def test_the_severity_decides_who_is_told(rendered: Callable[..., Path], labels: list[str], receiver: str) -> None:
    done = amtool(rendered(), "config", "routes", "test", "--config.file=/etc/alertmanager/alertmanager.yml", *labels)

    assert done.stdout.strip() == receiver, done.stderr


@pytest.mark.parametrize("name", ["NginxDown", "HttpsProbeFailing"])
@pytest.mark.parametrize(("webhook", "receiver"), [(True, "pages"), (False, "tickets-in-silence")])
def test_where_the_bot_polls_nginx_wakes_nobody(
    rendered: Callable[..., Path], name: str, webhook: bool, receiver: str
) -> None:
    folder = rendered(alertmanager_webhook=webhook)
    labels = [f"alertname={name}", "severity=page"]

    done = amtool(folder, "config", "routes", "test", "--config.file=/etc/alertmanager/alertmanager.yml", *labels)

    assert done.stdout.strip() == receiver, done.stderr


def hours(around: timedelta) -> dict[str, Any]:
    """Return quiet hours, two hours long, whose middle is so far from now; and a zone that they are meant in."""
    middle = datetime.now(UTC) + around
    begin, end = (middle + timedelta(hours=shift) for shift in (-1, 1))
    return {
        "alertmanager_quiet_hours": {"from": f"{begin:%H:%M}", "to": f"{end:%H:%M}"},
        "kbju_timezone": "Etc/UTC",
    }


def test_at_night_tickets_make_no_sound(start: Callable[..., Alertmanager], admins: list[Admin]) -> None:
    """And they come once: kept for the morning, what has ended until then would never be told."""
    alertmanager = start(**hours(timedelta()))
    alertmanager.post(alert("DiskAlmostFull", "ticket"), alert("BotDown", service="bot"))
    settle(alertmanager, admins)

    told = [sorted((one["text"].splitlines()[0], one["silent"]) for one in admin.read()) for admin in admins]
    assert told == [[("🔴 Срочно: Бот не работает", False), ("🟡 К сведению: Диск почти заполнен", True)]] * 2


@pytest.mark.parametrize("away", [timedelta(hours=3), timedelta(hours=12), timedelta(hours=-3)], ids=str)
def test_by_day_tickets_come(start: Callable[..., Alertmanager], admins: list[Admin], away: timedelta) -> None:
    alertmanager = start(**hours(away))
    alertmanager.post(alert("DiskAlmostFull", "ticket"))

    assert not admins[1].wait_for("🟡 К сведению: Диск почти заполнен")["silent"]


def test_the_night_is_that_of_the_nas(start: Callable[..., Alertmanager], admins: list[Admin]) -> None:
    """The same hours, half a day away on the clock that they are meant for."""
    alertmanager = start(**{**hours(timedelta()), "kbju_timezone": "Etc/GMT-12"})
    alertmanager.post(alert("DiskAlmostFull", "ticket"))

    assert not admins[0].wait_for("Диск почти заполнен")["silent"]


def test_without_admins_alerts_are_kept_and_sent_to_nobody(
    start: Callable[..., Alertmanager], admins: list[Admin]
) -> None:
    alertmanager = start(alertmanager_admin_ids=[])
    alertmanager.post(alert("BotDown", service="bot"))

    assert [one["labels"]["alertname"] for one in alertmanager.alerts()] == ["BotDown"]
    assert "level=ERROR" not in alertmanager.log()


@pytest.fixture
def listener() -> Iterator[tuple[str, Queue[dict[str, Any]]]]:
    """An address that notes what is posted to it."""
    heard: Queue[dict[str, Any]] = Queue()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/ping/token-in-the-address", heard
    server.shutdown()


def test_the_watchdog_goes_to_the_heartbeat_and_to_no_admin(
    start: Callable[..., Alertmanager], admins: list[Admin], listener: tuple[str, Queue[dict[str, Any]]]
) -> None:
    url, heard = listener
    alertmanager = start(alertmanager_heartbeat_url=url)
    alertmanager.post(alert("Watchdog", "none", "prometheus"))
    settle(alertmanager, admins)

    assert heard.get(timeout=10)["alerts"][0]["labels"]["alertname"] == "Watchdog"
    assert [admin.read() for admin in admins] == [[], []]
    assert "token-in-the-address" not in alertmanager.log()
