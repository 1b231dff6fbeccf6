"""What counts as an error in the services' logs, and what is ordinary life."""

from __future__ import annotations

import container_logs
import pytest

ERRORS = {
    "PostgreSQL": [
        b'2026-11-23 10:00:00.123 MSK [77] ERROR:  relation "diary" does not exist at character 15',
        b"2026-11-23 10:00:00.123 MSK [77] FATAL:  sorry, too many clients already",
        b"2026-11-23 10:00:00.123 MSK [1] PANIC:  could not write to file: No space left on device",
    ],
    "nginx": [
        b"2026/11/23 10:00:00 [error] 22#22: *7 upstream timed out (110: Connection timed out) while reading response",
        b"2026/11/23 10:00:00 [error] 22#22: *7 upstream prematurely closed connection while reading response header",
        b"2026/11/23 10:00:00 [emerg] 1#1: still could not bind()",
        b"2026/11/23 10:00:00 [alert] 1#1: worker process 22 exited on signal 9",
    ],
    "Prometheus 2": [b'ts=2026-11-23T10:00:00.1Z caller=manager.go:7 level=error component="rule manager" msg="x"'],
    "Prometheus 3": [b'time=2026-11-23T10:00:00.1Z level=ERROR source=main.go:7 msg="compaction failed"'],
    "Grafana": [
        b"logger=context userId=1 t=2026-11-23T10:00:00Z level=error msg=x",
        b"logger=context userId=1 orgId=1 uname= t=2026-11-23T10:00:00Z level=error msg=x",
        b"logger=provisioning.dashboard type=file name=files t=2026-11-23T10:00:00Z level=error msg=x",
    ],
    "a broken down program": [b"panic: runtime error: index out of range", b"fatal error: out of memory"],
    "the bot": [
        b"2026-11-23 10:00:00,123 - kbju_bot.app - ERROR - an update could not be handled",
        b'{"time": "2026-11-23T10:00:00+0300", "name": "kbju_bot.app", "level": "CRITICAL", "message": "x"}',
    ],
}
ORDINARY = {
    "other levels": [
        b"2026-11-23 10:00:00.123 MSK [77] LOG:  checkpoint complete",
        b"2026/11/23 10:00:00 [warn] 22#22: *7 a client request body is buffered",
        b'time=2026-11-23T10:00:00.1Z level=INFO source=main.go:7 msg="Listening"',
        b"2026-11-23 10:00:00,123 - kbju_bot.app - WARNING - Telegram is slow",
        b'{"time": "2026-11-23T10:00:00+0300", "level": "INFO", "message": "x"}',
    ],
    "what users write and logs quote": [
        b"\tERROR:  as a line of a statement",
        b"203.0.113.7 404 GET /2026/11/23_[error]_level=error 0 0.001 -",
        b'time=2026-11-23T10:00:00.1Z level=INFO source=main.go:7 msg="a target said level=error"',
        b"logger=context userId=0 orgId=0 uname= t=2026-11-23T10:00:00Z level=info msg=x path=/a level=error",
        b'logger=context userId=0 orgId=0 uname="a level=error" t=2026-11-23T10:00:00Z level=info msg=x',
        b"2026-11-23 10:00:00,123 - kbju_bot.app - INFO - said - ERROR - so",
        b'203.0.113.7 404 GET /{"level":"error"} 0 0.001 -',
    ],
    "PostgreSQL stops, starts, asks for a password": [
        b"2026-11-23 10:00:00.123 MSK [77] FATAL:  terminating connection due to administrator command",
        b"2026-11-23 10:00:00.123 MSK [77] FATAL:  the database system is shutting down",
        b"2026-11-23 10:00:00.123 MSK [77] FATAL:  the database system is starting up",
        b'2026-11-23 10:00:00.123 MSK [77] FATAL:  password authentication failed for user "kbju_bot"',
        b"2026-11-23 10:00:00.123 MSK [77] ERROR:  canceling autovacuum task",
    ],
    "what others say of a service that is down": [
        b"2026/11/23 21:36:40 [error] 7#7: *11 kbju-bot could not be resolved (3: Host not found), client: 203.0.113.7",
        b"2026/11/23 21:37:22 [error] 7#7: *23 connect() failed (111: Connection refused) while connecting to upstream",
        b'time=2026-11-23T18:35:34.7Z level=ERROR source=x.go:1 msg="Error opening connection to database" err=x',
        b'time=2026-11-23T19:46:11.6Z level=ERROR source=x.go:5 msg="error getting stats" error="failed to get http://x"',
        b'ts=2026-11-23T19:46:11.6Z caller=x.go:5 level=error msg="Error sending alert" err="Post x: no such host"',
        b'time=2026-11-23T19:46:11.6Z level=ERROR source=x.go:5 msg="Error sending alerts" err="Post x: no such host"',
        b'time=2026-11-23T19:46:11.6Z level=ERROR source=x.go:5 msg="Notify for alerts failed" component=dispatcher',
        b'time=2026-11-23T18:35:35.7Z level=ERROR source=x.go:1 msg="x" err="Error opening connection to database (x)"',
        b'time=2026-11-23T18:35:55.0Z level=ERROR source=x.go:1 msg="Error for HTTP request" module=https target=x',
        b'time=2026-11-23T18:35:55.0Z level=ERROR source=handler.go:135 msg="Probe failed" module=https target=x',
    ],
    "strangers at the door": [
        b'2026/11/23 10:00:00 [error] 22#22: *7 open() "/var/www/acme/x" failed (2: No such file',
        b'2026/11/23 10:00:00 [error] 22#22: *7 user "admin": password mismatch, client: 203.0.113.7',
        b'2026/11/23 10:00:00 [error] 22#22: *7 user "root" was not found in "/run/secrets/htpasswd", client: 7',
        b'2026/11/23 10:00:00 [error] 22#22: *7 limiting requests, excess: 20.1 by zone "world", client: 203.0.113.7',
        b"2026/11/23 10:00:00 [error] 22#22: *7 access forbidden by rule, client: 203.0.113.7",
        b"2026/11/23 10:00:00 [error] 22#22: *7 client intended to send too large body: 9999999 bytes",
        b"2026/11/23 10:00:00 [crit] 22#22: *7 SSL_do_handshake() failed (SSL: error:0A00006C:bad key share)",
    ],
}


@pytest.mark.parametrize("service", ERRORS)
def test_an_error_counts(service: str) -> None:
    assert [line for line in ERRORS[service] if not container_logs.is_error(line)] == []


@pytest.mark.parametrize("kind", ORDINARY)
def test_ordinary_life_does_not(kind: str) -> None:
    assert [line for line in ORDINARY[kind] if container_logs.is_error(line)] == []


def test_they_are_counted() -> None:
    lines = [line for kind in (ERRORS, ORDINARY, ERRORS) for lines in kind.values() for line in lines]

    assert container_logs.count_errors(lines) == 2 * sum(map(len, ERRORS.values()))
