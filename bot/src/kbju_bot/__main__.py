"""The command line: `python -m kbju_bot run|migrate|check-migrations|import-dev|hello|schema|healthcheck|version`.

Each command imports what it needs and no more: the health check runs every 30 seconds.
"""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

from kbju_bot import __version__, exits

if TYPE_CHECKING:
    from kbju_bot.logs import Redactor
    from kbju_bot.settings import LogSettings, MigrationSettings

    SettingsT = TypeVar("SettingsT", bound=LogSettings)

USAGE = """\
usage: python -m kbju_bot COMMAND

  run               run the bot until SIGTERM (the default in the image)
  migrate           apply the pending migrations
  check-migrations  show the pending migrations, changing nothing
  import-dev FILE   take over the DEV version's SQLite file; import-dev --help tells more
  hello RELEASE     write to an admin that a release serves
  schema            show the newest schema this bot brings and the oldest bot that can use it, as JSON
  healthcheck       ask the running bot's /healthz
  version           show the version
"""


def run() -> int:
    """Run the bot."""
    from kbju_bot import app
    from kbju_bot.settings import RunSettings

    settings = _settings(RunSettings)
    return app.main(settings) if settings is not None else exits.CONFIG


def migrate() -> int:
    """Apply the pending migrations, one line each."""
    import asyncio

    def report(revision: str) -> None:
        print(f"applied: {revision}", flush=True)

    async def work(settings: "MigrationSettings") -> None:
        from kbju_bot.storage import migrate as migrations

        if not await migrations.apply(settings, report):
            print("nothing to apply", flush=True)

    return _with_database(lambda settings: asyncio.run(work(settings)))


def check_migrations() -> int:
    """Show the pending migrations, one line each."""
    import asyncio

    async def work(settings: "MigrationSettings") -> None:
        from kbju_bot.storage import migrate as migrations

        pending = await migrations.pending(settings)
        print("\n".join(f"pending: {revision}" for revision in pending) or "nothing to apply", flush=True)

    return _with_database(lambda settings: asyncio.run(work(settings)))


def import_dev(arguments: Sequence[str]) -> int:
    """Take over the DEV version's SQLite file. Raise SystemExit where the command line is wrong or asks for help."""
    from kbju_bot.importer import command
    from kbju_bot.settings import MigrationSettings

    options = command.parse(arguments)
    settings = _settings(MigrationSettings)
    if settings is None:
        return exits.CONFIG
    redact = _redactor(settings)
    try:
        command.run(options, settings)
    except tuple(command.FAILURES) as error:
        print(redact(str(error)), file=sys.stderr)
        return command.FAILURES[type(error)]
    return exits.OK


def hello(arguments: Sequence[str]) -> int:
    """Write to an admin that a release serves: proof that a message goes out."""
    import asyncio

    from kbju_bot import greeting
    from kbju_bot.settings import RunSettings

    if len(arguments) != 1:
        print(USAGE, end="", file=sys.stderr)
        return exits.USAGE
    settings = _settings(RunSettings)
    if settings is None:
        return exits.CONFIG
    try:
        print(asyncio.run(greeting.greet(settings, arguments[0])))
    except greeting.NotSentError as error:
        print(_redactor(settings)(str(error)), file=sys.stderr)
        return exits.UNAVAILABLE
    return exits.OK


def schema() -> int:
    """Show the newest schema this bot brings, and the oldest bot that can use it."""
    import json

    from kbju_bot.storage.migrate import revisions
    from kbju_bot.storage.schema import OLDEST_SERVED

    print(json.dumps({"head": revisions()[-1], "floor": OLDEST_SERVED}))
    return exits.OK


def healthcheck() -> int:
    """Ask the running bot whether it is alive: 0 or 1."""
    import http.client

    host = os.environ.get("HTTP_HOST") or "127.0.0.1"
    connection = http.client.HTTPConnection(
        "127.0.0.1" if host in {"0.0.0.0", "::"} else host,  # noqa: S104 - compared, not bound
        int(os.environ.get("HTTP_PORT") or 8000),
        timeout=5,
    )
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        print(f"the bot does not answer: {error}")
        return 1
    print(f"the bot answers {status}")
    return 0 if status == 200 else 1


def version() -> int:
    """Show the version."""
    print(__version__)
    return exits.OK


COMMANDS: dict[str, Callable[[], int]] = {
    "run": run,
    "migrate": migrate,
    "check-migrations": check_migrations,
    "healthcheck": healthcheck,
    "schema": schema,
    "version": version,
}
WITH_ARGUMENTS: dict[str, Callable[[Sequence[str]], int]] = {"import-dev": import_dev, "hello": hello}


def main(arguments: Sequence[str]) -> int:
    """Run the command that `arguments` names and return its exit code."""
    if arguments and arguments[0] in WITH_ARGUMENTS:
        return WITH_ARGUMENTS[arguments[0]](arguments[1:])
    if len(arguments) != 1 or arguments[0] not in COMMANDS:
        helping = list(arguments) in (["help"], ["--help"], ["-h"])
        print(USAGE, end="", file=sys.stdout if helping else sys.stderr)
        return exits.OK if helping else exits.USAGE
    return COMMANDS[arguments[0]]()


def _settings(kind: "type[SettingsT]") -> "SettingsT | None":
    from kbju_bot.settings import SettingsError, load

    try:
        return load(kind, os.environ)
    except SettingsError as error:
        print(f"{len(error.problems)} wrong setting(s):", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
        return None


def _with_database(work: "Callable[[MigrationSettings], None]") -> int:
    from kbju_bot.settings import MigrationSettings

    settings = _settings(MigrationSettings)
    if settings is None:
        return exits.CONFIG
    redact = _redactor(settings)
    from kbju_bot.storage.migrate import DatabaseUnavailableError, MigrationError

    try:
        work(settings)
    except DatabaseUnavailableError as error:
        print(redact(str(error)), file=sys.stderr)
        return exits.UNAVAILABLE
    except MigrationError as error:
        print(redact(str(error)), file=sys.stderr)
        return exits.SOFTWARE
    return exits.OK


def _redactor(settings: "LogSettings") -> "Redactor":
    from kbju_bot.logs import Redactor
    from kbju_bot.settings import secrets_of

    return Redactor(secrets_of(settings))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
