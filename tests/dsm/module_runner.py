"""Runs the dsm_* modules in this process, on the programs of the DSM stand-in."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ansible.module_utils
import pytest
from ansible.module_utils.testing import patch_module_args

from dsm.standin import Nas, common

# Ansible ships this folder with a module; here it has to be found likewise, before a module is imported.
ansible.module_utils.__path__.append(str(Path(__file__).resolve().parents[2] / "plugins" / "module_utils"))
Answer = tuple[int, str, str]


class Runner:
    """Runs modules, and notes and answers the programs they call."""

    def __init__(self, nas: Nas, capsys: pytest.CaptureFixture[str]) -> None:
        self.nas = nas
        self.capsys = capsys
        self.calls: list[list[str]] = []
        self.inputs: list[str] = []
        # Answers of a DSM that is not as the stand-in is: by program and verb.
        self.instead: dict[tuple[str, str], Callable[[], Answer]] = {}
        self.output = ""

    def call(self, command: list[str], data: str | None = None, **__: Any) -> Answer:
        """Stand for AnsibleModule.run_command."""
        name, arguments = Path(command[0]).name, command[1:]
        self.calls.append([name, *arguments])
        self.inputs.append(data or "")
        key = (name, arguments[0])
        if key in self.instead:
            return self.instead[key]()
        if name in common.PROGRAMS:
            done = self.nas.run(name, *arguments)
        else:
            done = subprocess.run(command, input=data, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    def run(self, module: Any, *, check: bool = False, **parameters: Any) -> dict[str, Any]:
        """Run a module and return its result."""
        self.calls.clear()
        self.inputs.clear()
        with (
            patch_module_args({**parameters, "_ansible_check_mode": check, "_ansible_diff": True}),
            pytest.raises(SystemExit),
        ):
            module.main()
        self.output = self.capsys.readouterr().out
        result: dict[str, Any] = json.loads(self.output)
        return result

    def change(self, module: Any, **parameters: Any) -> dict[str, Any]:
        """Run a module that has something to do.

        Before, check mode says the same and touches nothing; after, there is nothing left to do.
        """
        before = self.everything()
        foretold = self.run(module, check=True, **parameters)
        assert self.everything() == before, "check mode has changed the NAS"
        assert foretold.get("changed") is True, foretold
        done = self.run(module, **parameters)
        assert done.get("changed") is True, done
        assert done["diff"]["before"] == foretold["diff"]["before"]
        self.still(module, **parameters)
        return done

    def still(self, module: Any, **parameters: Any) -> dict[str, Any]:
        """Run a module that has nothing to do, in check mode and out of it."""
        before = self.everything()
        for check in (True, False):
            done = self.run(module, check=check, **parameters)
            assert done.get("changed") is False, done
            assert done["diff"]["before"] == done["diff"]["after"]
        assert self.everything() == before
        return done

    def refused(self, module: Any, *, check: bool = False, **parameters: Any) -> str:
        """Run a module that gives up, and return why."""
        done = self.run(module, check=check, **parameters)
        assert done.get("failed") is True, done
        message: str = done["msg"]
        return message

    def everything(self) -> dict[str, bytes]:
        """Return every file of the NAS but notes that reading makes."""
        found = (path for path in self.nas.root.rglob("*") if path.is_file() and not path.is_symlink())
        return {
            str(path): path.read_bytes()
            for path in found
            if "@dsm-standin" not in str(path) and "/run/" not in str(path)
        }

    def verbs(self) -> list[str]:
        """Return what was called in the last run, without what only reads."""
        reads = {"--get", "--enum", "-get", "status", "--help", "passwd", "get-active-status"}
        return [" ".join(call) for call in self.calls if call[1] not in reads]
