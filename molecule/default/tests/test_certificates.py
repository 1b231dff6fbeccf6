"""The certificate: issued by an authority, renewed by the NAS itself, and never lost by what goes wrong meanwhile."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from testinfra.backend.base import CommandResult
from testinfra.host import Host

from rehearsal import DOCKER, NAMES, ROOT, Stack, deploy

Renew = Callable[..., CommandResult]


def served(stack: Stack) -> x509.Certificate:
    """Return the certificate that nginx serves to a new connection, whoever has issued it."""
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", stack.https_port)).encode())


def metric(nas: Host, name: str) -> dict[str, float]:
    """Return a metric's values by its labels, as they wait for Prometheus."""
    text = nas.check_output(f"cat {ROOT}/metrics/certbot.prom")
    return {labels: float(value) for labels, value in re.findall(rf"^{name}(\S*) (\d+)$", text, flags=re.MULTILINE)}


def renewal_failed(nas: Host) -> bool:
    return metric(nas, "kbju_certificate_renewal_failed") == {"": 1.0}


@pytest.fixture
def renew(nas: Host) -> Renew:
    """Run the NAS's own program, as DSM does twice a day."""

    def run(*options: str) -> CommandResult:
        return nas.run(" ".join([f"{ROOT}/bin/renew-certificate", *options]))

    return run


@contextmanager
def changed(nas: Host, path: str, line: str) -> Iterator[None]:
    """Add a line to a file on the NAS, and take it away again."""
    nas.check_output(f"cp -p {path} {path}.kept && echo '{line}' >> {path}")
    try:
        yield
    finally:
        nas.check_output(f"mv {path}.kept {path}")


@contextmanager
def authority_away(stack: Stack) -> Iterator[None]:
    """Take the authority off the network. It must not be stopped: it forgets everything, its root too."""
    container = f"{stack.instance}-acme"
    subprocess.run(["docker", "network", "disconnect", stack.instance, container], check=True)
    try:
        yield
    finally:
        subprocess.run(["docker", "network", "connect", "--alias", "acme", stack.instance, container], check=True)


def status_at_the_authority(stack: Stack, serial: int) -> str:
    """Return what the authority says of a certificate: Valid or Revoked."""
    address = f"https://localhost:15000/cert-status-by-serial/{serial:x}"
    asked = [
        "docker",
        "exec",
        f"{stack.instance}-acme",
        "curl",
        "--silent",
        "--cacert",
        "/run/acme/server.pem",
        address,
    ]
    answer = subprocess.run(asked, capture_output=True, text=True, check=True)
    return str(json.loads(answer.stdout)["Status"])


@pytest.mark.parametrize("name", NAMES)
def test_each_name_is_trusted_because_of_the_authority(stack: Stack, name: str) -> None:
    context = ssl.create_default_context(cafile=str(stack.roots))

    with (
        socket.create_connection(("127.0.0.1", stack.https_port), timeout=5) as raw,
        context.wrap_socket(raw, server_hostname=name) as connection,
    ):
        certificate = connection.getpeercert()

    assert certificate is not None
    assert ("DNS", name) in certificate["subjectAltName"]


def test_the_key_is_ecdsa_on_p_256(stack: Stack) -> None:
    key = served(stack).public_key()

    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp256r1"


def test_keys_are_for_their_users_alone(nas: Host) -> None:
    listing = nas.check_output(f"find {ROOT}/certs -name '*key*' -type f -printf '%m %U %p\\n'").splitlines()
    folders = nas.check_output(f"stat -c '%a %u' {ROOT}/certs/nginx {ROOT}/certs/certbot").splitlines()

    assert {line.split()[0] + " " + line.split()[1] for line in listing} <= {"400 101", "600 65531", "400 65531"}
    assert len(listing) >= 3
    assert folders == ["500 101", "700 65531"]


