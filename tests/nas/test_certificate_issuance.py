"""What certbot is asked, and what its words mean: certbot 4.0's, as it says them of pebble and of Let's Encrypt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FAILED = """Saving debug log to /var/log/letsencrypt/letsencrypt.log
Renewing an existing certificate for a.example

Certbot failed to authenticate some domains (authenticator: webroot). The Certificate Authority reported these problems:
  Domain: a.example
  Type:   {kind}
  Detail: {detail}

Hint: The Certificate Authority failed to download the temporary challenge files created by Certbot.

Some challenges have failed.
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile for more details.
"""
UNEXPECTED = """Saving debug log to /var/log/letsencrypt/letsencrypt.log
An unexpected error occurred:
{text}
Ask for help or search for solutions at https://community.letsencrypt.org. See the logfile for more details.
"""


@pytest.fixture
def issuance(program: Callable[[str], ModuleType]) -> Any:
    return program("certbot/templates/certificate_issuance.py")


@pytest.fixture
def settings(issuance: Any, tmp_path: Path) -> Any:
    """Settings whose Docker is a script: it says what certbot says, the first time and later."""
    return issuance.Settings(
        root=str(tmp_path),
        docker=str(tmp_path / "docker"),
        names=["a.example", "b.example"],
        server="https://acme.example:14000/dir",
        mail="",
        nginx_uid=101,
        http_port=8080,
        https_port=8443,
    )


def certbot(folder: Path, *runs: tuple[str, int]) -> None:
    """Have Docker run a certbot that ends with these words and exit codes, one after the other."""
    for number, (said, code) in enumerate(runs, 1):
        (folder / f"said.{number}").write_text(said)
        (folder / f"code.{number}").write_text(str(code))
    script = """#!/bin/sh
[ "$1" = compose ] || exit 0
cd "${0%/*}" && echo "$@" >> calls && run=$(wc -l < calls) && cat said.$run && exit $(cat code.$run)
"""
    (folder / "docker").write_text(script)
    (folder / "docker").chmod(0o755)


@pytest.mark.parametrize(
    ("output", "code", "words"),
    [
        (
            UNEXPECTED.format(
                text="requests.exceptions.ConnectionError: Max retries exceeded with url: /dir (Caused by "
                "NameResolutionError(\"Failed to resolve 'acme.example'\"))"
            ),
            3,
            "the authority acme.example:14000 can't be reached from the NAS",
        ),
        (UNEXPECTED.format(text="ValueError: Requesting acme.example/dir: Connection refused"), 3, "can't be reached"),
        (
            UNEXPECTED.format(
                text="requests.exceptions.SSLError: Max retries exceeded (Caused by SSLError(SSLCertVerificationError("
                "1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed')))"
            ),
            3,
            "certbot_acme_ca",
        ),
        (UNEXPECTED.format(text="acme.errors.ClientError: <Response [503]> Service Unavailable"), 3, "is in trouble"),
        (
            FAILED.format(
                kind="connection", detail='Get "http://a.example/": dial tcp 192.0.2.7:80: connect: connection refused'
            ),
            4,
            "a.example: nobody answers there: forward port 80 of the router to port 8080 of the NAS",
        ),
        (
            FAILED.format(
                kind="connection",
                detail="192.0.2.7: Fetching http://a.example/x: Timeout during connect (likely firewall problem)",
            ),
            4,
            "forward port 80",
        ),
        (
            FAILED.format(kind="connection", detail="lookup a.example on 127.0.0.11:53: no such host"),
            4,
            "the world's DNS has no address",
        ),
        (
            FAILED.format(kind="dns", detail="DNS problem: NXDOMAIN looking up A for a.example"),
            4,
            "the world's DNS has no address",
        ),
        (
            FAILED.format(kind="unauthorized", detail="192.0.2.7: Invalid response from http://a.example/x: 404"),
            4,
            "something else answers",
        ),
        (FAILED.format(kind="caa", detail="CAA record for a.example prevents issuance"), 4, "CAA record"),
        (
            UNEXPECTED.format(
                text="too many certificates (5) already issued for this exact set of identifiers in the last 168h0m0s, "
                "retry after 2026-11-24 10:00:00 UTC"
            ),
            5,
            "retry after 2026-11-24 10:00:00 UTC",
        ),
        (
            UNEXPECTED.format(
                text='Error creating new order :: Cannot issue for "nas.local": Domain name does not end with a valid '
                "public suffix (TLD)"
            ),
            4,
            "nas.local",
        ),
        ("Error response from daemon: No such image: certbot/certbot:v5.8.0", 1, "container can't be started"),
        (UNEXPECTED.format(text="Something that nobody has foreseen"), 1, "Something that nobody has foreseen"),
        ("", 1, "no reason given"),
    ],
)
def test_what_certbots_words_mean(issuance: Any, settings: Any, output: str, code: int, words: str) -> None:
    error = issuance.explain(output, settings)

    assert error.code == code
    assert words in str(error)


def test_every_name_that_failed_is_told(issuance: Any, settings: Any) -> None:
    one = FAILED.format(kind="dns", detail="NXDOMAIN")
    both = one.replace("\nHint", "  Domain: b.example\n  Type:   unauthorized\n  Detail: 404\n\nHint")

    said = str(issuance.explain(both, settings))

    assert "a.example: the world's DNS" in said
    assert "b.example: something else answers" in said


def test_a_lost_account_is_made_anew_once(issuance: Any, settings: Any, tmp_path: Path) -> None:
    account = tmp_path / "certs/certbot/accounts/acme.example:14000/dir/1234"
    other = tmp_path / "certs/certbot/accounts/other.example/dir"
    account.mkdir(parents=True)
    other.mkdir(parents=True)
    lost = UNEXPECTED.format(text="Account https://acme.example:14000/my-account/1234 not found.")
    certbot(tmp_path, (lost, 1), ("Successfully received certificate.", 0))

    assert "Successfully" in issuance.ask_for_certificate(settings, force=False)

    assert not account.exists()
    assert other.exists()


def test_another_failure_is_not_tried_again(issuance: Any, settings: Any, tmp_path: Path) -> None:
    certbot(tmp_path, (FAILED.format(kind="dns", detail="NXDOMAIN"), 1))

    with pytest.raises(issuance.RenewalError, match="the world's DNS"):
        issuance.ask_for_certificate(settings, force=False)

    assert len((tmp_path / "calls").read_text().splitlines()) == 1


def test_what_certbot_is_asked(issuance: Any, settings: Any, tmp_path: Path) -> None:
    certbot(tmp_path, ("", 0))

    issuance.ask_for_certificate(settings, force=True)

    called = (tmp_path / "calls").read_text().split()
    assert called[-4:] == ["--domain", "a.example", "--domain", "b.example"]
    assert {"--force-renewal", "ecdsa", "secp256r1", "--register-unsafely-without-email"} <= set(called)
    assert called[called.index("--cert-name") + 1] == "acme.example-14000"


def test_an_engine_that_is_away_is_told(issuance: Any, settings: Any) -> None:
    with pytest.raises(issuance.RenewalError, match="is Container Manager running"):
        issuance.ask_for_certificate(settings, force=False)


@pytest.mark.parametrize("content", [None, "", "[]", json.dumps({"root": "/"})])
def test_settings_that_are_not_whole_are_told(issuance: Any, tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "settings.json"
    if content is not None:
        path.write_text(content)

    with pytest.raises(issuance.RenewalError, match="deploy again"):
        issuance.Settings.load(str(path))
