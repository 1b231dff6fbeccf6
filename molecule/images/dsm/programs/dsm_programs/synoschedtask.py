"""synoschedtask: the Task Scheduler.

Source: dsm-facts "Scheduled and boot tasks": tasks in /usr/syno/etc/synoschedule.d/root/N.task, /etc/crontab made of
them by --sync, crond to be restarted after it (medium). The fields of a task, "cmd" being base64, the look of --get
and that boot tasks do not stand in /etc/crontab are from published files and outputs (medium). A monthly task has its
day in "start day" and an empty week: from a published file of DSM 7 (medium), its line in /etc/crontab is a guess
(low).
"""

from __future__ import annotations

import base64
import binascii
import subprocess
from dataclasses import dataclass

from dsm_programs import accounts, common

USAGE = """Usage: synoschedtask
  --get [id=N]
  --sync
  --run id=N
  --del id=N"""
FOLDER = "/usr/syno/etc/synoschedule.d"
HEADER = (
    'MAILTO=""\n'
    "PATH=/sbin:/bin:/usr/sbin:/usr/bin:/usr/syno/sbin:/usr/syno/bin:/usr/local/sbin:/usr/local/bin\n"
    "#minute\thour\tmday\tmonth\twday\twho\tcommand\n"
)
TYPES = {"daily", "weekly", "monthly", "once", "bootup", "shutdown"}


@dataclass
class Task:
    """A task file: key=value lines, keys with spaces."""

    number: int
    folder: str
    values: dict[str, str]

    def text(self, key: str, default: str = "") -> str:
        """Give a value as it stands."""
        return self.values.get(key, default)

    def whole(self, key: str) -> int:
        """Give a value as a number."""
        text = self.values.get(key) or "0"
        if not text.isdigit():
            raise common.Refused(f"task {self.number}: {key}={text} is no number", 1)
        return int(text)

    @property
    def is_enabled(self) -> bool:
        """Whether it is scheduled."""
        return self.text("state") == "enabled"

    @property
    def command(self) -> str:
        """What is run: a script, coded as base64 so that it may have several lines."""
        try:
            return base64.b64decode(self.text("cmd"), validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise common.Refused(f"task {self.number}: cmd is no base64 of a script", 1) from None

    @property
    def owner(self) -> str:
        """The name of the user it runs as."""
        uid = self.whole("owner")
        names = {user.uid: user.name for user in accounts.users().values()}
        if uid not in names:
            raise common.Refused(f"task {self.number}: no user with uid {uid}", 1)
        return names[uid]

    def cron_line(self) -> str | None:
        """Give the line of /etc/crontab, or None for a task that cron does not run."""
        if not self.is_enabled or self.text("type") not in {"daily", "weekly", "monthly"}:
            return None
        week = self.text("week", "1111111")
        days = [str(day) for day, on in enumerate(week) if on == "1"]
        minute, hour, last = self.whole("run min"), self.whole("run hour"), self.whole("last work hour")
        minutes, hours = str(minute), str(hour)
        if self.whole("repeat min"):
            minutes = f"{minute}-59/{self.whole('repeat min')}"
            hours = f"{hour}-{max(last, hour)}"
        elif self.whole("repeat hour"):
            hours = f"{hour}-{max(last, hour)}/{self.whole('repeat hour')}"
        monthly = self.text("type") == "monthly"
        weekdays = "*" if len(days) == 7 or monthly else ",".join(days)
        monthday = str(self.whole("start day")) if monthly else "*"
        command = f"/usr/syno/bin/synoschedtask --run id={self.number}"
        return "\t".join([minutes, hours, monthday, "*", weekdays, self.owner, command])


def tasks() -> list[Task]:
    """Read all tasks. A file that makes no sense is an error that names it."""
    found = []
    for file in sorted(common.path(FOLDER).glob("*/*.task")):
        values = {}
        for line in file.read_text().splitlines():
            key, _, value = line.partition("=")
            values[key.strip()] = value
        if values.get("id") != file.stem:
            raise common.Refused(f"{file.name}: id={values.get('id')} does not match the name of the file", 1)
        if values.get("type") not in TYPES:
            raise common.Refused(f"{file.name}: type={values.get('type')} is none of {', '.join(sorted(TYPES))}", 1)
        found.append(Task(int(file.stem), file.parent.name, values))
    return sorted(found, key=lambda task: task.number)


def _show(task: Task) -> None:
    rows = [
        ("User", f"[{task.folder}]"),
        ("ID", f"[{task.number}]"),
        ("Name", f"[{task.text('name')}]"),
        ("State", f"[{task.text('state')}]"),
        ("Owner", f"[{task.owner}]"),
        ("Type", f"[{task.text('type')}]"),
        ("Start date", f"[{task.whole('start year')}/{task.whole('start month')}/{task.whole('start day')}]"),
        ("Run time", f"[{task.whole('run hour')}]:[{task.whole('run min')}]"),
        ("Command", f"[{task.command}]"),
        ("Status", "[Not Available]"),
    ]
    for key, value in rows:
        print(f"{key:>17}: {value}")
    print()


def sync() -> None:
    """Make /etc/crontab of the tasks. Lines others wrote into it are lost."""
    lines = [line for line in (task.cron_line() for task in tasks()) if line]
    common.write(common.path("/etc/crontab"), HEADER + "".join(line + "\n" for line in lines))


def execute(task: Task) -> int:
    """Run a task as its owner; its output goes to a file, as there is nobody to mail it to."""
    output = common.path(f"/var/log/synoscheduler/{task.number}.log")
    output.parent.mkdir(parents=True, exist_ok=True)
    command = ["/bin/sh", "-c", task.command]
    if task.owner != "root":
        command = ["/usr/bin/setpriv", "--reuid", task.owner, "--regid", "100", "--init-groups", *command]
    with output.open("ab") as log:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=False).returncode


def _wanted(arguments: list[str]) -> list[Task]:
    if not arguments:
        return tasks()
    key, _, number = arguments[0].partition("=")
    if len(arguments) != 1 or key != "id" or not number.isdigit():
        raise common.Usage(USAGE)
    found = [task for task in tasks() if task.number == int(number)]
    if not found:
        raise common.Refused(f"Failed to get task [{number}]", 1)
    return found


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "--get":
        for task in _wanted(rest):
            _show(task)
        return 0
    if verb == "--sync" and not rest:
        common.need_root(name)
        sync()
        return 0
    if verb == "--run" and rest:
        return execute(_wanted(rest)[0])
    if verb == "--del" and rest:
        common.need_root(name)
        for task in _wanted(rest):
            common.path(f"{FOLDER}/{task.folder}/{task.number}.task").unlink()
        sync()
        return 0
    raise common.Usage(USAGE)
