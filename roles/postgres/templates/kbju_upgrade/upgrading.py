"""The upgrade and the way back. The rename of compose/postgres.yml is the one moment at which the server changes."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Callable, Iterator

from kbju_release.programs import Engine

import kbju_backup.store
from kbju_upgrade.moving import Moving
from kbju_upgrade.servers import NEXT, Servers
from kbju_upgrade.settings import FAILED, NOT_PUT_BACK, POSTGRES, REFUSED, Failure, Settings, read_fragment


class Upgrading:
    """All steps, each of which may be the last one before the NAS loses its power."""

    def __init__(self, settings: Settings, engine: Engine, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._engine = engine
        self._say = say
        self._store = kbju_backup.store.Store(settings.backup.backups)
        self.servers = Servers(settings, engine)
        self._stopped_at = 0.0
        self._bot_started = False

    # ---- the upgrade -----------------------------------------------------------------------------------------------

    def upgrade(self) -> None:
        """Go to the version that the playbook has written down. Raise Failure; the old server serves then."""
        present, wanted = read_fragment(self._settings.serving), read_fragment(self._settings.wanted)
        if present.major == wanted.major:
            self._say(f"nothing to do: PostgreSQL {present.major} serves ({present.image}, volume {present.volume})")
            return
        self._check(present.major, wanted.major, wanted.volume)
        if self._engine.image_id(wanted.image) is None:
            self._say(f"pulling {wanted.image}")
            self._engine.docker("pull", "--quiet", wanted.image, timeout=1800)
        size = self.servers.present.size(self._settings.backup.database)
        # The copy, and the log of loading it.
        needed = 2 * size + (self._settings.backup.reserve_mb << 20)
        self.servers.present.check_space(needed, "to load a second database")
        self._say(self._back_up())
        with self._store.locked(), self._put_back_on_failure():
            self._journal(wanted.volume)
            self.servers.start_next(wanted)
            self._say(f"{wanted.image} is started beside {present.image}, on the volume {wanted.volume}")
            self._stop_users()
            moving = Moving(self._settings, self.servers.present, self.servers.next)
            others = moving.others()
            rows = moving.move()
            self.servers.accounts(NEXT)
            self._say(f"loaded and compared: {sum(rows.values())} rows in {len(rows)} tables, the same in both")
            self.servers.end(NEXT)
            moving.check_nobody_wrote()
            self.servers.end(POSTGRES)
            _copy(self._settings.serving, self._settings.before)
            _copy(self._settings.wanted, self._settings.serving)
            self._serve_new()
        self._say(f"PostgreSQL {wanted.major} serves; the bot was stopped for {self._paused():.1f} s")
        if others:
            self._say(f"not taken along, only in the old volume: the databases {', '.join(others)}")
        docker = self._settings.release.docker
        self._say(f"the old volume {present.volume} is kept; one day: sudo {docker} volume rm {present.volume}")

    def recover(self) -> None:
        """Put right what a run that was cut off has left. Raise Failure."""
        if not self._settings.journal.exists():
            return
        serving = read_fragment(self._settings.serving)
        self._say("an earlier run was cut off")
        if serving.volume != self._settings.journal.read_text(encoding="utf-8").strip():
            self._put_back()
            return
        # It had switched: users may have written to the new server already, so that one is tried first.
        self.servers.end(NEXT)
        with self._put_back_on_failure():
            self._serve_new()
        self._say(f"PostgreSQL {serving.major} serves, as that run wanted")

    # ---- the way back ----------------------------------------------------------------------------------------------

    def go_back(self) -> None:
        """Return to the server and the data from before the upgrade. Raise Failure; the new one serves then."""
        if not self._settings.before.exists():
            raise Failure(REFUSED, "There is nothing to return to: no upgrade is known, or it has been returned from")
        present, before = read_fragment(self._settings.serving), read_fragment(self._settings.before)
        if not self.servers.has_volume(before.volume):
            raise Failure(REFUSED, f"The volume {before.volume} is gone: a backup of that time is the only way back")
        self._say(self._back_up())
        kept = self._settings.folder / "returning.yml"
        with self._store.locked():
            self._stop_users()
            _copy(self._settings.serving, kept)
            self.servers.end(POSTGRES)
            _copy(self._settings.before, self._settings.serving)
            try:
                self.servers.start_serving(before)
                # Passwords and the schema may be newer than that volume.
                self.servers.accounts(POSTGRES)
                self._engine.compose("run", "--rm", "-T", "kbju-bot-migrate", "migrate", timeout=3600)
                self.servers.start_bot()
            except BaseException as error:
                self._say(f"FAILED: {error}")
                self.servers.end(POSTGRES)
                _copy(kept, self._settings.serving)
                self._serve()
                raise Failure(FAILED, f"{error}\nPostgreSQL {present.major} goes on serving") from error
            self.servers.start_exporter()
        self._settings.before.unlink()
        kept.unlink()
        self._say(f"PostgreSQL {before.major} serves as it was; the bot was stopped for {self._paused():.1f} s")
        remove = f"sudo {self._settings.release.docker} volume rm {present.volume}"
        self._say(f"what was written since is in the volume {present.volume} alone; before another upgrade: {remove}")

    # ---- steps -----------------------------------------------------------------------------------------------------

    def _check(self, present: int, wanted: int, volume: str) -> None:
        if wanted < present:
            raise Failure(REFUSED, f"PostgreSQL {present} serves; {wanted} is older: -e return=true goes back")
        for name in (POSTGRES, self._settings.release.project):
            if not self.servers.bots.runs(name):
                raise Failure(REFUSED, f"{name} does not run. Bring the stack up first: site.yml")
        if self._engine.inspect(self._settings.release.next) is not None:
            raise Failure(REFUSED, "An update of the bot was cut off. First, on the NAS, as root: bin/release recover")
        if self.servers.has_volume(volume):
            remedy = f"If it is not needed: sudo {self._settings.release.docker} volume rm {volume}"
            raise Failure(REFUSED, f"The volume {volume} is there already, of an earlier upgrade. {remedy}")

    def _back_up(self) -> str:
        command = [str(self._settings.root / "bin" / "backup"), "run", "--kind", "manual", "--local-only"]
        # In a session of its own: what ends the operator's must not end it.
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, check=False, start_new_session=True
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise Failure(FAILED, f"Nothing was changed, for there is no backup of the present state: {said}")
        return done.stdout.decode("utf-8", "replace").strip()

    def _stop_users(self) -> None:
        self._stopped_at = time.monotonic()
        self.servers.stop_users()
        self._say("the bot has finished and is stopped; Telegram keeps what users write")

    def _paused(self) -> float:
        return time.monotonic() - self._stopped_at

    def _serve(self) -> None:
        self.servers.start_serving(read_fragment(self._settings.serving))
        self.servers.start_bot()
        self.servers.start_exporter()

    def _serve_new(self) -> None:
        self.servers.start_serving(read_fragment(self._settings.serving))
        self._bot_started = True
        self.servers.start_bot()
        # From here on users write to it, and whatever else fails is no reason to take it away.
        self._settings.journal.unlink()
        self.servers.start_exporter()

    def _journal(self, volume: str) -> None:
        with open(self._settings.journal, "w", encoding="utf-8") as file:
            file.write(volume + "\n")
            file.flush()
            os.fsync(file.fileno())

    @contextlib.contextmanager
    def _put_back_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException as error:
            if not self._settings.journal.exists():
                raise
            self._say(f"FAILED: {error}")
            try:
                self._put_back()
            except BaseException as worse:
                remedy = f"and the old server could not be put back: {worse}. Mend that, then run the playbook again"
                raise Failure(NOT_PUT_BACK, f"{error}\n{remedy}") from error
            paused = f" after {self._paused():.1f} s" if self._stopped_at else "; the bot was not stopped"
            raise Failure(FAILED, f"{error}\nThe old server serves again{paused}, nothing is lost") from error

    def _put_back(self) -> None:
        """Have the old server serve on its old volume, which nobody has changed."""
        volume = self._settings.journal.read_text(encoding="utf-8").strip()
        if read_fragment(self._settings.serving).volume == volume:
            self._engine.try_docker("stop", self._settings.release.project)
            self.servers.end(POSTGRES)
            _copy(self._settings.before, self._settings.serving)
        self._serve()
        if self._bot_started:
            # The bot could not use it, so there should be nothing of users' on it; but it had the chance.
            self._say(f"the new volume {volume} is kept, for the bot has been started on it")
        else:
            self.servers.remove_next(volume)
        self._settings.journal.unlink()
        serving = read_fragment(self._settings.serving)
        self._say(f"PostgreSQL {serving.major} serves on its volume {serving.volume}")


def _copy(source: Path, target: Path) -> None:
    """Copy a file with its mode, so that there is never half of it and it outlives a power cut."""
    new = target.with_name(target.name + ".new")
    shutil.copy2(str(source), str(new))
    with open(new, "rb") as file:
        os.fsync(file.fileno())
    os.replace(str(new), str(target))
