"""Taking a backup: dump, restore what was dumped, compare, and only then call it a backup."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kbju_backup import writing
from kbju_backup.errors import Exit, Failure, not_written
from kbju_backup.postgres import PROOF, Server, Tables
from kbju_backup.retention import Kept, superfluous
from kbju_backup.settings import Settings
from kbju_backup.stages import Stages
from kbju_backup.store import Backup, Store

DUMP = "database.dump"
GLOBALS = "globals.sql"
# Without secrets and certificates: those come from the vault; a copy in each backup would be one more place to guard.
ARCHIVES = {"configuration.tar.gz": ("config", "compose", ".env"), "logs.tar.gz": ("logs",)}

log = logging.getLogger("backup")


class Taking:
    """One backup being taken."""

    def __init__(self, settings: Settings, server: Server, store: Store, stages: Stages) -> None:
        self._settings = settings
        self._server = server
        self._store = store
        self._stages = stages
        self._reserve = settings.reserve_mb << 20
        self._sums: dict[str, str] = {}
        self._sizes: dict[str, int] = {}

    def take(self, kind: str) -> Backup:
        """Take a backup and return it; whatever goes wrong, those that exist stay as they are."""
        with self._stages.stage("check"):
            self._server.check()
            self._clean_up()
            self._check_space()
        folder = self._store.new()
        try:
            manifest = self._describe(kind)
            manifest.update(self._dump(folder))
            self._prove(folder / DUMP, manifest["tables"])
            self._pack(folder)
            manifest.update(files=self._sizes, proven=True, durations=self._stages.seconds)
            manifest["finished_at"] = _now()
            with self._stages.stage("complete"):
                return self._store.complete(folder, manifest, self._sums)
        except BaseException:
            self._store.discard(folder)
            with contextlib.suppress(Failure):
                self._server.end_leftovers()
            raise

    def rotate(self) -> int:
        """Delete backups that retention no longer wants and return how many that were."""
        settings = self._settings
        with self._stages.stage("rotate"):
            kept = [Kept(one.name, one.taken, one.kind) for one in self._store.all()]
            doomed = superfluous(
                kept, datetime.now(timezone.utc), settings.keep_daily, settings.keep_weekly, settings.keep_monthly
            )
            for name in doomed:
                try:
                    self._store.delete(name)
                except OSError as error:
                    raise not_written(error, str(self._store.folder)) from error
                log.info("deleted %s: newer ones take its place", name)
        return len(doomed)

    def _clean_up(self) -> None:
        left = self._store.clean_up()
        if left:
            log.warning("a run was killed before its end: what it left is deleted (%d)", left)
        self._server.end_leftovers()

    def _check_space(self) -> None:
        if not self._server.exists(self._settings.database):
            raise Failure(
                Exit.NO_DATABASE,
                f"There is no database {self._settings.database} to back up",
                "Deploy the stack first: playbooks/deploy.yml",
            )
        # A dump is smaller than its database. Its restored copy is as large, and so is the log of restoring it.
        size = self._server.size(self._settings.database)
        writing.check_space(self._store.folder, size + self._reserve)
        self._server.check_space(2 * size + self._reserve, "to restore a dump for proof")

    def _describe(self, kind: str) -> dict[str, Any]:
        return {
            "kind": kind,
            "project": self._settings.project,
            "database": self._settings.database,
            "host": platform.node(),
            "database_size": self._server.size(self._settings.database),
            "server_version": self._server.version(),
            "started_at": _now(),
        }

    def _dump(self, folder: Path) -> dict[str, Any]:
        database = self._settings.database
        with self._stages.stage("dump"), self._server.session(database) as session:
            # What is counted and what is dumped is the same moment, whatever the bot writes meanwhile.
            (snapshot,) = session.ask("SELECT pg_export_snapshot();")
            tables, revision = session.tables(), session.schema_revision()
            with self._new(folder / DUMP) as sink:
                self._server.dump(database, snapshot, sink.write)
            self._note(sink)
            with self._new(folder / GLOBALS) as sink:
                self._server.dump_globals(sink.write)
            self._note(sink)
        return {"tables": tables, "schema_revision": revision}

    def _prove(self, dump: Path, expected: Tables) -> None:
        with self._stages.stage("proof"):
            self._server.create(PROOF)
            self._server.fill(PROOF, writing.read_chunks(dump, self._reserve // 2), Exit.NOT_PROVEN)
            with self._server.session(PROOF) as session:
                compare(expected, session.tables(), Exit.NOT_PROVEN)
            self._server.drop(PROOF)
            if writing.checksum(dump) != self._sums[DUMP]:
                raise Failure(
                    Exit.NOT_PROVEN,
                    f"{dump.name} reads differently from what was written",
                    "Look at the volume's health in Storage Manager",
                )

    def _pack(self, folder: Path) -> None:
        with self._stages.stage("files"):
            for name, parts in ARCHIVES.items():
                try:
                    with self._new(folder / name) as sink:
                        packed = writing.pack(sink, Path(self._settings.root), parts)
                except OSError as error:
                    raise not_written(error, str(folder)) from error
                self._note(sink)
                log.info("%s holds %d files", name, packed)

    def _new(self, file: Path) -> writing.Sink:
        try:
            return writing.Sink(file, self._reserve // 2)
        except OSError as error:
            raise not_written(error, str(file.parent)) from error

    def _note(self, sink: writing.Sink) -> None:
        self._sums[sink.path.name] = sink.checksum
        self._sizes[sink.path.name] = sink.size


def compare(expected: Tables, found: Tables, code: Exit) -> None:
    """Raise Failure with `code` where restored tables differ from those that were dumped."""
    wrong = []
    for table in sorted(set(expected) | set(found)):
        before, after = expected.get(table), found.get(table)
        if before is None or after is None:
            wrong.append(f"{table} is {'missing' if after is None else 'not in the backup'}")
        elif before["rows"] != after["rows"]:
            wrong.append(f"{table} has {after['rows']} rows instead of {before['rows']}")
        elif before["digest"] != after["digest"]:
            wrong.append(f"{table} has other values in its {after['rows']} rows")
    if wrong:
        raise Failure(
            code,
            "The restored copy differs from the original: " + "; ".join(wrong),
            "Take another backup; if it fails as well, look at docker logs kbju-postgres",
        )


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")


def step_aside() -> None:
    """Let everybody else have the CPU first."""
    os.nice(19)
