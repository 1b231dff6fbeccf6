"""What certbot is asked to do, and what its words mean."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from urllib.parse import urlsplit

# Exit codes; 2 is that of a wrong command line.
UNKNOWN, NO_AUTHORITY, REFUSED, RATE_LIMIT, UNFIT, NGINX, BUSY = 1, 3, 4, 5, 6, 7, 8
CONTAINER = "kbju-certbot"
# The longest wait that certbot knows is 90 seconds for an order; this is for what it does not know, in seconds.
PATIENCE = 900
LOST_ACCOUNT = re.compile(r"accountDoesNotExist|Account \S+ not found")
PROBLEM = re.compile(r"Domain:\s*(\S+)\s+Type:\s*(\S+)\s+Detail:\s*(.+)")


class RenewalError(Exception):
    """No new certificate; the text says why and what to do, `code` is the exit code."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Settings:
    """What the role has written beside the program."""

    root: str
    docker: str
    names: list[str]
    server: str
    mail: str
    nginx_uid: int
    http_port: int
    https_port: int

    @classmethod
    def load(cls, path: str) -> Settings:
        """Read the settings.

        Raises:
            RenewalError: there are none, or they are not whole.
        """
        try:
            with open(path, encoding="utf-8") as file:
                return cls(**json.load(file))
        except (OSError, ValueError, TypeError) as error:
            raise RenewalError(UNKNOWN, f"the settings {path} can't be read ({error}); deploy again") from None

    @property
    def store(self) -> str:
        """Where certbot keeps accounts, certificates and keys, its /etc/letsencrypt."""
        return f"{self.root}/certs/certbot"

    @property
    def lineage(self) -> str:
        """The name that certbot keeps this authority's certificates under: another authority begins anew."""
        return re.sub(r"[^A-Za-z0-9.-]", "-", urlsplit(self.server).netloc)

    @property
    def metrics(self) -> str:
        """The file that node_exporter shows."""
        return f"{self.root}/metrics/certbot.prom"


def certonly(settings: Settings, force: bool) -> list[str]:
    """Return certbot's arguments for a certificate with all names: it is renewed when due, or at once by `force`."""
    mail = ["--email", settings.mail] if settings.mail else ["--register-unsafely-without-email"]
    names = [part for name in settings.names for part in ("--domain", name)]
    return [
        *("certonly", "--non-interactive", "--agree-tos", "--no-eff-email", *mail),
        *("--server", settings.server, "--cert-name", settings.lineage),
        *("--webroot", "--webroot-path", "/var/www/acme"),
        *("--key-type", "ecdsa", "--elliptic-curve", "secp256r1"),
        *("--renew-with-new-domains", "--force-renewal" if force else "--keep-until-expiring"),
        *names,
    ]


def revoke(settings: Settings, certificate: str) -> list[str]:
    """Return certbot's arguments to revoke the certificate in a file below its /etc/letsencrypt."""
    return [
        *("revoke", "--non-interactive", "--server", settings.server, "--reason", "keycompromise"),
        *("--no-delete-after-revoke", "--cert-path", f"/etc/letsencrypt/{certificate}"),
    ]


def run_certbot(settings: Settings, arguments: list[str]) -> str:
    """Run certbot in its container and return what it said.

    Raises:
        RenewalError: it did not succeed.
    """
    command = [settings.docker, "compose", "--project-directory", settings.root, "--profile", "certbot"]
    command += ["run", "--rm", "-T", "--name", CONTAINER, CONTAINER, *arguments]
    try:
        # One that a power cut has left would hold the name.
        subprocess.run([settings.docker, "rm", "--force", CONTAINER], capture_output=True, check=False)
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        subprocess.run([settings.docker, "rm", "--force", CONTAINER], capture_output=True, check=False)
        raise RenewalError(UNKNOWN, f"certbot did not end within {PATIENCE} s and was stopped") from None
    except OSError as error:
        raise RenewalError(UNKNOWN, f"{settings.docker}: {error.strerror}; is Container Manager running?") from None
    if done.returncode != 0:
        raise explain(done.stdout, settings)
    return done.stdout


