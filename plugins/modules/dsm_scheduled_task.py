#!/usr/bin/python
"""Ansible module: a scheduled task of a Synology NAS, as Control Panel → Task Scheduler shows it."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_scheduled_task
short_description: Manage a task of a Synology NAS's Task Scheduler
description:
  - Makes, changes or removes a user-defined script in DSM's Task Scheduler. The task is found by its name; two tasks
    of that name are an error, and neither is touched.
  - Writes DSM's own file of the task, as a whole and under a free number, has C(synoschedtask --sync) make
    C(/etc/crontab) of it, and restarts crond where that table has changed. Other tasks, and lines of this one that
    the module does not know, stay.
  - The table is read back; a task that DSM does not schedule is an error.
options:
  name:
    description: The task's name in Control Panel.
    type: str
    required: true
  state:
    description: Whether there is such a task.
    type: str
    choices: [present, absent]
    default: present
  command:
    description:
      - The script, which may have several lines. Needed with O(state=present).
      - It stands readable in the task's file, in Control Panel and in process lists. Secrets do not belong in it -
        have it call a script that reads them from a file.
    type: str
  user:
    description: As whom it runs.
    type: str
    default: root
  schedule:
    description: On which days it runs, or that it runs once after every boot.
    type: str
    choices: [daily, weekly, monthly, bootup]
    default: daily
  hour:
    description: The hour of the first run of a day.
    type: int
    default: 0
  minute:
    description: The minute.
    type: int
    default: 0
  weekdays:
    description: With O(schedule=weekly), the days.
    type: list
    elements: str
    choices: [sunday, monday, tuesday, wednesday, thursday, friday, saturday]
  day:
    description: With O(schedule=monthly), the day of the month. A month that has no such day is left out.
    type: int
  every_hours:
    description: Run again after so many hours, up to O(last_hour).
    type: int
  every_minutes:
    description: Run again after so many minutes, up to the end of O(last_hour). Control Panel knows 1, 5, 10, 15, 20
      and 30.
    type: int
  last_hour:
    description: With O(every_hours) or O(every_minutes), the hour of the last run of a day.
    type: int
    default: 23
  enabled:
    description: Whether it is scheduled. A task that is not can still be run by hand.
    type: bool
    default: true
attributes:
  check_mode:
    support: full
    description: Says what would change.
  diff_mode:
    support: full
    description: The task before and after.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: A backup every night
  dsm_scheduled_task:
    name: KBJU backup
    command: /volume1/docker/kbju-bot-prod/bin/backup
    hour: 3
    minute: 30

- name: Look every ten minutes, by day
  dsm_scheduled_task:
    name: KBJU look
    command: /volume1/docker/kbju-bot-prod/bin/look
    hour: 8
    every_minutes: 10
    last_hour: 20
"""

RETURN = r"""
task:
  description: The task after the module - C(id), C(name), C(user), C(command), C(when), C(enabled); empty when absent.
  returned: success
  type: dict
"""

import os
import pwd
import time
from typing import Any

from ansible.module_utils import dsm_crontab
from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm import DsmError, Tools, run
from ansible.module_utils.dsm_task_files import (
    NEW,
    TaskFile,
    command_values,
    create,
    find,
    owner_and_mode,
    read_all,
    write,
)

WEEK = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]


def uid_of(user: str, check_mode: bool) -> int:
    """Return a user's number; in check mode a user whom another task has yet to make counts as -1.

    Raises:
        DsmError: there is no such user.
    """
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        if check_mode:
            return -1
        raise DsmError(f"there is no user {user} to run the task", "make it with dsm_user first") from None


def check(params: dict[str, Any]) -> None:
    """Refuse settings that make no task.

    Raises:
        DsmError: what is wrong.
    """
    limits = {"hour": (0, 23), "minute": (0, 59), "last_hour": (0, 23), "day": (1, 31)}
    limits.update({"every_hours": (1, 23), "every_minutes": (1, 59)})
    for key, (least, most) in limits.items():
        if params[key] is not None and not least <= params[key] <= most:
            raise DsmError(f"{key} is {params[key]}", f"give a number from {least} to {most}")
    name = params["name"]
    if not name.strip() or "\n" in name or name != name.strip():
        raise DsmError(f"{name!r} is no name of a task", "give one line, without spaces around it")
    if params["state"] == "absent":
        return
    if not (params["command"] or "").strip():
        raise DsmError("there is no command", "give the script that the task runs")
    repeats = params["every_hours"] is not None, params["every_minutes"] is not None
    if all(repeats):
        raise DsmError("every_hours and every_minutes exclude each other", "give one of them")
    if any(repeats) and params["last_hour"] < params["hour"]:
        raise DsmError("last_hour is before hour", "a day's runs can't go past midnight; give a later last_hour")
    for key, schedule in (("weekdays", "weekly"), ("day", "monthly")):
        if bool(params[key]) != (params["schedule"] == schedule):
            raise DsmError(f"{key} and schedule: {schedule} belong together", "give both or none")


