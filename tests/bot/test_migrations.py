"""Migrations, and what the bot makes of the schema it finds."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from kbju_bot import exits
from kbju_bot.settings import MigrationSettings, load
from kbju_bot.storage import migrate, schema
from kbju_bot.storage.locks import MIGRATION_LOCK

from .cluster import Cluster, free_port
from .support import World, run_command


def migrator(cluster: Cluster, database: str) -> dict[str, str]:
    return {
        "DATABASE_URL": cluster.url(database, "kbju_bot"),
        "DB_PASSWORD": cluster.password,
        "MIGRATION_DATABASE_URL": cluster.url(database, "kbju_migrator"),
        "MIGRATION_DB_PASSWORD": cluster.password,
        "DB_TIMEOUT": "3",
    }


def lines(state: str) -> str:
    return "".join(f"{state}: {revision}\n" for revision in migrate.revisions())


def test_revisions_are_numbered() -> None:
    revisions = migrate.revisions()
    assert revisions == [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert schema.REQUIRED_REVISION in revisions


async def test_check_then_migrate_then_nothing(cluster: Cluster, empty_database: str, tmp_path: Path) -> None:
    environ = migrator(cluster, empty_database)
    admin = await cluster.connect(empty_database)
    assert await run_command("check-migrations", environ, tmp_path) == (0, lines("pending"))
    assert await admin.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert await run_command("migrate", environ, tmp_path) == (0, lines("applied"))
    tables = await admin.fetch("SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert {"users", "inbox", "outbox"} <= {row["tablename"] for row in tables}
    assert {row["tableowner"] for row in tables} == {"kbju_migrator"}
    assert await run_command("migrate", environ, tmp_path) == (0, "nothing to apply\n")
    assert await run_command("check-migrations", environ, tmp_path) == (0, "nothing to apply\n")
    await admin.close()


async def apply(environ: dict[str, str]) -> list[str]:
    """Migrate in this process; return what was applied."""
    applied: list[str] = []
    assert await migrate.apply(load(MigrationSettings, environ), applied.append) == bool(applied)
    return applied


async def test_a_newer_schema_is_left_alone(world: World) -> None:
    await world.admin.execute("UPDATE alembic_version SET version_num = '9999'")
    assert await apply(migrator(world.cluster, world.database)) == []
    async with world.bot():
        await world.write(7001, "/start")
        await world.replies(7001, 1)


async def test_two_migrators_apply_each_revision_once(cluster: Cluster, empty_database: str) -> None:
    results = await asyncio.gather(*(apply(migrator(cluster, empty_database)) for _ in range(3)))
    assert sorted(results) == [[], [], migrate.revisions()]


async def test_a_migrator_waits_for_the_other_only_so_long(cluster: Cluster, empty_database: str) -> None:
    admin = await cluster.connect(empty_database)
    await admin.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
    with pytest.raises(migrate.MigrationError, match="another migration has been running"):
        await apply(migrator(cluster, empty_database) | {"MIGRATION_LOCK_TIMEOUT": "0.3"})
    await admin.close()


async def test_a_failed_migration_is_rolled_back(cluster: Cluster, empty_database: str, tmp_path: Path) -> None:
    admin = await cluster.connect(empty_database)
    # The last table of the first revision is in the way.
    await admin.execute("CREATE TABLE outbox (x int)")
    code, text = await run_command("migrate", migrator(cluster, empty_database), tmp_path)
    assert code == exits.SOFTWARE
    assert text.startswith("migration 0001 failed and was rolled back")
    assert await admin.fetchval("SELECT to_regclass('users') IS NULL")
    await admin.execute("DROP TABLE outbox")
    assert await apply(migrator(cluster, empty_database)) == migrate.revisions()
    await admin.close()


async def test_no_database(tmp_path: Path) -> None:
    environ = {"DATABASE_URL": f"postgresql://bot:hunter-two@127.0.0.1:{free_port()}/kbju", "DB_TIMEOUT": "1"}
    code, text = await run_command("migrate", environ, tmp_path)
    assert code == exits.UNAVAILABLE
    assert text.startswith("no connection to the database within 1 s: ")
    assert len(text.splitlines()) == 1
    assert "hunter-two" not in text


async def test_a_database_that_says_nothing(tmp_path: Path) -> None:
    silence = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = silence.sockets[0].getsockname()[1]
    environ = {"DATABASE_URL": f"postgresql://bot@127.0.0.1:{port}/kbju", "DB_TIMEOUT": "0.5"}
    code, text = await run_command("check-migrations", environ, tmp_path)
    silence.close()
    assert (code, text) == (exits.UNAVAILABLE, "no connection to the database within 0.5 s: timed out\n")


async def test_wrong_password(cluster: Cluster, database: str) -> None:
    with pytest.raises(migrate.DatabaseUnavailableError, match="password authentication failed") as caught:
        await apply(migrator(cluster, database) | {"MIGRATION_DB_PASSWORD": "wrong-one"})
    assert "wrong-one" not in str(caught.value)


async def test_the_runtime_role_changes_no_schema(cluster: Cluster, database: str) -> None:
    bot = await cluster.connect(database, "kbju_bot")
    for statement in ("CREATE TABLE x ()", "ALTER TABLE users ADD x int", "DROP TABLE inbox", "TRUNCATE users"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await bot.execute(statement)
    await bot.close()


async def test_the_runtime_role_can_not_migrate(cluster: Cluster, database: str, empty_database: str) -> None:
    def as_bot(name: str) -> dict[str, str]:
        return {"DATABASE_URL": cluster.url(name, "kbju_bot"), "DB_PASSWORD": cluster.password}

    assert await apply(as_bot(database)) == []
    with pytest.raises(migrate.MigrationError, match="permission denied"):
        await apply(as_bot(empty_database))


async def test_the_bot_refuses_a_database_without_a_schema(world: World) -> None:
    await world.admin.execute("DROP TABLE alembic_version")
    async with world.bot(ready=False) as bot:
        assert await asyncio.wait_for(asyncio.shield(bot.task), 10) == exits.SCHEMA_TOO_OLD


async def test_the_bot_refuses_an_older_schema(world: World) -> None:
    await world.admin.execute("UPDATE alembic_version SET version_num = '0000'")
    async with world.process(ready=False) as bot:
        assert await bot.ended() == exits.SCHEMA_TOO_OLD
    assert re.search(r"CRITICAL - .* is at 0000, but this bot needs 0002 or newer; run .*migrate", bot.text)
