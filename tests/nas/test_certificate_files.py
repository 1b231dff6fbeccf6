"""Which certificates nginx may be given, and how their files are changed."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from cryptography import x509

from nas.authority import DAY, Authority, pem


@pytest.fixture
def files(program: Callable[[str], ModuleType]) -> Any:
    return program("certbot/templates/certificate_files.py")


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_a_good_certificate_may_serve(files: Any, authority: Authority) -> None:
    chain, key = authority.issue("a.example", "b.example")

    assert files.why_unfit(chain, key, ["a.example", "B.example"], time.time()) == []


def test_what_is_read_of_a_certificate(files: Any, authority: Authority) -> None:
    chain, _ = authority.issue("a.example", "b.example")
    known = x509.load_pem_x509_certificate(chain.encode())

    read = files.read_certificate(chain)

    assert int(read.serial, 16) == known.serial_number
    assert read.names == ("a.example", "b.example")
    assert read.not_after == known.not_valid_after_utc.timestamp()
    assert read.self_signed is False
    assert files.read_certificate(pem(authority.certificate)).self_signed is True


def test_every_reason_is_told(files: Any, authority: Authority) -> None:
    chain, _ = authority.issue("a.example", since=-90 * DAY, until=-3 * DAY)
    _, key = authority.issue("a.example")

    reasons = files.why_unfit(chain, key, ["a.example", "b.example"], time.time())

    assert reasons == [
        "the key is not the certificate's",
        "it does not stand for b.example, only for a.example",
        "it has expired 3 days ago; is the NAS's clock right?",
    ]


def test_one_of_tomorrow_waits(files: Any, authority: Authority) -> None:
    chain, key = authority.issue("a.example", since=DAY)

    assert files.why_unfit(chain, key, ["a.example"], time.time()) == ["it is not valid yet; is the NAS's clock right?"]


@pytest.mark.parametrize("broken", ["", "nonsense", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate_is_refused(files: Any, authority: Authority, broken: str) -> None:
    (reason,) = files.why_unfit(broken, authority.issue("a.example")[1], ["a.example"], time.time())

    assert reason.startswith("the certificate can't be read: ")


@pytest.mark.parametrize("broken", ["", "nonsense"])
def test_what_is_no_key_is_refused(files: Any, authority: Authority, broken: str) -> None:
    (reason,) = files.why_unfit(authority.issue("a.example")[0], broken, ["a.example"], time.time())

    assert reason.startswith("the key can't be read: ")


def test_a_chain_must_lead_to_its_issuer(files: Any, authority: Authority) -> None:
    chain, key = authority.issue("a.example")
    leaf = chain[: chain.index("-----END CERTIFICATE-----") + 26]

    alone = files.why_unfit(leaf, key, ["a.example"], time.time())
    (strange,) = files.why_unfit(leaf + pem(Authority().certificate), key, ["a.example"], time.time())

    assert alone == ["it comes without the certificate of its issuer"]
    assert strange.startswith("its chain does not hold: ")


@pytest.mark.parametrize(("left", "near"), [(89, False), (31, False), (23, False), (21, True), (-1, True)])
def test_the_last_quarter_of_its_life_is_near_its_end(files: Any, authority: Authority, left: int, near: bool) -> None:
    certificate = files.read_certificate(authority.issue("a.example", since=(left - 90) * DAY, until=left * DAY)[0])

    assert certificate.near_its_end(time.time()) is near


def test_a_pair_is_for_its_reader_alone(files: Any, tmp_path: Path) -> None:
    place = files.Place(str(tmp_path), os.getuid())

    place.write(files.Pair("chain\n", "key\n"))

    assert place.read() == files.Pair("chain\n", "key\n")
    assert {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {
        "cert.pem": 0o400,
        "key.pem": 0o400,
    }


@pytest.mark.parametrize("full", ["key.pem", "cert.pem"])
def test_a_full_disk_leaves_the_pair_that_was_there(
    files: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: str
) -> None:
    place, old = files.Place(str(tmp_path), os.getuid()), files.Pair("old chain\n", "old key\n")
    place.write(old)
    really = os.fsync

    def fsync(descriptor: int) -> None:
        if os.readlink(f"/proc/self/fd/{descriptor}").endswith(f"/{full}.new"):
            raise OSError(errno.ENOSPC, "No space left on device")
        really(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError, match="No space left"):
        place.write(files.Pair("new chain\n", "new key\n"))

    assert place.read() == old


def test_an_empty_place_has_no_certificate(files: Any, tmp_path: Path) -> None:
    assert files.Place(str(tmp_path), 0).certificate() is None


def test_a_file_is_written_past_what_lies_in_the_way(files: Any, tmp_path: Path) -> None:
    """Neither a run that was cut off nor a link to somebody else's file may be in the way."""
    other = tmp_path / "other"
    other.write_text("kept")
    (tmp_path / "file.new").symlink_to(other)

    files.write_aside(str(tmp_path / "file"), "text", 0o644, os.getuid())

    assert (tmp_path / "file").read_text() == "text"
    assert other.read_text() == "kept"
    assert {path.name for path in tmp_path.iterdir()} == {"file", "other"}


def test_metrics_keep_the_last_success(files: Any, authority: Authority) -> None:
    certificate = files.read_certificate(authority.issue("a.example", "b.example")[0])

    text = files.metrics(certificate, 2000.0, 1000.0, True)

    assert (
        f'kbju_certificate_expiry_timestamp_seconds{{name="b.example",self_signed="false"}} {certificate.not_after:.0f}'
        in text
    )
    assert "kbju_certificate_renewal_failed 1\n" in text
    assert "kbju_certificate_renewal_last_attempt_timestamp_seconds 2000\n" in text
    assert files.last_success(text) == 1000.0
    assert files.last_success("") == 0.0


def test_without_a_certificate_there_is_no_expiry(files: Any) -> None:
    assert "expiry" not in files.metrics(None, 1.0, 0.0, True)
