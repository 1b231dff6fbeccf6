#!/usr/bin/python3 -B
"""Gets and renews the certificate of the stack's nginx. Run twice a day by DSM, and by the deployment.

Exit codes: 0 all is well, 1 something unforeseen, 2 a wrong argument, 3 the authority can't be reached, 4 it refused,
5 it limits how often it is asked, 6 what it issued can't serve, 7 nginx does not take it, 8 another run does not end.
Whatever happens, nginx keeps the certificate that it has until a better one has been tested.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only. -B: no __pycache__ beside a program there.

from __future__ import annotations

import argparse
import contextlib
import fcntl
import logging
import logging.handlers
import os
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import certificate_files as files
import certificate_issuance as issuance
from certificate_issuance import RenewalError, Settings

NGINX = "kbju-nginx"
# How long nginx may take to serve what it has been told to, and another run to end, in seconds.
RELOAD, OTHER_RUN = 30, 300
# What Let's Encrypt, pebble and the protocol say of a certificate that needs no revocation any more.
REVOKED = re.compile(r"already (?:been )?revoked|alreadyRevoked|status other than revoked", re.IGNORECASE)
log = logging.getLogger("renew-certificate")


class NotRevokedError(RenewalError):
    """nginx has a good certificate, and the one that it had before is still valid; the text says why."""


@contextlib.contextmanager
def alone(path: str, patience: float) -> Iterator[None]:
    """Hold the lock `path`, waiting `patience` seconds for another run to end.

    Raises:
        RenewalError: it did not.
    """
    with open(path, "w", encoding="utf-8") as lock:

        def taken() -> bool:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            return True

        if not files.wait_for(taken, patience):
            raise RenewalError(issuance.BUSY, f"another run holds {path} for more than {patience:.0f} s")
        yield


def nginx_runs(settings: Settings) -> bool:
    """Tell whether nginx's container is up and not about to start again."""
    command = [settings.docker, "inspect", "--format", "{{.State.Running}} {{.State.Restarting}}", NGINX]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.split() == ["true", "false"]


def served_serial(port: int) -> str:
    """Return the serial number of the certificate that nginx serves now, an empty text when it does not answer."""
    context = ssl.create_default_context()
    # What is served is looked at, not trusted.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as raw, context.wrap_socket(raw) as connection:
            der = connection.getpeercert(binary_form=True) or b""
        return files.read_certificate(ssl.DER_cert_to_PEM_cert(der)).serial
    except (OSError, files.UnfitError):
        return ""


def install(settings: Settings, place: files.Place, new: files.Pair) -> str:
    """Give nginx a new pair without dropping a connection, or put the old one back; return what happened.

    Raises:
        RenewalError: the pair is unfit, nginx refuses it, or goes on serving another.
    """
    unfit = files.why_unfit(new.chain, new.key, settings.names, time.time())
    if unfit:
        raise RenewalError(issuance.UNFIT, f"what {settings.server} issued can't serve: {'; '.join(unfit)}")
    old = place.read()
    try:
        place.write(new)
        if nginx_runs(settings):
            _reload(settings, files.read_certificate(new.chain).serial)
        else:
            log.warning("%s does not run; it will find the new certificate when it starts", NGINX)
    except (RenewalError, OSError, files.UnfitError):
        if old.chain and old.key and place.read() != old:
            place.write(old)
        raise
    files.write_aside(f"{settings.root}/certs/public/cert.pem", new.chain, 0o644)
    return f"a new certificate is in place, for {', '.join(files.read_certificate(new.chain).names)}"


def _reload(settings: Settings, serial: str) -> None:
    test = [settings.docker, "exec", NGINX, "nginx", "-t", "-q", "-c", "/etc/nginx/kbju/nginx.conf"]
    tested = subprocess.run(test, capture_output=True, text=True, check=False)
    if tested.returncode != 0:
        said = " / ".join((tested.stderr + tested.stdout).strip().splitlines()[:3])
        raise RenewalError(issuance.NGINX, f"nginx refuses its configuration with the new certificate: {said}")
    # The old workers finish what they have begun.
    # From the inside: after any `docker kill` the engine does not start the container again should it end.
    command = [settings.docker, "exec", NGINX, "sh", "-c", "kill -HUP 1"]
    subprocess.run(command, capture_output=True, check=False)
    if not files.wait_for(lambda: served_serial(settings.https_port) == serial, RELOAD):
        raise RenewalError(
            issuance.NGINX, f"nginx goes on serving another certificate: {settings.docker} logs {NGINX} may say why"
        )


def issued(settings: Settings) -> files.Pair:
    """Return the last certificate that the authority has issued, and its key; empty texts when it has issued none."""
    live = f"{settings.store}/live/{settings.lineage}"
    return files.Pair(files.read_text(f"{live}/fullchain.pem"), files.read_text(f"{live}/privkey.pem"))


def why_due(settings: Settings, place: files.Place) -> str:
    """Return why a deployment must have a certificate issued or put in place; an empty text when it need not."""
    certificate, now = place.certificate(), time.time()
    if certificate is None:
        return "nginx has no certificate"
    if certificate.self_signed:
        return "nginx has only a self-signed certificate"
    missing = certificate.missing(settings.names)
    if missing:
        return f"the certificate does not stand for {', '.join(missing)}"
    if place.read() != issued(settings):
        return f"the certificate and its key are not the last ones of {settings.lineage}"
    if certificate.near_its_end(now):
        return f"the certificate expires in {certificate.days_left(now):.0f} days"
    return ""


