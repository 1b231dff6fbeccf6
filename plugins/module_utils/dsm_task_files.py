"""The files of DSM's Task Scheduler: /usr/syno/etc/synoschedule.d/USER/N.task, one key=value a line, keys with spaces.

Control Panel writes more keys than anybody has described. What is not known here stays as it is. Python 3.8, standard
library only.
"""

from __future__ import annotations

import base64
import binascii
import glob
import json
import os
import shutil
import tempfile
from typing import Any

from ansible.module_utils.dsm import DsmError

FOLDER = "/usr/syno/etc/synoschedule.d"
# Tasks of all owners that Control Panel's administrators make lie here; the owner stands in the file.
OURS = "root"
# Outside of FOLDER: whatever lies in there DSM takes for a task, or for a user's folder.
WORKSHOP = "/usr/syno/etc"
# Owner, group and mode where there is no task yet to look at.
FIRST = (0, 0, 0o660)

# A task made in Control Panel has these besides the ones that say what to run and when (published files of DSM 7).
NEW = {
    "can edit owner": "1",
    "can delete from ui": "1",
    "edit dialog": "SYNO.SDS.TaskScheduler.EditDialog",
    "systemd slice": "",
    "monthly week": "0",
    "can edit from ui": "1",
    "app name": "#common:command_line#",
    "can run app same time": "1",
    "simple edit form": "1",
    "listable": "1",
    "can run task same time": "0",
    "edit form": "SYNO.SDS.TaskScheduler.Script.FormPanel",
    "app": "SYNO.SDS.TaskScheduler.Script",
    "can edit name": "1",
    "can run from ui": "1",
    "cmdArgv": "",
}
NEW_APP_ARGS = {"notify_enable": False, "notify_if_error": False, "notify_mail": ""}


class TaskFile:
    """One task: its file and its lines."""

    def __init__(self, path: str, values: dict[str, str]) -> None:
        self.path = path
        self.values = values

    @property
    def number(self) -> int:
        """The task's id, which is the file's name."""
        return int(os.path.basename(self.path).partition(".")[0])

    @property
    def name(self) -> str:
        """What Control Panel shows."""
        return self.values.get("name", "")

    @property
    def command(self) -> str:
        """The script that is run; what is no base64 of one counts as none, and is written anew."""
        try:
            return base64.b64decode(self.values.get("cmd", ""), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            return ""

    def with_values(self, values: dict[str, str]) -> TaskFile:
        """Return this task with some lines set; the others stay, in their order."""
        return TaskFile(self.path, {**self.values, **values})


def command_values(command: str, present: dict[str, str]) -> dict[str, str]:
    """Return the lines that hold a task's script: what is run, and what Control Panel shows of it.

    Args:
        command: the script.
        present: the task's lines so far; its settings of notices are kept.
    """
    try:
        shown: dict[str, Any] = json.loads(present.get("app args", ""))
    except ValueError:
        shown = {}
    settings = {**NEW_APP_ARGS, **(shown if isinstance(shown, dict) else {}), "script": command}
    return {
        "cmd": base64.b64encode(command.encode()).decode(),
        "action": "#common:run#: " + " ".join(command.split()),
        "app args": json.dumps(settings, separators=(",", ":"), ensure_ascii=False),
    }


def read_all() -> list[TaskFile]:
    """Return every task of the NAS, by its number.

    Raises:
        DsmError: there is no Task Scheduler, or a file can't be read.
    """
    if not os.path.isdir(WORKSHOP):
        raise DsmError(
            f"there is no {WORKSHOP}", "is this a Synology NAS with DSM 7? Its Task Scheduler keeps tasks there"
        )
    found = []
    for path in glob.glob(FOLDER + "/*/*.task"):
        if not os.path.basename(path)[: -len(".task")].isdigit():
            continue
        try:
            with open(path, encoding="utf-8", errors="surrogateescape", newline="\n") as file:
                lines = file.read().split("\n")
        except OSError as error:
            raise DsmError(
                f"{path} can't be read: {error.strerror}", "look at it in Control Panel → Task Scheduler"
            ) from None
        pairs = (line.partition("=") for line in lines)
        found.append(TaskFile(path, {key.strip(): value for key, equals, value in pairs if equals}))
    return sorted(found, key=lambda task: task.number)


def find(tasks: list[TaskFile], name: str) -> TaskFile | None:
    """Return the one task of a name, or None.

    Raises:
        DsmError: several tasks have it.
    """
    found = [task for task in tasks if task.name == name]
    if len(found) > 1:
        raise DsmError(
            f"several tasks are called {name!r}: {', '.join(task.path for task in found)}",
            "rename or delete all but one in Control Panel → Task Scheduler; which is ours can't be told",
        )
    return found[0] if found else None


def owner_and_mode(tasks: list[TaskFile]) -> tuple[int, int, int]:
    """Return uid, gid and mode for a new task's file: those of the tasks that are there."""
    if tasks:
        found = os.stat(tasks[-1].path)
        return found.st_uid, found.st_gid, found.st_mode & 0o777
    return FIRST


def write(task: TaskFile, owner: tuple[int, int, int]) -> None:
    """Replace a task's file as a whole, so that DSM never reads half of it."""
    temporary = _write_aside(task, owner)
    os.replace(temporary, task.path)


def create(values: dict[str, str], tasks: list[TaskFile]) -> TaskFile:
    """Write a new task under a free number and return it; a number taken meanwhile is left to whoever took it."""
    folder = os.path.join(FOLDER, OURS)
    os.makedirs(folder, mode=0o755, exist_ok=True)
    number = max([task.number for task in tasks] or [0]) + 1
    while True:
        path = os.path.join(folder, f"{number}.task")
        task = TaskFile(path, {"id": str(number), **values})
        temporary = _write_aside(task, owner_and_mode(tasks))
        try:
            os.link(temporary, path)
        except FileExistsError:
            number += 1
        else:
            return task
        finally:
            os.unlink(temporary)


def _write_aside(task: TaskFile, owner: tuple[int, int, int]) -> str:
    handle, temporary = tempfile.mkstemp(prefix=".kbju-task-", dir=WORKSHOP)
    uid, gid, mode = owner
    with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape", newline="\n") as file:
        file.writelines(f"{key}={value}\n" for key, value in task.values.items())
        file.flush()
        os.fsync(file.fileno())
    shutil.chown(temporary, uid, gid)
    # A task's file is DSM's own and has no access list; mkstemp has made this one 0600.
    os.chmod(temporary, mode)
    return temporary
