"""nginx in its image with the role's configuration, in front of services that only echo what they get."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import ssl
import subprocess
from base64 import b64encode
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
USER, PASSWORD = "admin", "correct-horse-battery"
BEHIND = ("kbju-bot", "kbju-grafana", "kbju-prometheus", "kbju-alertmanager")


def docker(*arguments: str) -> str:
    """Run a Docker command on this machine and return its output; its complaint is part of the failure."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr}"
    return done.stdout.strip()


def image(key: str) -> str:
    """Return an image's reference by its key in the list."""
    listed = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))
    row = {**listed["kbju_images"], **listed["kbju_build_images"]}[key]
    return f"{row['name']}:{row['tag']}"


def render(folder: Path, settings: dict[str, Any]) -> None:
    """Write nginx.conf with the role's defaults and other settings into a folder."""
    template = REPOSITORY / "roles/nginx/templates/nginx.conf.j2"
    command = ["ansible", "nas", "--inventory", "inventories/nas", "--connection", "local", "--playbook-dir", "."]
    command += ["--extra-vars", "@roles/nginx/defaults/main.yml", "--extra-vars"]
    command += [json.dumps({"ansible_become": False, "ansible_python_interpreter": "python3", **settings})]
    command += ["--module-name", "ansible.builtin.template", "--args", f"src={template} dest={folder}/nginx.conf"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    shutil.copy(template.with_name("upstream.conf"), folder)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def arrived(self) -> dict[str, Any]:
        """What the upstream has got; empty where nginx has answered by itself."""
        try:
            told: dict[str, Any] = json.loads(self.body)
        except ValueError:
            return {}
        return told


@dataclass
class Client:
    """Somebody with an address of his own, as a trusted proxy tells it, on one connection."""

    port: int
    address: str
    password: str | None = None
    _connection: HTTPSConnection | None = field(default=None, init=False)

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """Send a request with the path exactly as it is written."""
        if self._connection is None:
            # The certificate is the test's own; TLS is no matter here.
            trusting = ssl._create_unverified_context()  # noqa: S323
            self._connection = HTTPSConnection("127.0.0.1", self.port, context=trusting, timeout=20)
        sent = {"X-Forwarded-For": self.address, **{name.replace("_", "-"): value for name, value in headers.items()}}
        if self.password is not None:
            sent["Authorization"] = "Basic " + b64encode(f"{USER}:{self.password}".encode()).decode()
        self._connection.request(method, path, body=body, headers=sent)
        answer = self._connection.getresponse()
        return Answer(answer.status, dict(answer.getheaders()), answer.read())

    def begin(self, path: str, length: int) -> socket.socket:
        """Send the head of a POST whose body never comes, and return the connection."""
        trusting = ssl._create_unverified_context()  # noqa: S323
        opened = trusting.wrap_socket(socket.create_connection(("127.0.0.1", self.port), timeout=20))
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {self.address}\r\nContent-Length: {length}\r\n\r\n"
        opened.sendall(head.encode())
        return opened


class Door:
    """One nginx and what is behind it, in a network of their own."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.name = f"kbju-test-nginx-{secrets.token_hex(4)}"
        self._folder = folder
        self._settings = settings
        self._made: list[str] = []
        self._clients = 0
        self.port = 0

    def open(self) -> None:
        """Start everything; whatever was started before a failure, `close` removes."""
        for part in ("config", "certs", "secrets", "runbook", "challenges/.well-known/acme-challenge"):
            (self._folder / part).mkdir(parents=True)
        render(self._folder / "config", self._settings)
        salted = subprocess.run(
            ["openssl", "passwd", "-6", "-stdin"], input=PASSWORD, capture_output=True, text=True, check=True
        )
        (self._folder / "secrets/htpasswd").write_text(f"{USER}:{salted.stdout}", encoding="utf-8")
        (self._folder / "runbook/README.md").write_text("# Сводка\n", encoding="utf-8")
        (self._folder / "runbook/BotDown.md").write_text("# BotDown\n", encoding="utf-8")
        (self._folder / "challenges/.well-known/acme-challenge/token").write_text("proof", encoding="utf-8")
        certs = self._folder / "certs"
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", f"{certs}/key.pem"]
        subprocess.run(
            ["openssl", "req", "-x509", *key, "-subj", "/CN=test", "-out", f"{certs}/cert.pem"],
            capture_output=True,
            check=True,
        )
        (certs / "key.pem").chmod(0o644)
        # pytest's own folders are closed to the container's user.
        for path in (self._folder, *self._folder.parents[:2]):
            path.chmod(0o755)
        docker("network", "create", self.name)
        aliases = [part for alias in BEHIND for part in ("--network-alias", alias)]
        echo = Path(__file__).with_name("upstreams.py")
        self.run("behind", *aliases, f"--volume={echo}:/echo.py:ro", image("python"), "python", "/echo.py")
        mounts = {"config": "/etc/nginx/kbju", "certs": "/etc/nginx/certs", "secrets": "/run/secrets"}
        mounts |= {"runbook": "/var/www/runbook", "challenges": "/var/www/acme"}
        volumes = [f"--volume={self._folder}/{here}:{there}:ro" for here, there in mounts.items()]
        volumes += [f"--tmpfs={place}:uid=101,gid=101" for place in ("/tmp", "/run", "/var/cache/nginx")]  # noqa: S108
        command = ["nginx", "-c", "/etc/nginx/kbju/nginx.conf", "-g", "daemon off;"]
        self.run(
            "front",
            "--read-only",
            "--network-alias=kbju-nginx",
            "--publish=127.0.0.1::8443",
            "--publish=127.0.0.1::8080",
            *volumes,
            image("nginx"),
            *command,
        )
        self.port = int(docker("port", f"{self.name}-front", "8443").rpartition(":")[2])

    def run(self, part: str, *arguments: str) -> None:
        """Start one more container in the network."""
        self._made.append(f"{self.name}-{part}")
        docker("run", "--detach", "--name", self._made[-1], "--network", self.name, *arguments)

    def client(self, address: str | None = None, password: str | None = None) -> Client:
        """Return a client with an address, one that nobody else has if none is given."""
        self._clients += 1
        return Client(self.port, address or f"203.0.113.{self._clients}", password)

    def ask_plainly(self, path: str) -> tuple[int, bytes]:
        """Send a GET over http with the path exactly as it is written; return the status and the body."""
        port = int(docker("port", f"{self.name}-front", "8080").rpartition(":")[2])
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()

    def inside(self, program: str) -> str:
        """Run Python in the network and return what it prints."""
        return docker("exec", f"{self.name}-behind", "python", "-c", program)

    def log(self) -> str:
        """Return what nginx has written to its error log."""
        done = subprocess.run(["docker", "logs", f"{self.name}-front"], capture_output=True, text=True, check=True)
        return done.stderr

    def close(self) -> None:
        """Remove everything."""
        for name in reversed(self._made):
            subprocess.run(["docker", "rm", "--force", "--volumes", name], capture_output=True, check=False)
        subprocess.run(["docker", "network", "rm", self.name], capture_output=True, check=False)
