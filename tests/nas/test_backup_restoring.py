"""Restoring into a real PostgreSQL: what is saved, swapped, undone and kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.cluster import Cluster
from kbju_backup import cli
from kbju_backup.postgres import Server
from kbju_backup.settings import Settings
from kbju_backup.store import MANIFEST, Store
from nas.backups import manifest
from nas.server import DATABASE, settings


@pytest.fixture(scope="module")
def container() -> Iterator[str]:
    cluster = Cluster()
    cluster.start()
    yield cluster.container
    cluster.stop()


@pytest.fixture
def found(tmp_path: Path, container: str) -> Iterator[Settings]:
    """The settings, with a database whose one row says "present"."""
    found = settings(tmp_path, container)
    server = Server(found)
    server.create(DATABASE)
    server.query(DATABASE, "CREATE TABLE diary (entry text); INSERT INTO diary VALUES ('present');")
    yield found
    for name in databases(server):
        server.drop(name)


def databases(server: Server) -> list[str]:
    return server.query("postgres", "SELECT datname FROM pg_database WHERE datname LIKE 'kbju%' ORDER BY 1;").split()


def call(found: Settings, *arguments: str) -> str:
    return cli.Program(cli.parse(arguments), found).call()


def taken(found: Settings, kind: str = "manual") -> str:
    """Take a backup and return its name."""
    call(found, "run", "--local-only", "--kind", kind)
    last = Store(found.backups).last()
    assert last is not None
    return last.name


def test_saving_the_present_state_deletes_no_backup(found: Settings) -> None:
    """The one that is to be restored may be the one that retention would delete next."""
    for month in range(1, 13):
        folder = found.backups / f"2020-{month:02}-01T003000Z"
        folder.mkdir()
        (folder / MANIFEST).write_text(json.dumps(manifest()), encoding="utf-8")

    saved = taken(found, "before-restore")

    names = [one.name for one in Store(found.backups).all()]
    assert names == [*(f"2020-{month:02}-01T003000Z" for month in range(1, 13)), saved]
    taken(found)
    assert len(Store(found.backups).all()) < len(names), "the next run rotates"
