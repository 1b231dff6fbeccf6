"""dsm_scheduled_task, on the stand-in's synoschedtask and on task files as Control Panel writes them."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import dsm_task_files

from dsm.module_runner import Runner
from dsm.standin import Nas
from plugins.modules import dsm_scheduled_task as module

FOLDER = "/usr/syno/etc/synoschedule.d/root"
BACKUP: dict[str, Any] = {"name": "KBJU backup", "command": "/volume1/backup", "hour": 3, "minute": 30}
# A task of the operator's, with lines that nobody has described.
OPERATORS = {
    "id": "4",
    "last work hour": "5",
    "type": "daily",
    "name": "Operator's own",
    "owner": "0",
    "state": "enabled",
    "week": "1111111",
    "run hour": "5",
    "run min": "10",
    "repeat hour": "0",
    "repeat min": "0",
    "some new line": "=of DSM 8=",
    "app args": '{"notify_enable":true,"notify_mail":"ops@example.com","script":"true","colour":"red"}',
    "cmd": base64.b64encode(b"true").decode(),
}


def put(nas: Nas, values: dict[str, str]) -> Path:
    nas.write(f"{FOLDER}/{values['id']}.task", "".join(f"{key}={value}\n" for key, value in values.items()))
    nas.ok("synoschedtask", "--sync")
    return nas.path(f"{FOLDER}/{values['id']}.task")


def values(nas: Nas, number: int) -> dict[str, str]:
    lines = nas.read(f"{FOLDER}/{number}.task").splitlines()
    return dict(line.split("=", 1) for line in lines)


def table(nas: Nas) -> dict[int, list[str]]:
    """Return the five fields of time of each task in crond's table."""
    rows = [line.split("\t") for line in nas.read("/etc/crontab").splitlines() if "--run id=" in line]
    return {int(row[6].split("id=")[1]): row[:5] for row in rows}


def test_a_task_is_made_beside_the_operators_and_removed(runner: Runner, nas: Nas) -> None:
    operators = put(nas, OPERATORS).read_bytes()

    made = runner.change(module, **BACKUP)

    assert made["task"]["id"] == 5
    assert table(nas) == {4: ["10", "5", "*", "*", "*"], 5: ["30", "3", "*", "*", "*"]}
    shown = nas.ok("synoschedtask", "--get", "id=5")
    assert "Name: [KBJU backup]" in shown
    assert "Command: [/volume1/backup]" in shown
    runner.change(module, name=BACKUP["name"], state="absent")
    assert table(nas) == {4: ["10", "5", "*", "*", "*"]}
    assert nas.path(f"{FOLDER}/4.task").read_bytes() == operators


@pytest.mark.parametrize(
    ("when", "fields"),
    [
        ({}, ["30", "3", "*", "*", "*"]),
        ({"schedule": "weekly", "weekdays": ["sunday", "friday"]}, ["30", "3", "*", "*", "0,5"]),
        ({"schedule": "monthly", "day": 15}, ["30", "3", "15", "*", "*"]),
        ({"every_hours": 2}, ["30", "3-23/2", "*", "*", "*"]),
        ({"every_minutes": 10, "last_hour": 5}, ["30-59/10", "3-5", "*", "*", "*"]),
    ],
)
def test_times_arrive_in_the_table(runner: Runner, nas: Nas, when: dict[str, Any], fields: list[str]) -> None:
    runner.change(module, **BACKUP, **when)

    assert table(nas) == {1: fields}


@pytest.mark.parametrize("wanted", [{"schedule": "bootup", "hour": 0, "minute": 0}, {"enabled": False}])
def test_boot_tasks_and_disabled_ones_are_no_work_for_cron(runner: Runner, nas: Nas, wanted: dict[str, Any]) -> None:
    runner.change(module, **{**BACKUP, **wanted})

    assert table(nas) == {}
    assert "KBJU backup" in nas.ok("synoschedtask", "--get", "id=1")


def test_a_task_that_is_switched_off_leaves_the_table(runner: Runner, nas: Nas) -> None:
    runner.run(module, **BACKUP)
    runner.change(module, **BACKUP, enabled=False)

    assert table(nas) == {}


def test_a_change_keeps_the_number_and_what_is_not_known(runner: Runner, nas: Nas) -> None:
    place = put(nas, OPERATORS)
    os.chmod(place, 0o640)

    done = runner.change(module, name="Operator's own", command="false\n# twice", hour=6)

    kept = values(nas, 4)
    assert kept["some new line"] == "=of DSM 8="
    assert json.loads(kept["app args"]) == {
        "notify_enable": True,
        "notify_if_error": False,
        "notify_mail": "ops@example.com",
        "script": "false\n# twice",
        "colour": "red",
    }
    assert base64.b64decode(kept["cmd"]).decode() == "false\n# twice"
    assert list(kept)[: len(OPERATORS)] == list(OPERATORS), "the lines keep their order"
    assert place.stat().st_mode & 0o777 == 0o640
    assert done["diff"]["before"]["command"] == "true"
    assert done["diff"]["after"]["when"]["time"] == "06:00"


def test_two_tasks_of_one_name_are_left_alone(runner: Runner, nas: Nas) -> None:
    put(nas, OPERATORS)
    put(nas, {**OPERATORS, "id": "9"})
    before = runner.everything()

    for command, state in (("x", "present"), (None, "absent")):
        said = runner.refused(module, name="Operator's own", command=command, state=state)
        assert "4.task" in said
        assert "9.task" in said
    assert runner.everything() == before


