"""What the tests of backups share: the program on the deployed NAS, and ways to hold it at a known place."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

from rehearsal import DOCKER, REPOSITORY, ROOT, reach_nas, until

PROGRAM = f"{ROOT}/bin/backup"
BACKUPS = f"{ROOT}/backups"
SETTINGS = f"{ROOT}/bin/backup.json"
LAST_TABLE = "zzz_probe"
"""A table that is counted after all others."""

Done = subprocess.CompletedProcess[str]


class Nas:
    """The NAS as root, over SSH."""

    def __init__(self) -> None:
        self._host = reach_nas()

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the background."""
        nas = str(REPOSITORY / "molecule/local/nas")
        return subprocess.Popen([nas, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, script: str) -> Done:
        """Run a line of shell."""
        done = self._host.run(script)
        return subprocess.CompletedProcess(script, done.rc, done.stdout, done.stderr)

    def check_output(self, script: str) -> str:
        """Run a line of shell and return what it prints. Fails the test when it fails."""
        done = self.run(script)
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout.strip()

    def sql(self, statements: str, database: str = "kbju") -> str:
        """Run statements in the deployed PostgreSQL and return their rows, fields divided by |."""
        psql = "psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1"
        script = f"{DOCKER} exec kbju-postgres {psql} --dbname {database} --command {shlex.quote(statements)}"
        return self.check_output(script)


def backup(nas: Nas, *arguments: str) -> Done:
    """Run the program on the NAS."""
    return nas.run(" ".join([PROGRAM, *arguments]))


def names(nas: Nas) -> list[str]:
    """Return the names of the complete backups, newest first."""
    return [line.split()[0] for line in backup(nas, "list").stdout.splitlines()[1:]]


def manifest(nas: Nas, name: str) -> dict[str, Any]:
    """Return a backup's manifest."""
    found: dict[str, Any] = json.loads(nas.check_output(f"cat {BACKUPS}/{name}/manifest.json"))
    return found


@contextlib.contextmanager
def settings(nas: Nas, **changes: Any) -> Iterator[None]:
    """Have other settings while the block runs."""
    before = nas.check_output(f"cat {SETTINGS}")
    put(nas, SETTINGS, json.dumps(json.loads(before) | changes))
    try:
        yield
    finally:
        put(nas, SETTINGS, before)


def put(nas: Nas, path: str, text: str) -> None:
    """Write a file on the NAS."""
    nas.check_output(f"printf '%s\\n' {shlex.quote(text)} > {path}")


@contextlib.contextmanager
def held(nas: Nas, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run the program with `arguments` up to where it has counted all tables but one; the block's end lets it go on."""
    nas.sql(f"DROP TABLE IF EXISTS {LAST_TABLE}; CREATE TABLE {LAST_TABLE} (id int)")
    lock = f"BEGIN; SET application_name = 'test'; LOCK TABLE {LAST_TABLE}; SELECT pg_sleep(300)"
    locking = nas.start(DOCKER, "exec", "kbju-postgres", "psql", "--quiet", "--dbname", "kbju", "--command", lock)
    activity = "SELECT count(*) FROM pg_stat_activity WHERE application_name ="
    until(lambda: nas.sql(f"{activity} 'test' AND wait_event = 'PgSleep'") == "1", "the lock")
    running = nas.start(PROGRAM, *arguments)
    try:
        until(
            lambda: nas.sql(f"{activity} 'kbju-backup' AND wait_event_type = 'Lock'") == "1", "the backup at the lock"
        )
        yield running
    finally:
        nas.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'test'")
        locking.wait(timeout=20)
        running.wait(timeout=60)
        nas.sql(f"DROP TABLE IF EXISTS {LAST_TABLE}")
