"""Hyper Backup: finding the task, and reading how it ended from its log alone."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import yaml

from kbju_backup import hyperbackup
from kbju_backup.errors import Exit, Failure

ROLE = Path(__file__).resolve().parents[2] / "roles" / "hyper_backup"
WORDS = yaml.safe_load((ROLE / "defaults" / "main.yml").read_text(encoding="utf-8"))["hyper_backup_words"]
CONFIGURATION = """
[repo_1]
name="Local Storage 1"
[task_1]
name="KBJU"
[task_12]
name="Photos 100%"
"""


def line(text: str, task: str = "KBJU", level: str = "info") -> str:
    return f"{level}\t2026/11/23 03:31:07\tSYSTEM:\t[Local][{task}] {text}"


STARTED = line("Backup task started.")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("Backup task finished successfully. [7 files scanned] [1 new files] [0 files modified]", "success"),
        ("Backup task was partially completed.", "partial"),
        ("Failed to run backup task.", "failed"),
        ("Failed to backup task.", "failed"),
        ("Backup task was cancelled.", "cancelled"),
        ("Something else happened.", None),
    ],
)
def test_the_result_is_read_from_the_log(text: str, result: str | None) -> None:
    assert hyperbackup.result_in([STARTED, line(text)], "KBJU", WORDS) == result


def test_another_tasks_result_does_not_count() -> None:
    others = [line("Failed to run backup task.", "KBJU photos"), line("Backup task finished successfully.", "Photos")]

    assert hyperbackup.result_in([STARTED, *others], "KBJU", WORDS) is None


def test_a_task_that_started_again_has_no_result_yet() -> None:
    assert hyperbackup.result_in([line("Failed to run backup task."), STARTED], "KBJU", WORDS) is None


@pytest.mark.parametrize("wanted", ["Photos 100%", "12"])
def test_a_task_is_found_by_name_or_number(wanted: str) -> None:
    assert hyperbackup.find_task(CONFIGURATION, wanted) == hyperbackup.Task("12", "Photos 100%")


def test_a_task_that_is_not_there_is_told_with_those_that_are() -> None:
    with pytest.raises(Failure, match=r"no task 'kbju'; there are: KBJU \(1\), Photos 100% \(12\)") as failure:
        hyperbackup.find_task(CONFIGURATION, "kbju")
    assert failure.value.code == Exit.HYPER_BACKUP_SETUP


def test_a_file_that_is_no_configuration_is_told() -> None:
    with pytest.raises(Failure, match=r"synobackup.conf can't be read"):
        hyperbackup.find_task("name=outside", "KBJU")


def write(file: Path, *lines: str) -> None:
    with file.open("a", encoding="utf-8") as handle:
        handle.writelines(one + "\n" for one in lines)


def test_only_lines_from_now_on_are_read(tmp_path: Path) -> None:
    log = tmp_path / "synobackup.log"
    write(log, line("Failed to run backup task."))
    tail = hyperbackup.LogTail((str(tmp_path),))

    write(log, STARTED)

    assert tail.lines() == [STARTED]


def test_a_log_that_is_rotated_meanwhile_loses_no_line(tmp_path: Path) -> None:
    log = tmp_path / "synobackup.log"
    write(log, "old")
    tail = hyperbackup.LogTail((str(tmp_path),))

    write(log, STARTED)
    log.rename(tmp_path / "synobackup.log.1")
    write(log, line("Backup task was cancelled."))

    assert sorted(tail.lines()) == sorted([STARTED, line("Backup task was cancelled.")])


def test_a_log_that_is_made_meanwhile_is_read(tmp_path: Path) -> None:
    tail = hyperbackup.LogTail((str(tmp_path / "absent"), str(tmp_path)))

    write(tmp_path / "synobackup.log", STARTED)

    assert tail.lines() == [STARTED]


def test_a_compressed_old_log_does_no_harm(tmp_path: Path) -> None:
    tail = hyperbackup.LogTail((str(tmp_path),))

    (tmp_path / "synobackup.log.1.gz").write_bytes(gzip.compress(b"old"))

    assert hyperbackup.result_in(tail.lines(), "KBJU", WORDS) is None


@pytest.mark.parametrize(("name", "runs"), [("img_backup", True), ("img_backup_server", False)])
def test_a_process_is_known_by_its_name(tmp_path: Path, name: str, runs: bool) -> None:
    (tmp_path / "17").mkdir()
    (tmp_path / "17" / "comm").write_text(name + "\n", encoding="utf-8")

    assert hyperbackup.is_running(str(tmp_path)) is runs


def test_a_log_that_is_emptied_in_its_place_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "synobackup.log"
    write(log, *[line("Failed to run backup task.")] * 9)
    tail = hyperbackup.LogTail((str(tmp_path),))

    log.write_text(STARTED + "\n", encoding="utf-8")

    assert tail.lines() == [STARTED]