def test_a_challenge_is_served_over_http_and_all_else_is_redirected(stack: Stack, nas: Host) -> None:
    challenges = f"{ROOT}/certs/challenges"
    folder = f"{challenges}/.well-known/acme-challenge"
    # As certbot writes it.
    nas.check_output(
        f"mkdir -p {folder} && echo proof > {folder}/token && chown -R 65531:65531 {challenges}/.well-known"
    )

    found = requests.get(f"{stack.http}/.well-known/acme-challenge/token", allow_redirects=False, timeout=10)
    absent = requests.get(f"{stack.http}/.well-known/acme-challenge/other", allow_redirects=False, timeout=10)
    beside = requests.get(f"{stack.http}/.well-known/security.txt", allow_redirects=False, timeout=10)

    nas.check_output(f"rm {folder}/token")
    assert (found.status_code, found.text) == (200, "proof\n")
    assert absent.status_code == 404
    assert beside.status_code == 301


class Visitors:
    """Ask the bot over https again and again, each time on a new connection, and note what went wrong.

    Forty times a second: nginx takes fifty from an address.
    """

    def __init__(self, stack: Stack) -> None:
        self.failures: list[str] = []
        self.answers = 0
        self._stack = stack
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(2)]

    def _visit(self) -> None:
        while not self._stop.wait(0.05):
            try:
                answer = requests.get(f"{self._stack.https}/healthz", verify=str(self._stack.roots), timeout=10)
                answer.raise_for_status()
                self.answers += 1
            except requests.RequestException as error:
                self.failures.append(str(error))

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def test_a_renewal_drops_no_connection(stack: Stack, renew: Renew) -> None:
    before = served(stack)
    context = ssl.create_default_context(cafile=str(stack.roots))
    with (
        Visitors(stack) as visitors,
        socket.create_connection(("127.0.0.1", stack.https_port), timeout=10) as raw,
        context.wrap_socket(raw, server_hostname=NAMES[0]) as begun,
    ):
        begun.sendall(f"GET /healthz HTTP/1.1\r\nHost: {NAMES[0]}\r\n".encode())

        renewed = renew("--force")

        after, until = served(stack), visitors.answers + 20
        deadline = time.monotonic() + 30
        while visitors.answers < until and time.monotonic() < deadline:
            time.sleep(0.05)  # between two looks; whether there were enough answers is asserted below
        # This request began with the old certificate and ends after the swap.
        begun.sendall(b"Connection: close\r\n\r\n")
        answer = begun.recv(4096)

    assert renewed.rc == 0, renewed.stdout
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert visitors.failures == []
    assert visitors.answers >= until
    assert after.serial_number != before.serial_number
    assert after.public_key() != before.public_key(), "each certificate has a key of its own"


def test_what_is_published_is_what_is_served(stack: Stack, nas: Host) -> None:
    published = nas.check_output(f"cat {ROOT}/certs/public/cert.pem")

    assert x509.load_pem_x509_certificates(published.encode())[0] == served(stack)
    assert "PRIVATE" not in published


def test_nothing_happens_while_no_renewal_is_due(stack: Stack, renew: Renew) -> None:
    before = served(stack)

    done = renew()

    assert (done.rc, done.stdout.strip()) == (0, "no renewal is due")
    assert served(stack) == before


def test_a_certificate_whose_key_is_known_is_replaced_and_revoked(stack: Stack, renew: Renew) -> None:
    before = served(stack)

    done = renew("--revoke")

    after = served(stack)
    assert done.rc == 0, done.stdout
    assert after.serial_number != before.serial_number
    assert status_at_the_authority(stack, before.serial_number) == "Revoked"
    assert status_at_the_authority(stack, after.serial_number) == "Valid"


