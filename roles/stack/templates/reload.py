#!/usr/bin/python3 -IB
"""Gives a service its new configuration without a restart: checked by its own checker, loaded, and asked about.

    reload nginx|prometheus|alertmanager

What the checker rejects never reaches the service: the configuration that it accepted last is put back, so that a
restart does not read the rejected one, which stays in config/.rejected for a look. Python 3.8, standard library only.
Exit code 0 when the service has loaded it, or is about to start with it; 1 when it was rejected or not loaded; 2 when
the engine does not answer.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from typing import NamedTuple

PATIENCE = 30.0
# Of a folder what others write while the service runs: the role releases leads nginx from one instance to another.
MOVING = "upstream.conf"
# From the inside: after any `docker kill` the engine does not start the container again should it end.
HANG_UP = ["sh", "-c", "kill -HUP 1"]
WORKERS = ["sh", "-c", 'for p in /proc/[0-9]*; do echo "${p#/proc/} $(tr "\\0" " " < "$p/cmdline")"; done 2> /dev/null']


class Service(NamedTuple):
    """One that can load a configuration while it runs."""

    check: list[str]
    """What its own checker is called with, in a container of its own image and mounts."""
    metrics: str
    """Where it tells when it has last loaded one; empty: it does not."""
    name: str
    """What its metrics begin with."""


SERVICES = {
    "nginx": Service(["nginx", "-t", "-q", "-c", "/etc/nginx/kbju/nginx.conf"], "", ""),
    "prometheus": Service(
        ["promtool", "check", "config", "/etc/prometheus/prometheus.yml"], "9090/prometheus/metrics", "prometheus"
    ),
    "alertmanager": Service(
        ["amtool", "check-config", "/etc/alertmanager/alertmanager.yml"], "9093/alertmanager/metrics", "alertmanager"
    ),
}


class Failure(Exception):
    """What went wrong, for the operator."""


class Reloading:
    """One service and its configuration."""

    def __init__(self, settings: dict[str, str], name: str) -> None:
        self._docker = settings["docker"]
        self._root = settings["root"]
        self._name = name
        self._service = SERVICES[name]
        self._container = "kbju-" + name
        self._folder = os.path.join(self._root, "config", name)
        self._accepted = os.path.join(self._root, "config", ".accepted", name)
        self._rejected = os.path.join(self._root, "config", ".rejected", name)

    def run(self) -> str:
        """Check and load; return what was done. Raise Failure."""
        self._check()
        mirror(self._folder, self._accepted)
        if not self._is_current():
            return f"{self._container} starts with it"
        before = self._state()
        self._docker_run("exec", self._container, *HANG_UP)
        self._await_loaded(before)
        return f"{self._container} has loaded it"

    def _check(self) -> None:
        # In the image and with the mounts that the service will have: another version may judge differently.
        program, *arguments = self._service.check
        command = [
            "compose",
            "--project-directory",
            self._root,
            "run",
            "--rm",
            "--no-deps",
            "-T",
            "--entrypoint",
            program,
        ]
        done = self._try(*command, self._container, *arguments)
        if done.returncode == 0:
            return
        said = (done.stdout + done.stderr).strip()
        mirror(self._folder, self._rejected)
        if not os.path.isdir(self._accepted):
            raise Failure(f"{self._container} rejects its configuration, and none was accepted before:\n{said}")
        mirror(self._accepted, self._folder)
        raise Failure(
            f"{self._container} rejects its new configuration and goes on with the one before; the rejected one is in "
            f"{self._rejected}:\n{said}"
        )

    def _is_current(self) -> bool:
        """Tell whether the container that runs is the one that compose would make."""
        label = '{{.State.Running}} {{index .Config.Labels "com.docker.compose.config-hash"}}'
        found = self._try("inspect", "--format", label, self._container)
        wanted = self._docker_run(
            "compose", "--project-directory", self._root, "config", "--hash", self._container
        ).split()
        return found.returncode == 0 and found.stdout.split() == ["true", wanted[-1]]

    def _state(self) -> str:
        """Return what changes when the configuration is loaded."""
        if not self._service.metrics:
            said = self._docker_run("exec", self._container, *WORKERS)
            return " ".join(sorted(line.split()[0] for line in said.splitlines() if "nginx: worker" in line))
        url = "http://127.0.0.1:" + self._service.metrics
        said = self._docker_run("exec", self._container, "wget", "-q", "-O", "-", url)
        told = re.findall(rf"^{self._service.name}_config_last_reload_success\w+ (\S+)", said, flags=re.MULTILINE)
        return " ".join(told)

    def _await_loaded(self, before: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while True:
            now = self._state()
            if self._service.metrics:
                # Whether the last one succeeded, and when one did: in the order of their names.
                if now != before and "0" in now.split():
                    raise Failure(f"{self._container} did not load its configuration:\n{self._log()}")
                loaded = now != before
            else:
                loaded = bool(set(now.split()) - set(before.split()))
            if loaded:
                return
            if time.monotonic() > deadline:
                raise Failure(
                    f"{self._container} has not loaded its configuration within {PATIENCE:g} s:\n{self._log()}"
                )
            time.sleep(0.2)

    def _log(self) -> str:
        done = self._try("logs", "--tail", "20", self._container)
        return (done.stdout + done.stderr).strip()

    def _docker_run(self, *arguments: str) -> str:
        done = self._try(*arguments)
        if done.returncode != 0:
            raise Failure(f"docker {' '.join(arguments[:2])} failed: {(done.stderr or done.stdout).strip()}")
        return done.stdout

    def _try(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([self._docker, *arguments], capture_output=True, text=True, timeout=120, check=False)


def mirror(source: str, target: str) -> None:
    """Make a folder's files like another's, but for what moves; contents, modes and owners."""
    os.makedirs(target, mode=0o700, exist_ok=True)
    wanted = dict(files(source))
    for path, file in wanted.items():
        same = os.path.join(target, path)
        os.makedirs(os.path.dirname(same), exist_ok=True)
        if not os.path.exists(same) or read(same) != read(file):
            shutil.copy2(file, same + ".new")
            status = os.stat(file)
            os.chown(same + ".new", status.st_uid, status.st_gid)
            os.replace(same + ".new", same)
    for path, file in files(target):
        if path not in wanted:
            os.unlink(file)


def files(folder: str) -> list[tuple[str, str]]:
    """Return the files below a folder, by the path below it and in full, less those that move."""
    return [
        (os.path.relpath(os.path.join(place, name), folder), os.path.join(place, name))
        for place, _, names in os.walk(folder)
        for name in names
        if name != MOVING
    ]


def read(file: str) -> bytes:
    """Return a file's content."""
    with open(file, "rb") as opened:
        return opened.read()


def main(arguments: list[str]) -> int:
    """Reload the services that are named; return the exit code."""
    if not arguments or set(arguments) - set(SERVICES):
        print(f"usage: reload {'|'.join(SERVICES)} …", file=sys.stderr)
        return 64
    with open(os.path.splitext(os.path.realpath(__file__))[0] + ".json", encoding="utf-8") as file:
        settings = json.load(file)
    code = 0
    for name in arguments:
        try:
            print(Reloading(settings, name).run())
        except Failure as failure:
            print(failure, file=sys.stderr)
            code = 1
        except (OSError, subprocess.TimeoutExpired) as error:
            print(f"{name}: the Docker engine does not answer: {error}", file=sys.stderr)
            return 2
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
