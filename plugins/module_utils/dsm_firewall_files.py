"""DSM's firewall as files and commands: reading, writing, arming the way back, and confirming."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import time
import uuid
from typing import Any, Iterator, NamedTuple

from ansible.module_utils.dsm_firewall_live import Line, chains, missing
from ansible.module_utils.dsm_firewall_rules import Rule

SETTINGS = "firewall_settings.json"
SYNOFIREWALL = "/usr/syno/bin/synofirewall"
IPTABLES = "/sbin/iptables"
COMMAND_SECONDS = 60
# DSM may set the rules after its command has returned.
SETTLE_SECONDS = 10.0


class Failed(Exception):
    """Something that must be told to the operator; the text says what is wrong, where, and what to do."""


class Profile(NamedTuple):
    """A profile: the name of its file and what is in it."""

    file: str
    content: dict[str, Any]


def load(path: str, default: Any) -> Any:
    """Return a JSON file's content, or the default where there is no such file."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return default
    except ValueError as error:
        raise Failed(f"{path} is no JSON: {error}. Repair it in Control Panel > Security > Firewall") from None


def save(path: str, content: Any, like: str | None = None, mode: int = 0o600) -> None:
    """Replace a file as a whole; owner and mode are those of `like` where it exists."""
    # Neither the beginning nor the end of the name is one that DSM looks for.
    aside = os.path.join(os.path.dirname(path), f".{os.path.basename(path)}.kbju")
    with open(aside, "w", encoding="utf-8") as file:
        # As DSM writes its own.
        json.dump(content, file, indent=3, sort_keys=True, separators=(",", " : "))
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.chmod(aside, mode)
    if like and os.path.exists(like):
        found = os.stat(like)
        os.chown(aside, found.st_uid, found.st_gid)
        os.chmod(aside, found.st_mode & 0o7777)
    os.rename(aside, path)