def test_without_the_authority_the_old_certificate_stays(stack: Stack, nas: Host, renew: Renew) -> None:
    before, success = served(stack), metric(nas, "kbju_certificate_renewal_last_success_timestamp_seconds")

    with authority_away(stack):
        failed = renew("--force")

    assert failed.rc == 3
    assert "the authority acme:14000 can't be reached from the NAS" in failed.stdout
    assert served(stack) == before
    assert renewal_failed(nas)
    assert metric(nas, "kbju_certificate_renewal_last_success_timestamp_seconds") == success
    expiry = {f'{{name="{name}",self_signed="false"}}': before.not_valid_after_utc.timestamp() for name in NAMES}
    assert metric(nas, "kbju_certificate_expiry_timestamp_seconds") == expiry
    assert failed.stdout.splitlines()[-1] in nas.check_output(f"cat {ROOT}/logs/renew-certificate.log")

    assert renew().rc == 0
    assert not renewal_failed(nas)


def test_a_name_that_leads_elsewhere_fails_the_deployment_and_leaves_the_old_certificate(stack: Stack) -> None:
    before = served(stack)

    said = deploy("playbooks/deploy.yml", "--extra-vars", json.dumps({"certbot_extra_domains": ["absent.kbju.test"]}))

    failure = said.stdout[said.stdout.index("FAILED!") :]
    assert said.returncode != 0
    assert re.search(r"absent\.kbju\.test: the\s+world's DNS has no address for it", failure), failure
    assert served(stack) == before
    assert requests.get(f"{stack.https}/healthz", verify=str(stack.roots), timeout=10).status_code == 200

    mended = deploy("playbooks/deploy.yml")
    assert mended.returncode == 0, mended.stdout[-3000:]
    assert served(stack) == before


def test_what_nginx_refuses_is_taken_back(stack: Stack, nas: Host, renew: Renew) -> None:
    before, files = served(stack), nas.check_output(f"cat {ROOT}/certs/nginx/*.pem")

    with changed(nas, f"{ROOT}/config/nginx/nginx.conf", "nonsense;"):
        refused = renew("--force")

        assert refused.rc == 7
        assert 'unknown directive "nonsense"' in refused.stdout
        assert nas.check_output(f"cat {ROOT}/certs/nginx/*.pem") == files
        assert served(stack) == before
        assert renewal_failed(nas)

    # What was issued is not asked for again.
    with authority_away(stack):
        mended = renew("--if-unfit")
    assert mended.rc == 0, mended.stdout
    assert served(stack).serial_number != before.serial_number


def test_a_half_changed_pair_is_mended(stack: Stack, nas: Host, renew: Renew) -> None:
    """As a power cut between two files would leave it: nginx would not start with it."""
    before = served(stack)
    nas.check_output(f"openssl ecparam -name prime256v1 -genkey -noout -out {ROOT}/certs/nginx/key.pem")

    mended = renew("--if-unfit")

    assert mended.rc == 0, mended.stdout
    assert served(stack) == before
    assert nas.run(f"{DOCKER} exec kbju-nginx nginx -t -c /etc/nginx/kbju/nginx.conf").rc == 0


def test_dsm_runs_it_twice_a_day(nas: Host) -> None:
    tasks = nas.check_output("/usr/syno/bin/synoschedtask --get")
    number = next(
        re.search(r"ID: \[(\d+)\]", task)
        for task in re.split(r"\n(?=\s*User: )", tasks)
        if f"{ROOT}/bin/renew-certificate" in task
    )
    assert number is not None
    (line,) = [row for row in nas.check_output("cat /etc/crontab").splitlines() if f"--run id={number[1]}" in row]
    minute, hours, *days = line.split()[:5]
    first, _, rest = hours.partition("-")
    before = metric(nas, "kbju_certificate_renewal_last_attempt_timestamp_seconds")[""]

    nas.check_output(f"/usr/syno/bin/synoschedtask --run id={number[1]}")

    assert minute.isdigit()
    assert (int(first) < 12, rest, days) == (True, "23/12", ["*", "*", "*"])
    assert metric(nas, "kbju_certificate_renewal_last_attempt_timestamp_seconds")[""] > before
