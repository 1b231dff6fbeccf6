"""What the role nginx does with certificates that it has not made, on this machine."""

from __future__ import annotations

import os
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from nas.authority import DAY, Authority
from plays import run_role


def deploy(root: Path, *, left: timedelta, renewed: bool) -> subprocess.CompletedProcess[str]:
    """Run the role's tasks on an authority's certificate that is still valid for so long."""
    nginx, public = root / "certs/nginx", root / "certs/public"
    nginx.mkdir(parents=True)
    public.mkdir()
    chain, key = Authority().issue("a.example", since=left - 90 * DAY, until=left)
    for path, text in ((nginx / "cert.pem", chain), (nginx / "key.pem", key), (public / "cert.pem", chain)):
        path.write_text(text)
        path.chmod(0o400)
    return run_role(
        root,
        "nginx",
        "certificate",
        kbju_root=str(root),
        nginx_server_name="a.example",
        nginx_uid=os.getuid(),
        nginx_certificate_renewed=renewed,
    )


def test_one_near_its_end_that_nothing_renews_is_told(tmp_path: Path) -> None:
    done = deploy(tmp_path, left=20 * DAY, renewed=False)

    assert done.returncode == 0, done.stdout
    assert "is near its end (notAfter=" in done.stdout
    assert "certbot_enabled is false" in " ".join(done.stdout.split())


def test_one_that_has_ended_and_that_nothing_renews_stops_the_deployment(tmp_path: Path) -> None:
    done = deploy(tmp_path, left=-DAY, renewed=False)

    assert done.returncode != 0
    assert "is not valid any more (notAfter=" in done.stdout


@pytest.mark.parametrize(("left", "renewed"), [(40 * DAY, False), (20 * DAY, True), (-DAY, True)])
def test_one_that_is_good_or_renewed_is_no_matter(tmp_path: Path, left: timedelta, renewed: bool) -> None:
    done = deploy(tmp_path, left=left, renewed=renewed)

    assert done.returncode == 0, done.stdout
    assert "notAfter=" not in done.stdout
