"""PostgreSQL in its container, reached as its superuser over its own socket: no password is needed or used."""

from __future__ import annotations

import contextlib
from typing import Any, Callable, Dict, Iterable, Iterator

from kbju_backup import programs
from kbju_backup.complaints import NO_SPACE, cause
from kbju_backup.errors import Exit, Failure
from kbju_backup.settings import Settings

PROOF = "kbju_backup_proof"
"""The scratch database that a dump is restored into to prove it."""
_APPLICATION = "kbju-backup"
_LOCK_WAIT = "60s"
_SHORT = 60.0
"""Seconds for a question to the engine or to the server's catalogue."""
# A row's text must not depend on settings of a database, which its dump does not hold.
_SAME_TEXT = """
SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET extra_float_digits = 1;
SET bytea_output = 'hex';
"""
_END = "kbju-backup-answered"
_USER_TABLES = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1;
"""

Tables = Dict[str, Dict[str, Any]]
"""By table: "rows", and "digest" of their contents."""


def _content_of(table: str) -> str:
    # The sum over all rows does not depend on their order; the digest tells a changed value, the count a lost row.
    return f"SELECT count(*), coalesce(sum(hashtextextended(kbju_row::text, 0)), 0) FROM {table} AS kbju_row;"


class Session:
    """A psql that stays open: questions in one transaction."""

    def __init__(self, running: programs.Running) -> None:
        self._running = running

    def ask(self, sql: str) -> list[str]:
        """Run statements and return the rows they print, fields divided by |. Raise Failure where one fails."""
        process = self._running.process
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(f"{sql}\n\\echo {_END}\n".encode())  # type: ignore[union-attr]  # a pipe
            process.stdin.flush()  # type: ignore[union-attr]  # a pipe
        lines: list[str] = []
        for line in iter(process.stdout.readline, b""):  # type: ignore[union-attr]  # a pipe
            text = line.decode("utf-8", "replace").rstrip("\n")
            if text == _END:
                return lines
            lines.append(text)
        self._running.finish()
        raise Failure(
            Exit.DUMP_FAILED,
            "PostgreSQL ended the session: " + cause(self._running.complaint.decode("utf-8", "replace")),
            "Look at docker logs kbju-postgres",
        )

    def tables(self) -> Tables:
        """Count and digest the rows of every table, as this transaction sees them."""
        found: Tables = {}
        for table in self.ask(_USER_TABLES):
            rows, digest = self.ask(_content_of(table))[0].split("|")
            found[table] = {"rows": int(rows), "digest": digest}
        return found

    def schema_revision(self) -> str | None:
        """Return the revision of the schema, or None where no migration has run."""
        if self.ask("SELECT to_regclass('public.alembic_version') IS NOT NULL;") == ["f"]:
            return None
        (revision,) = self.ask("SELECT max(version_num) FROM public.alembic_version;") or [""]
        return revision or None


class Server:
    """The server and its databases."""

    def __init__(self, settings: Settings) -> None:
        self._docker = settings.docker
        self._container = settings.container
        self._timeout = float(settings.dump_timeout)

    # ---- the server ------------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Raise Failure where the server does not answer."""
        command = [self._docker, "inspect", "--format", "{{.State.Status}}", self._container]
        code, state, complaint = self._output(command)
        if code != 0:
            found = "there is no such container" if "o such" in complaint else complaint.strip().split("\n")[0]
            raise self._unavailable(f"{self._container}: {found}")
        if state.strip() != "running":
            raise self._unavailable(f"the container {self._container} is {state.strip()}")
        code, said, _ = self._output(self._inside("pg_isready", "--host", "127.0.0.1", "--username", "postgres"))
        if code != 0:
            raise self._unavailable(f"the server in {self._container} says: {said.strip() or 'nothing'}")

    def version(self) -> str:
        """Return the server's version."""
        return self.query("postgres", "SHOW server_version;")

    def query(self, database: str, sql: str) -> str:
        """Run statements and return what they print. The text reaches no argument list."""
        command = self._inside(*_psql(database), interactive=True)
        code, printed, complaint = programs.output(command, self._timeout, sql)
        if code != 0:
            raise Failure(
                Exit.NO_DATABASE,
                f"PostgreSQL refused a statement in the database {database}: {cause(complaint)}",
                "Look at docker logs kbju-postgres",
            )
        return printed.strip()

    def end_leftovers(self) -> None:
        """End sessions of a run that was killed, and drop the scratch database it may have left."""
        self.query(
            "postgres",
            f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            f"WHERE application_name = '{_APPLICATION}' AND pid <> pg_backend_pid();",
        )
        self.drop(PROOF)

    def check_space(self, needed: int, purpose: str) -> None:
        """Raise Failure where there are less than `needed` bytes free where the server keeps its data."""
        free = self._data_space()
        if free < needed:
            raise Failure(
                Exit.DISK_FULL,
                f"The disk is too full {purpose}: {free >> 20} MB of {needed >> 20} MB are free "
                "where PostgreSQL keeps its data",
                "Free space on the volume that holds Docker's volumes",
            )

    def _data_space(self) -> int:
        code, printed, complaint = self._output(self._inside("sh", "-c", 'df -Pk "$PGDATA"'))
        fields = printed.strip().split("\n")[-1].split()
        if code != 0 or len(fields) < 4 or not fields[3].isdigit():
            raise self._unavailable(f"df in {self._container} failed: {complaint.strip()[:100]}")
        return int(fields[3]) * 1024

    # ---- databases -------------------------------------------------------------------------------------------------

    def exists(self, database: str) -> bool:
        """Tell whether there is a database of that name."""
        return self.query("postgres", f"SELECT 1 FROM pg_database WHERE datname = '{database}';") == "1"

    def size(self, database: str) -> int:
        """Return a database's size in bytes."""
        return int(self.query("postgres", f"SELECT pg_database_size('{database}');"))

    def create(self, database: str) -> None:
        """Make an empty database, in place of one that may be there."""
        self.drop(database)
        self.query("postgres", f"CREATE DATABASE {database} TEMPLATE template0;")

    def drop(self, database: str) -> None:
        """Drop a database where it exists, whoever is connected to it."""
        self.query("postgres", f"SET client_min_messages = warning;\nDROP DATABASE IF EXISTS {database} WITH (FORCE);")

    @contextlib.contextmanager
    def session(self, database: str) -> Iterator[Session]:
        """Open a transaction whose snapshot stays the same until the block ends."""
        with programs.started(self._inside(*_psql(database), interactive=True), self._timeout) as running:
            session = Session(running)
            session.ask(
                f"SET lock_timeout = '{_LOCK_WAIT}';\n{_SAME_TEXT}\nBEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
            )
            yield session
            # psql ends when its input does.
            running.process.stdin.close()  # type: ignore[union-attr]  # a pipe

    # ---- dumps -----------------------------------------------------------------------------------------------------

    def dump(self, database: str, snapshot: str, write: Callable[[bytes], object]) -> None:
        """Write a dump in the custom format of what `snapshot` shows."""
        arguments = ["--dbname", database, "--format", "custom", "--snapshot", snapshot]
        self._dump("pg_dump", [*arguments, "--lock-wait-timeout", _LOCK_WAIT], write)

    def dump_globals(self, write: Callable[[bytes], object]) -> None:
        """Write the accounts, with their passwords' hashes, as SQL."""
        self._dump("pg_dumpall", ["--globals-only"], write)

    def fill(self, database: str, dump: Iterable[bytes], code: Exit) -> None:
        """Restore a dump into an empty database, in one transaction. Raise Failure with `code` where that fails."""
        arguments = ["--username", "postgres", "--dbname", database, "--exit-on-error", "--single-transaction"]
        # A crash of the server would leave a database that nobody uses yet.
        command = self._bounded("pg_restore", *arguments, environment=["PGOPTIONS=-c synchronous_commit=off"])
        returned, complaint = programs.stream(command, self._timeout + 30, source=dump)
        if returned != 0:
            raise _failed("pg_restore", returned, complaint, code)

    def _dump(self, program: str, arguments: list[str], write: Callable[[bytes], object]) -> None:
        command = self._bounded(program, "--username", "postgres", *arguments)
        returned, complaint = programs.stream(command, self._timeout + 30, sink=write)
        if returned != 0:
            raise _failed(program, returned, complaint, Exit.DUMP_FAILED)

    # ---- commands --------------------------------------------------------------------------------------------------

    def _bounded(self, program: str, *arguments: str, environment: Iterable[str] = ()) -> list[str]:
        # A program inside outlives the client that started it, so it has a limit of its own. Everybody else goes first.
        limit = ["nice", "-n", "19", "timeout", "--kill-after=10", f"{self._timeout:g}"]
        return self._inside(*limit, program, *arguments, interactive=True, environment=environment)

    def _inside(self, *command: str, interactive: bool = False, environment: Iterable[str] = ()) -> list[str]:
        variables = [f"--env={one}" for one in (f"PGAPPNAME={_APPLICATION}", *environment)]
        return [
            self._docker,
            "exec",
            *(["--interactive"] if interactive else []),
            *variables,
            self._container,
            *command,
        ]

    def _output(self, command: list[str]) -> tuple[int, str, str]:
        try:
            return programs.output(command, _SHORT)
        except FileNotFoundError:
            raise self._unavailable(f"there is no {command[0]}") from None

    def _unavailable(self, what: str) -> Failure:
        return Failure(
            Exit.NO_DATABASE,
            f"PostgreSQL does not answer: {what}",
            "Bring it up with playbooks/deploy.yml, or in Container Manager, and look at docker logs kbju-postgres",
        )


def _psql(database: str) -> list[str]:
    options = ["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1"]
    return ["psql", *options, "--username=postgres", f"--dbname={database}"]


def _failed(program: str, returned: int, complaint: str, code: Exit) -> Failure:
    if NO_SPACE in complaint:
        return Failure(
            Exit.DISK_FULL,
            f"The disk is full: {program} found no space left for PostgreSQL's data",
            "Free space on the volume that holds Docker's volumes",
        )
    # 124 and 137 are what timeout(1) makes of a program that it had to end.
    said = "it took too long (hyper_backup_dump_timeout)" if returned in (124, 137) else cause(complaint)
    return Failure(code, f"{program} failed with {returned}: {said}", "Look at docker logs kbju-postgres")
