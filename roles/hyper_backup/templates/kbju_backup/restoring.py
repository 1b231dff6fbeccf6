"""Restoring a backup: into a new database, which takes the old one's name only when it is complete.

The old database stays under another name until `finish`; `undo` gives it its name back.
"""

from __future__ import annotations

import contextlib
import json
import logging
import time
from typing import Any

from kbju_backup import writing
from kbju_backup.errors import Exit, Failure
from kbju_backup.postgres import Server
from kbju_backup.settings import Settings
from kbju_backup.stages import Stages
from kbju_backup.store import Backup, Store
from kbju_backup.taking import DUMP, compare

NEW = "kbju_restoring"
OLD = "kbju_replaced"
_ATTEMPTS = 3
_UNPACKED = 5
# A backup knows messages that waited for Telegram at its moment, and broadcasts that were under way. They went out
# since; sent again, they would answer what nobody remembers asking.
_SILENCE = {
    "outbox": """
        DELETE FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL AND (forget OR broadcast_id IS NOT NULL);
        UPDATE outbox SET failed_at = now(), failed_reason = 'restored from a backup, not sent again'
        WHERE sent_at IS NULL AND failed_at IS NULL;""",
    "broadcasts": "UPDATE broadcasts SET status = 'stopped', finished_at = now() WHERE status = 'running';",
}

log = logging.getLogger("backup")


def check_revision(backup: Backup, newest: str) -> None:
    """Raise Failure where a backup's schema is newer than the deployed release knows."""
    # Revisions are numbers of four digits, so that they compare as text.
    if backup.revision is not None and backup.revision > newest:
        raise Failure(
            Exit.NEWER_SCHEMA,
            f"{backup.name} has the schema {backup.revision}; the deployed release knows {newest} and older ones",
            "Deploy the release that the backup was taken with, or a newer one, then restore",
        )


class Restoring:
    """One restore."""

    def __init__(self, settings: Settings, server: Server, store: Store, stages: Stages) -> None:
        self._settings = settings
        self._server = server
        self._store = store
        self._stages = stages
        self._notes = store.folder / ".restore.json"

    def restore(self, backup: Backup, saved: str) -> None:
        """Put a backup in the place of the present database, which `saved`, a backup, holds as well; empty: none does.

        Raise Failure where anything fails; then the present database is as it was.
        """
        with self._stages.stage("check"):
            self._server.check()
            self._tidy_up()
            self._server.end_leftovers()
            self._store.check(backup)
            reserve = self._settings.reserve_mb << 20
            writing.check_space(self._store.folder, reserve)
            # The copy, and the log of making it. Older manifests do not tell; a dump is compressed.
            size = int(backup.manifest.get("database_size", _UNPACKED * backup.size))
            self._server.check_space(2 * size + reserve, "to restore a second database beside the present one")
        with self._stages.stage("restore"):
            self._server.create(NEW)
            dump = writing.read_chunks(backup.folder / DUMP, reserve // 2)
            self._server.fill(NEW, dump, Exit.NOT_RESTORED)
            with self._server.session(NEW) as session:
                compare(backup.manifest["tables"], session.tables(), Exit.NOT_RESTORED)
        with self._stages.stage("silence"):
            silence = [sql for table, sql in _SILENCE.items() if _newer(backup) and self._has(table)]
            self._server.query(NEW, "\n".join(["BEGIN;", *silence, "COMMIT;", "ANALYZE;"]))
        with self._stages.stage("swap"):
            self._swap(backup, saved)

    def undo(self, saved: str, keep: bool = False) -> str:
        """Give the old database its name back, where the restore that named `saved` had come so far.

        With `keep`, the restored one stays under another name: the bot has run on it, and users may have written to it.
        Return what was done, in a sentence. What an earlier restore has left is not touched.
        """
        notes = self._read_notes()
        replaced = str(notes.get("replaced", ""))
        self._server.drop(NEW)
        if not replaced or notes.get("saved") != saved or not self._server.exists(replaced):
            return "The database is the one from before: it was not replaced"
        put_aside = _unsaved() if keep else NEW
        self._rename({self._settings.database: put_aside, replaced: self._settings.database})
        self._forget()
        done = "The database from before has its place again"
        if keep:
            log.warning("the restored database stays as %s: the bot has run on it", put_aside)
            return f"{done}; the restored one, which the bot has run on, stays as {put_aside}, until you drop it"
        self._server.drop(put_aside)
        return done

    def finish(self) -> str:
        """Let the old database go. Return what was done, in a sentence."""
        notes = self._read_notes()
        replaced = str(notes.get("replaced", ""))
        self._forget()
        if not replaced or not self._server.exists(replaced):
            return "There was no database before"
        if notes.get("saved"):
            self._server.drop(replaced)
            return f"The database from before is dropped; the backup {notes['saved']} has all of it"
        return f"The database from before was not saved and stays as {replaced}, until you drop it"

    def _swap(self, backup: Backup, saved: str) -> None:
        database = self._settings.database
        if not self._server.exists(database):
            self._rename({NEW: database})
            return
        # Nobody may take a database that no backup has for a leftover.
        replaced = OLD if saved else _unsaved()
        notes = {"backup": backup.name, "replaced": replaced, "saved": saved}
        writing.write_whole(self._notes, json.dumps(notes) + "\n")
        self._rename({database: replaced, NEW: database})

    def _rename(self, names: dict[str, str]) -> None:
        # In one transaction: at no moment is there no database of that name. Only the exporter may come in between.
        listed = ", ".join(f"'{name}'" for name in names)
        renamed = "\n".join(f"ALTER DATABASE {old} RENAME TO {new};" for old, new in names.items())
        sql = (
            f"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity "
            f"WHERE datname IN ({listed}) AND pid <> pg_backend_pid();\nBEGIN;\n{renamed}\nCOMMIT;"
        )
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._server.query("postgres", sql)
            except Failure:
                if attempt == _ATTEMPTS:
                    raise
            else:
                return

    def _tidy_up(self) -> None:
        # What a restore left that was killed between its swap and its end. Its notes go first: nobody may undo it now.
        saved = str(self._read_notes().get("saved", ""))
        self._forget()
        self._server.drop(NEW)
        if self._server.exists(OLD):
            if saved in [one.name for one in self._store.all()]:
                log.warning("a restore was killed before its end; the database from before it is in %s", saved)
                self._server.drop(OLD)
            else:
                kept = _unsaved()
                log.warning("a restore was killed before its end; the database from before it stays as %s", kept)
                self._rename({OLD: kept})

    def _has(self, table: str) -> bool:
        return self._server.query(NEW, f"SELECT to_regclass('public.{table}') IS NOT NULL;") == "t"

    def _read_notes(self) -> dict[str, Any]:
        try:
            found = json.loads(self._notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _forget(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            self._notes.unlink()


def _unsaved() -> str:
    return f"kbju_unsaved_{int(time.time())}"


def _newer(backup: Backup) -> bool:
    # The first schema had neither broadcasts nor priorities.
    return (backup.revision or "") >= "0002"