def latest(settings: Settings) -> str:
    """Return where certbot has the last certificate that was issued, below its /etc/letsencrypt."""
    # The link leads to it: live/NAME/cert.pem is archive/NAME/cert7.pem.
    now = os.path.realpath(f"{settings.store}/live/{settings.lineage}/cert.pem")
    return os.path.relpath(now, os.path.realpath(settings.store))


def to_revoke(settings: Settings) -> tuple[str, str]:
    """Return the replaced certificate that is to be revoked and its authority's server; empty texts when none is."""
    certificate, _, server = files.read_text(f"{settings.root}/certs/to-revoke").strip().partition(" ")
    return ("", "") if certificate == latest(settings) else (certificate, server)


def revoke_replaced(settings: Settings) -> str:
    """Revoke what this run or an earlier one has replaced, if anything; return what happened.

    Raises:
        NotRevokedError: it is still valid.
    """
    certificate, server = to_revoke(settings)
    if not certificate:
        return ""
    its = replace(settings, server=server)
    path = f"{settings.root}/certs/to-revoke"
    try:
        issuance.run_certbot(its, issuance.revoke(its, certificate))
    except RenewalError as error:
        if not REVOKED.search(str(error)):
            text = f"{certificate} is replaced but not revoked, it is valid still: {error}. The next run tries again"
            raise NotRevokedError(error.code, f"{text}; to leave it valid remove {path}") from None
    os.unlink(path)
    return f"; the old one, {certificate}, is revoked"


def renew(settings: Settings, place: files.Place, options: argparse.Namespace) -> str:
    """Have certbot renew what is due, give nginx what is new, revoke the old one if asked; return what happened.

    Raises:
        RenewalError: nginx keeps the certificate that it had; the text says why.
        NotRevokedError: it has a new one, and the old one is not revoked.
    """
    new, happened = issued(settings), "no renewal is due"
    # What an earlier run could not put in place is not asked for again: authorities limit how often they are asked.
    if new != place.read() and not files.why_unfit(new.chain, new.key, settings.names, time.time()):
        happened = install(settings, place, new)
        if options.if_unfit:
            return happened
    # Where an earlier run has replaced one and could not revoke it, only that is left to do.
    replacing = options.revoke and not to_revoke(settings)[0]
    if replacing:
        if not os.path.exists(f"{settings.store}/{latest(settings)}"):
            raise RenewalError(issuance.UNKNOWN, f"there is no certificate of {settings.lineage} to revoke")
        # Noted before it is replaced: afterwards nothing else would tell which one it was.
        files.write_aside(f"{settings.root}/certs/to-revoke", f"{latest(settings)} {settings.server}\n", 0o600)
    issuance.ask_for_certificate(settings, options.force or replacing)
    new = issued(settings)
    if new != place.read():
        happened = install(settings, place, new)
    # A deployment asks for a good certificate, and has it.
    return happened if options.if_unfit else happened + revoke_replaced(settings)


def note(settings: Settings, place: files.Place, failed: bool) -> None:
    """Write the metrics."""
    now = time.time()
    success = files.last_success(files.read_text(settings.metrics)) if failed else now
    files.write_aside(settings.metrics, files.metrics(place.certificate(), now, success, failed), 0o644)


def listen(settings: Settings) -> None:
    """Tell the terminal and a file, which stays small, what happens."""
    log.setLevel(logging.INFO)
    path = f"{settings.root}/logs/renew-certificate.log"
    file = logging.handlers.RotatingFileHandler(path, maxBytes=200_000, backupCount=1, encoding="utf-8")
    file.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(message)s"))
    log.addHandler(file)
    log.addHandler(logging.StreamHandler(sys.stdout))


def main(arguments: list[str]) -> int:
    """Run the program and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="renew-certificate", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--force", action="store_true", help="renew now, due or not")
    parser.add_argument(
        "--revoke", action="store_true", help="replace the certificate now, then revoke it: its key is known"
    )
    parser.add_argument("--if-unfit", action="store_true", help="end at once when the certificate in place is good")
    parser.add_argument("--dry-run", action="store_true", help="only say why a certificate would be asked for")
    options = parser.parse_args(arguments)
    try:
        settings = Settings.load(f"{os.path.dirname(os.path.realpath(__file__))}/renew-certificate.json")
        place = files.Place(f"{settings.root}/certs/nginx", settings.nginx_uid)
        due = why_due(settings, place)
        if options.dry_run or (options.if_unfit and not due and os.path.exists(settings.metrics)):
            print(f"due: {due}" if due else "no renewal is due")
            return 0
        listen(settings)
    except (RenewalError, OSError) as error:
        print(error, file=sys.stderr)
        return issuance.UNKNOWN
    failure = None
    try:
        with alone(f"{settings.root}/certs/renewal.lock", OTHER_RUN):
            try:
                log.info(renew(settings, place, options))
            except RenewalError as error:
                failure = error
            except (OSError, files.UnfitError) as error:
                failure = RenewalError(issuance.UNKNOWN, str(error))
            note(settings, place, failure is not None)
    except RenewalError as error:
        failure = error
    if failure is None:
        return 0
    if isinstance(failure, NotRevokedError):
        log.error("not revoked (exit code %d): %s.", failure.code, failure)
        return failure.code
    certificate = place.certificate()
    left = f"{certificate.days_left(time.time()):.0f} days" if certificate else "none is there"
    log.error("no new certificate (exit code %d): %s. The old one stays; it has %s left.", failure.code, failure, left)
    return failure.code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
