"""What the tests of a rehearsed deployment share: where the instance is, and how to deploy to it."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import testinfra
from testinfra.host import Host

REPOSITORY = Path(__file__).resolve().parents[1]
DOCKER = "/var/packages/ContainerManager/target/usr/bin/docker"
ROOT = "/volume1/docker/kbju-bot-prod"
BOT = "kbju-bot-prod"
# The NAS's names in the rehearsal's network, and in its certificate.
NAMES = ("nas.kbju.test", "kbju.test")
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
        return f"https://{NAMES[0]}:{self.https_port}"

    @property
    def http(self) -> str:
        """The address of nginx without TLS."""
        return f"http://{NAMES[0]}:{self.http_port}"

    @property
    def telegram(self) -> str:
        """The address of the Telegram stand-in."""
        return f"http://127.0.0.1:{self.telegram_port}"

    @property
    def roots(self) -> Path:
        """What is trusted: the rehearsal's certificate authority, and nothing else."""
        return REPOSITORY / ".state" / self.instance / "telegram" / "roots.pem"

    def secret(self, name: str) -> str:
        """Return one of the secrets that were made up for this instance."""
        return (REPOSITORY / ".state" / self.instance / "secrets" / name).read_text(encoding="utf-8").strip()

    def secrets(self) -> dict[str, str]:
        """Return all secrets by name."""
        folder = REPOSITORY / ".state" / self.instance / "secrets"
        return {path.name: path.read_text(encoding="utf-8").strip() for path in folder.iterdir()}


def reach_nas() -> Host:
    """Return the NAS, reached as Ansible reaches it: SSH, then sudo with a password."""
    inventory = REPOSITORY / "inventories" / "local"
    return testinfra.get_host("ansible://nas-stand-in", ansible_inventory=str(inventory), force_ansible=True)


def stack_from_environment() -> Stack:
    """Return the instance that the KBJU_* variables name."""
    return Stack(
        instance=os.environ["KBJU_INSTANCE"],
        http_port=int(os.environ["KBJU_HTTP_PORT"]),
        https_port=int(os.environ["KBJU_HTTPS_PORT"]),
        telegram_port=int(os.environ["KBJU_TELEGRAM_PORT"]),
    )


def deploy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook on this instance with more arguments or environment, and return what it said."""
    command = ["ansible-playbook", "--inventory", str(REPOSITORY / "inventories" / "local"), *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