def wanted_values(params: dict[str, Any], uid: int, present: dict[str, str]) -> dict[str, str]:
    """Return the lines of the task's file that the module's options decide."""
    schedule, hour = params["schedule"], params["hour"]
    repeats = params["every_hours"] or params["every_minutes"]
    days = {"weekly": params["weekdays"] or [], "monthly": []}.get(schedule, WEEK)
    monthly = schedule == "monthly"
    # Control Panel notes the month in which a monthly task begins; one that is there stays.
    year, month = (present.get("start year", "0"), present.get("start month", "0")) if monthly else ("0", "0")
    if monthly and "0" in (year, month):
        year, month = str(time.localtime().tm_year), str(time.localtime().tm_mon)
    return {
        "name": params["name"],
        "type": schedule,
        "state": "enabled" if params["enabled"] else "disabled",
        "owner": str(uid),
        "week": "".join("1" if day in days else "0" for day in WEEK),
        "start day": str(params["day"] or 0),
        "start month": month,
        "start year": year,
        "run hour": str(hour),
        "run min": str(params["minute"]),
        "repeat hour": str(params["every_hours"] or 0),
        "repeat min": str(params["every_minutes"] or 0),
        # The hours in which DSM repeats a task end here; 0 would end them with the first one.
        "last work hour": str(params["last_hour"] if repeats else hour),
        **command_values(params["command"], present),
    }


def shown(task: TaskFile | None) -> dict[str, Any]:
    """Return a task as the diff and the result show it."""
    if task is None:
        return {}
    value = task.values.get
    week = value("week", "")
    when = {
        "schedule": value("type"),
        "time": f"{int(value('run hour') or 0):02}:{int(value('run min') or 0):02}",
        "weekdays": [day for day, bit in zip(WEEK, week) if bit == "1"] if value("type") == "weekly" else None,
        "day": value("start day") if value("type") == "monthly" else None,
        "every_hours": value("repeat hour"),
        "every_minutes": value("repeat min"),
        "last_hour": value("last work hour"),
    }
    return {
        "name": task.name,
        "uid": value("owner"),
        "enabled": value("state") == "enabled",
        "command": task.command,
        "when": {key: found for key, found in when.items() if found not in (None, "0")},
    }


def is_for_cron(task: TaskFile) -> bool:
    """Tell whether a task has to stand in crond's table."""
    return bool(task.values.get("state") == "enabled" and task.values.get("type") != "bootup")


def ensure(module: AnsibleModule, tools: Tools) -> dict[str, Any]:
    """Bring the task into the asked state and return the module's result."""
    params = module.params
    check(params)
    tasks = read_all()
    before = find(tasks, params["name"])
    if params["state"] == "absent":
        if before is not None and not module.check_mode:
            # The file goes last: without it a run that follows one cut off here would not know what to complete.
            write(before.with_values({"state": "disabled"}), owner_and_mode([before]))
            dsm_crontab.sync(tools, before.number, scheduled=False)
            os.unlink(before.path)
        return {"changed": before is not None, "task": {}, "diff": {"before": shown(before), "after": {}}}

    uid = uid_of(params["user"], module.check_mode)
    after = (before or TaskFile("", NEW)).with_values(wanted_values(params, uid, before.values if before else {}))
    scheduled = is_for_cron(after)
    differs = before is None or after.values != before.values
    # A run that was cut off between the file and the table is completed by the next one.
    changed = before is None or differs or dsm_crontab.runs(before.number) != scheduled
    if not module.check_mode:
        if before is None:
            after = create(after.values, tasks)
        elif differs:
            write(after, owner_and_mode([before]))
        if changed or dsm_crontab.older_than(after.path):
            changed = dsm_crontab.sync(tools, after.number, scheduled) or changed
    number = {"id": after.number} if after.path else {}
    return {
        "changed": changed,
        "task": {**shown(after), "user": params["user"], **number},
        "diff": {"before": shown(before), "after": shown(after)},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "command": {"type": "str"},
            "user": {"type": "str", "default": "root"},
            "schedule": {"type": "str", "choices": ["daily", "weekly", "monthly", "bootup"], "default": "daily"},
            "hour": {"type": "int", "default": 0},
            "minute": {"type": "int", "default": 0},
            "weekdays": {"type": "list", "elements": "str", "choices": WEEK},
            "day": {"type": "int"},
            "every_hours": {"type": "int"},
            "every_minutes": {"type": "int"},
            "last_hour": {"type": "int", "default": 23},
            "enabled": {"type": "bool", "default": True},
        },
        supports_check_mode=True,
    )
    run(module, ensure)


if __name__ == "__main__":
    main()
