"""Moving the data: dumped by the old server, loaded into the new one through a pipe, compared table by table."""

from __future__ import annotations

import re
import subprocess
import tempfile

import kbju_backup.errors
from kbju_backup.complaints import cause
from kbju_backup.postgres import Server, Session, Tables
from kbju_backup.taking import compare
from kbju_upgrade.servers import NEXT
from kbju_upgrade.settings import FAILED, POSTGRES, Failure, Settings

_LOCALE = "SELECT pg_encoding_to_char(encoding), datcollate, datctype FROM pg_database WHERE datname = '{}';"
_SEQUENCES = "SELECT schemaname, sequencename, coalesce(last_value, 0) FROM pg_sequences ORDER BY 1, 2;"
_QUIET = "SET log_statement = 'none'; SET log_min_error_statement = 'panic'; SET client_min_messages = 'warning';"
# Grows with every transaction that writes.
_NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot());"
# A session of a backup's name: bin/backup ends what a killed run has left, and no alert minds a long one.
_INSIDE = ["--env", "PGAPPNAME=kbju-backup"]


class Moving:
    """Moves one database and the accounts from the present server to the next."""

    def __init__(self, settings: Settings, old: Server, new: Server) -> None:
        self._settings = settings
        self._database = settings.backup.database
        self._old, self._new = old, new
        self._content: tuple[Tables, list[str]] = ({}, [])
        self._mark = ""

    def move(self) -> dict[str, int]:
        """Move everything; return the number of rows by table. Raise Failure."""
        # First, so that nothing comes between the two unseen.
        self._mark = self._old.query(self._database, _NEXT_TRANSACTION)
        with self._old.session(self._database) as session:
            (snapshot,) = session.ask("SELECT pg_export_snapshot();")
            self._content = _content(session)
            self._globals()
            self._make_database()
            self._load(snapshot)
        self._new.query(self._database, "ANALYZE;")
        self.check(self._new, "the new server's copy")
        return {table: int(found["rows"]) for table, found in self._content[0].items()}

    def check(self, server: Server, what: str) -> None:
        """Raise Failure where a server has something else than what was dumped."""
        with server.session(self._database) as session:
            tables, sequences = _content(session)
        try:
            compare(self._content[0], tables, kbju_backup.errors.Exit.NOT_PROVEN)
        except kbju_backup.errors.Failure as failure:
            differs = str(failure).partition(": ")[2].partition(". ")[0]
            raise Failure(FAILED, f"{what} differs: {differs}") from None
        if sequences != self._content[1]:
            raise Failure(FAILED, f"{what} differs: a sequence stands elsewhere")

    def check_nobody_wrote(self) -> None:
        """Raise Failure where the old server has what was not moved: somebody has started the bot meanwhile."""
        if self._old.query(self._database, _NEXT_TRANSACTION) != self._mark:
            self.check(self._old, "the old server has been written to meanwhile: what it has now and what was moved")

    def others(self) -> list[str]:
        """Return the names of databases that are not moved."""
        found = self._old.query("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1;")
        return [name for name in found.split() if name not in ("postgres", self._database)]

    def _globals(self) -> None:
        parts: list[bytes] = []
        self._old.dump_globals(parts.append)
        # Every server has that one already.
        text = re.sub(r"^CREATE ROLE postgres;$", "", b"".join(parts).decode(), flags=re.MULTILINE)
        # There are passwords' hashes in it: no statement may get into the server's log.
        self._new.query("postgres", f"{_QUIET}\n{text}")

    def _make_database(self) -> None:
        encoding, collate, ctype = self._old.query("postgres", _LOCALE.format(self._database)).split("|")
        self._new.drop(self._database)
        locale = f"ENCODING '{encoding}' LC_COLLATE '{collate}' LC_CTYPE '{ctype}'"
        self._new.query("postgres", f"CREATE DATABASE {self._database} TEMPLATE template0 {locale};")

    def _load(self, snapshot: str) -> None:
        # What runs in a container outlives the client that has started it, so it has a limit of its own.
        limit = ["timeout", "--kill-after=10", str(self._settings.backup.dump_timeout)]
        docker, name = self._settings.release.docker, self._database
        dump = ["pg_dump", "--username=postgres", f"--dbname={name}", "--format=custom", "--compress=0"]
        dump += [f"--snapshot={snapshot}", "--lock-wait-timeout=60s"]
        load = ["pg_restore", "--username=postgres", f"--dbname={name}", "--exit-on-error", "--single-transaction"]
        self._pipe(
            [docker, "exec", *_INSIDE, POSTGRES, *limit, *dump],
            [docker, "exec", "--interactive", *_INSIDE, NEXT, *limit, *load],
        )

    def _pipe(self, giving: list[str], taking: list[str]) -> None:
        environment = {"PATH": "/usr/bin:/bin", "HOME": "/root"}
        with tempfile.TemporaryFile() as gave, tempfile.TemporaryFile() as took:
            # In sessions of their own: what ends the operator's must not end them.
            giver = subprocess.Popen(
                giving, stdout=subprocess.PIPE, stderr=gave, env=environment, start_new_session=True
            )
            taker = subprocess.Popen(taking, stdin=giver.stdout, stderr=took, env=environment, start_new_session=True)
            giver.stdout.close()  # type: ignore[union-attr]  # a pipe, and the taker's alone from here on
            try:
                patience = self._settings.backup.dump_timeout + 30
                codes = (taker.wait(timeout=patience), giver.wait(timeout=30))
            except subprocess.TimeoutExpired:
                raise Failure(FAILED, "loading took too long (hyper_backup_dump_timeout)") from None
            finally:
                for one in (taker, giver):
                    one.kill()
                    one.wait()
            if codes != (0, 0):
                # The taker's complaint first: a dump ends, too, when nobody reads it.
                for said, code in ((took, codes[0]), (gave, codes[1])):
                    said.seek(0)
                    if code != 0:
                        text = cause(said.read().decode("utf-8", "replace"))
                        raise Failure(FAILED, f"{'loading' if said is took else 'the dump'} failed: {text}")


def _content(session: Session) -> tuple[Tables, list[str]]:
    return session.tables(), session.ask(_SEQUENCES)
