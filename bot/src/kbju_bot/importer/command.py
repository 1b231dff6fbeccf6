"""The command `import-dev`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

from kbju_bot import exits
from kbju_bot.importer import conversion, reading, report, writing
from kbju_bot.settings import MigrationSettings
from kbju_bot.storage.errors import StorageUnavailableError
from kbju_bot.storage.schema import SchemaTooOldError


class ReportError(Exception):
    """The file for the report can't be written."""


FAILURES: Mapping[type[Exception], int] = {
    reading.DevDatabaseError: exits.NO_INPUT,
    ReportError: exits.CANT_CREATE,
    StorageUnavailableError: exits.UNAVAILABLE,
    SchemaTooOldError: exits.SCHEMA_TOO_OLD,
    writing.ImportFailedError: exits.SOFTWARE,
    conversion.MiscountError: exits.SOFTWARE,
}
"""What `run` raises, with a text for the operator, and the exit codes for it."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    file: Path
    dry_run: bool
    complete: bool
    report: Path | None


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(exits.USAGE, f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str]) -> Options:
    """Understand the command line; where it is wrong, or asks for help, say so and exit."""
    parser = _Parser(
        prog="python -m kbju_bot import-dev",
        description="Take over the DEV version's SQLite file. The rules are in docs/import.md.",
        allow_abbrev=False,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the file; it is never written to")
    parser.add_argument("--dry-run", action="store_true", help="do all of it, then roll back")
    parser.add_argument("--all", dest="complete", action="store_true", help="show the numbers of all rejected rows")
    parser.add_argument(
        "--report", metavar="FILE", type=Path, help="write rejected rows and dropped fields as JSON lines"
    )
    return Options(**vars(parser.parse_args(arguments)))


def run(options: Options, settings: MigrationSettings) -> None:
    """Import the file and print the report; progress goes to stderr.

    Raises the exceptions in `FAILURES`. Nothing was imported then, unless the connection broke at the very end.
    """

    def progress(line: str) -> None:
        print(line, file=sys.stderr, flush=True)

    converted = conversion.convert(reading.read(options.file), datetime.now(UTC))
    if options.report is not None:
        # Now, because after the import it would be too late to fail.
        _write_lines(options.report, converted, options.file)
    outcome = asyncio.run(writing.write(settings, converted, dry_run=options.dry_run, progress=progress))
    print(report.text(converted, outcome, dry_run=options.dry_run, complete=options.complete), flush=True)


def _write_lines(path: Path, converted: conversion.Conversion, source: Path) -> None:
    try:
        if path.exists() and path.samefile(source):
            raise ReportError(f"{path} is the file to import; give another name for the report")
        with path.open("w", encoding="utf-8") as lines:
            lines.writelines(report.json_lines(converted))
    except OSError as error:
        raise ReportError(f"{path} can't be written: {error.strerror}") from error
