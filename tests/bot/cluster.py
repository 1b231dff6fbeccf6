"""A private PostgreSQL for the tests."""

import os
import pwd
import secrets
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import asyncpg

BINARIES = Path("/usr/lib/postgresql/15/bin")


def free_port() -> int:
    """Find a TCP port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Cluster:
    """A server on a free port of the loopback, without durability, with the roles a deployment makes."""

    def __init__(self) -> None:
        self.port = free_port()
        self.password = secrets.token_hex(12)
        self._directory = Path(tempfile.mkdtemp(prefix="kbju-bot-pg-"))
        # The server refuses to run as root.
        account = pwd.getpwnam("postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name)
        self._prefix: list[str] = []
        if os.geteuid() == 0:
            os.chown(self._directory, account.pw_uid, account.pw_gid)
            self._prefix = [
                "setpriv",
                f"--reuid={account.pw_uid}",
                f"--regid={account.pw_gid}",
                "--clear-groups",
            ]

    def start(self) -> None:
        """Create the cluster and start it."""
        data = self._directory / "data"
        password = self._directory / "password"
        password.write_text(self.password)
        shutil.chown(password, self._directory.owner())
        self._run(["initdb", "-N", "-D", str(data), "-U", "postgres", "-A", "scram-sha-256", "--pwfile", str(password)])
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self._directory,
            "fsync": "off",
            "full_page_writes": "off",
            "synchronous_commit": "off",
            "max_connections": 100,
            "shared_buffers": "32MB",
        }
        with (data / "postgresql.auto.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        self._run(["pg_ctl", "-D", str(data), "-l", str(self._directory / "log"), "-w", "start"])

    def stop(self) -> None:
        """Stop the cluster and remove it."""
        self._run(["pg_ctl", "-D", str(self._directory / "data"), "-m", "immediate", "-w", "stop"])
        shutil.rmtree(self._directory)

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

    def _run(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            [*self._prefix, str(BINARIES / command[0]), *command[1:]],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd="/",
            text=True,
            check=False,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
        )
        assert done.returncode == 0, done.stdout