def test_a_number_is_free_in_every_folder(runner: Runner, nas: Nas) -> None:
    nas.write("/usr/syno/etc/synoschedule.d/ann/12.task", "id=12\ntype=daily\nname=hers\nstate=disabled\nowner=0\n")

    assert runner.run(module, **BACKUP)["task"]["id"] == 13


def test_a_number_that_is_taken_meanwhile_is_left_to_the_other(
    runner: Runner, nas: Nas, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_all = dsm_task_files.read_all

    def then_somebody_makes_one() -> Any:
        found = read_all()
        put(nas, {**OPERATORS, "id": "1"})
        return found

    monkeypatch.setattr(module, "read_all", then_somebody_makes_one)

    assert runner.run(module, **BACKUP)["task"]["id"] == 2
    assert values(nas, 1)["name"] == "Operator's own"


def test_crond_is_restarted_only_when_its_table_has_changed(runner: Runner, nas: Nas) -> None:
    restart = "synosystemctl restart crond"

    runner.run(module, **BACKUP)
    assert restart in runner.verbs()
    runner.run(module, **{**BACKUP, "command": "/volume1/other"})
    assert restart not in runner.verbs()
    runner.run(module, **BACKUP)
    runner.run(module, **BACKUP)
    assert runner.verbs() == []


def test_what_was_cut_off_before_the_table_is_completed(runner: Runner, nas: Nas) -> None:
    runner.run(module, **BACKUP)
    nas.write("/etc/crontab", "")

    runner.change(module, **BACKUP)
    assert table(nas) == {1: ["30", "3", "*", "*", "*"]}

    # The same with an old time in the table, which only its age tells.
    late = values(nas, 1) | {"run hour": "4", "last work hour": "4"}
    nas.write(f"{FOLDER}/1.task", "".join(f"{key}={value}\n" for key, value in late.items()))
    assert runner.run(module, **{**BACKUP, "hour": 4})["changed"] is True
    assert table(nas) == {1: ["30", "4", "*", "*", "*"]}


def test_a_removal_that_was_cut_off_is_completed(runner: Runner, nas: Nas) -> None:
    runner.run(module, **BACKUP)
    runner.instead["synoschedtask", "--sync"] = lambda: (1, "", "cut off")

    runner.refused(module, name=BACKUP["name"], state="absent")
    assert table(nas) == {1: ["30", "3", "*", "*", "*"]}

    del runner.instead["synoschedtask", "--sync"]
    runner.change(module, name=BACKUP["name"], state="absent")
    assert table(nas) == {}
    nas.refused("synoschedtask", "--get", "id=1")


def test_a_release_that_makes_the_table_when_crond_starts(runner: Runner, nas: Nas) -> None:
    def restart() -> tuple[int, str, str]:
        nas.ok("synoschedtask", "--sync")
        nas.ok("synosystemctl", "start", "crond")
        return 0, "", ""

    runner.instead["synoschedtask", "--sync"] = lambda: (0, "", "")
    runner.instead["synosystemctl", "restart"] = restart

    runner.run(module, **BACKUP)

    assert table(nas) == {1: ["30", "3", "*", "*", "*"]}


def test_a_task_that_dsm_does_not_schedule_is_told(runner: Runner, nas: Nas) -> None:
    runner.instead["synoschedtask", "--sync"] = lambda: (0, "", "")

    said = runner.refused(module, **BACKUP)

    assert "does not run task 1" in said
    assert "synoschedtask --sync ended with 0 silently" in said


def test_a_crond_that_does_not_come_back_is_told(runner: Runner, nas: Nas) -> None:
    runner.instead["synosystemctl", "restart"] = lambda: (0, "", "")

    assert "crond does not run after its restart" in runner.refused(module, **BACKUP)


def test_a_user_of_the_nas_owns_the_task(runner: Runner, nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    nas.ok("synouser", "--add", "ann", "Passw0rd!", "", "0", "", "0")
    monkeypatch.setattr(module, "uid_of", lambda user, check_mode: {"ann": 1026}[user])

    runner.change(module, **BACKUP, user="ann")

    assert "ann\t/usr/syno/bin/synoschedtask" in nas.read("/etc/crontab")


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"user": "no-such-user"}, "there is no user no-such-user"),
        ({"hour": 24}, "hour is 24"),
        ({"minute": -1}, "minute is -1"),
        ({"every_hours": 1, "every_minutes": 5}, "exclude each other"),
        ({"every_hours": 1, "last_hour": 2}, "last_hour is before hour"),
        ({"schedule": "weekly"}, "weekdays and schedule: weekly belong together"),
        ({"weekdays": ["monday"]}, "weekdays and schedule: weekly belong together"),
        ({"schedule": "monthly"}, "day and schedule: monthly belong together"),
        ({"command": " "}, "there is no command"),
        ({"name": "two\nlines"}, "is no name of a task"),
        ({"name": ""}, "is no name of a task"),
    ],
)
def test_what_makes_no_task_is_refused(runner: Runner, nas: Nas, wanted: dict[str, Any], said: str) -> None:
    before = runner.everything()

    assert said in runner.refused(module, **{**BACKUP, **wanted})
    assert runner.everything() == before


def test_nothing_is_left_beside_the_tasks(runner: Runner, nas: Nas) -> None:
    before = {path.name for path in nas.path("/usr/syno/etc").rglob("*")}

    runner.run(module, **BACKUP)
    runner.run(module, **{**BACKUP, "hour": 5})

    assert {path.name for path in nas.path("/usr/syno/etc").rglob("*")} - before == {"synoschedule.d", "root", "1.task"}
