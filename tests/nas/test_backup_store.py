"""The directory of the backups: whole or absent, checked by checksums, one run at a time."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from kbju_backup import writing
from kbju_backup.errors import Exit, Failure
from kbju_backup.store import CHECKSUMS, MANIFEST, Backup, Store
from nas.backups import NAME, manifest

TEMPLATES = Path(__file__).resolve().parents[2] / "roles" / "hyper_backup" / "templates"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def make(store: Store) -> Backup:
    folder = store.new()
    (folder / "database.dump").write_bytes(b"dump")
    return store.complete(folder, manifest(), {"database.dump": writing.checksum(folder / "database.dump")})


def test_a_complete_backup_is_listed_and_whole(store: Store) -> None:
    made = make(store)

    assert [one.name for one in store.all()] == [made.name]
    assert (made.rows, made.size, made.revision) == (3, 4, "0002")
    store.check(store.get(made.name))


def test_an_unfinished_backup_is_no_backup_and_the_next_run_deletes_it(store: Store) -> None:
    folder = store.new()
    (folder / MANIFEST).write_text("{}", encoding="utf-8")
    good = make(store)

    assert [one.name for one in store.all()] == [good.name]
    assert store.clean_up() == 1
    assert not folder.exists()
    assert [one.name for one in store.all()] == [good.name]


def test_a_deletion_that_was_interrupted_is_finished(store: Store) -> None:
    made = make(store)
    made.folder.rename(store.folder / f".deleted-{made.name}")

    assert store.all() == []
    assert store.clean_up() == 1
    assert [one.name for one in store.folder.iterdir()] == []


@pytest.mark.parametrize("text", ["", "[]", '{"proven": true}', json.dumps(manifest(proven=False))])
def test_a_folder_without_a_good_manifest_is_shown_and_never_deleted(store: Store, text: str) -> None:
    (store.folder / NAME).mkdir()
    (store.folder / NAME / MANIFEST).write_text(text, encoding="utf-8")

    assert store.all() == []
    assert store.unreadable() == [NAME]
    assert store.clean_up() == 0
    with pytest.raises(Failure, match="no readable manifest") as failure:
        store.get(NAME)
    assert failure.value.code == Exit.BROKEN_BACKUP


@pytest.mark.parametrize("name", ["database.dump", MANIFEST])
def test_a_changed_byte_is_noticed(store: Store, name: str) -> None:
    made = make(store)
    file = made.folder / name
    file.write_bytes(file.read_bytes()[:-1] + b"X")

    with pytest.raises(Failure, match=rf"checksum of .*{name} is wrong") as failure:
        store.check(made)
    assert failure.value.code == Exit.BROKEN_BACKUP


@pytest.mark.parametrize("name", ["database.dump", CHECKSUMS])
def test_a_missing_file_is_noticed(store: Store, name: str) -> None:
    made = make(store)
    (made.folder / name).unlink()

    with pytest.raises(Failure) as failure:
        store.check(made)
    assert failure.value.code == Exit.BROKEN_BACKUP


def test_sha256sum_can_check_a_backup_without_us(store: Store) -> None:
    made = make(store)

    subprocess.run(["sha256sum", "--check", "--strict", CHECKSUMS], cwd=made.folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", ["nonsense", "../backups", ".unfinished-" + NAME, ""])
def test_an_unknown_name_is_told_with_those_there_are(store: Store, name: str) -> None:
    made = make(store)

    with pytest.raises(Failure, match=f"There are: {made.name}") as failure:
        store.get(name)
    assert failure.value.code == Exit.NO_SUCH_BACKUP


def test_one_run_at_a_time_and_a_killed_one_locks_nobody_out(store: Store) -> None:
    hold = f"""
import sys, pathlib
sys.path.insert(0, {str(TEMPLATES)!r})
from kbju_backup.store import Store
with Store(pathlib.Path({str(store.folder)!r})).locked():
    print("held", flush=True)
    sys.stdin.read()
