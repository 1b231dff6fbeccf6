import base64
import time
from pathlib import Path

import pytest

from dsm.standin import Nas

FOLDER = "/usr/syno/etc/synoschedule.d/root"
LOG = "/var/packages/HyperBackup/var/log/synolog/synobackup.log"


def task(nas: Nas, number: int, script: str, **values: str) -> None:
    fields = {
        "id": str(number),
        "type": "daily",
        "name": "a task",
        "state": "enabled",
        "owner": "0",
        "week": "1111111",
        "run hour": "3",
        "run min": "17",
        "cmd": base64.b64encode(script.encode()).decode(),
    }
    fields.update({key.replace("_", " "): value for key, value in values.items()})
    nas.write(f"{FOLDER}/{number}.task", "".join(f"{key}={value}\n" for key, value in fields.items()))


def crontab(nas: Nas) -> list[list[str]]:
    nas.ok("synoschedtask", "--sync")
    lines = nas.read("/etc/crontab").splitlines()
    return [line.split("\t") for line in lines if "synoschedtask" in line]


def test_nothing_runs_before_sync(nas: Nas) -> None:
    task(nas, 4, "true")
    assert not nas.path("/etc/crontab").exists()
    assert crontab(nas) == [["17", "3", "*", "*", "*", "root", "/usr/syno/bin/synoschedtask --run id=4"]]


@pytest.mark.parametrize(
    ("values", "when"),
    [
        ({"week": "0100010"}, ["17", "3", "*", "*", "1,5"]),
        ({"type": "monthly", "week": "0000000", "start_day": "15"}, ["17", "3", "15", "*", "*"]),
        ({"repeat_hour": "2", "last_work_hour": "23"}, ["17", "3-23/2", "*", "*", "*"]),
        ({"repeat_min": "15", "last_work_hour": "5"}, ["17-59/15", "3-5", "*", "*", "*"]),
    ],
)
def test_times_become_a_line_of_the_crontab(nas: Nas, values: dict[str, str], when: list[str]) -> None:
    task(nas, 4, "true", **values)
    assert crontab(nas)[0][:5] == when


@pytest.mark.parametrize("values", [{"state": "disabled"}, {"type": "bootup"}])
def test_disabled_and_boot_tasks_are_not_in_the_crontab(nas: Nas, values: dict[str, str]) -> None:
    task(nas, 4, "true", **values)
    assert crontab(nas) == []


def test_sync_loses_lines_of_others(nas: Nas) -> None:
    nas.write("/etc/crontab", "* * * * * root true\n")
    task(nas, 4, "true")
    crontab(nas)
    assert "root true" not in nas.read("/etc/crontab")


def test_run_executes_the_script(nas: Nas) -> None:
    marker = nas.path("/volume1/ran")
    task(nas, 4, f"echo one >{marker}\necho two >>{marker}\nexit 3")
    assert nas.run("synoschedtask", "--run", "id=4").returncode == 3
    assert marker.read_text() == "one\ntwo\n"
    nas.refused("synoschedtask", "--run", "id=5")


def test_get_lists_the_tasks(nas: Nas) -> None:
    task(nas, 4, "true", name="backup")
    task(nas, 11, "false")
    shown = nas.ok("synoschedtask", "--get")
    assert "ID: [4]" in shown
    assert "ID: [11]" in shown
    assert "Command: [false]" not in nas.ok("synoschedtask", "--get", "id=4")
    assert "Name: [backup]" in nas.ok("synoschedtask", "--get", "id=4")


@pytest.mark.parametrize("values", [{"id": "9"}, {"type": "hourly"}, {"run_hour": "x"}, {"owner": "4711"}])
def test_a_task_that_makes_no_sense_is_named(nas: Nas, values: dict[str, str]) -> None:
    task(nas, 4, "true", **values)
    assert "4" in nas.refused("synoschedtask", "--sync")
    assert not nas.path("/etc/crontab").exists()


def test_a_script_that_is_not_base64_is_refused(nas: Nas) -> None:
    task(nas, 4, "true", cmd="/bin/true; nothing coded")
    assert "base64" in nas.refused("synoschedtask", "--run", "id=4")


@pytest.fixture
def backup(nas: Nas) -> Nas:
    nas.ok("synopkg", "install_from_server", "HyperBackup")
    nas.write("/var/lib/dsm-standin/hyperbackup/seconds", "0.4")
    return nas


def outcome(nas: Nas, word: str) -> None:
    nas.write("/var/lib/dsm-standin/hyperbackup/outcome", word)


def wait_for(log: Path, word: str) -> str:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if log.exists() and word in log.read_text():
            return log.read_text()
        time.sleep(0.02)
    raise AssertionError(f"no {word!r} in the log")


def test_dsmbackup_returns_before_the_backup_has_ended(backup: Nas) -> None:
    backup.ok("dsmbackup", "--backup", "1")
    log = backup.path(LOG)
    assert "finished" not in (log.read_text() if log.exists() else "")
    text = wait_for(log, "finished successfully")
    assert text.splitlines()[0].endswith("[Local][KBJU] Backup task started.")


@pytest.mark.parametrize(
    ("word", "text"),
    [("failed", "Failed"), ("partial", "partially completed"), ("cancelled", "cancelled")],
)
def test_dsmbackup_succeeds_although_the_backup_fails(backup: Nas, word: str, text: str) -> None:
    outcome(backup, word)
    backup.ok("dsmbackup", "--backup", "1")
    assert "finished successfully" not in wait_for(backup.path(LOG), text)


def test_the_outcome_of_one_task_can_differ(backup: Nas) -> None:
    outcome(backup, "failed")
    backup.write("/var/lib/dsm-standin/hyperbackup/outcome.1", "success\n")
    backup.ok("dsmbackup", "--backup", "1")
    wait_for(backup.path(LOG), "finished successfully")


def test_dsmbackup_refuses_what_it_does_not_know(backup: Nas) -> None:
    backup.refused("dsmbackup", "--backup", "7")
    outcome(backup, "nonsense")
    backup.refused("dsmbackup", "--backup", "1")
