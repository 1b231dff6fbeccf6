"""How a certificate is replaced and revoked: the program, with a certbot that the tests make fail."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from nas.authority import Authority

# Certbot's words of an authority that is away, and Let's Encrypt's of a certificate that is revoked already.
AWAY = "An unexpected error occurred:\nMax retries exceeded with url: /dir"
ALREADY = (
    "An unexpected error occurred:\nUnable to revoke :: no certificate with serial 01 and status other than revoked"
)
# nginx does not run. certbot issues the next certificate that lies ready, and fails where there are words for that.
DOCKER = """#!/bin/sh
cd "${0%/*}" || exit 1
[ "$1" = inspect ] && echo 'false false'
[ "$1" = compose ] || exit 0
case " $* " in *" revoke "*) asked=revoke ;; *) asked=certonly ;; esac
[ $asked = certonly ] || echo "${*##*/}" >> revocations
[ ! -e $asked.fails ] || { cat $asked.fails; exit 1; }
case " $* " in
  *" --force-renewal "*) ;;
  *" revoke "*) [ -e "certs/certbot/${*##*/etc/letsencrypt/}" ]; exit ;;
  *) exit 0 ;;
esac
number=$(($(cat number) + 1)) && echo $number > number
for kind in cert fullchain privkey; do
  ln -sf ../../archive/acme.example/$kind$number.pem certs/certbot/live/acme.example/$kind.pem
done
"""


class Installation:
    """The renewal's folders on a NAS, with certificate 1 in place and 2 to 4 ready to be issued."""

    def __init__(self, root: Path, program: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.program = root, program
        archive = root / "certs/certbot/archive/acme.example"
        for folder in ("certs/nginx", "certs/public", "certs/certbot/live/acme.example", "metrics", "logs"):
            (root / folder).mkdir(parents=True)
        archive.mkdir(parents=True)
        authority = Authority()
        self.pairs: list[Any] = [None]
        for number in range(1, 5):
            chain, key = authority.issue("a.example")
            for kind, text in (("cert", chain), ("fullchain", chain), ("privkey", key)):
                (archive / f"{kind}{number}.pem").write_text(text)
            self.pairs.append(program.files.Pair(chain, key))
        (root / "docker").write_text(DOCKER)
        (root / "docker").chmod(0o755)
        (root / "number").write_text("0")
        settings = {
            "root": str(root),
            "docker": str(root / "docker"),
            "names": ["a.example"],
            "server": "https://acme.example/dir",
            "mail": "",
            "nginx_uid": os.getuid(),
            "http_port": 1,
            "https_port": 1,
        }
        (root / "settings.json").write_text(json.dumps(settings))
        self.settings = program.Settings.load(str(root / "settings.json"))
        monkeypatch.setattr(program.Settings, "load", lambda path: self.settings)
        monkeypatch.setattr(os, "fchown", lambda *_: None)
        self.place = program.files.Place(f"{root}/certs/nginx", os.getuid())

    def run(self, *arguments: str) -> int:
        self.program.log.handlers.clear()
        code: int = self.program.main(list(arguments))
        return code

    def in_place(self) -> int:
        """Return the number of the certificate that nginx has."""
        return self.pairs.index(self.place.read())

    def fails(self, asked: str, words: str | None) -> None:
        """Have certbot fail with these words from now on, or no more."""
        path = self.root / f"{asked}.fails"
        path.unlink() if words is None else path.write_text(words)

    def revocations(self) -> list[str]:
        """Return which certificates certbot was asked to revoke."""
        path = self.root / "revocations"
        return path.read_text().split() if path.exists() else []


@pytest.fixture
def installation(program: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Installation:
    found = Installation(tmp_path, program("certbot/templates/renew_certificate.py"), monkeypatch)
    assert found.run("--force") == 0
    assert found.in_place() == 1
    return found


def test_a_certificate_is_replaced_and_revoked(installation: Installation, caplog: pytest.LogCaptureFixture) -> None:
    assert installation.run("--revoke") == 0

    assert installation.in_place() == 2
    assert installation.revocations() == ["cert1.pem"]
    assert "a new certificate is in place, for a.example; the old one, archive/acme.example/cert1.pem, is revoked" in (
        caplog.text
    )


@pytest.mark.parametrize("again", [["--revoke"], []])
def test_a_revocation_that_failed_is_tried_again_and_revokes_no_other(
    installation: Installation, caplog: pytest.LogCaptureFixture, again: list[str]
) -> None:
    installation.fails("revoke", AWAY)
    assert installation.run("--revoke") == 3
    assert installation.in_place() == 2
    assert "archive/acme.example/cert1.pem is replaced but not revoked, it is valid still" in caplog.text
    assert "The old one stays" not in caplog.text

    installation.fails("revoke", None)
    caplog.clear()
    assert installation.run(*again) == 0

    assert installation.revocations() == ["cert1.pem", "cert1.pem"]
    assert installation.in_place() == 2, "the certificate that is good already is not replaced again"
    assert "cert1.pem, is revoked" in caplog.text
    assert installation.run("--revoke") == 0
    assert installation.revocations()[2:] == ["cert2.pem"]


def test_one_that_could_not_be_replaced_is_not_revoked(installation: Installation) -> None:
    installation.fails("certonly", AWAY)
    assert installation.run("--revoke") == 3
    assert installation.in_place() == 1

    installation.fails("certonly", None)
    assert installation.run() == 0
    assert installation.revocations() == [], "nginx still has it"

    assert installation.run("--revoke") == 0
    assert installation.in_place() == 2
    assert installation.revocations() == ["cert1.pem"]


def test_what_is_revoked_already_is_not_tried_for_ever(installation: Installation) -> None:
    installation.fails("revoke", ALREADY)

    assert installation.run("--revoke") == 0
    assert installation.run() == 0
    assert installation.revocations() == ["cert1.pem"]


def test_a_deployment_is_not_kept_by_a_revocation(installation: Installation) -> None:
    installation.fails("revoke", AWAY)
    installation.run("--revoke")
    (installation.root / "metrics/certbot.prom").unlink()

    assert installation.run("--if-unfit") == 0


def test_without_the_engine_the_old_pair_is_put_back(installation: Installation) -> None:
    (installation.root / "docker").unlink()

    with pytest.raises(FileNotFoundError):
        installation.program.install(installation.settings, installation.place, installation.pairs[2])

    assert installation.in_place() == 1
