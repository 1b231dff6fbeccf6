"""The certificate's files: what stands in them, whether they can serve, and how they are changed."""
# Runs on the NAS: Python 3.8 syntax, standard library only. Certificates are read by the NAS's openssl.

from __future__ import annotations

import os
import re
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass

OPENSSL = "/usr/bin/openssl"
PEM_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----\n.+?\n-----END CERTIFICATE-----\n?", re.DOTALL)


class UnfitError(Exception):
    """A certificate or its key can't serve; the text says why."""


@dataclass(frozen=True)
class Certificate:
    """What is known of one certificate."""

    serial: str
    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: float
    not_after: float

    @property
    def self_signed(self) -> bool:
        """Whether no authority has issued it."""
        return self.subject == self.issuer

    def missing(self, names: list[str]) -> list[str]:
        """Return those of `names` that it does not stand for."""
        return [name for name in names if name.lower() not in self.names]

    def days_left(self, now: float) -> float:
        """Return how many days it is still valid."""
        return (self.not_after - now) / 86400

    def near_its_end(self, now: float) -> bool:
        """Tell whether less than a quarter of its life is left: renewal, due at a third, has been failing."""
        return self.not_after - now < (self.not_after - self.not_before) / 4


def openssl(*arguments: str, given: str = "") -> str:
    """Return what openssl prints when it reads `given`, which may be a key: it reaches no argument list.

    Raises:
        UnfitError: openssl can't make sense of it.
    """
    done = subprocess.run([OPENSSL, *arguments], input=given, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stderr + done.stdout).strip().splitlines()
        raise UnfitError(f"openssl {arguments[0]}: {lines[0] if lines else 'no reason given'}")
    return done.stdout


def read_certificate(pem: str) -> Certificate:
    """Read the first certificate of a PEM text.

    Raises:
        UnfitError: there is none.
    """
    if not PEM_CERTIFICATE.search(pem):
        raise UnfitError("there is no certificate in it")
    # Without -nameopt, versions of openssl write names differently.
    shown = openssl(
        "x509", "-noout", "-serial", "-subject", "-issuer", "-dates", "-nameopt", "RFC2253", "-text", given=pem
    )
    fields = dict(
        line.split("=", 1) for line in shown.splitlines() if re.match(r"(serial|subject|issuer|not\w+)=", line)
    )
    names = re.findall(r"(?:DNS|IP Address):([^,\s]+)", shown)
    return Certificate(
        serial=fields["serial"].lower(),
        subject=fields["subject"],
        issuer=fields["issuer"],
        names=tuple(name.lower() for name in names),
        not_before=ssl.cert_time_to_seconds(fields["notBefore"]),
        not_after=ssl.cert_time_to_seconds(fields["notAfter"]),
    )


def why_unfit(chain: str, key: str, names: list[str], now: float) -> list[str]:
    """Return every reason why nginx must not be given this certificate with this key; none when it may.

    `chain` is the certificate and what leads to its authority, both are PEM texts, `now` is in seconds since 1970.
    """
    try:
        certificate = read_certificate(chain)
    except UnfitError as error:
        return [f"the certificate can't be read: {error}"]
    reasons = []
    try:
        if openssl("pkey", "-pubout", given=key) != openssl("x509", "-noout", "-pubkey", given=chain):
            reasons.append("the key is not the certificate's")
    except UnfitError as error:
        reasons.append(f"the key can't be read: {error}")
    missing = certificate.missing(names)
    if missing:
        reasons.append(
            f"it does not stand for {', '.join(missing)}, only for {', '.join(certificate.names) or 'no name'}"
        )
    if certificate.not_after <= now:
        reasons.append(f"it has expired {-certificate.days_left(now):.0f} days ago; is the NAS's clock right?")
    elif certificate.not_before > now:
        reasons.append("it is not valid yet; is the NAS's clock right?")
    else:
        reasons += _why_no_chain(chain)
    return reasons


