"""Backups of the deployed stack: taken while users write, proven, and on every fault the last good one stays."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Callable, Iterator

import pytest

from backups import BACKUPS, LAST_TABLE, PROGRAM, Done, Nas, backup, held, manifest, names, settings
from rehearsal import DOCKER, ROOT, Stack, deploy, until
from telegram_emulator.client import User

SYNOSCHEDTASK = "/usr/syno/bin/synoschedtask"
OUTCOMES = "/var/lib/dsm-standin/hyperbackup"
# What a failed run must leave behind: nothing but the backups that were there.
CANARY = "271.9"
CANARY_NAME = "Канарейкина"


@pytest.fixture(scope="module")
def shell() -> Nas:
    """The NAS as root."""
    return Nas()


@pytest.fixture(scope="module", autouse=True)
def brief(shell: Nas) -> Iterator[None]:
    """Nobody waits for a silent Hyper Backup as long as on a real NAS."""
    with settings(shell, hyper_backup_grace=2):
        yield


@pytest.fixture(scope="module")
def good(shell: Nas, brief: None) -> str:
    """The name of a good backup that was there before."""
    assert backup(shell, "run", "--local-only").returncode == 0
    return names(shell)[0]


def assert_only_good_ones(shell: Nas, before: list[str]) -> None:
    """Nothing of a failed run is left, and every backup from before is whole."""
    assert names(shell) == before
    assert shell.check_output(f"find {BACKUPS} -name '.unfinished-*'") == ""
    left = "SELECT datname FROM pg_database WHERE datname LIKE 'kbju_%' UNION ALL"
    left += " SELECT query FROM pg_stat_activity WHERE application_name = 'kbju-backup'"
    assert shell.sql(left) == ""
    shell.check_output(f"for one in {BACKUPS}/2*; do (cd $one && sha256sum --check --quiet SHA256SUMS) || exit 1; done")


def assert_told(said: Done, code: int, words: str, good: str) -> None:
    """The failure is one line with the cause and the last good backup."""
    assert said.returncode == code, said.stderr
    assert re.search(words, said.stderr), said.stderr
    assert f"The last good backup is {good}" in said.stderr
    assert len(said.stderr.strip().splitlines()) == 1


# ---- what a backup is ----------------------------------------------------------------------------------------------


def test_users_may_write_while_a_backup_is_taken(shell: Nas, stack: Stack, user_id: int) -> None:
    user = User(user_id, stack.telegram, first_name="Anna", language_code="en")

    with held(shell, "run", "--local-only") as running:
        rows = int(shell.sql("SELECT count(*) FROM inbox"))
        user.send_text("/start")
        user.wait_for_reply(timeout=20)

    assert running.returncode == 0, running.communicate()
    found = manifest(shell, names(shell)[0])
    assert found["proven"] is True
    assert found["tables"]["public.inbox"]["rows"] == rows, "the user's message is not in the snapshot"
    assert found["tables"]["public." + LAST_TABLE]["rows"] == 0
    assert found["schema_revision"] == shell.sql("SELECT max(version_num) FROM alembic_version")


def test_dsm_runs_it_every_night(shell: Nas) -> None:
    before = names(shell)
    (number,) = re.findall(
        r"ID: \[(\d+)\]\n +Name: \[kbju-bot-prod backup\]", shell.check_output(f"{SYNOSCHEDTASK} --get")
    )

    assert f"30\t3\t*\t*\t*\troot\t{SYNOSCHEDTASK} --run id={number}" in shell.check_output("cat /etc/crontab")
    assert shell.run(f"{SYNOSCHEDTASK} --run id={number}").returncode == 0
    (new,) = set(names(shell)) - set(before)
    assert manifest(shell, new)["kind"] == "nightly"


def test_only_root_may_read_a_backup(shell: Nas, good: str) -> None:
    listed = shell.check_output(f"find {BACKUPS} -printf '%U %m\\n' | sort -u").splitlines()

    assert set(listed) == {"0 750", "0 700", "0 600"}
    assert "SCRAM-SHA-256" in shell.check_output(f"cat {BACKUPS}/{good}/globals.sql"), "that is what is to be guarded"


def test_configuration_and_logs_are_in_it_and_no_secret(shell: Nas, stack: Stack, good: str) -> None:
    packed = shell.check_output(f"cd {BACKUPS}/{good} && tar -tzf configuration.tar.gz && tar -tzf logs.tar.gz").split()
    content = shell.check_output(f"cd {BACKUPS}/{good} && tar -xzOf configuration.tar.gz && tar -xzOf logs.tar.gz")

    assert {".env", "compose/bot.yml", "config/nginx/nginx.conf", "logs/bot/bot.log"} <= set(packed)
    assert [name for name, secret in stack.secrets().items() if secret in content] == []


def test_prometheus_can_see_it(shell: Nas, docker: Callable[[str], str], good: str) -> None:
    shown = docker("exec kbju-prometheus wget -q -O - http://kbju-node-exporter:9100/metrics")
    taken = re.search(r"^kbju_backup_last_success_timestamp_seconds (\S+)$", shown, flags=re.MULTILINE)

    assert taken
    assert time.time() - float(taken[1]) < 600
    assert "kbju_backup_last_run_exit_code 0\n" in shown


def test_a_playbook_takes_one_and_shows_it(shell: Nas) -> None:
    said = deploy("playbooks/backup.yml")

    assert said.returncode == 0, said.stdout[-3000:]
    assert f"backup {names(shell)[0]}:" in said.stdout
    assert "Hyper Backup: success" in " ".join(said.stdout.split())


# ---- faults --------------------------------------------------------------------------------------------------------


def test_postgres_down(shell: Nas, docker: Callable[[str], str], good: str) -> None:
    before = names(shell)
    docker("stop kbju-postgres")
    try:
        said = backup(shell, "run")
    finally:
        docker("start kbju-postgres")
        until(
            lambda: shell.run(f"{DOCKER} exec kbju-postgres pg_isready --host 127.0.0.1").returncode == 0, "PostgreSQL"
        )

    assert_told(said, 12, "the container kbju-postgres is exited", before[0])
    assert_only_good_ones(shell, before)


def test_the_dump_is_cut_off(shell: Nas, good: str) -> None:
    before = names(shell)

    with held(shell, "run") as running:
        shell.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kbju-backup'")
        _, told = running.communicate(timeout=30)

    assert running.returncode == 13, told
    assert "terminating connection due to administrator command" in told
    assert_only_good_ones(shell, before)


@pytest.fixture
def small_disk(shell: Nas) -> Iterator[str]:
    """A volume of 48 MB for the backups, with one good backup on it."""
    shell.check_output(f"mount -t tmpfs -o size=48m,mode=0750 tmpfs {BACKUPS}")
    try:
        with settings(shell, reserve_mb=2):
            said = backup(shell, "run", "--local-only")
            assert said.returncode == 0, said.stderr
            yield names(shell)[0]
    finally:
        shell.check_output(f"umount {BACKUPS}")


def fill(shell: Nas) -> None:
    shell.run(f"dd if=/dev/zero of={BACKUPS}/ballast bs=1M")
    assert shell.run(f"cd {BACKUPS} && echo more > one-more").returncode != 0, "the disk is full"


def test_the_disk_is_too_full_to_begin(shell: Nas, small_disk: str) -> None:
    fill(shell)

    said = backup(shell, "run")

    assert_told(said, 11, f"The disk is too full: 0 MB are free on the volume of {BACKUPS}", small_disk)
    assert_only_good_ones(shell, [small_disk])


@pytest.mark.parametrize(
    ("reserve", "words"), [(2, "The disk is too full: 0 MB are free"), (0, "The disk is full: no space")]
)
def test_the_disk_fills_up_meanwhile(shell: Nas, small_disk: str, reserve: int, words: str) -> None:
    with settings(shell, reserve_mb=reserve), held(shell, "run") as running:
        fill(shell)
        shell.sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'test'")
        _, told = running.communicate(timeout=30)

    assert running.returncode == 11, told
    assert words in told
    assert_only_good_ones(shell, [small_disk])


@pytest.fixture
def unrestorable(shell: Nas) -> Iterator[None]:
    """A table whose rows are good where they are and refused by a restore, which finds no table for their check."""
    script = f"""
        CREATE TABLE zzz_other (id int);
        INSERT INTO zzz_other VALUES (1);
        CREATE TABLE probe (name text, weight text);
        INSERT INTO probe VALUES ($${CANARY_NAME}$$, $${CANARY}$$);
        CREATE FUNCTION probe_good(text) RETURNS boolean LANGUAGE sql AS $$SELECT count(*) > 0 FROM zzz_other$$;
        ALTER TABLE probe ADD CHECK (probe_good(weight));
    """
    shell.sql(script)
    yield
    shell.sql("DROP TABLE probe, zzz_other; DROP FUNCTION probe_good")


def test_a_dump_that_can_not_be_restored_is_no_backup(shell: Nas, good: str, unrestorable: None) -> None:
    before = names(shell)

    said = backup(shell, "run")

    assert_told(said, 14, "pg_restore failed with 1: .*zzz_other", before[0])
    assert_only_good_ones(shell, before)


@pytest.fixture
def unlike(shell: Nas) -> Iterator[None]:
    """A table that a restore fills with other values: a generated column is computed anew."""
    shell.sql(
        "CREATE FUNCTION probe_now() RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT clock_timestamp()::text';"
        f"CREATE TABLE probe (name text, made text GENERATED ALWAYS AS (probe_now()) STORED);"
        f"INSERT INTO probe VALUES ('{CANARY_NAME}')"
    )
    yield
    shell.sql("DROP TABLE probe; DROP FUNCTION probe_now")


def test_a_copy_that_differs_is_no_backup(shell: Nas, good: str, unlike: None) -> None:
    before = names(shell)

    said = backup(shell, "run")

    assert_told(said, 14, "public.probe has other values in its 1 rows", before[0])
    assert_only_good_ones(shell, before)


def test_a_second_run_at_the_same_time_is_refused(shell: Nas, good: str) -> None:
    before = names(shell)

    with held(shell, "run", "--local-only") as running:
        holder = shell.check_output(f"cat {BACKUPS}/.lock")
        said = backup(shell, "run")

    assert_told(said, 10, rf"under way \(process {holder}\)", before[0])
    assert running.returncode == 0
    assert names(shell)[1:] == before


def test_a_killed_run_leaves_nothing_that_the_next_one_does_not_clean_up(shell: Nas, good: str) -> None:
    before = names(shell)

    with held(shell, "run") as running:
        shell.check_output(f"kill -9 $(cat {BACKUPS}/.lock)")
        running.wait(timeout=10)
        assert shell.check_output(f"find {BACKUPS} -name '.unfinished-*'") != ""
        assert names(shell) == before
    shell.sql("CREATE DATABASE kbju_backup_proof")

    assert backup(shell, "run", "--local-only").returncode == 0
    assert_only_good_ones(shell, names(shell))
    assert names(shell)[1:] == before


def test_a_stopped_run_cleans_up_itself(shell: Nas, good: str) -> None:
    before = names(shell)

    with held(shell, "run") as running:
        shell.check_output(f"kill -TERM $(cat {BACKUPS}/.lock)")
        running.wait(timeout=20)

    assert running.returncode == 143
    assert_only_good_ones(shell, before)


# ---- Hyper Backup --------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def outcome(shell: Nas, name: str) -> Iterator[None]:
    """Have Hyper Backup end in a way."""
    shell.check_output(f"mkdir -p {OUTCOMES} && echo {name} > {OUTCOMES}/outcome && echo 1 > {OUTCOMES}/seconds")
    try:
        yield
    finally:
        shell.run(f"rm -r {OUTCOMES}; kill $(pidof img_backup)")


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("partial", 22, "task KBJU: partial; its log says: Backup task was partially completed"),
        ("failed", 21, "task KBJU: failed; its log says: Failed to run backup task"),
        ("cancelled", 23, "task KBJU: cancelled; its log says: Backup task was cancelled"),
        ("silent", 25, "ended without a result that is known.*its log says nothing of this run"),
        ("hang", 24, r"has not ended within 4 s \(it was not stopped\); its log says: Backup task started"),
    ],
)
def test_how_hyper_backup_ends_is_told(shell: Nas, good: str, name: str, code: int, words: str) -> None:
    before = names(shell)

    with outcome(shell, name), settings(shell, hyper_backup_timeout=4, hyper_backup_grace=2):
        said = backup(shell, "run")

    # The backup on the NAS is complete, and is the last good one.
    (new,) = set(names(shell)) - set(before)
    assert_told(said, code, words, new)
    shown = shell.check_output(f"cat {ROOT}/metrics/backup.prom")
    result = {"silent": "unknown", "hang": "timeout"}.get(name, name)
    assert f'kbju_backup_hyper_backup_result{{result="{result}"}} 1' in shown
    assert f"kbju_backup_last_run_exit_code {code}" in shown
    assert 'kbju_backup_stage_success{stage="hyper_backup"} 0' in shown
    assert 'kbju_backup_stage_success{stage="proof"} 1' in shown


def test_a_task_that_is_not_there_is_told(shell: Nas, good: str) -> None:
    with settings(shell, hyper_backup_task="Photos"):
        said = backup(shell, "run")

    assert_told(said, 20, r"no task 'Photos'; there are: KBJU \(1\)", names(shell)[0])


def test_a_busy_hyper_backup_is_waited_for(shell: Nas) -> None:
    with outcome(shell, "success"):
        shell.check_output(f"echo 6 > {OUTCOMES}/seconds && /var/packages/HyperBackup/target/bin/dsmbackup --backup 1")
        said = backup(shell, "run")
        log = shell.check_output("tail -n 4 /var/packages/HyperBackup/var/log/synolog/synobackup.log")

    assert said.returncode == 0, said.stderr
    assert re.findall(r"started|finished", log) == ["started", "finished"] * 2


def test_without_a_task_it_is_said_that_nothing_leaves_the_nas(shell: Nas) -> None:
    with settings(shell, hyper_backup_task=""):
        said = backup(shell, "run")

    assert said.returncode == 0
    assert "no Hyper Backup task is set (hyper_backup_task): it is on this NAS alone" in said.stdout


# ---- what must not be seen -----------------------------------------------------------------------------------------


def test_nothing_of_anybody_is_in_logs_metrics_or_process_lists(shell: Nas, stack: Stack, unrestorable: None) -> None:
    with held(shell, "run") as running:
        processes = shell.check_output("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '")
    told = "".join(running.communicate())
    written = shell.check_output(f"cat {ROOT}/logs/backup.log* {ROOT}/metrics/backup.prom")

    assert PROGRAM in processes
    assert "pg_restore failed" in told
    assert "pg_restore failed" in written
    for secret in [*stack.secrets().values(), "SCRAM-SHA-256", CANARY, CANARY_NAME]:
        assert secret not in processes + told + written
