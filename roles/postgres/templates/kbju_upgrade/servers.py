"""The containers: the server to come beside the present one, and the one that compose runs."""

from __future__ import annotations

import dataclasses
import time

from kbju_release.containers import Bots
from kbju_release.programs import Engine

import kbju_backup.postgres
from kbju_upgrade.settings import EXPORTER, FAILED, POSTGRES, Failure, Fragment, Settings

NEXT = "kbju-postgres-next"
_START_PATIENCE = 120.0
_STOP_PATIENCE = 120
_BOT_PATIENCE = 90.0
_LOOK_INTERVAL = 0.2


class Servers:
    """Starts and stops what an upgrade needs. All of it raises Failure, or its neighbours' Failures."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._settings = settings
        self._engine = engine
        self.bots = Bots(settings.release, engine)
        self.present = kbju_backup.postgres.Server(settings.backup)
        self.next = kbju_backup.postgres.Server(dataclasses.replace(settings.backup, container=NEXT))

    def start_next(self, wanted: Fragment) -> None:
        """Make the new volume, and start a server on it that nobody but this program reaches."""
        project, root, uid = self._settings.release.project, self._settings.root, self._settings.uid
        # As compose would have made it, so that compose takes it for its own.
        labels = [f"com.docker.compose.project={project}", "com.docker.compose.volume=postgres-data"]
        self._engine.docker("volume", "create", *[part for one in labels for part in ("--label", one)], wanted.volume)
        tmpfs = f"/var/run/postgresql:uid={uid},gid={uid},mode=1777"
        hardening = ["--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "128"]
        environment = {
            "POSTGRES_USER": "postgres",
            "POSTGRES_DB": self._settings.backup.database,
            "POSTGRES_PASSWORD_FILE": "/run/secrets/postgres",
            "POSTGRES_INITDB_ARGS": self._settings.initdb_args,
        }
        # A server keeps the zone that it was made in, and shows its times by it.
        found = self._engine.inspect(POSTGRES) or {"Config": {"Env": []}}
        environment.update(one.split("=", 1) for one in found["Config"]["Env"] if one.startswith("TZ="))
        self._engine.docker(
            *["run", "--detach", "--name", NEXT, "--network", "none", "--user", f"{uid}:{uid}", *hardening],
            *["--memory", f"{self._settings.memory_mb}m", "--log-driver", "json-file", "--tmpfs", tmpfs],
            *["--tmpfs", "/tmp", "--shm-size", f"{self._settings.memory_mb // 4}m"],  # noqa: S108 - in the container
            *[part for name, value in environment.items() for part in ("--env", f"{name}={value}")],
            *["--volume", f"{wanted.volume}:/var/lib/postgresql/data"],
            *["--volume", f"{root}/config/postgres:/etc/kbju:ro"],
            *["--volume", f"{root}/secrets/postgres:/run/secrets:ro"],
            *[wanted.image, "postgres", "-c", "synchronous_commit=off", "-c", "max_wal_size=4GB"],
        )
        self.await_answer(NEXT, wanted.major)

    def await_answer(self, container: str, major: int) -> None:
        """Wait until a server takes connections by TCP, which one that is still being made does not."""
        deadline = time.monotonic() + _START_PATIENCE
        ask = ["pg_isready", "--quiet", "--host", "127.0.0.1", "--username", "postgres"]
        while self._engine.try_docker("exec", container, *ask).code != 0:
            if not self.bots.runs(container) or time.monotonic() > deadline:
                raise Failure(FAILED, f"{container} does not come up\n{self.bots.last_lines(container)}")
            time.sleep(_LOOK_INTERVAL)
        server = self.next if container == NEXT else self.present
        if server.version().split(".")[0] != str(major):
            raise Failure(FAILED, f"{container} runs PostgreSQL {server.version()}, not {major}")

    def accounts(self, container: str) -> None:
        """Have the accounts and their rights; also asks whether each can log in with its password."""
        database = self._settings.backup.database
        self._engine.docker("exec", container, "bash", "/etc/kbju/accounts.sh", database, *self._settings.accounts)

    def end(self, container: str) -> None:
        """Stop a server cleanly and remove its container; its volume stays."""
        if self._engine.inspect(container) is None:
            return
        # SIGINT, the image's own signal: sessions are ended, everything is written, and the next start replays nothing.
        self._engine.docker("stop", "-t", str(_STOP_PATIENCE), container, timeout=_STOP_PATIENCE + 30.0)
        self._engine.docker("rm", "--force", container)

    def start_serving(self, serving: Fragment) -> None:
        """Have compose run the server of the fragment in place."""
        self._engine.compose("up", "--detach", "--no-deps", POSTGRES)
        self.await_answer(POSTGRES, serving.major)

    def stop_users(self) -> None:
        """Stop what connects: the bot finishes what it has begun, and Telegram keeps the rest."""
        self.bots.stop(self._settings.release.project)
        # One that does not run is no reason to give up.
        self._engine.try_docker("stop", EXPORTER)

    def start_bot(self) -> None:
        """Start the bot and wait until it can use the database, whatever it says of Telegram."""
        project = self._settings.release.project
        self.bots.start_own()
        deadline = time.monotonic() + _BOT_PATIENCE
        while True:
            said = self.bots.ask(project)[1].replace(" ", "")
            if '"database":{"ok":true' in said:
                return
            if not self.bots.runs(project) or time.monotonic() > deadline:
                raise Failure(FAILED, f"{project} can't use the database: {said}\n{self.bots.last_lines(project)}")
            time.sleep(_LOOK_INTERVAL)

    def start_exporter(self) -> None:
        """Start the exporter; that it does not come up is its own alert's business."""
        self._engine.try_compose("up", "--detach", "--no-deps", EXPORTER)

    def has_volume(self, name: str) -> bool:
        """Tell whether there is a volume."""
        return self._engine.try_docker("volume", "inspect", name).code == 0

    def remove_next(self, volume: str) -> None:
        """Remove the server to come, and the volume that it was filling."""
        self._engine.try_docker("rm", "--force", NEXT)
        self._engine.try_docker("volume", "rm", volume)
