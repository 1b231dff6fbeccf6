"""Fixtures of the bot's tests."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from kbju_bot.settings import MigrationSettings, load
from kbju_bot.storage import migrate
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

from .cluster import Cluster
from .support import SETTLED, Gate, World, settle

EMPTY = "kbju_empty"
MIGRATED = "kbju_migrated"
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Silence, as the bot does, the library's advice against calling methods by their names in the API."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore:Please use 'Bot"))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server with an empty and a migrated database to copy."""
    cluster = Cluster()
    cluster.start()
    try:
        asyncio.run(_prepare(cluster))
        yield cluster
    finally:
        cluster.stop()


async def _prepare(cluster: Cluster) -> None:
    await cluster.prepare(EMPTY)
    await cluster.copy(EMPTY, MIGRATED)
    variables = {"DATABASE_URL": cluster.url(MIGRATED, "kbju_migrator"), "DB_PASSWORD": cluster.password}
    await migrate.apply(load(MigrationSettings, variables), lambda _: None)


@pytest.fixture
async def empty_database(cluster: Cluster) -> AsyncIterator[str]:
    """An empty database."""
    name = f"kbju_{next(_numbers)}"
    await cluster.copy(EMPTY, name)
    yield name
    await cluster.drop(name)


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[str]:
    """A migrated database."""
    name = f"kbju_{next(_numbers)}"
    await cluster.copy(MIGRATED, name)
    yield name
    await cluster.drop(name)


@pytest.fixture
async def world(cluster: Cluster, database: str, tmp_path: Path) -> AsyncIterator[World]:
    """A migrated database and a Telegram."""
    config = Config(any_webhook=True, webhook_backoff=0.1, webhook_backoff_max=0.3)
    admin = await cluster.connect(database)
    await settle(admin, SETTLED)
    async with EmulatorServer(config) as telegram, Gate(cluster.port) as gate, aiohttp.ClientSession() as session:
        yield World(cluster, database, telegram, gate, tmp_path, admin, session)
    await admin.close()