"""
    with subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(Failure, match=rf"under way \(process {other.pid}\)") as failure, store.locked():
            pass
        other.kill()
    assert failure.value.code == Exit.ALREADY_RUNNING

    with store.locked():
        pass


def test_no_file_may_be_read_by_others(store: Store) -> None:
    folder = store.new()
    with writing.Sink(folder / "database.dump", 0) as sink:
        sink.write(b"dump")
    made = store.complete(folder, manifest(), {"database.dump": sink.checksum})

    assert {file.stat().st_mode & 0o077 for file in [made.folder, *made.folder.iterdir()]} == {0}


def test_a_full_disk_is_told_as_such(tmp_path: Path) -> None:
    (tmp_path / "full").symlink_to("/dev/full")
    sink = writing.Sink(tmp_path / "dump", 0)
    os.dup2(os.open("/dev/full", os.O_WRONLY), sink._file)

    with pytest.raises(Failure, match="The disk is full: no space left while writing below") as failure:
        sink.write(b"dump")
    assert failure.value.code == Exit.DISK_FULL


def test_a_file_is_not_written_into_the_reserve(tmp_path: Path) -> None:
    reserve = writing.free_space(tmp_path) + (1 << 30)

    with writing.Sink(tmp_path / "dump", reserve) as sink, pytest.raises(Failure, match="too full") as failure:
        sink.write(b"dump")
    assert failure.value.code == Exit.DISK_FULL


def test_what_is_packed_can_be_unpacked(tmp_path: Path) -> None:
    (tmp_path / "config" / "nginx").mkdir(parents=True)
    (tmp_path / "config" / "nginx" / "nginx.conf").write_text("events {}", encoding="utf-8")
    (tmp_path / ".env").write_text("A=1", encoding="utf-8")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "config" / "leak").symlink_to(tmp_path / "secrets")

    with writing.Sink(tmp_path / "files.tar.gz", 0) as sink:
        packed = writing.pack(sink, tmp_path, ["config", ".env", "absent"])

    with tarfile.open(tmp_path / "files.tar.gz") as archive:
        assert sorted(archive.getnames()) == [".env", "config/nginx/nginx.conf"]
        found = archive.extractfile("config/nginx/nginx.conf")
        assert found is not None
        assert found.read() == b"events {}"
    assert packed == 2
    assert sink.checksum == writing.checksum(tmp_path / "files.tar.gz")


def test_a_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "backup.prom"
    writing.write_whole(file, "old\n", 0o644)
    (tmp_path / ".backup.prom.new").write_text("left by a killed run", encoding="utf-8")

    writing.write_whole(file, "new\n", 0o644)

    assert file.read_text(encoding="utf-8") == "new\n"
    assert file.stat().st_mode & 0o777 == 0o644
    assert [one.name for one in tmp_path.iterdir()] == ["backup.prom"]


def test_what_is_no_file_is_not_packed_and_holds_nobody_up(tmp_path: Path) -> None:
    """The bot may write to the folder of its logs."""
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "bot.log").write_text("started", encoding="utf-8")
    (tmp_path / "logs" / "link.log").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "logs" / "pipe.log")
    pack = f"""
import sys, pathlib
sys.path.insert(0, {str(TEMPLATES)!r})
from kbju_backup import writing
root = pathlib.Path({str(tmp_path)!r})
with writing.Sink(root / "logs.tar.gz", 0) as sink:
    print(writing.pack(sink, root, ["logs"]))
"""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "logs" / "socket.log"))
        done = subprocess.run([sys.executable, "-c", pack], capture_output=True, text=True, timeout=10, check=False)

    assert (done.stdout, done.stderr) == ("1\n", "")
    with tarfile.open(tmp_path / "logs.tar.gz") as archive:
        assert archive.getnames() == ["logs/bot.log"]


def test_what_is_fed_to_postgresql_stops_before_the_volume_is_full(tmp_path: Path) -> None:
    (tmp_path / "dump").write_bytes(b"dump")
    reserve = writing.free_space(tmp_path) + (1 << 30)

    assert list(writing.read_chunks(tmp_path / "dump")) == [b"dump"]
    with pytest.raises(Failure, match="too full"):
        list(writing.read_chunks(tmp_path / "dump", reserve))
