"""Which lines of the services' logs tell of an error that somebody should look at."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import re
from typing import Iterable

# Each form is known by how its lines begin. So what a user has written, and a log quotes, is never taken for one.
ERROR = re.compile(
    rb"""
      # PostgreSQL: 2026-01-31 10:00:00.123 MSK [77] ERROR:  ...
      \S+\ \S+\ \S+\ \[\d+\]\ (?:ERROR|FATAL|PANIC):
      # nginx: 2026/01/31 10:00:00 [error] 7#7: *1 ...
    | \d+/\d+/\d+\ [\d:]+\ \[(?:error|crit|alert|emerg)\]
      # Go's programs: time=... level=ERROR msg=..., also ts=... caller=... level=error. Grafana's put more before it,
      # some without a value: logger=context userId=1 orgId=1 uname= t=... level=error. The first level is the line's.
    | (?:(?!level=)\w+=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)\ ){0,12}level=(?i:error|crit|critical|fatal|panic)\b
      # ... and what is left of one that broke down.
    | (?:panic|fatal\ error):\x20
      # Python: 2026-01-31 10:00:00,123 - kbju_bot.app - ERROR - ...
    | \S+(?:\ \S+)?\ -\ \S+\ -\ (?:ERROR|CRITICAL)\ -
      # One JSON object a line.
    | \{.*"(?:level|levelname|severity)":\ ?"(?i:error|crit|critical|fatal|panic)"
    """,
    re.VERBOSE,
)
EXPECTED = re.compile(
    rb"""
      # PostgreSQL, when it is stopped or has just been started: nobody can work then, which other alerts tell.
      FATAL:\ \ terminating\ (?:connection|background\ worker|autovacuum\ process)
    | FATAL:\ \ the\ database\ system\ is\ (?:shutting\ down|starting\ up|in\ recovery\ mode|not\ yet\ accepting)
      # A deployment asks whether an account's password is the present one. A wrong one in earnest leaves its user
      # without a database, which is told.
    | FATAL:\ \ password\ authentication\ failed
      # It gives way to somebody's lock and comes again.
    | ERROR:\ \ canceling\ autovacuum\ task
      # nginx and the exporters, of a container that is down: its own alerts tell that.
    | \ could\ not\ be\ resolved\ \(|\ connect\(\)\ failed\ \(1\d\d:
    | Error\ opening\ connection\ to\ database
    | msg="error\ getting\ stats"
    | msg="(?:Probe\ failed|Error\ for\ HTTP\ request)"\ module=
      # Prometheus and Alertmanager, of what they could not hand on: that has alerts of its own.
    | msg="(?:Error\ sending\ alerts?|Notify\ for\ alerts\ failed)"
      # nginx, of visitors: who looks for what is not there, tries passwords, sends too much or too often, or speaks
      # TLS as nobody does any more. Anybody in the world could fill the log with these.
    | open\(\)\ "/var/www/.*failed\ \(2:
    | :\ password\ mismatch,|\ was\ not\ found\ in\ "|no\ user/password\ was\ provided
    | limiting\ (?:requests|connections)|access\ forbidden\ by\ rule|client\ intended\ to\ send
    | SSL_\w+\(\)\ failed
    """,
    re.VERBOSE,
)


def is_error(line: bytes) -> bool:
    """Tell whether a line tells of an error that is not part of ordinary life."""
    return ERROR.match(line) is not None and EXPECTED.search(line) is None


def count_errors(lines: Iterable[bytes]) -> int:
    """Return how many lines tell of an error."""
    return sum(map(is_error, lines))
