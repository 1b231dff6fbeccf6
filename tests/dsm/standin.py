"""A temporary root for the programs of the DSM stand-in, and a way to call them as a shell would."""

import contextlib
import importlib
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

IMAGE = Path(__file__).resolve().parents[2] / "molecule/images/dsm"
ROOTFS = IMAGE / "rootfs"
PROGRAMS = IMAGE / "programs"
sys.path.insert(0, str(PROGRAMS))
common: Any = importlib.import_module("dsm_programs.common")


class Nas:
    """The file system of a NAS in a temporary directory; no daemon, no iptables, no root rights."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in ("etc", "etc.defaults", "volume1", "var/packages", "var/services", "usr/syno/bin", "run", "tmp"):
            (root / name).mkdir(parents=True)
        self.write("/etc/passwd", "root:x:0:0::/root:/bin/sh\n")
        self.write("/etc/group", "root:x:0:\nusers:x:100:\nadministrators:x:101:\n")
        self.write("/etc/shadow", "root:*:19000:0:99999:7:::\n")
        shutil.copytree(ROOTFS / "etc.defaults", root / "etc.defaults", dirs_exist_ok=True)
        shutil.copy(ROOTFS / "etc/synoinfo.conf", root / "etc/synoinfo.conf")
        shutil.copytree(ROOTFS / "usr/syno/etc", root / "usr/syno/etc")
        shutil.copytree(ROOTFS / "usr/lib/dsm-standin", root / "usr/lib/dsm-standin")

    def path(self, absolute: str) -> Path:
        return self.root / absolute.lstrip("/")

    def write(self, absolute: str, text: str) -> None:
        self.path(absolute).parent.mkdir(parents=True, exist_ok=True)
        self.path(absolute).write_text(text)

    def read(self, absolute: str) -> str:
        return self.path(absolute).read_text()

    def read_json(self, absolute: str) -> Any:
        return json.loads(self.read(absolute))

    def run(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call a program in this process: starting a Python for each call takes most of the time of a test."""
        out, err = io.StringIO(), io.StringIO()
        module = importlib.import_module("dsm_programs." + common.PROGRAMS[program])
        with (
            mock.patch.object(common, "ROOT", self.root),
            mock.patch.object(common, "IS_MACHINE", False),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            code = common.run(module.main, program, list(arguments))
        return subprocess.CompletedProcess([program, *arguments], code, out.getvalue(), err.getvalue())

    def run_as_process(self, program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Call a program as a shell does: by its name, which is a link to the launcher."""
        link = self.root / "usr/syno/bin" / program
        link.symlink_to(PROGRAMS / "run")
        return subprocess.run(
            [sys.executable, "-I", str(link), *arguments],
            env={"DSM_ROOT": str(self.root), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def ok(self, program: str, *arguments: str) -> str:
        done = self.run(program, *arguments)
        assert done.returncode == 0, (program, arguments, done)
        return done.stdout

    def refused(self, program: str, *arguments: str) -> str:
        done = self.run(program, *arguments)
        assert done.returncode != 0, (program, arguments, done)
        return done.stdout + done.stderr
