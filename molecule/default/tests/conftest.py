"""What the tests of the deployed stack share: the NAS over SSH, its containers, and a Telegram user."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import testinfra
from testinfra.host import Host

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY / "tests"))

DOCKER = "/var/packages/ContainerManager/target/usr/bin/docker"
ROOT = "/volume1/docker/kbju-bot-prod"
BOT = "kbju-bot-prod"
SERVICES = {
    BOT,
    "kbju-postgres",
    "kbju-prometheus",
    "kbju-grafana",
    "kbju-nginx",
    "kbju-node-exporter",
    "kbju-postgres-exporter",
}


@dataclass(frozen=True)
class Stack:
    """Where this instance of the stack is, as seen from this machine."""

    instance: str
    http_port: int
    https_port: int
    telegram_port: int

    @property
    def https(self) -> str:
        """The address of nginx."""
        return f"https://localhost:{self.https_port}"

    @property
    def http(self) -> str:
        """The address of nginx without TLS."""
        return f"http://localhost:{self.http_port}"

    @property
    def telegram(self) -> str:
        """The address of the Telegram stand-in."""
        return f"http://127.0.0.1:{self.telegram_port}"

    @property
    def certificate(self) -> Path:
        """Where the tests keep the stack's certificate."""
        return REPOSITORY / ".state" / self.instance / "cert.pem"

    def secret(self, name: str) -> str:
        """Return one of the secrets that were made up for this instance."""
        return (REPOSITORY / ".state" / self.instance / "secrets" / name).read_text(encoding="utf-8").strip()

    def secrets(self) -> dict[str, str]:
        """Return all secrets by name."""
        folder = REPOSITORY / ".state" / self.instance / "secrets"
        return {path.name: path.read_text(encoding="utf-8").strip() for path in folder.iterdir()}


@pytest.fixture(scope="session")
def nas() -> Host:
    """The NAS, reached as Ansible reaches it: SSH, then sudo with a password."""
    inventory = REPOSITORY / "inventories" / "local"
    return testinfra.get_host("ansible://nas-stand-in", ansible_inventory=str(inventory), force_ansible=True)


@pytest.fixture(scope="session")
def stack(nas: Host) -> Stack:
    """This instance's addresses and secrets."""
    found = Stack(
        instance=os.environ["KBJU_INSTANCE"],
        http_port=int(os.environ["KBJU_HTTP_PORT"]),
        https_port=int(os.environ["KBJU_HTTPS_PORT"]),
        telegram_port=int(os.environ["KBJU_TELEGRAM_PORT"]),
    )
    found.certificate.write_text(nas.check_output(f"cat {ROOT}/certs/public/cert.pem") + "\n", encoding="utf-8")
    return found


@pytest.fixture(scope="session")
def docker(nas: Host) -> Callable[[str], str]:
    """Run a Docker command on the NAS and return its output; fails the test when the command fails."""

    def run(arguments: str) -> str:
        return str(nas.check_output(f"{DOCKER} {arguments}"))

    return run


@pytest.fixture(scope="module")
def containers(docker: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """What `docker inspect` says of every container on the NAS, by name."""
    found = json.loads(docker(f"inspect $({DOCKER} ps --all --quiet)"))
    return {one["Name"].lstrip("/"): one for one in found}


@pytest.fixture(scope="session")
def sql(docker: Callable[[str], str]) -> Callable[[str], str]:
    """Run a query in the deployed PostgreSQL and return its rows, fields divided by |."""

    def run(query: str) -> str:
        return docker(
            f'exec kbju-postgres psql --no-psqlrc --tuples-only --no-align --dbname kbju --command "{query}"'
        ).strip()

    return run


@pytest.fixture
def user_id() -> int:
    """The id of a Telegram user who has never written before, in earlier runs on this instance neither."""
    return 10**9 + secrets.randbelow(10**9)


def deploy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook on this instance with more arguments or environment, and return what it said."""
    command = ["ansible-playbook", "--inventory", str(REPOSITORY / "inventories" / "local"), *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
