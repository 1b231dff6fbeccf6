"""PostgreSQL as in production: its image, its settings, its memory limit, and commits that reach the disk."""

import asyncio
import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import jinja2
import yaml

from bot.cluster import IMAGES, START_TIMEOUT, Cluster

from .children import REPOSITORY

USERS = 10_000
FIRST_USER = 1_000_000
_ROLE = REPOSITORY / "roles" / "postgres" / "defaults" / "main.yml"
_LIMITS = REPOSITORY / "group_vars" / "all" / "limits.yml"
_EMPTY = "bench_empty"
_SEEDED = "bench_seeded"


async def seed_users(connection: asyncpg.Connection, first: int, count: int) -> None:
    """Register `count` users with consecutive numbers: whom the bot serves, not whom it asks for consent."""
    await connection.execute(
        """
        INSERT INTO users (telegram_id, first_name, language_code)
        SELECT $1::bigint + number, 'Анна', 'ru' FROM generate_series(0, $2::int - 1) AS number
        """,
        first,
        count,
    )


class Server(Cluster):
    """A server for benchmarks, with a database that holds the users, to copy for each run."""

    def __init__(self) -> None:
        super().__init__()
        self.pid: int | None = None
        """The server's first process, where this machine shows it."""
        self.settings: dict[str, Any] = {}
        self._address = ""
        self._count = 0

    def start(self) -> None:
        """Start it and wait until it lets clients in. Raise RuntimeError where it does not."""
        memory = yaml.safe_load(_LIMITS.read_text(encoding="utf-8"))["kbju_budget_table"]["kbju-postgres"]["memory_mb"]
        deployed = _deployed_settings(memory)
        image = yaml.safe_load(IMAGES.read_text(encoding="utf-8"))["kbju_images"]["postgres"]
        self.settings = {"image": f"{image['name']}:{image['tag']}", "memory": f"{memory}m"}
        self.settings |= deployed
        # The data lie in the volume that the image declares: on a disk, unlike those of the tests.
        # Its name is known before it exists, so that it can be removed when we are interrupted; the pid tells whose.
        self.container = f"kbju-bench-{os.getpid()}-{secrets.token_hex(4)}"
        arguments = [
            f"--name={self.container}",
            "--detach",
            "--rm",
            "--publish=127.0.0.1::5432",
            f"--memory={memory}m",
        ]
        arguments += [
            "--shm-size=256m",
            "--env=POSTGRES_PASSWORD",
            "--env=POSTGRES_INITDB_ARGS=--auth-host=scram-sha-256",
        ]
        settings = [part for name, value in deployed.items() for part in ("-c", f"{name}={value}")]
        _docker("run", *arguments, self.settings["image"], "postgres", *settings, password=self.password)
        end = time.monotonic() + START_TIMEOUT
        while _ready(self.container):
            if time.monotonic() > end:
                raise RuntimeError(f"PostgreSQL does not start: {_docker('logs', self.container)}")
            time.sleep(0.1)  # between two looks; the condition above ends the wait
        self.port = int(_docker("port", self.container, "5432/tcp").split()[0].rsplit(":", 1)[1])
        pid = int(_docker("inspect", "--format={{.State.Pid}}", self.container))
        # The engine may run elsewhere, or count processes differently.
        comm = Path(f"/proc/{pid}/comm")
        if comm.exists() and comm.read_text().startswith("postgres"):
            self.pid = pid
            networks = "{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}"
            self._address = _docker("inspect", f"--format={networks}", self.container).split()[0]

    def url(self, database: str, user: str = "postgres", port: int | None = None) -> str:
        """Return a URL without a password: where possible past Docker's proxy, which production has not either."""
        if port is None and self._address:
            return f"postgresql://{user}@{self._address}:5432/{database}"
        return super().url(database, user, port)

    def stop(self) -> None:
        """Stop it and remove it with its data."""
        if self.container:
            subprocess.run(["docker", "rm", "--force", "--volumes", self.container], check=False, capture_output=True)

    async def seed(self, bot_source: Path) -> None:
        """Make the database to copy: migrate it with the bot's own command and register the users."""
        await self.prepare(_EMPTY)
        await self.copy(_EMPTY, _SEEDED)
        environment = {
            "PATH": os.defpath,
            "PYTHONPATH": str(bot_source),
            "DATABASE_URL": self.url(_SEEDED, "kbju_migrator"),
            "DB_PASSWORD": self.password,
        }
        migrate = [sys.executable, "-m", "kbju_bot", "migrate"]
        done = await asyncio.to_thread(subprocess.run, migrate, env=environment, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the bot's migrations failed: {done.stdout}{done.stderr}")
        admin = await self.connect(_SEEDED)
        await seed_users(admin, FIRST_USER, USERS)
        # Or autovacuum would do it in the middle of a measurement.
        await admin.execute("VACUUM ANALYZE")
        await admin.close()

    async def fresh(self) -> str:
        """Return the name of a new database with the users in it."""
        self._count += 1
        name = f"bench_{self._count}"
        await self.copy(_SEEDED, name)
        return name


def _ready(container: str) -> int:
    # Over TCP: the server that the image runs while it makes the cluster does not listen there.
    command = ["docker", "exec", container, "pg_isready", "--quiet", "--host=127.0.0.1"]
    return subprocess.run(command, check=False, capture_output=True).returncode


def _docker(*arguments: str, password: str = "") -> str:
    done = subprocess.run(
        ["docker", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "POSTGRES_PASSWORD": password},
    )
    if done.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _deployed_settings(memory_mb: int) -> dict[str, str]:
    """Return the settings of the deployed server, which follow its memory budget."""
    settings = yaml.safe_load(_ROLE.read_text(encoding="utf-8"))["postgres_settings"]
    return {name: jinja2.Template(str(value)).render(postgres_memory_mb=memory_mb) for name, value in settings.items()}
