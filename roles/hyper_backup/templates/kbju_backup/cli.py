"""The command line."""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import logging.handlers
import signal
import sys
from typing import Any, NoReturn, Sequence

from kbju_backup import reporting, settings, taking
from kbju_backup.errors import Exit, Failure
from kbju_backup.hyperbackup import RESULTS, HyperBackup
from kbju_backup.postgres import Server
from kbju_backup.restoring import Restoring, check_revision
from kbju_backup.retention import BEFORE_RESTORE
from kbju_backup.stages import Stages
from kbju_backup.store import Backup, Store

log = logging.getLogger("backup")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, with the exit code for that."""
        self.print_usage(sys.stderr)
        self.exit(int(Exit.USAGE), f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments. Raise SystemExit where they are wrong or ask for help."""
    parser = _Parser(prog="backup", description="Backups of the KBJU stack: taken, proven, listed, restored.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="take a backup, prove it, rotate, and start Hyper Backup")
    run.add_argument("--kind", choices=["nightly", "manual", BEFORE_RESTORE], default="manual")
    run.add_argument("--local-only", action="store_true", help="without Hyper Backup")
    run.add_argument("--json", action="store_true", help="print the result as JSON")
    commands.add_parser("list", help="list the backups")
    check = commands.add_parser("check", help="compare a backup's files with their checksums")
    check.add_argument("name")
    check.add_argument("--newest-revision", help="refuse a schema newer than this")
    restore = commands.add_parser(
        "restore", help="put a backup in the database's place; playbooks/restore.yml does more"
    )
    restore.add_argument("name")
    restore.add_argument("--saved", default="", metavar="NAME", help="the backup that holds the present database")
    undo = commands.add_parser("undo-restore", help="give the database from before a restore its place back")
    undo.add_argument("--saved", default="", metavar="NAME", help="what that restore was called with")
    undo.add_argument("--keep-restored", action="store_true", help="the bot has run on it: keep it under another name")
    commands.add_parser("finish-restore", help="drop the database from before a restore")
    return parser.parse_args(arguments)


class Program:
    """The commands."""

    def __init__(self, options: argparse.Namespace, found: settings.Settings) -> None:
        self._options = options
        self.settings = found
        self._stages = Stages()
        self._server = Server(found)
        self._store = Store(found.backups)
        self._restoring = Restoring(found, self._server, self._store, self._stages)

    def call(self) -> str:
        """Do what the command says and return the sentence to print. Raise Failure."""
        command: str = self._options.command.replace("-", "_")
        result: str = getattr(self, "_" + command)()
        return result

    def last_good(self) -> str:
        """Return a sentence about the last good backup."""
        last = self._store.last()
        return f"The last good backup is {last.name}" if last else "There is no good backup yet"

    def _run(self) -> str:
        results = reporting.Results(self.settings, self._store)
        kind: str = self._options.kind
        with self._store.locked():
            log.info("%s backup: started", kind)
            if kind == BEFORE_RESTORE and not self._has_database():
                return self._told("nothing to save: there is no database", None)
            try:
                backup = taking.Taking(self.settings, self._server, self._store, self._stages)
                taken = backup.take(kind)
                # Nothing may go now: the backup that is to be restored could be among what goes.
                deleted = 0 if kind == BEFORE_RESTORE else backup.rotate()
            except BaseException as error:
                code = _code_of(error)
                self._note(lambda: results.note_run(code, self._stages))
                raise
            self._note(lambda: results.note_run(Exit.OK, self._stages))
        count = len(self._store.all())
        text = (
            f"backup {taken.name}: {taken.rows} rows in {len(taken.manifest['tables'])} tables, "
            f"{taken.size / 1e6:.1f} MB, schema {taken.revision or 'none'}, "
            f"restored and compared in {self._stages.seconds['proof']:.1f} s; {count} kept, {deleted} deleted"
        )
        log.info(text)
        return self._told(f"{text}; {self._hyper_backup(results)}", taken)

    def _hyper_backup(self, results: reporting.Results) -> str:
        if self._options.local_only:
            return "Hyper Backup was not asked for"
        if not self.settings.hyper_backup_task:
            return "no Hyper Backup task is set (hyper_backup_task): it is on this NAS alone"
        # Not under the backups' lock: Hyper Backup may take hours, and a restore must not wait for it.
        try:
            with self._stages.stage("hyper_backup"), self._store.locked("hyper-backup-lock"):
                HyperBackup(self.settings).run()
        except BaseException as error:
            code = _code_of(error)
            result = {code: name for name, code in RESULTS.items()}.get(code, "not run")
            self._note(lambda: results.note_hyper_backup(result, code, self._stages))
            raise
        self._note(lambda: results.note_hyper_backup("success", Exit.OK, self._stages))
        return "Hyper Backup: success"

    def _list(self) -> str:
        return reporting.table(self._store)

    def _check(self) -> str:
        found = self._store.get(self._options.name)
        self._store.check(found)
        if self._options.newest_revision:
            check_revision(found, self._options.newest_revision)
        return f"{found.name} is whole: {found.rows} rows, schema {found.revision or 'none'}"

    def _restore(self) -> str:
        found = self._store.get(self._options.name)
        if self._options.saved:
            self._store.get(self._options.saved)
        with self._store.locked():
            log.info("restore of %s: started", found.name)
            self._restoring.restore(found, self._options.saved)
        return f"{found.name} is restored: {found.rows} rows, compared with what was backed up"

    def _undo_restore(self) -> str:
        # A nightly run may have begun since the restore; the bot is stopped until this is done.
        with self._store.locked(patience=self.settings.dump_timeout):
            self._server.check()
            return self._restoring.undo(self._options.saved, self._options.keep_restored)

    def _finish_restore(self) -> str:
        with self._store.locked(patience=self.settings.dump_timeout):
            self._server.check()
            return self._restoring.finish()

    def _has_database(self) -> bool:
        self._server.check()
        return self._server.exists(self.settings.database)

    def _told(self, text: str, backup: Backup | None) -> str:
        return json.dumps({"message": text, "name": backup.name if backup else ""}) if self._options.json else text

    def _note(self, note: Any) -> None:
        try:
            note()
        except Failure as failure:
            # The run's own result is told all the same.
            log.warning("metrics and results are not up to date: %s", failure)


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return its exit code."""
    options = parse(arguments)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _stop)
    try:
        program = Program(options, settings.load())
    except Failure as failure:
        print(failure, file=sys.stderr)
        return int(failure.code)
    _log_to_file(program.settings)
    taking.step_aside()
    try:
        print(program.call())
    except BaseException as error:
        # Told in one line, whatever it is.
        code = _code_of(error)
        text = str(error) if isinstance(error, Failure) else f"it was stopped ({error})"
        if code is Exit.BUG:
            log.exception("a mistake of the program")
            text = f"{type(error).__name__}, a mistake of the program: logs/backup.log has more"
        text = f"{options.command} failed: {text}. {program.last_good()}."
        log.critical(text)
        print(text, file=sys.stderr)
        return int(code)
    return int(Exit.OK)


def _code_of(error: BaseException) -> Exit:
    if isinstance(error, Failure):
        return error.code
    return Exit.TERMINATED if isinstance(error, SystemExit) else Exit.BUG


def _stop(number: int, frame: Any) -> NoReturn:
    # What follows is cleaning up: nothing interrupts it.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(f"signal {number}")


def _log_to_file(found: settings.Settings) -> None:
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(logging.NullHandler())
    # A log that can't be written must not stop a backup.
    logging.raiseExceptions = False
    with contextlib.suppress(OSError):
        handler = logging.handlers.RotatingFileHandler(found.log, maxBytes=1 << 20, backupCount=5, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
        log.addHandler(handler)
