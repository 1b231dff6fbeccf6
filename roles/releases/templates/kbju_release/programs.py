"""Asking the engine: every call has an end, and a failure says what was asked."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any, NamedTuple

from kbju_release.errors import Exit, Failure
from kbju_release.settings import Settings

_PATIENCE = 120.0


class Done(NamedTuple):
    """What a program has said."""

    code: int
    printed: str
    complaint: str

    @property
    def said(self) -> str:
        """Both, the complaint last."""
        return "\n".join(part for part in (self.printed.strip(), self.complaint.strip()) if part)


class Engine:
    """Docker and compose."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def try_docker(self, *arguments: str, timeout: float = _PATIENCE) -> Done:
        """Run a Docker command, whatever its exit code is; a timeout is -9."""
        command = [self._settings.docker, *arguments]
        # The environment of the caller is none of the program's business.
        environment = {"PATH": "/usr/bin:/bin", "HOME": os.environ.get("HOME", "/root")}
        try:
            # In a session of its own: what ends the operator's must not end it in the middle.
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
                env=environment,
                start_new_session=True,
            )
        except subprocess.TimeoutExpired:
            return Done(-9, "", f"no answer within {timeout:g} s")
        except OSError as error:
            return Done(127, "", f"{command[0]}: {error.strerror}")
        return Done(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))

    def docker(self, *arguments: str, code: Exit = Exit.NOT_STARTED, timeout: float = _PATIENCE) -> str:
        """Run a Docker command and return what it prints. Raise Failure with `code` where it fails."""
        done = self.try_docker(*arguments, timeout=timeout)
        if done.code != 0:
            raise Failure(code, f"docker {' '.join(arguments[:2])} failed: {done.said or done.code}")
        return done.printed

    def try_compose(self, *arguments: str, timeout: float = _PATIENCE) -> Done:
        """Run a compose command in the project's directory."""
        return self.try_docker("compose", "--project-directory", self._settings.root, *arguments, timeout=timeout)

    def compose(self, *arguments: str, code: Exit = Exit.NOT_STARTED, timeout: float = _PATIENCE) -> str:
        """Run a compose command and return what it prints. Raise Failure with `code` where it fails."""
        done = self.try_compose(*arguments, timeout=timeout)
        if done.code != 0:
            raise Failure(code, f"docker compose {arguments[0]} failed: {done.said or done.code}")
        return done.printed

    def inspect(self, name: str) -> dict[str, Any] | None:
        """Return what the engine knows of a container; None: there is none."""
        done = self.try_docker("container", "inspect", name)
        if done.code != 0 and "no such container" not in done.complaint.lower():
            raise Failure(
                Exit.NOTHING_RUNS, f"The Docker engine does not answer: {done.said}", "Start Container Manager"
            )
        return json.loads(done.printed)[0] if done.code == 0 else None

    def name_image(self, image_id: str, reference: str) -> bool:
        """Have `reference` mean an image, and tell whether it does; its name may have been given to another."""
        if self.image_id(reference) == image_id:
            return True
        return "@" not in reference and self.try_docker("tag", image_id, reference).code == 0

    def image_id(self, reference: str) -> str | None:
        """Return an image's id; None: it is not here."""
        done = self.try_docker("image", "inspect", "--format", "{{.Id}}", reference)
        return done.printed.strip() if done.code == 0 else None
