"""What the tests of a deployment share: where it is, and how to deploy to it.

It is the stand-in, unless KBJU_INVENTORY names another inventory: then only tests that read are run (conftest.py).
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import testinfra
from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

REPOSITORY = Path(__file__).resolve().parents[1]
BOT = "kbju-bot-prod"
# The stand-in's names in the rehearsal's network, and in its certificate.
NAMES = ("nas.kbju.test", "kbju.test")
INVENTORY = Path(os.environ.get("KBJU_INVENTORY") or REPOSITORY / "inventories" / "local").resolve()
REHEARSED = INVENTORY == REPOSITORY / "inventories" / "local"


def resolved(expression: str) -> Any:
    """Return what an expression is for the inventory's NAS. Nothing of it is printed."""
    command = ["ansible", "nas", "--inventory", str(INVENTORY), "--module-name", "ansible.builtin.debug"]
    done = subprocess.run(
        [*command, "--args", f"msg={expression}"],
        cwd=REPOSITORY,
        env={
            **os.environ,
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.minimal",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{INVENTORY} does not say what the NAS is: {done.stderr[-2000:]}"
    return json.loads(done.stdout[done.stdout.index("{") :])["msg"]


# What the inventory says of a real NAS; the stand-in is known.
_NAS: dict[str, Any] = (
    {}
    if REHEARSED
    else resolved(
        "{{ {'address': ansible_host | default(inventory_hostname), 'name': nginx_server_name, 'domain': kbju_domain, "
        "'http_port': nginx_http_port | int, 'https_port': nginx_https_port | int, 'root': kbju_root, "
        "'docker': kbju_docker, 'volume': kbju_volume, 'authority': certbot_enabled | bool} }}"
    )
)
DOCKER = _NAS.get("docker", "/var/packages/ContainerManager/target/usr/bin/docker")
VOLUME = _NAS.get("volume", "/volume1")
ROOT = _NAS.get("root", "/volume1/docker/kbju-bot-prod")
# Chooses the project's containers for `docker ps`.
OURS = f"label=com.docker.compose.project={BOT}"
SERVICES = {
    BOT,
    "kbju-postgres",
    "kbju-prometheus",
    "kbju-grafana",
    "kbju-nginx",
    "kbju-node-exporter",
    "kbju-postgres-exporter",
    "kbju-nginx-exporter",
    "kbju-blackbox",
    "kbju-alertmanager",
}


@dataclass(frozen=True)
class Stack:
    """Where the stack is, as seen from this machine."""

    instance: str
    # Where its names lead, and the ports there. The stand-in's ports are published on this machine.
    address: str
    names: tuple[str, ...]
    http_port: int
    https_port: int
    # PEM certificates that are trusted, and nothing else.
    roots: Path
    telegram_port: int = 0

    @property
    def https(self) -> str:
        """The address of nginx."""
        return f"https://{self.names[0]}:{self.https_port}"

    @property
    def http(self) -> str:
        """The address of nginx without TLS."""
        return f"http://{self.names[0]}:{self.http_port}"

    @property
    def telegram(self) -> str:
        """The address of the Telegram stand-in."""
        return f"http://127.0.0.1:{self.telegram_port}"

    @property
    def nas_address(self) -> str:
        """The NAS's own address in its network."""
        if not REHEARSED:
            return self.address
        command = ["docker", "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"]
        return subprocess.run([*command, self.instance], capture_output=True, text=True, check=True).stdout.strip()

    @property
    def nas_https_port(self) -> int:
        """The port of nginx at `nas_address`."""
        return 8443 if REHEARSED else self.https_port

    def secret(self, name: str) -> str:
        """Return one of the deployment's secrets."""
        return self.secrets()[name]

    def secrets(self) -> dict[str, str]:
        """Return all secrets by name: those made up for this instance, or the vault's."""
        if not REHEARSED:
            return {name.removeprefix("vault_"): value for name, value in resolved("{{ preflight_secrets }}").items()}
        folder = REPOSITORY / ".state" / self.instance / "secrets"
        return {path.name: path.read_text(encoding="utf-8").strip() for path in folder.iterdir()}


class SudoOverSsh(BaseBackend):  # type: ignore[misc] # testinfra has no types
    """Runs commands as root on the stand-in: SSH, then sudo with a password, without Ansible's second a command."""

    NAME = "sudo-over-ssh"

    def __init__(self, state: Path, port: str) -> None:
        super().__init__(str(state))
        self._password = (state / "nas/admin_password").read_bytes().rstrip(b"\n") + b"\n"
        options = ["IdentitiesOnly=yes", f"UserKnownHostsFile={state}/ssh/known_hosts", "ControlMaster=auto"]
        options += [f"ControlPath={tempfile.gettempdir()}/kbju-%C", "ControlPersist=60", "ServerAliveInterval=5"]
        self._ssh = ["ssh", "-q", "-p", port, "-i", f"{state}/ssh/id_ed25519"]
        self._ssh += [part for option in options for part in ("-o", option)]

    def run(self, command: str, *args: str, **_: Any) -> CommandResult:
        """Run a line of shell."""
        line = self.get_command(command, *args)
        # -k: the password is read in any case, and never left for the command.
        remote = f"sudo -k -S -p '' -- /bin/sh -c {shlex.quote(line)}"
        done = subprocess.run(
            [*self._ssh, "ops@127.0.0.1", remote], input=self._password, capture_output=True, check=False
        )
        return self.result(done.returncode, self.encode(line), done.stdout, done.stderr)


def reach_nas() -> Host:
    """Return the NAS, reached as Ansible reaches it: SSH, then sudo with a password."""
    if REHEARSED:
        state = REPOSITORY / ".state" / os.environ["KBJU_INSTANCE"]
        return Host(SudoOverSsh(state, os.environ["KBJU_SSH_PORT"]))
    (found,) = testinfra.get_hosts(["ansible://nas"], ansible_inventory=str(INVENTORY), force_ansible=True)
    return found


def stack_from_environment() -> Stack:
    """Return the instance that the KBJU_* variables name, or the NAS of the inventory that KBJU_INVENTORY names."""
    if REHEARSED:
        return Stack(
            instance=os.environ["KBJU_INSTANCE"],
            address="127.0.0.1",
            names=NAMES,
            http_port=int(os.environ["KBJU_HTTP_PORT"]),
            https_port=int(os.environ["KBJU_HTTPS_PORT"]),
            roots=REPOSITORY / ".state" / os.environ["KBJU_INSTANCE"] / "telegram" / "roots.pem",
            telegram_port=int(os.environ["KBJU_TELEGRAM_PORT"]),
        )
    said = _NAS
    return Stack(
        instance=said["address"],
        address=said["address"],
        names=(said["domain"] or said["name"],),
        http_port=said["http_port"],
        https_port=said["https_port"],
        roots=_roots_of_nas(said["authority"]),
    )


def _roots_of_nas(has_authority: bool) -> Path:
    """Return what browsers trust, or KBJU_CA_BUNDLE; without an authority the NAS's own certificate, read over SSH."""
    if has_authority:
        return Path(os.environ.get("KBJU_CA_BUNDLE") or certifi.where())
    own = Path(tempfile.mkdtemp(prefix="kbju-verify-")) / "cert.pem"
    own.write_text(reach_nas().check_output(f"cat {ROOT}/certs/public/cert.pem") + "\n", encoding="utf-8")
    return own


def deploy(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ansible-playbook on this instance with more arguments or environment, and return what it said."""
    assert REHEARSED, "a test that deploys does not belong on a real NAS"
    command = ["ansible-playbook", "--inventory", str(INVENTORY), *arguments]
    # Colours would stand between the words that tests look for; Molecule asks for them.
    plain = {"ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **plain, **environment}, capture_output=True, text=True, check=False
    )


def until(condition: Callable[[], object], what: str, seconds: float = 30) -> float:
    """Wait for a condition and return how long that took, in seconds. Fails the test when it does not come true."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() < started + seconds, f"{what}: not within {seconds:g} s"
        time.sleep(0.1)  # between two looks; the assertion above ends the wait
    return time.monotonic() - started
