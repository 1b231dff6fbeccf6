"""Releases to try on the stand-in: good ones, and ones that are broken each in its own way."""

from __future__ import annotations

import json
import shlex
import subprocess
from dataclasses import dataclass
from typing import Any

from testinfra.host import Host

from rehearsal import BOT, DOCKER, ROOT, deploy

NEXT = f"{BOT}-next"
PROGRAM = f"{ROOT}/bin/release"
CANARY = "this release is broken on purpose"
# What stands before the bot's own program, which gets the same arguments.
_BOT = "from kbju_bot.__main__ import main; sys.exit(main(sys.argv[1:]))"
_RUNS = "sys.argv[1:2] == ['run']"
GOOD: dict[str, str] = {"0.2.0-good": "", "0.3.0-good": "pass"}
BROKEN: dict[str, str] = {
    "0.2.1-crashes-at-start": f"if {_RUNS}: sys.exit('{CANARY}')",
    "0.2.2-never-ready": f"""if {_RUNS}:
    print('{CANARY}', flush=True)
    from kbju_bot.health import Readiness
    Readiness.report = lambda self: (False, {{'ready': False, 'state': '{CANARY}'}})""",
    "0.2.3-ready-then-crashing": f"""if {_RUNS}:
    import os, threading
    print('{CANARY}', flush=True)
    threading.Timer(6, os._exit, [3]).start()""",
    "0.2.4-failing-migration": f"if sys.argv[1:] == ['migrate']: sys.exit('{CANARY}')",
}
# Claims a schema that the releases before can't use.
FUTURE: dict[str, str] = {
    "0.9.0-future": 'if sys.argv[1:] == [\'schema\']: print(\'{"head": "0009", "floor": "0009"}\'); sys.exit()'
}


@dataclass
class Releases:
    """The releases of a deployed stack."""

    nas: Host

    def make(self, versions: dict[str, str]) -> None:
        """Make releases out of the serving one, by version and by what they do before they do the bot's work."""
        image = self.nas.check_output(f"{DOCKER} inspect --format '{{{{.Image}}}}' {BOT}")
        for version, program in versions.items():
            entrypoint = json.dumps(["python", "-c", f"import sys\n{program}\n{_BOT}"])
            made = self.nas.check_output(f"{DOCKER} create {image}")
            change = shlex.quote(f"ENTRYPOINT {entrypoint}")
            # An entry point takes the image's command with it.
            command = shlex.quote('CMD ["run"]')
            self.nas.check_output(f"{DOCKER} commit --change {change} --change {command} {made} kbju-bot:{version}")
            self.nas.check_output(f"{DOCKER} rm {made}")

    def update(
        self, version: str, *arguments: str, playbook: str = "playbooks/update.yml", **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run the update, as an operator whose inventory names an image of a registry would."""
        return deploy(playbook, "--extra-vars", f"kbju_bot_image=kbju-bot:{version}", *arguments, **environment)

    def record(self) -> list[dict[str, Any]]:
        """Return the record, oldest first."""
        rows: list[dict[str, Any]] = json.loads(self.nas.check_output(f"cat {ROOT}/releases/releases.json"))
        return rows

    def serving(self) -> str:
        """Return the version that the record says to serve."""
        (row,) = (row for row in self.record() if row["result"] == "serving")
        return str(row["version"])

    def log(self) -> str:
        """Return what bin/release has told."""
        return str(self.nas.check_output(f"cat {ROOT}/logs/releases.log"))

    def image(self) -> str:
        """Return the image that the bot's container was made of."""
        return str(self.nas.check_output(f"{DOCKER} inspect --format '{{{{.Config.Image}}}}' {BOT}"))

    def started(self) -> str:
        """Return which container serves, and since when."""
        return str(self.nas.check_output(f"{DOCKER} inspect --format '{{{{.Id}}}} {{{{.State.StartedAt}}}}' {BOT}"))

    def beside(self) -> bool:
        """Tell whether there is an instance beside the bot's own."""
        return bool(self.nas.run(f"{DOCKER} inspect {NEXT}").rc == 0)
