"""The daemons of the stand-in: what systemd starts, stops and watches on DSM.

Under another root (DSM_ROOT) no process is touched: only what should run is noted.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from dsm_programs import common

PACKAGE_BIN = "/var/packages/ContainerManager/target/usr/bin"
DOCKERD = "pkg-ContainerManager-dockerd"
DOCKER_LINKS = ("docker", "docker-compose")
DOCKER_SOCKET = "/var/run/docker.sock"
CROND_TABLES = "/run/crond"
# What crontab jobs find on DSM: there the syno tools are on the PATH.
CRON_PATH = "/sbin:/bin:/usr/sbin:/usr/bin:/usr/syno/sbin:/usr/syno/bin:/usr/local/sbin:/usr/local/bin"


@dataclass(frozen=True)
class Unit:
    """A daemon: how it is started, which file holds its process id, what has to happen around it."""

    command: list[str]
    pid_file: str
    stop_seconds: int = 10
    before: Callable[[], None] | None = None
    ready: Callable[[], bool] | None = None
    after_start: Callable[[], None] | None = None
    after_stop: Callable[[], None] | None = None
    writes_pid_file: bool = True
    environment: dict[str, str] = field(default_factory=dict)


def cgroup_parent() -> str:
    """Name the cgroup of the nested containers: one for each stand-in, so that it can be cleaned up.

    With cgroup v1 the host's hierarchy is mounted, and other stand-ins on the same machine use it as well.
    """
    if os.environ.get("DSM_CGROUP_PARENT"):
        return os.environ["DSM_CGROUP_PARENT"]
    saved = common.state_path("container-id")
    return "/kbju-dsm-" + (saved.read_text().strip() if saved.exists() else os.uname().nodename)


def _docker_links(present: bool) -> None:
    for name in DOCKER_LINKS:
        link = common.path("/usr/local/bin/" + name)
        if link.is_symlink():
            link.unlink()
        if present:
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(f"{PACKAGE_BIN}/{name}")


def _engine_answers() -> bool:
    return subprocess.run([PACKAGE_BIN + "/docker", "version"], capture_output=True, check=False).returncode == 0


def _engine_before() -> None:
    for leftover in ("/run/docker.pid", "/run/docker/containerd/containerd.pid"):
        with contextlib.suppress(FileNotFoundError):
            Path(leftover).unlink()


def _engine_started() -> None:
    from dsm_programs import synofirewall  # noqa: PLC0415 - it imports this module

    _docker_links(True)
    # The engine puts its own rules first; DSM's come before them.
    synofirewall.apply_if_enabled()


def write_cron_tables() -> None:
    """Give crond its tables, made of /etc/crontab.

    crond reads /etc/crontab only when it starts, as on DSM: an edit without a restart of crond has no effect.
    """
    tables: dict[str, list[str]] = {}
    source = common.path("/etc/crontab")
    for line in source.read_text().splitlines() if source.exists() else []:
        fields = line.split(None, 6)
        if len(fields) == 7 and not line.startswith("#"):
            tables.setdefault(fields[5], []).append(" ".join([*fields[:5], fields[6]]))
    directory = common.path(CROND_TABLES)
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    for user, lines in tables.items():
        common.write(directory / user, "".join(line + "\n" for line in lines), 0o600)


UNITS: dict[str, Unit] = {
    "sshd": Unit(["/usr/sbin/sshd"], "/run/sshd.pid"),
    "nginx": Unit(["/usr/sbin/nginx"], "/run/nginx.pid"),
    "crond": Unit(
        ["/bin/busybox", "crond", "-f", "-c", CROND_TABLES, "-L", "/var/log/crond.log"],
        "/run/crond.pid",
        before=write_cron_tables,
        writes_pid_file=False,
        environment={"PATH": CRON_PATH},
    ),
    DOCKERD: Unit(
        [PACKAGE_BIN + "/dockerd", "--config-file", "/var/packages/ContainerManager/etc/dockerd.json"],
        "/run/docker.pid",
        stop_seconds=18,
        before=_engine_before,
        ready=_engine_answers,
        after_start=_engine_started,
        after_stop=lambda: _docker_links(False),
        environment={"PATH": PACKAGE_BIN + ":/sbin:/bin:/usr/sbin:/usr/bin"},
    ),
}


def _noted() -> dict[str, bool]:
    noted: dict[str, bool] = common.load_json(common.path("/run/dsm-units.json"), {})
    return noted


def _note(name: str, runs: bool) -> None:
    common.save_json(common.path("/run/dsm-units.json"), dict(_noted(), **{name: runs}))


def _pid(unit: Unit) -> int | None:
    try:
        pid = int(Path(unit.pid_file).read_text())
        started = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, ValueError):
        return None
    # After a reboot the number may belong to another process.
    return pid if os.path.basename(unit.command[0]).encode() in started else None


def is_active(name: str) -> bool:
    """Tell whether a unit runs."""
    if not common.IS_MACHINE:
        return _noted().get(name, False)
    return _pid(UNITS[name]) is not None


def start(name: str) -> None:
    """Start a unit and wait until it works."""
    if is_active(name):
        return
    if not common.IS_MACHINE:
        if name == DOCKERD:
            _docker_links(True)
        _note(name, True)
        return
    unit = UNITS[name]
    if unit.before:
        unit.before()
    command = list(unit.command)
    if name == DOCKERD:
        command += ["--cgroup-parent", cgroup_parent()]
    with open(f"/var/log/{name}.log", "ab") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Nothing of the caller's: an administrator's session must not decide how a daemon runs.
            env=dict({"PATH": "/sbin:/bin:/usr/sbin:/usr/bin", "HOME": "/root", "LANG": "C.UTF-8"}, **unit.environment),
            cwd="/",
            start_new_session=True,
        )
    if not unit.writes_pid_file:
        Path(unit.pid_file).write_text(f"{process.pid}\n")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if _pid(unit) is not None and (unit.ready is None or unit.ready()):
            break
        # A daemon that went into the background ends with 0; its process id appears a moment later.
        if process.poll():
            raise common.Refused(f"{name} did not start, see /var/log/{name}.log", 1)
        time.sleep(0.1)
    else:
        raise common.Refused(f"{name} did not come up in 60 s, see /var/log/{name}.log", 1)
    if unit.after_start:
        unit.after_start()


def stop(name: str) -> None:
    """Stop a unit and wait until it has ended."""
    if not common.IS_MACHINE:
        if name == DOCKERD:
            _docker_links(False)
        _note(name, False)
        return
    unit = UNITS[name]
    pid = _pid(unit)
    if pid is not None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + unit.stop_seconds
        while _pid(unit) is not None and time.monotonic() < deadline:
            time.sleep(0.1)
        if _pid(unit) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    with contextlib.suppress(FileNotFoundError):
        Path(unit.pid_file).unlink()
    if unit.after_stop:
        unit.after_stop()


def reload(name: str) -> None:
    """Have a unit read its configuration again."""
    if not common.IS_MACHINE:
        return
    pid = _pid(UNITS[name])
    if pid is None:
        raise common.Refused(f"{name} does not run", 1)
    os.kill(pid, signal.SIGHUP)
