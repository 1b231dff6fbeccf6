"""Restoring into a real PostgreSQL: what is saved, swapped, undone and kept."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.cluster import Cluster
from kbju_backup import cli
from kbju_backup.errors import Exit, Failure
from kbju_backup.postgres import Server
from kbju_backup.settings import Settings
from kbju_backup.store import CHECKSUMS, MANIFEST, Store
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


def entry(found: Settings, database: str = DATABASE) -> str:
    return Server(found).query(database, "SELECT entry FROM diary;")


@pytest.fixture
def swapped(found: Settings) -> str:
    """The name of what was saved before a restore, which has come to its end: "past" is in the place of "present"."""
    server = Server(found)
    server.query(DATABASE, "UPDATE diary SET entry = 'past';")
    past = taken(found)
    server.query(DATABASE, "UPDATE diary SET entry = 'present';")
    saved = taken(found, "before-restore")
    call(found, "restore", past, "--saved", saved)
    assert entry(found) == "past"
    return saved


def test_undoing_a_restore_that_nobody_has_used_leaves_nothing_of_it(found: Settings, swapped: str) -> None:
    said = call(found, "undo-restore", "--saved", swapped)

    assert said == "The database from before has its place again"
    assert entry(found) == "present"
    assert databases(Server(found)) == [DATABASE]


def test_undoing_a_restore_that_the_bot_has_run_on_keeps_what_users_wrote(found: Settings, swapped: str) -> None:
    Server(found).query(DATABASE, "UPDATE diary SET entry = 'written meanwhile';")

    said = call(found, "undo-restore", "--saved", swapped, "--keep-restored")

    assert entry(found) == "present"
    (kept,) = set(databases(Server(found))) - {DATABASE}
    assert f"stays as {kept}, until you drop it" in said
    assert entry(found, kept) == "written meanwhile"


@pytest.mark.parametrize(("command", "left"), [("undo-restore", "present"), ("finish-restore", "past")])
def test_the_end_of_a_restore_waits_for_a_run_that_has_begun_meanwhile(
    found: Settings, swapped: str, command: str, left: str
) -> None:
    arguments = ["--saved", swapped] if command == "undo-restore" else []
    with Store(found.backups).locked():
        waiting = threading.Thread(target=call, args=(found, command, *arguments))
        waiting.start()
        waiting.join(1)
        assert waiting.is_alive()
        assert entry(found) == "past"
    waiting.join(20)

    assert entry(found) == left
    assert databases(Server(found)) == [DATABASE]


def test_the_end_of_a_restore_does_not_wait_for_ever(found: Settings, swapped: str) -> None:
    impatient = replace(found, dump_timeout=1)

    with Store(found.backups).locked(), pytest.raises(Failure, match="under way") as failure:
        call(impatient, "undo-restore", "--saved", swapped)

    assert failure.value.code == Exit.ALREADY_RUNNING


@pytest.mark.parametrize("known", [True, False])
def test_a_restore_that_has_no_space_touches_nothing(found: Settings, known: bool) -> None:
    """A backup tells how large its database is; of an older one it is guessed."""
    name = taken(found)
    folder = found.backups / name
    written = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    assert written["database_size"] > 1 << 20
    if known:
        written["database_size"] = 1 << 50
    else:
        del written["database_size"]
        written["files"]["globals.sql"] = 1 << 50
    text = json.dumps(written)
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    sums = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    good = [line for line in sums if not line.endswith(MANIFEST)]
    signed = f"{hashlib.sha256(text.encode()).hexdigest()}  {MANIFEST}"
    (folder / CHECKSUMS).write_text("\n".join([*good, signed]) + "\n", encoding="utf-8")

    with pytest.raises(Failure, match="too full to restore a second database") as failure:
        call(found, "restore", name)

    assert failure.value.code == Exit.DISK_FULL
    assert databases(Server(found)) == [DATABASE]
