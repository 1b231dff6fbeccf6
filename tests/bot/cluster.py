"""A private PostgreSQL for the tests."""

import os
import secrets
import socket
import subprocess
import time
from pathlib import Path

import asyncpg
import yaml

IMAGES = Path(__file__).resolve().parents[2] / "group_vars" / "all" / "images.yml"
# Without durability: the tests' data may be lost, and they are faster for it.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
}
START_TIMEOUT = 60.0


def free_port() -> int:
    """Find a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _docker(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        ["docker", *arguments], capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    assert not check or done.returncode == 0, done.stderr
    return done


class Cluster:
    """The deployed PostgreSQL image on a free port of the loopback, with the roles that a deployment makes."""

    def __init__(self) -> None:
        self.port = 0
        self.password = secrets.token_hex(12)
        self.container = ""
        """Its container's id, once it is started."""

    def start(self) -> None:
        """Start the server and wait until it lets clients in."""
        image = yaml.safe_load(IMAGES.read_text(encoding="utf-8"))["kbju_images"]["postgres"]
        arguments = [
            "--detach",
            "--rm",
            "--publish=127.0.0.1::5432",
            "--tmpfs=/var/lib/postgresql/data:uid=999,gid=999,mode=0700",
            "--tmpfs=/var/run/postgresql:uid=999,gid=999",
            "--env=POSTGRES_PASSWORD",
            "--env=POSTGRES_INITDB_ARGS=--no-sync --auth-host=scram-sha-256",
        ]
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        reference = f"{image['name']}:{image['tag']}"
        started = _docker("run", *arguments, reference, "postgres", *settings, POSTGRES_PASSWORD=self.password)
        self.container = started.stdout.strip()
        end = time.monotonic() + START_TIMEOUT
        # Over TCP: the server that the image runs while it makes the cluster does not listen there.
        while _docker("exec", self.container, "pg_isready", "--quiet", "--host=127.0.0.1", check=False).returncode:
            if time.monotonic() > end:
                raise AssertionError(_docker("logs", self.container, check=False))
            time.sleep(0.1)
        self.port = int(_docker("port", self.container, "5432/tcp").stdout.split()[0].rsplit(":", 1)[1])

    def stop(self) -> None:
        """Stop the server and remove it."""
        _docker("kill", self.container)

    def url(self, database: str, user: str = "postgres", port: int | None = None) -> str:
        """Return a URL without a password: all roles share one."""
        return f"postgresql://{user}@127.0.0.1:{port or self.port}/{database}"

    async def connect(self, database: str, user: str = "postgres") -> asyncpg.Connection:
        """Connect without the bot's code."""
        return await asyncpg.connect(self.url(database, user), password=self.password)

    async def prepare(self, template: str) -> None:
        """Make the roles, and a database with the rights a deployment gives, to copy for each test."""
        admin = await self.connect("postgres")
        for role in ("kbju_migrator", "kbju_bot"):
            await admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{self.password}'")
        await admin.execute(f"CREATE DATABASE {template} OWNER kbju_migrator")
        await admin.close()
        owner = await self.connect(template, "kbju_migrator")
        await owner.execute(
            "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO kbju_bot"
        )
        await owner.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO kbju_bot")
        await owner.close()

    async def copy(self, template: str, name: str) -> None:
        """Make a database like another."""
        admin = await self.connect("postgres")
        await admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} OWNER kbju_migrator STRATEGY file_copy")
        await admin.close()

    async def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        admin = await self.connect("postgres")
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()