def ask_for_certificate(settings: Settings, force: bool) -> str:
    """Have a certificate issued or renewed if it is due, and return what certbot said.

    Raises:
        RenewalError: there is no certificate, or the old one could not be renewed.
    """
    try:
        return run_certbot(settings, certonly(settings, force))
    except RenewalError as error:
        if not LOST_ACCOUNT.search(str(error)):
            raise
    # An account without which nothing is lost: certbot registers another, or says again why it can't where this fails.
    parts = urlsplit(settings.server)
    shutil.rmtree(os.path.join(settings.store, "accounts", parts.netloc, parts.path.strip("/")), ignore_errors=True)
    return run_certbot(settings, certonly(settings, force))


def explain(output: str, settings: Settings) -> RenewalError:
    """Return what certbot's output means, with what to do about it."""
    authority = f"the authority {urlsplit(settings.server).netloc}"
    problems = PROBLEM.findall(output)
    for code, pattern, meaning in (
        (
            RATE_LIMIT,
            r"rateLimited|too many (?:certificates|failed|new|requests|currently)",
            f"{authority} limits how often it is asked",
        ),
        (
            NO_AUTHORITY,
            r"CERTIFICATE_VERIFY_FAILED",
            f"the certificate of {authority} is not trusted: see certbot_acme_ca",
        ),
        (
            NO_AUTHORITY,
            r"Failed to resolve|Name or service not known|Connection refused|Max retries exceeded|timed? ?out"
            r"|Network is unreachable|Connection reset|No route to host",
            f"{authority} can't be reached from the NAS: its network, DNS or a firewall, or the authority is down",
        ),
        (
            NO_AUTHORITY,
            r"serverInternal|Service Unavailable|HTTP (?:status )?5\d\d|error: 5\d\d|maintenance",
            f"{authority} is in trouble; the next attempt may do",
        ),
        (
            REFUSED,
            r"rejectedIdentifier|Cannot issue for|not a valid domain",
            f"{authority} does not issue for such a name",
        ),
        (REFUSED, r"acme:error:caa|CAA record", "a CAA record of the domain allows other authorities only"),
        (
            UNKNOWN,
            r"No such image|pull access denied|manifest unknown|no such service|Cannot connect to the Docker",
            "certbot's container can't be started",
        ),
    ):
        found = re.search(pattern, output, flags=re.IGNORECASE)
        # What the authority says of a name is told name by name below; it too talks of refused connections.
        if found and (code == RATE_LIMIT or not problems):
            return RenewalError(code, f"{meaning}. {_line(output, found.start())}")
    if problems:
        told = "; ".join(
            f"{name}: {_advice(kind, detail, settings)} ({detail.strip()})" for name, kind, detail in problems
        )
        return RenewalError(REFUSED, f"{authority} could not check the names. {told}")
    lines = [line for line in output.strip().splitlines() if line and not line.startswith("Ask for help")]
    return RenewalError(UNKNOWN, f"certbot: {' / '.join(lines[-3:]) or 'no reason given'}")


def _line(text: str, position: int) -> str:
    return text[text.rfind("\n", 0, position) + 1 :].split("\n", 1)[0].strip()


def _advice(kind: str, detail: str, settings: Settings) -> str:
    if kind == "caa":
        return "a CAA record of the domain allows other authorities only"
    if kind == "dns" or re.search(r"no such host|NXDOMAIN|no valid A", detail, flags=re.IGNORECASE):
        return "the world's DNS has no address for it: is the name right, is its A record there"
    if kind == "unauthorized":
        return "something else answers there: its DNS or the router's port 80 leads to another machine"
    return f"nobody answers there: forward port 80 of the router to port {settings.http_port} of the NAS"
