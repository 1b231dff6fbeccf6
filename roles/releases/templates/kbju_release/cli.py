"""The command line."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import signal
import sys
import time
from typing import Any, Iterator, NoReturn, Sequence

from kbju_release import record as records
from kbju_release import settings
from kbju_release.errors import Exit, Failure
from kbju_release.programs import Engine
from kbju_release.record import Record, Release
from kbju_release.replacing import Replacing
from kbju_release.telling import Teller

# A rollback is asked for by somebody in a hurry, and goes to what has served before.
_SHORT_PROBATION = 1.0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the arguments, with the exit code for that."""
        self.print_usage(sys.stderr)
        self.exit(int(Exit.USAGE), f"{self.prog}: {message}\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments. Raise SystemExit where they are wrong or ask for help."""
    parser = _Parser(
        prog="release", description="Releases of the bot: updated without downtime, rolled back, recorded."
    )
    parser.add_argument("--who", default=os.environ.get("SUDO_USER") or "root", help="whom the record names")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    plan = commands.add_parser(
        "plan", help="finish what was cut off, and print what serves and what is not to be deployed"
    )
    plan.add_argument("--dry-run", action="store_true", help="only print")
    update = commands.add_parser("update", help="replace the bot by what compose/bot.yml asks for")
    update.add_argument("image", help="the image that compose/bot.yml must name")
    rollback = commands.add_parser("rollback", help="go back to a release that has served before")
    rollback.add_argument("release", nargs="?", default="", help="its number or version; else the one before")
    commands.add_parser("adopt", help="record what runs as the serving release")
    commands.add_parser("recover", help="finish an update that was cut off: the old release serves")
    commands.add_parser("list", help="show the record")
    return parser.parse_args(arguments)


class Program:
    """The commands."""

    def __init__(self, options: argparse.Namespace, found: settings.Settings) -> None:
        self._options = options
        self._settings = found
        self._engine = Engine(found)
        self.teller = Teller(found.log)
        found.folder.mkdir(mode=0o700, exist_ok=True)
        self._open()

    def _open(self) -> None:
        self.record = Record(self._settings)
        self._replacing = Replacing(self._settings, self._engine, self.record, self.teller.say)

    def call(self) -> None:
        """Do what the command says. Raise Failure."""
        if self._options.command == "list":
            print(self.record.table() if self.record.rows else "no release is recorded yet")
        elif self._options.command == "plan" and self._options.dry_run:
            self._print_plan()
        else:
            with self._locked():
                # It may have changed while the lock was waited for.
                self._open()
                getattr(self, "_" + self._options.command)()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep others out. Raise Failure where somebody is at it."""
        with open(self._settings.folder / ".lock", "a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.seek(0)
                who = lock.read().strip() or "somebody"
                raise Failure(
                    Exit.UNDER_WAY,
                    f"Another run is under way: {who}",
                    f"Wait for its end; {self._settings.log} tells how far it is",
                ) from None
            lock.truncate(0)
            lock.write(f"{self._options.command} by {self._options.who} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
            lock.flush()
            yield

    def _plan(self) -> None:
        if self._replacing.interrupted() and self.record.serving():
            # Standard output is the plan's.
            with contextlib.redirect_stdout(sys.stderr):
                self._recover()
        with contextlib.redirect_stdout(sys.stderr):
            self._adopt()
        self._print_plan()

    def _print_plan(self) -> None:
        serving = self.record.serving()
        blocked = {
            image: why
            for image, (image_id, why) in self.record.blocked().items()
            if self._engine.image_id(image) in (None, image_id)
        }
        print(json.dumps({"serving": serving.image if serving else "", "blocked": blocked}))

    def _recover(self) -> None:
        serving = self.record.serving()
        if serving is None or not self._replacing.interrupted():
            return
        self.teller.say(f"an update was cut off; release {serving.number} ({serving.version}) is to serve again")
        self._replacing.go_back(serving)
        self.record.cut_off()

    def _adopt(self) -> None:
        """Record what runs, where compose has started it without this program."""
        bots = self._replacing.bots
        if not self._settings.compose.exists() or not bots.runs(self._settings.project):
            return
        wanted = bots.wanted()
        image_id = self._engine.image_id(wanted.image) or ""
        serving = self.record.serving()
        if not bots.is_current(wanted):
            return
        if serving and (serving.image_id, serving.configuration) == (image_id, wanted.configuration):
            return
        row = self.record.begin(wanted.image, image_id, wanted.configuration, "deployment", self._options.who)
        row.schema = bots.schema(wanted.image) or {}
        self._replacing.files.keep(row.number)
        self.record.serve(row)
        self.teller.say(f"release {row.number} ({row.version}) serves")
        self._replacing.prune()

    def _update(self) -> None:
        bots = self._replacing.bots
        wanted = bots.wanted()
        if wanted.image != self._options.image:
            raise Failure(
                Exit.UNDER_WAY,
                f"{self._settings.compose} names {wanted.image}, not {self._options.image}: somebody else deploys",
                "Ask them, then run it again",
            )
        serving = self._must_serve()
        if self._engine.image_id(wanted.image) is None:
            self.teller.say(f"pulling {wanted.image}")
            self._engine.docker("pull", "--quiet", wanted.image, timeout=1800)
        if bots.is_current(wanted):
            self.teller.say("nothing to do: what is wanted runs")
            return
        row = self.record.begin(
            wanted.image, self._engine.image_id(wanted.image) or "", wanted.configuration, "update", self._options.who
        )
        self.teller.say(f"release {row.number}: {serving.version} is to be replaced by {row.version}")
        # The same image has nothing to migrate.
        self._replace(
            row, serving, records.REPLACED, self._settings.probation, migrate=row.image_id != serving.image_id
        )

    def _rollback(self) -> None:
        serving = self._must_serve()
        if self._replacing.interrupted():
            self._recover()
        target = self.record.choose(self._options.release)
        if not self._engine.name_image(target.image_id, target.image):
            raise Failure(
                Exit.NO_SUCH_RELEASE,
                f"The image of release {target.number} ({target.version}) is no longer on the NAS",
                "Check out its commit of the repository and run site.yml",
            )
        self._replacing.check_schema(target)
        self._replacing.files.put_back(target.number)
        try:
            wanted = self._replacing.bots.wanted()
        except Failure:
            self._replacing.files.put_back(serving.number)
            raise
        row = self.record.begin(target.image, target.image_id, wanted.configuration, "rollback", self._options.who)
        self.teller.say(
            f"release {row.number}: {serving.version} goes back to {target.version}, release {target.number}"
        )
        self._replace(row, serving, records.ROLLED_BACK, _SHORT_PROBATION, migrate=False)

    def _must_serve(self) -> Release:
        serving = self.record.serving()
        if serving is None or not self._replacing.bots.runs(self._settings.project):
            raise Failure(Exit.NOTHING_RUNS, "The bot does not run: nothing is there to replace", "site.yml starts it")
        return serving

    def _replace(self, row: Release, serving: Release, before: str, probation: float, migrate: bool) -> None:
        wanted = self._replacing.bots.wanted()
        try:
            if migrate:
                self._replacing.migrate()
                row.schema = self._replacing.bots.schema(row.image) or {}
                self.record.write()
            self._replacing.replace(wanted, row.version, probation)
        except BaseException as error:
            row.seconds = round(self.teller.seconds, 1)
            self._give_up(row, serving, error)
            raise
        row.seconds = round(self.teller.seconds, 1)
        self._replacing.files.keep(row.number)
        # What is rolled back is not to be deployed again; a configuration that is, may be.
        self.record.serve(row, before if row.image_id != serving.image_id else records.REPLACED)
        self.teller.say(f"release {row.number} ({row.version}) serves")
        self._replacing.prune()

    def _give_up(self, row: Release, serving: Release, error: BaseException) -> None:
        what = error.what if isinstance(error, Failure) else f"{type(error).__name__}: {error}"
        self.teller.say(f"FAILED: {what}")
        self.record.fail(row, what.splitlines()[0][:300])
        try:
            self._replacing.go_back(serving)
        except Failure as worse:
            raise Failure(
                Exit.OLD_IS_GONE,
                f"{what}\nand release {serving.number} could not be put back: {worse.what}",
                "Whatever runs now is left alone; mend the cause, then run bin/release recover on the NAS, as root",
            ) from error
        self.teller.say(f"release {serving.number} ({serving.version}) goes on serving")


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return its exit code."""
    options = parse(arguments)
    # The operator's connection may be cut: what was begun is finished.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    program = None
    try:
        program = Program(options, settings.load())
        program.call()
    except Failure as failure:
        _complain(program, str(failure))
        return int(failure.code)
    except SystemExit as stopped:
        _complain(program, f"it was stopped ({stopped})")
        return int(Exit.TERMINATED)
    except Exception as error:
        _complain(program, f"{type(error).__name__}: {error}. A mistake of the program bin/release, please report it")
        return int(Exit.BUG)
    return int(Exit.OK)


def _complain(program: Program | None, text: str) -> None:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)
    if program is not None:
        program.teller.note(text)


def _stop(number: int, frame: Any) -> NoReturn:
    # What follows is putting the old release back: nothing interrupts it.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(f"signal {number}")
