"""The command line."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import sys
import time
from typing import Any, Iterator, NoReturn, Sequence

import kbju_release.errors
from kbju_release.programs import Engine
from kbju_release.telling import Teller

import kbju_backup.errors
from kbju_upgrade import settings
from kbju_upgrade.settings import FAILED, UNDER_WAY, Failure, Settings
from kbju_upgrade.upgrading import Upgrading

_BUG, _TERMINATED = 70, 143


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the arguments. Raise SystemExit where they are wrong or ask for help."""
    parser = argparse.ArgumentParser(prog="upgrade-postgres", description=sys.modules[__name__].__doc__)
    parser.add_argument("--who", default=os.environ.get("SUDO_USER") or "root", help="whom others are told of")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser("upgrade", help="go to the version of releases/postgres/next.yml")
    commands.add_parser("return", help="go back to the server and the data from before the last upgrade")
    commands.add_parser("recover", help="put right what a run that was cut off has left")
    return parser.parse_args(arguments)


@contextlib.contextmanager
def locked(found: Settings, who: str) -> Iterator[None]:
    """Keep out others of this kind, and whoever replaces the bot: it is bin/release's lock. Raise Failure."""
    with open(found.release.folder / ".lock", "a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.seek(0)
            raise Failure(UNDER_WAY, f"Another run is under way: {lock.read().strip()}. Wait for its end") from None
        lock.truncate(0)
        lock.write(f"upgrade of PostgreSQL by {who} since {time.strftime('%Y-%m-%d %H:%M:%S')}")
        lock.flush()
        yield


def run(found: Settings, options: argparse.Namespace, teller: Teller) -> None:
    """Do what the command says. Raise Failure, or a neighbour's."""
    with locked(found, options.who):
        upgrading = Upgrading(found, Engine(found.release), teller.say)
        upgrading.recover()
        if options.command == "upgrade":
            upgrading.upgrade()
        elif options.command == "return":
            upgrading.go_back()


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` name and return its exit code."""
    options = parse(arguments)
    # The operator's connection may be cut: what was begun is finished.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    teller = None
    try:
        found = settings.load()
        teller = Teller(found.log)
        run(found, options, teller)
    except Failure as failure:
        return _complain(teller, str(failure), failure.code)
    except (kbju_backup.errors.Failure, kbju_release.errors.Failure) as failure:
        return _complain(teller, str(failure), FAILED)
    except SystemExit as stopped:
        return _complain(teller, f"it was stopped ({stopped})", _TERMINATED)
    except Exception as error:
        return _complain(teller, f"{type(error).__name__}: {error}. A mistake of the program, please report it", _BUG)
    return 0


def _complain(teller: Teller | None, text: str, code: int) -> int:
    with contextlib.suppress(OSError):
        print(text, file=sys.stderr, flush=True)
    if teller is not None:
        teller.note(text)
    return code


def _stop(number: int, frame: Any) -> NoReturn:
    # What follows is putting the old server back: nothing interrupts it.
    signal.signal(number, signal.SIG_IGN)
    raise SystemExit(f"signal {number}")
