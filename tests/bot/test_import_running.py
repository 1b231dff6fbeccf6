"""The import beside a running bot and another import, and what ends it early."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from dev_database import DevFile, make
from kbju_bot import exits
from kbju_bot.core.model import Person
from kbju_bot.core.profile import Goal
from kbju_bot.core.state import State
from kbju_bot.exits import NO_INPUT
from kbju_bot.storage import states
from kbju_bot.storage.locks import IMPORT_LOCK
from kbju_bot.texts import Language

from .cluster import Cluster, free_port
from .importing import Target, ended, person, result_of
from .support import eventually


@pytest.fixture
async def target(cluster: Cluster, database: str, tmp_path: Path) -> AsyncIterator[Target]:
    """A migrated database without a row."""
    admin = await cluster.connect(database)
    environment = {"DATABASE_URL": cluster.url(database, "kbju_bot"), "DB_PASSWORD": cluster.password}
    yield Target(admin, environment, tmp_path)
    await admin.close()


@asynccontextmanager
async def update_in_flight(connection: asyncpg.Connection, number: int) -> AsyncIterator[states.Admitted]:
    """Handle an update of user 7 as the bot does, up to its commit."""
    async with connection.transaction():
        known = await states.admit(connection, number, 7, datetime.now(UTC))
        assert known is not None
        yield known


async def waits_for_a_lock(admin: asyncpg.Connection, application: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'"
    return bool(await admin.fetchval(query, application))


async def test_the_import_waits_for_the_update_that_is_being_handled(
    target: Target, cluster: Cluster, database: str
) -> None:
    """Else the bot would write the user as it has read it before: without a profile."""
    made = DevFile()
    person(made)
    made.write(target.folder / "dev.db")
    await target.admin.execute("INSERT INTO users (telegram_id, first_name) VALUES (7, 'Ваня')")
    bot = await cluster.connect(database, "kbju_bot")
    async with update_in_flight(bot, 1) as known:
        process = await target.start()
        await eventually(lambda: waits_for_a_lock(target.admin, "kbju-bot-import"), within=60)
        english = State(registered=True, language=Language.EN)
        await states.save(
            bot, Person(7, "Ваня"), known.state, english, now=datetime.now(UTC), default_zone="Europe/Moscow"
        )
    code, _, problems = await ended(process)
    await bot.close()
    assert code == exits.OK, problems
    assert tuple(await target.admin.fetchrow("SELECT language, goal FROM users")) == ("en", "lean")


async def test_a_dry_run_goes_on_beside_the_bot(target: Target, cluster: Cluster, database: str) -> None:
    made = DevFile()
    person(made)
    made.write(target.folder / "dev.db")
    bot = await cluster.connect(database, "kbju_bot")
    async with update_in_flight(bot, 1):
        code, report, problems = await target.run("--dry-run")
    await bot.close()
    assert code == exits.OK, problems
    assert "it would be imported: 1 rows of users" in report


async def test_an_update_that_comes_meanwhile_finds_what_was_imported(
    target: Target, cluster: Cluster, database: str
) -> None:
    made = DevFile()
    person(made)
    made.write(target.folder / "dev.db")
    await target.admin.execute("INSERT INTO users (telegram_id, first_name) VALUES (7, 'Ваня')")
    bot = await asyncpg.connect(
        cluster.url(database, "kbju_bot"), password=cluster.password, server_settings={"application_name": "bot"}
    )
    keeping = target.admin.transaction()
    await keeping.start()
    await target.admin.execute("SELECT FROM users WHERE telegram_id = 7 FOR UPDATE")
    process = await target.start()
    observer = await cluster.connect(database)
    await eventually(lambda: waits_for_a_lock(observer, "kbju-bot-import"), within=60)

    async def handle() -> states.Admitted:
        async with update_in_flight(bot, 1) as known:
            return known

    handling = asyncio.create_task(handle())
    await eventually(lambda: waits_for_a_lock(observer, "bot"), within=60)
    await keeping.rollback()
    code, _, problems = await ended(process)
    known = await asyncio.wait_for(handling, 60)
    await bot.close()
    await observer.close()

    assert code == exits.OK, problems
    assert known.state.profile is not None
    assert known.state.profile.goal is Goal.LEAN
    assert known.state.record is not None
    assert known.state.record.body_fat == 18.4


async def test_two_imports_at_once_import_once(target: Target) -> None:
    made = make(100)
    made.write(target.folder / "dev.db")
    results = await asyncio.gather(target.run(), target.run())
    assert [code for code, _, _ in results] == [exits.OK, exits.OK]
    assert sorted(result_of(report) for _, report, _ in results) == [
        "imported",
        "nothing to import",
    ]
    assert await target.counts() == made.accepted


async def test_an_import_waits_for_another_only_so_long(target: Target) -> None:
    make(2).write(target.folder / "dev.db")
    await target.admin.execute("SELECT pg_advisory_lock($1)", IMPORT_LOCK)
    code, _, problems = await target.run(MIGRATION_LOCK_TIMEOUT="0.3")
    assert code == exits.SOFTWARE
    assert problems == "another import has been running for 0.3 s; look what it is waiting for\n"


async def test_a_file_that_can_not_be_used(target: Target) -> None:
    (target.folder / "dev.db").write_text("Канарейка")
    code, report, problems = await target.run()
    assert (code, report) == (NO_INPUT, "")
    assert problems == f"{target.folder}/dev.db is no SQLite database; give the file of the DEV version\n"


async def test_no_database(target: Target) -> None:
    make(2).write(target.folder / "dev.db")
    address = f"postgresql://kbju_bot:hunter-two@127.0.0.1:{free_port()}/kbju"
    code, report, problems = await target.run(DATABASE_URL=address, DB_PASSWORD="", DB_TIMEOUT="1")
    assert (code, report) == (exits.UNAVAILABLE, "")
    assert problems.startswith("no connection to the database within 1 s: ")
    assert "hunter-two" not in problems


async def test_a_schema_that_is_too_old(target: Target) -> None:
    make(2).write(target.folder / "dev.db")
    await target.admin.execute("UPDATE alembic_version SET version_num = '0001'")
    code, report, problems = await target.run()
    assert (code, report) == (exits.SCHEMA_TOO_OLD, "")
    assert "run `python -m kbju_bot migrate` first" in problems


async def test_the_report_as_a_file(target: Target) -> None:
    made = make(20)
    made.write(target.folder / "dev.db")
    path = target.folder / "report.jsonl"
    await target.run("--dry-run", "--report", str(path))
    assert path.read_text().count('"kind": "rejected"') == made.rejected.total()

    # The name of the file itself, by mistake.
    before = (target.folder / "dev.db").read_bytes()
    code, _, problems = await target.run("--report", str(target.folder / "dev.db"))
    assert code == 73
    assert "is the file to import" in problems
    assert (target.folder / "dev.db").read_bytes() == before
    assert await target.content() is None


@pytest.mark.parametrize(
    ("arguments", "code"), [(["--help"], exits.OK), (["--nonsense"], exits.USAGE), (["one.db"], exits.USAGE)]
)
async def test_the_command_line(target: Target, arguments: list[str], code: int) -> None:
    result, stdout, stderr = await target.run(*arguments)
    assert result == code
    assert "usage: python -m kbju_bot import-dev" in (stdout if code == exits.OK else stderr)


async def test_a_server_that_logs_every_statement_logs_nothing_of_a_user(
    target: Target, cluster: Cluster, database: str
) -> None:
    """With a statement PostgreSQL logs its arguments."""
    made = DevFile()
    person(made, last_name="Канарейкина")
    made.write(target.folder / "dev.db")
    await target.admin.execute(f"ALTER DATABASE {database} SET log_min_duration_statement = 0")
    code, _, problems = await target.run()
    assert code == exits.OK, problems
    logs = await asyncio.create_subprocess_exec(
        *("docker", "logs", cluster.container), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    written = (await logs.communicate())[0].decode()
    assert "INSERT INTO user_records" in written
    assert "Канарейкина" not in written