class Firewall:
    """DSM's firewall. `folder` is where DSM keeps it, `state` is ours, `program` puts the former one back."""

    def __init__(self, folder: str, state: str, program: str, seconds: int) -> None:
        self.folder, self.state, self.program, self.seconds = folder, state, program, seconds

    def path(self, name: str) -> str:
        """Return the path of a file of DSM's."""
        return os.path.join(self.folder, name)

    def mine(self, name: str) -> str:
        """Return the path of a file of ours."""
        return os.path.join(self.state, name)

    # ---- reading -----------------------------------------------------------------------------------------------

    def settings(self) -> dict[str, Any]:
        """Return which profile is active and whether the firewall is on."""
        found = load(self.path(SETTINGS), {"profile": "default", "status": False})
        if not isinstance(found, dict) or not isinstance(found.get("status"), bool) or not found.get("profile"):
            raise Failed(f"{self.path(SETTINGS)} has no status and profile as DSM 7 writes them: {found!r}")
        return dict(found)

    def never_used(self) -> bool:
        """Tell whether DSM has no profile, so nothing of ours either, and the firewall is off."""
        listed = os.listdir(self.folder) if os.path.isdir(self.folder) else []
        return not self.settings()["status"] and not any(name[:-5].isdigit() for name in listed)

    def profiles(self) -> list[Profile]:
        """Return all profiles, in the order of their files."""
        try:
            names = sorted(name for name in os.listdir(self.folder) if name[:-5].isdigit() and name.endswith(".json"))
        except OSError as error:
            raise Failed(f"{self.folder} can't be read ({error}): is this DSM 7?") from None
        found = []
        for name in names:
            content = load(self.path(name), None)
            rules = content.get("rules") if isinstance(content, dict) else None
            if not isinstance(rules, dict) or not all(isinstance(one, list) for one in rules.values()):
                raise Failed(f'{self.path(name)} has no "rules" by interface; this is not a profile of DSM 7')
            found.append(Profile(name, content))
        return found

    def active(self) -> Profile:
        """Return the active profile."""
        name = self.settings()["profile"]
        for profile in self.profiles():
            if profile.content.get("name") == name:
                return profile
        raise Failed(
            f"{self.folder} has no profile called {name}. Open Control Panel > Security > Firewall once: DSM makes it"
        )

    def live(self) -> dict[str, list[Line]]:
        """Return the chains that are in force."""
        done = subprocess.run(
            [IPTABLES, "-S"], stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
        if done.returncode:
            raise Failed("{} -S failed: {}".format(IPTABLES, done.stderr.decode("utf-8", "replace").strip()))
        found: dict[str, list[Line]] = chains(done.stdout.decode("utf-8", "replace"))
        return found

    def known(self) -> dict[str, Any]:
        """Return what we noted: "profiles", of our rules in each file, and "enabled_before", whether DSM's was on."""
        return dict(load(self.mine("state.json"), {}))

    # ---- changing ----------------------------------------------------------------------------------------------

    def command(self, verb: str) -> None:
        """Call synofirewall."""
        try:
            done = subprocess.run(
                [SYNOFIREWALL, verb],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=COMMAND_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise Failed(f"{SYNOFIREWALL} {verb}: {error}") from None
        if done.returncode:
            said = done.stdout.decode("utf-8", "replace").strip()
            raise Failed(f"{SYNOFIREWALL} {verb} ended with {done.returncode}: {said}")

    def await_live(self, ours: list[Rule]) -> None:
        """Wait until the kernel has our rules."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            absent = missing(ours, self.live())
            if not absent:
                return
            if time.monotonic() > deadline:
                raise Failed(
                    "DSM made other iptables rules of the profile than were meant; absent: {}. Compare "
                    "`sudo iptables -S` with a rule made in Control Panel, and report the difference".format(
                        "; ".join(absent)
                    )
                )
            time.sleep(0.2)  # between two looks; the deadline ends the wait

    def note(self, text: str) -> None:
        """Add a line to the journal."""
        with open(self.mine("journal.log"), "a", encoding="utf-8") as journal:
            journal.write(time.strftime("%Y-%m-%dT%H:%M:%S%z ") + text + "\n")

    def last_note(self) -> str:
        """Return the journal's last line."""
        try:
            with open(self.mine("journal.log"), encoding="utf-8") as journal:
                return journal.read().splitlines()[-1]
        except (OSError, IndexError):
            return "no note"

    # ---- the way back ------------------------------------------------------------------------------------------

    def armed(self) -> dict[str, Any] | None:
        """Return what is armed, or None."""
        found: dict[str, Any] | None = load(self.mine("armed.json"), None)
        return found

    def somebody_waits(self) -> bool:
        """Tell whether a process waits to put the former firewall back."""
        if not os.path.exists(self.mine("alive")):
            return False
        with open(self.mine("alive"), "w", encoding="utf-8") as alive:
            try:
                fcntl.flock(alive, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return True
        return False

    def arm(self, wanted: Profile, session: list[Any] | None, noted: dict[str, Any] | None) -> None:
        """Keep the files and start the process that puts them back; `noted` is what to note once confirmed."""
        files = [SETTINGS, wanted.file]
        for name in ("before", "after"):
            # Mostly there is none; one that can't be removed stops the next line.
            shutil.rmtree(self.mine(name), ignore_errors=True)
            os.makedirs(self.mine(name), mode=0o700)
        self.move(None, "before", files)
        # As far as it is known before DSM has taken it, for `touched`.
        save(os.path.join(self.mine("after"), SETTINGS), dict(self.settings(), status=True))
        save(os.path.join(self.mine("after"), wanted.file), wanted.content)
        if not os.path.exists(self.mine("original")):
            shutil.copytree(self.mine("before"), self.mine("original"))
        armed = {
            "token": uuid.uuid4().hex,
            "seconds": self.seconds,
            # Seconds since the boot; the same clock in every process.
            "deadline": time.monotonic() + self.seconds,
            "session": session,
            "was_enabled": self.settings()["status"],
            "files": files,
            "target": self.folder,
            "synofirewall": SYNOFIREWALL,
            "noted": noted,
        }
        save(self.mine("armed.json"), armed)
        try:
            self.run_program()
            waits = self.somebody_waits()
        except Failed:
            waits = False
        if not waits:
            os.unlink(self.mine("armed.json"))
            raise Failed(f"{self.program} does not run: without a way back nothing was changed")

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others of our programs from changing the firewall, or from putting it back."""
        with open(self.mine("lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def restart_countdown(self, armed: dict[str, Any]) -> None:
        """Give what is armed its whole time from now on; to be called with the lock held."""
        save(self.mine("armed.json"), dict(armed, deadline=time.monotonic() + self.seconds))

    def touched(self, armed: dict[str, Any]) -> bool:
        """Tell whether somebody has changed DSM's firewall since: it is neither the former nor the new one.

        The settings are looked at for what they say to us: DSM may note more in them. The last of the three states is
        that of a change which ended while it was applied.
        """

        def told(folder: str, name: str) -> Any:
            found = load(os.path.join(folder, name), {})
            return (found.get("profile", "default"), found.get("status", False)) if name == SETTINGS else found

        states = [("before", "before"), ("after", "after"), ("before", "after")]
        return not any(
            all(told(self.folder, name) == told(self.mine(state), name) for state, name in zip(both, armed["files"]))
            for both in states
        )

    def disarm(self, text: str) -> None:
        """Forget what is armed, and note why."""
        with self.locked():
            os.unlink(self.mine("armed.json"))
            self.note(text)

    def revert(self) -> None:
        """Put the former firewall back at once."""
        self.run_program("--now")

    def run_program(self, *arguments: str) -> None:
        """Run the program that puts the former firewall back."""
        try:
            subprocess.run([self.program, self.state, *arguments], stdin=subprocess.DEVNULL, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise Failed(
                f"the former firewall could not be put back ({error}). The last note of {self.mine('journal.log')}: "
                f"{self.last_note()}. Look at Control Panel > Security > Firewall"
            ) from None

    def move(self, source: str | None, target: str | None, files: list[str]) -> None:
        """Copy files between DSM's folder (None) and "before" or "after" of ours, each replaced as a whole."""
        for name in files:
            origin = os.path.join(self.mine(source), name) if source else self.path(name)
            goal = os.path.join(self.mine(target), name) if target else self.path(name)
            if os.path.exists(origin):
                aside = os.path.join(os.path.dirname(goal), f".{name}.kbju")
                shutil.copy2(origin, aside)
                os.chown(aside, os.stat(origin).st_uid, os.stat(origin).st_gid)
                os.rename(aside, goal)