def _why_no_chain(chain: str) -> list[str]:
    leaf, *above = PEM_CERTIFICATE.findall(chain)
    if not above:
        return ["it comes without the certificate of its issuer"]
    with tempfile.NamedTemporaryFile("w", suffix=".pem") as file:
        file.write("".join(above))
        file.flush()
        try:
            # The authority's root is not asked for: the next certificate is as far as a server's own part goes.
            openssl("verify", "-partial_chain", "-purpose", "sslserver", "-trusted", file.name, given=leaf)
        except UnfitError as error:
            return [f"its chain does not hold: {error}"]
    return []


def read_text(path: str) -> str:
    """Return a file's text, or an empty text when there is no such file."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except FileNotFoundError:
        return ""


def write_aside(path: str, text: str, mode: int, uid: int = 0) -> None:
    """Write a file under another name in the same folder, then rename it: a reader meets the old text or the new."""
    os.replace(_prepare(path, text, mode, uid), path)


def _prepare(path: str, text: str, mode: int, uid: int) -> str:
    aside = f"{path}.new"
    if os.path.lexists(aside):
        os.unlink(aside)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fchown(file.fileno(), uid, uid)
        os.fchmod(file.fileno(), mode)
        os.fsync(file.fileno())
    return aside


@dataclass(frozen=True)
class Pair:
    """A certificate with its chain, and its key, as PEM texts."""

    chain: str
    key: str


@dataclass(frozen=True)
class Place:
    """Where nginx has its certificate: the folder's path, and the uid that may read it."""

    folder: str
    uid: int

    def read(self) -> Pair:
        """Return what stands there; empty texts when nothing does."""
        return Pair(read_text(f"{self.folder}/cert.pem"), read_text(f"{self.folder}/key.pem"))

    def write(self, pair: Pair) -> None:
        """Put a pair there. nginx reads both only when it is told to, or starts.

        A disk that is full leaves the pair that was there, not a half of each.
        """
        texts = {f"{self.folder}/key.pem": pair.key, f"{self.folder}/cert.pem": pair.chain}
        prepared = {path: _prepare(path, text, 0o400, self.uid) for path, text in texts.items()}
        for path, aside in prepared.items():
            os.replace(aside, path)

    def certificate(self) -> Certificate | None:
        """Return what is known of the certificate there, None when there is none or none that can be read."""
        try:
            return read_certificate(self.read().chain)
        except UnfitError:
            return None


def metrics(certificate: Certificate | None, attempt: float, success: float, failed: bool) -> str:
    """Return Prometheus's text about the certificate that nginx has, and the last attempt to renew it.

    Times are in seconds since 1970; 0 is never.
    """
    rows = []
    if certificate is not None:
        rows.append("# HELP kbju_certificate_expiry_timestamp_seconds When the certificate that nginx has expires.")
        rows.append("# TYPE kbju_certificate_expiry_timestamp_seconds gauge")
        for name in certificate.names:
            labels = f'name="{name}",self_signed="{str(certificate.self_signed).lower()}"'
            rows.append(f"kbju_certificate_expiry_timestamp_seconds{{{labels}}} {certificate.not_after:.0f}")
    for name, text, value in (
        ("last_attempt_timestamp_seconds", "When renewal was last tried.", attempt),
        ("last_success_timestamp_seconds", "When renewal last ended well; nothing being due is well.", success),
        ("failed", "Whether the last attempt failed.", float(failed)),
    ):
        rows.append(f"# HELP kbju_certificate_renewal_{name} {text}")
        rows.append(f"# TYPE kbju_certificate_renewal_{name} gauge")
        rows.append(f"kbju_certificate_renewal_{name} {value:.0f}")
    return "\n".join(rows) + "\n"


def last_success(text: str) -> float:
    """Return the time of the last success that an earlier run has noted in its metrics, 0 when there is none."""
    found = re.search(r"^kbju_certificate_renewal_last_success_timestamp_seconds (\d+)$", text, flags=re.MULTILINE)
    return float(found.group(1)) if found else 0.0


def wait_for(condition: Callable[[], object], seconds: float, interval: float = 0.2) -> bool:
    """Call `condition` until it returns a true value or `seconds` are over; return whether it did."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)  # between two looks; the deadline ends the wait
    return True
