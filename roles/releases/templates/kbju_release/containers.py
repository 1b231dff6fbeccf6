"""The bot's containers: what they are, whether they are ready, and stopping them."""

from __future__ import annotations

import json
import time
from typing import Any, NamedTuple

from kbju_release.errors import Exit, Failure
from kbju_release.programs import Engine
from kbju_release.settings import Settings

_LOG_LINES = "60"
_STOP_PATIENCE = 60.0
_LOOK_INTERVAL = 0.2
# Run in the container: the image has no other program that asks by HTTP.
_ASK = """
import sys, urllib.error, urllib.request
try:
    answer = urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=5)
except urllib.error.HTTPError as error:
    answer = error
except OSError as error:
    sys.exit(f"/readyz can't be asked: {error}")
print(answer.status, answer.read().decode())
"""


class Wanted(NamedTuple):
    """What compose/bot.yml asks for."""

    image: str
    configuration: str
    """Compose's hash of everything that makes the container what it is."""
    webhook: bool


class Bots:
    """The bot's container and the one beside it."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine

    def wanted(self) -> Wanted:
        """Read what compose makes of the files. Raise Failure where they can't be read."""
        project = self._settings.project
        said = self._engine.compose("config", "--format", "json", project, code=Exit.CONFIGURATION)
        service: dict[str, Any] = json.loads(said)["services"][project]
        hashed = self._engine.compose("config", "--hash", project, code=Exit.CONFIGURATION).split()
        return Wanted(service["image"], hashed[-1], "WEBHOOK_URL" in (service.get("environment") or {}))

    def is_current(self, wanted: Wanted) -> bool:
        """Tell whether the bot's container is what is wanted."""
        found = self._engine.inspect(self._settings.project)
        return (
            found is not None
            and found["Config"]["Labels"].get("com.docker.compose.config-hash") == wanted.configuration
            and found["Image"] == self._engine.image_id(wanted.image)
        )

    def runs(self, name: str) -> bool:
        """Tell whether a container runs."""
        found = self._engine.inspect(name)
        return found is not None and bool(found["State"]["Running"])

    def by_webhook(self, name: str) -> bool:
        """Tell whether a container gets its messages by webhook."""
        found = self._engine.inspect(name)
        return found is not None and any(one.startswith("WEBHOOK_URL=") for one in found["Config"]["Env"])

    def start_next(self) -> None:
        """Start the instance beside the old one, from the same files as the bot's own. Raise Failure."""
        name, memory = self._settings.next, f"{self._settings.next_memory_mb}m"
        # No restart policy and no alias: one that ends is seen as ended, and nobody finds it by the bot's name.
        self._engine.compose("run", "--detach", "--no-deps", "--name", name, self._settings.project)
        # The limits of the whole stack leave room for one more of this size, not for a second bot.
        done = self._engine.try_docker("update", "--memory", memory, "--memory-swap", memory, name)
        # One that has ended already is told as that, in its own words.
        if done.code != 0 and self.runs(name):
            raise Failure(Exit.NOT_STARTED, f"{name} can't be given its limit: {done.said}")

    def start_own(self) -> None:
        """Have compose make or start the bot's own container. Raise Failure."""
        self._engine.compose("up", "--detach", "--no-deps", self._settings.project)

    def await_ready(self, name: str, state: str = "", seconds: float | None = None) -> None:
        """Wait until an instance says that it is ready and, where given, what it does. Raise Failure."""
        patience = self._settings.ready_timeout if seconds is None else seconds
        deadline = time.monotonic() + patience
        while True:
            ready, said, doing = self.ask(name)
            if ready and state in ("", doing):
                return
            if not self.runs(name):
                raise Failure(Exit.NOT_STARTED, f"{name} {self._ending(name)}\n{self.last_lines(name)}")
            if time.monotonic() > deadline:
                missing = f"is not {state}" if ready else "is not ready"
                raise Failure(Exit.NOT_READY, f"{name} {missing} after {patience:g} s: {said}\n{self.last_lines(name)}")
            time.sleep(_LOOK_INTERVAL)

    def ask(self, name: str) -> tuple[bool, str, str]:
        """Return whether an instance is ready, what it says of that, and what it does (health.py of the bot)."""
        done = self._engine.try_docker("exec", name, "python", "-c", _ASK, timeout=15)
        status, _, body = done.printed.strip().partition(" ")
        try:
            doing = str(json.loads(body)["state"])
        except (ValueError, KeyError, TypeError):
            doing = ""
        return done.code == 0 and status == "200", (done.said or "no answer").strip(), doing

    def watch(self, name: str, seconds: float) -> None:
        """Look at an instance for a while. Raise Failure where it ends, starts anew or is no longer ready."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ready, said, _ = self.ask(name)
            if not self.runs(name):
                raise Failure(
                    Exit.BROKE_DOWN, f"{name} was ready, then it {self._ending(name)}\n{self.last_lines(name)}"
                )
            if not ready:
                raise Failure(Exit.BROKE_DOWN, f"{name} was ready and is so no longer: {said}\n{self.last_lines(name)}")
            time.sleep(_LOOK_INTERVAL)

    def greet(self, name: str, release: str) -> str:
        """Have an instance write to the first admin; return what it says of that. Raise Failure."""
        done = self._engine.try_docker("exec", name, "python", "-m", "kbju_bot", "hello", release, timeout=60)
        if done.code == 64:
            return "this release can't write to the admin by itself"
        if done.code != 0:
            raise Failure(Exit.NO_MESSAGE, f"No message could be sent through {name}: {done.said}")
        return done.said

    def schema(self, image: str) -> dict[str, str] | None:
        """Return the schema an image brings, `head`, and the oldest bot that can use it, `floor`; None: unknown."""
        done = self._engine.try_docker("run", "--rm", "--network", "none", image, "schema", timeout=60)
        try:
            said = json.loads(done.printed)
            return {"head": str(said["head"]), "floor": str(said["floor"])} if done.code == 0 else None
        except (ValueError, KeyError, TypeError):
            return None

    def last_lines(self, name: str) -> str:
        """Return the end of a container's log."""
        done = self._engine.try_docker("logs", "--tail", _LOG_LINES, name)
        # The engine tells the two apart, the reader need not.
        return f"--- the last lines of {name}:\n{done.said or 'none'}\n---"

    def stop(self, name: str) -> None:
        """Let an instance finish what it has begun; longer than its own grace it is not waited for."""
        self._engine.docker("stop", name, timeout=_STOP_PATIENCE)

    def remove(self, name: str) -> None:
        """Remove an instance, letting it finish."""
        if self._engine.inspect(name) is not None:
            self._engine.try_docker("stop", name, timeout=_STOP_PATIENCE)
            self._engine.docker("rm", "--force", name)

    def _ending(self, name: str) -> str:
        found = self._engine.inspect(name)
        if found is None:
            return "is gone"
        state = found["State"]
        killed = ", out of memory" if state.get("OOMKilled") else ""
        return f"ended with exit code {state.get('ExitCode')}{killed}"
