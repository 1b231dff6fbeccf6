"""What the program says: causes without people's values, comparisons that name tables, arguments, metrics, settings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kbju_backup import cli, reporting, settings
from kbju_backup.complaints import cause
from kbju_backup.errors import Exit, Failure
from kbju_backup.restoring import check_revision
from kbju_backup.store import Backup
from kbju_backup.taking import compare
from nas.backups import NAME, manifest

CANARY = "271.9"
FAILING_ROW = f"""\
pg_restore: error: could not execute query: ERROR:  new row for relation "user_records" violates check constraint "tall"
DETAIL:  Failing row contains (42, Канарейкина, {CANARY}).
CONTEXT:  COPY user_records, line 1: "42 Канарейкина {CANARY}"
Command was: COPY public.user_records (telegram_id, weight_kg) FROM stdin;
"""


def test_a_cause_names_what_is_the_schemas() -> None:
    found = cause(FAILING_ROW)

    assert "user_records" in found
    assert '"tall"' in found


@pytest.mark.parametrize(
    "complaint",
    [
        FAILING_ROW,
        f'psql:<stdin>:3: ERROR:  invalid input syntax for type integer: "{CANARY}"',
        f'pg_restore: error: COPY failed for table "users": ERROR:  value "{CANARY}" is out of range\nLINE 1: {CANARY}',
        f'ERROR:  invalid input value for enum: "{CANARY}',
    ],
)
def test_a_cause_holds_nothing_of_anybodys(complaint: str) -> None:
    found = cause(complaint)

    assert found
    assert CANARY not in found
    assert "Канарейкина" not in found


def test_a_program_that_says_nothing_has_a_cause_too() -> None:
    assert cause("") == "it said nothing"


def table(rows: int, digest: str = "7") -> dict[str, Any]:
    return {"rows": rows, "digest": digest}


def test_equal_tables_are_equal() -> None:
    compare({"users": table(3)}, {"users": table(3)}, Exit.NOT_PROVEN)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"users": table(2)}, "users has 2 rows instead of 3"),
        ({"users": table(3, "8")}, "users has other values in its 3 rows"),
        ({}, "users is missing"),
        ({"users": table(3), "more": table(0)}, "more is not in the backup"),
    ],
)
def test_every_difference_is_told(found: dict[str, Any], words: str) -> None:
    with pytest.raises(Failure, match=words) as failure:
        compare({"users": table(3)}, found, Exit.NOT_PROVEN)
    assert failure.value.code == Exit.NOT_PROVEN


@pytest.mark.parametrize(("revision", "newest"), [("0002", "0002"), ("0001", "0002"), (None, "0002")])
def test_a_schema_that_the_release_knows_may_be_restored(revision: str | None, newest: str) -> None:
    check_revision(Backup(Path(NAME), manifest(schema_revision=revision)), newest)


def test_a_newer_schema_is_refused_with_both_revisions() -> None:
    with pytest.raises(Failure, match=r"has the schema 0003; the deployed release knows 0002") as failure:
        check_revision(Backup(Path(NAME), manifest(schema_revision="0003")), "0002")
    assert failure.value.code == Exit.NEWER_SCHEMA


@pytest.mark.parametrize("arguments", [[], ["nonsense"], ["run", "--kind", "x"], ["check"], ["list", "x"]])
def test_wrong_arguments_are_usage(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.parse(arguments)
    assert stopped.value.code == Exit.USAGE
    assert "usage: backup" in capsys.readouterr().err


def test_metrics_of_a_good_run() -> None:
    backup = Backup(Path(NAME), manifest(durations={"dump": 1.5, "proof": 2.0}))
    results = {
        "run": {"at": 1.0, "code": 0, "failed": "", "seconds": {"dump": 1.5}},
        "hyper_backup": {"at": 2.0, "result": "success", "succeeded": 2.0},
    }

    lines = reporting.metrics([backup], results, with_hyper_backup=True).splitlines()

    # 31 January 2026, 00:30 UTC.
    assert "kbju_backup_last_success_timestamp_seconds 1769819400" in lines
    assert "kbju_backup_duration_seconds 3.5" in lines
    assert 'kbju_backup_rows{table="public.users"} 3' in lines
    assert 'kbju_backup_stage_success{stage="dump"} 1' in lines
    assert 'kbju_backup_hyper_backup_result{result="success"} 1' in lines
    assert all(line.startswith(("#", "kbju_backup_")) for line in lines)


def test_metrics_of_a_failed_first_run_name_the_stage_and_claim_no_success() -> None:
    results = {"run": {"at": 1.0, "code": 11, "failed": "dump", "seconds": {"check": 0.5}}}

    text = reporting.metrics([], results, with_hyper_backup=False)

    assert 'kbju_backup_stage_success{stage="dump"} 0' in text
    assert "kbju_backup_last_run_exit_code 11" in text
    assert "kbju_backup_complete 0" in text
    assert "last_success" not in text


def test_settings_that_lack_a_value_are_told(tmp_path: Path) -> None:
    (tmp_path / "backup.json").write_text(json.dumps({"project": "kbju"}), encoding="utf-8")

    with pytest.raises(Failure, match=r"incomplete: .*reserve_mb") as failure:
        settings.load(tmp_path / "backup.json")
    assert failure.value.code == Exit.SETTINGS


def test_absent_settings_are_told(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="can't be read"):
        settings.load(tmp_path / "backup.json")


def test_the_readme_lists_every_exit_code() -> None:
    readme = Path(__file__).resolve().parents[2] / "roles" / "hyper_backup" / "README.md"
    text = readme.read_text(encoding="utf-8")

    assert [code for code in Exit if f"| {int(code)} |" not in text] == []
