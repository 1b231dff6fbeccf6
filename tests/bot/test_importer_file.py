"""Reading the DEV version's file, and what an import tells of it."""

import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from dev_database import DevFile, make
from kbju_bot.importer import report
from kbju_bot.importer.conversion import convert
from kbju_bot.importer.reading import DevDatabaseError, read
from kbju_bot.importer.rows import (
    PREFERENCES,
    RECORDS,
    USERS,
)
from kbju_bot.importer.writing import Outcome

from .importing import NOTHING, NOW, converted, preferences, reasons, record, user


def written(path: Path, *statements: str) -> Path:
    """Write a small file of the DEV version's, and then do this to it."""
    made = make(3, records_each=2)
    made.write(path)
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_everything_in_the_file_is_read(tmp_path: Path) -> None:
    made = make(30)
    made.write(tmp_path / "dev.db")
    dev = read(tmp_path / "dev.db")
    assert [len(list(part)) for part in (dev.users, dev.records, dev.preferences)] == list(made.read.values())
    (first, *_) = dev.records
    assert first == record(1, telegram_id=1, date="2024-01-01", weight=82.0, waist=90.0, neck=40.0, height=180.0)


def test_a_generated_file_is_accepted_as_its_maker_says(tmp_path: Path) -> None:
    made = make(200)
    made.write(tmp_path / "dev.db")
    conversion = convert(read(tmp_path / "dev.db"), NOW)
    assert conversion.accepted == made.accepted
    assert Counter(one.table for one in conversion.rejected) == made.rejected


def test_what_is_no_utf8_spoils_one_field(tmp_path: Path) -> None:
    path = written(tmp_path / "dev.db", "UPDATE user_records SET weight = CAST(X'FFFE' AS TEXT) WHERE id = 1")
    assert (RECORDS, 1) in reasons(convert(read(path), NOW))


def test_the_file_and_its_folder_stay_as_they_are(tmp_path: Path) -> None:
    path = written(tmp_path / "dev.db")
    before = path.read_bytes()
    read(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_no_lock_is_taken(tmp_path: Path) -> None:
    """In a read-only folder there could be none."""
    path = written(tmp_path / "dev.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        assert list(read(path).users)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("DROP TABLE user_food_preferences", "it has no table user_food_preferences"),
        ("ALTER TABLE user_records RENAME COLUMN waist TO taille", "it has no column user_records.waist"),
        ("ALTER TABLE users DROP COLUMN sex", "it has no column users.sex"),
    ],
)
def test_a_missing_table_or_column_is_named(tmp_path: Path, statement: str, words: str) -> None:
    with pytest.raises(DevDatabaseError, match=words):
        read(written(tmp_path / "dev.db", statement))


def test_columns_that_are_not_read_may_be_missing(tmp_path: Path) -> None:
    statements = [f"ALTER TABLE user_records DROP COLUMN {column}" for column in ("step_multiplier", "bodyfat")]
    assert list(read(written(tmp_path / "dev.db", *statements)).records)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "dev.db"
    path.write_bytes(b"not a database" * 100)
    with pytest.raises(DevDatabaseError, match=r"dev\.db is no SQLite database"):
        read(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DevDatabaseError, match=r"dev\.db can't be read: No such file"):
        read(tmp_path / "dev.db")


def test_an_empty_file_has_none_of_the_tables(tmp_path: Path) -> None:
    path = tmp_path / "dev.db"
    path.touch()
    with pytest.raises(DevDatabaseError, match="no table users, no table user_records, no table user_food_preferences"):
        read(path)


def test_a_damaged_file(tmp_path: Path) -> None:
    path = tmp_path / "dev.db"
    make(200).write(path)
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 8192] = bytes(8192)
    path.write_bytes(content)
    with pytest.raises(DevDatabaseError, match="malformed"):
        read(path)


def test_changes_that_are_not_in_the_file_yet_are_not_passed_over(tmp_path: Path) -> None:
    """In WAL mode the newest rows stand beside the file until a checkpoint."""
    path = written(tmp_path / "dev.db")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM users")
        connection.commit()
        with pytest.raises(DevDatabaseError, match=r"dev\.db-wal holds changes that are not in dev\.db yet"):
            read(path)
    assert list(read(path).users) == []


def test_the_report_tells_rows_and_reasons_but_no_content() -> None:
    canaries = {"first_name": "Канарейка", "username": "canary_user", "last_name": "Птицына", "sex": "канарейский"}
    conversion = converted(
        user(1, **canaries),
        user(2, **canaries),
        *(record(number, weight="271,9 фунта", date="2025-01-03") for number in range(1, 24)),
        record(24, weight=271.9, goal="петь громко"),
        preferences(1, likes_raw="просо", dislikes_raw="кошки"),
    )
    shown = report.text(conversion, NOTHING, dry_run=True, complete=False)
    lines = "".join(report.json_lines(conversion))

    assert re.search(r"^users +2 +1 +1 +0 +1 +1$", shown, re.MULTILINE), shown
    assert "user_records: weight: not understood: 23; rows 1, 2, 3," in shown
    assert "20 and 3 more" in shown
    assert "20, 21, 22, 23\n" in report.text(conversion, NOTHING, dry_run=True, complete=True)
    assert "users: another row of the same user is newer: 1; rows 1\n" in shown
    assert "user_records.goal: not understood: 1\n" in shown
    assert [json.loads(line)["kind"] for line in lines.splitlines()].count("rejected") == 24
    for canary in (*canaries.values(), "271", "фунт", "петь", "просо", "кошки"):
        assert str(canary) not in shown + lines


@pytest.mark.parametrize(
    ("outcome", "dry_run", "last_line"),
    [
        (NOTHING, True, "nothing to import: the database has everything that can be taken over"),
        (NOTHING, False, "nothing to import: the database has everything that can be taken over"),
        (
            Outcome({USERS: 1, RECORDS: 2, PREFERENCES: 0}, 0),
            True,
            "dry run, nothing was changed; it would be imported: "
            "1 rows of users, 2 rows of user_records, 0 rows of user_food_preferences",
        ),
        (
            Outcome({USERS: 1, RECORDS: 2, PREFERENCES: 0}, 3),
            False,
            "imported: 1 rows of users, 2 rows of user_records, 0 rows of user_food_preferences, "
            "and the profiles of 3 known users completed",
        ),
    ],
)
def test_the_last_line_tells_the_result(outcome: Outcome, dry_run: bool, last_line: str) -> None:
    shown = report.text(converted(), outcome, dry_run=dry_run, complete=False)
    assert shown.splitlines()[-1] == last_line


def test_a_made_file_holds_what_it_says() -> None:
    """The generator's own account, which other tests build upon."""
    made = DevFile()
    made.add(USERS, telegram_id=1)
    made.add(USERS, rejected=True)
    assert (made.read[USERS], made.accepted[USERS], made.rejected[USERS]) == (2, 1, 1)
