"""Hyper Backup under way: whatever its programs do, a run ends, and with the result that counts."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kbju_backup import cli, hyperbackup, programs, reporting
from kbju_backup.errors import Exit, Failure
from kbju_backup.store import Store
from nas.server import settings

WORDS = {"started": "task started", "success": "finished successfully", "failed": "failed to"}
Fake = Callable[..., hyperbackup.HyperBackup]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fake]:
    """Make a dsmbackup that leaves a process running `script` behind, with its own pipes in its hands."""
    log = tmp_path / "log" / "synobackup.log"
    # A name of its own: what another test has killed may be a zombie for a while.
    shell = tmp_path / f"img_{secrets.token_hex(4)}"
    shutil.copy("/bin/sh", shell)
    children = tmp_path / "children"

    def make(script: str, *, timeout: int = 8, returns: bool = True) -> hyperbackup.HyperBackup:
        (tmp_path / "synobackup.conf").write_text('[task_1]\nname="KBJU"\n', encoding="utf-8")
        log.parent.mkdir()
        program = tmp_path / "dsmbackup"
        say = f'say() {{ echo "info [Local][KBJU] $1" >> {log}; }}'
        program.write_text(
            f"#!/bin/sh\n{shell} -c '{say}; {script}' &\necho $! > {children}\n{'' if returns else 'wait'}\n",
            encoding="utf-8",
        )
        program.chmod(0o755)
        monkeypatch.setattr(hyperbackup, "PROGRAM", str(program))
        monkeypatch.setattr(hyperbackup, "CONFIGURATION", str(tmp_path / "synobackup.conf"))
        monkeypatch.setattr(hyperbackup, "LOGS", (str(log.parent),))
        monkeypatch.setattr(hyperbackup, "PROCESSES", {shell.name})
        monkeypatch.setattr(hyperbackup, "POLL", 0.1)
        return hyperbackup.HyperBackup(
            settings(
                tmp_path,
                "none",
                hyper_backup_task="KBJU",
                hyper_backup_timeout=timeout,
                hyper_backup_words=WORDS,
            )
        )

    yield make
    if children.exists():
        number = int(children.read_text(encoding="utf-8") or 0)
        if Path(f"/proc/{number}").exists():
            os.kill(number, signal.SIGKILL)


def test_a_hanging_task_that_holds_pipes_is_reported_in_time(fake: Fake) -> None:
    began = time.monotonic()

    with pytest.raises(Failure, match="has not ended within 2 s") as failure:
        fake('say "Backup task started."; while :; do sleep 1; done', timeout=2).run()

    assert failure.value.code == Exit.HYPER_BACKUP_TIMEOUT
    assert time.monotonic() - began < 6


def test_a_program_that_returns_only_at_the_end_is_awaited(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hyperbackup, "START", 0.2)

    fake('say "Backup task started."; sleep 1; say "Backup task finished successfully."', returns=False).run()


def test_a_file_that_fails_is_not_the_end(fake: Fake) -> None:
    fake('say "Failed to backup file /x."; sleep 1; say "Backup task finished successfully."').run()


def test_a_failure_counts_when_nothing_runs_any_more(fake: Fake) -> None:
    with pytest.raises(Failure, match="Failed to run backup task") as failure:
        fake('say "Failed to run backup task."; sleep 0.5').run()

    assert failure.value.code == Exit.HYPER_BACKUP_FAILED


def test_a_failure_counts_at_the_deadline(fake: Fake) -> None:
    with pytest.raises(Failure, match="Failed to run backup task") as failure:
        fake('say "Failed to run backup task."; while :; do sleep 1; done', timeout=1).run()

    assert failure.value.code == Exit.HYPER_BACKUP_FAILED


def test_what_a_program_says_that_refuses_to_start_is_told() -> None:
    assert programs.launch(["sh", "-c", "echo no such task >&2; exit 3"], 10) == (3, "no such task\n")


def test_a_run_that_another_hyper_backup_keeps_from_starting_is_noted(tmp_path: Path) -> None:
    found = settings(tmp_path, "none", hyper_backup_task="KBJU")
    program = cli.Program(cli.parse(["run"]), found)

    with Store(found.backups).locked("hyper-backup-lock"), pytest.raises(Failure, match="under way"):
        program._hyper_backup(reporting.Results(found, Store(found.backups)))

    shown = found.metrics.read_text(encoding="utf-8")
    assert 'kbju_backup_hyper_backup_result{result="not run"} 1' in shown
    assert f"kbju_backup_last_run_exit_code {int(Exit.ALREADY_RUNNING)}\n" in shown
    assert 'kbju_backup_stage_success{stage="hyper_backup"} 0' in shown
