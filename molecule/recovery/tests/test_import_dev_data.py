"""Taking over the DEV version's file on the deployed stack: tried first, then imported, once, without a trace."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from dev_database import DevFile, make
from kbju_bot.texts import Language, Text, render
from rehearsal import ROOT, Stack, deploy
from telegram_emulator.client import User

PLAYBOOK = "playbooks/import_dev_data.yml"
USERS = 20
# What stands in rows that are taken over, and in rows and fields that are not.
CANARIES = {"first_name": "Канарейкина", "weight": 271.9, "likes": "канареечник", "nonsense": "полтора канарёнка"}
TABLES = ("users", "user_records", "user_food_preferences")


@dataclass(frozen=True)
class Import:
    """A file, and what three runs of the playbook said and did."""

    made: DevFile
    last_id: int
    tried: subprocess.CompletedProcess[str]
    after_trying: list[int]
    imported: subprocess.CompletedProcess[str]
    after_importing: list[int]
    again: subprocess.CompletedProcess[str]
    after_again: list[int]


def add_canaries(made: DevFile, telegram_id: int) -> None:
    """Add a user with a whole profile, of 90/40/180, and rows and fields that are no use."""
    made.add(
        "users", telegram_id=telegram_id, first_name=CANARIES["first_name"], sex="male", date_of_birth="1990-05-17"
    )
    measured: dict[str, Any] = {
        "telegram_id": telegram_id,
        "weight": CANARIES["weight"],
        "waist": 90,
        "neck": 40,
        "height": 180,
    }
    habits: dict[str, Any] = {"goal": "maintain", "steps": 8000, "sport_type": "бег", "sport_freq": 3, "bodyfat": 24.9}
    made.add("user_records", date="2024-03-01", **measured, **habits)
    made.add("user_records", date="2024-02-01", **measured | {"hip": CANARIES["nonsense"]})
    made.add("user_records", rejected=True, date="2024-01-01", **measured | {"weight": CANARIES["nonsense"]})
    made.add("user_food_preferences", telegram_id=telegram_id, likes_raw=CANARIES["likes"])


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, stack: Stack, sql: Callable[[str], str]) -> Iterator[Import]:
    """Try it in the loudest way there is, import it, import it again."""
    # Ids that no other test takes, nor an earlier run on this instance.
    first_id = 3 * 10**9 + secrets.randbelow(10**9)
    last_id = first_id + USERS
    made = make(USERS, first_id=first_id)
    add_canaries(made, last_id)
    file = tmp_path_factory.mktemp("dev") / "kbju_bot.db"
    made.write(file)

    def counts() -> list[int]:
        where = f"WHERE telegram_id BETWEEN {first_id} AND {last_id}"
        return [int(sql(f"SELECT count(*) FROM {table} {where}")) for table in TABLES]

    def play(*arguments: str) -> tuple[subprocess.CompletedProcess[str], list[int]]:
        return deploy(PLAYBOOK, "--extra-vars", f"dev_database={file}", *arguments), counts()

    yield Import(made, last_id, *play("--check", "--diff", "-vvv"), *play(), *play())
    sql(f"DELETE FROM users WHERE telegram_id BETWEEN {first_id} AND {last_id}")


def changes(played: subprocess.CompletedProcess[str]) -> int:
    """Return how many changes Ansible counted. Fails the test where the playbook failed."""
    assert played.returncode == 0, played.stdout[-3000:]
    found = re.search(r"changed=(\d+) ", played.stdout)
    assert found
    return int(found[1])


def test_check_mode_tells_what_it_would_do_and_does_nothing(run: Import) -> None:
    assert changes(run.tried) == 1
    assert run.after_trying == [0, 0, 0]
    assert f"it would be imported: {run.made.accepted['users']} rows of users" in " ".join(run.tried.stdout.split())


def test_everything_that_can_be_taken_over_is_in_the_deployed_database(run: Import) -> None:
    assert changes(run.imported) == 1
    assert run.after_importing == list(run.made.accepted.values())


def test_the_report_accounts_for_every_row(run: Import) -> None:
    for table in TABLES:
        row = re.search(rf"- {table} +(\d+) +(\d+) +(\d+) ", run.imported.stdout)
        assert row, run.imported.stdout[-3000:]
        read, accepted, rejected = map(int, row.groups())
        assert (read, accepted, rejected) == (
            run.made.read[table],
            run.made.accepted[table],
            run.made.rejected[table],
        )
        assert accepted + rejected == read


def test_a_second_import_changes_nothing(run: Import) -> None:
    assert changes(run.again) == 0
    assert "nothing to import" in run.again.stdout
    assert run.after_again == run.after_importing


def test_nothing_of_the_file_is_left_on_the_nas(run: Import, nas: Host) -> None:
    assert run.imported.returncode == 0
    assert nas.check_output(f"find {ROOT} -maxdepth 1 -name 'import.*'") == ""


@pytest.mark.parametrize("stage", ["tried", "imported", "again"])
def test_nothing_about_a_user_is_shown(run: Import, stage: str) -> None:
    played: subprocess.CompletedProcess[str] = getattr(run, stage)

    assert "rejected rows" in played.stdout
    assert [canary for canary in map(str, CANARIES.values()) if canary in played.stdout + played.stderr] == []


def test_the_body_fat_is_computed_anew(run: Import, sql: Callable[[str], str]) -> None:
    """The DEV version gave 24.9 % to a man of 90/40/180."""
    query = f"SELECT DISTINCT body_fat FROM user_records WHERE telegram_id = {run.last_id}"

    assert sql(query) == "18.4"


def test_who_is_imported_gives_a_consent_and_needs_no_survey(run: Import, stack: Stack) -> None:
    user = User(run.last_id, stack.telegram, first_name="Вера", language_code="ru")
    user.send_text("/start")
    user.wait_for_reply(timeout=20)
    user.press(render(Text.AGREE, Language.RU))
    user.wait_for_reply(timeout=20)
    user.send_text("/data")

    assert "18,4" in user.wait_for_reply(timeout=20)["text"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "say which file to import: -e dev_database=kbju_bot.db"),
        (
            ("--extra-vars", "dev_database=/nowhere/kbju_bot.db"),
            "there is no file /nowhere/kbju_bot.db on this machine",
        ),
    ],
)
def test_a_missing_file_is_told(arguments: tuple[str, ...], words: str) -> None:
    said = deploy(PLAYBOOK, *arguments)

    assert said.returncode != 0
    assert words in " ".join(said.stdout.split())


def test_a_file_that_is_no_database_is_told_and_deleted(tmp_path: Path, nas: Host) -> None:
    file = tmp_path / "kbju_bot.db"
    file.write_text(str(CANARIES["nonsense"]), encoding="utf-8")

    said = deploy(PLAYBOOK, "--extra-vars", f"dev_database={file}")

    assert said.returncode != 0
    assert "is no SQLite database" in said.stdout
    assert str(CANARIES["nonsense"]) not in said.stdout + said.stderr
    assert nas.check_output(f"find {ROOT} -maxdepth 1 -name 'import.*'") == ""
