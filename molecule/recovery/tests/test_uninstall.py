"""Uninstalling removes what was made and nothing else, and keeps the data unless told otherwise. Runs last."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

from rehearsal import DOCKER, ROOT, deploy

PLAYBOOK = "playbooks/uninstall.yml"
CONFIRMED = ["--extra-vars", "confirm=kbju-bot-prod"]
ROW = "uninstalled-and-back"
PLACES = "/usr/local/etc/rc.d /usr/syno/etc/synoschedule.d /usr/syno/etc/firewall.d /etc/crontab /etc/passwd /etc/group"


def engine(nas: Host, kind: str) -> list[str]:
    """Return the names of our containers, networks or volumes."""
    listing = nas.check_output(f"{DOCKER} {kind} ls {'--all' if kind == 'container' else ''}")
    return sorted({word for word in listing.split() if word.startswith("kbju-") and ":" not in word})


def leftovers(nas: Host) -> str:
    """Return what there is of us in DSM's own places."""
    names = nas.check_output(f"find {PLACES} -iname '*kbju*'")
    contents = nas.run(f"grep -ril kbju {PLACES}")
    none_found = 1
    assert contents.rc in {0, none_found}, contents.stderr
    return "\n".join(part for part in (names, contents.stdout.strip()) if part)


@pytest.mark.parametrize("confirmation", [[], ["--extra-vars", "confirm=kbju"]], ids=["none", "another name"])
def test_without_its_name_nothing_is_removed(nas: Host, confirmation: list[str]) -> None:
    before = engine(nas, "container"), leftovers(nas)

    said = deploy(PLAYBOOK, *confirmation)

    assert said.returncode != 0
    assert "Nothing was removed" in said.stdout
    assert (engine(nas, "container"), leftovers(nas)) == before
    assert before[0] != []


def test_check_mode_tells_and_removes_nothing(nas: Host) -> None:
    before = engine(nas, "container"), engine(nas, "volume"), leftovers(nas)

    said = deploy(PLAYBOOK, "--check", *CONFIRMED, "--extra-vars", "remove_data=yes")

    assert said.returncode == 0, said.stdout[-3000:]
    assert "changed=0 " not in said.stdout, "what would be removed is told"
    assert (engine(nas, "container"), engine(nas, "volume"), leftovers(nas)) == before
    assert nas.file(f"{ROOT}/secrets/salt").exists


def test_the_data_stays_and_comes_back(nas: Host, sql: Callable[[str], str]) -> None:
    sql(f"CREATE TABLE kept AS SELECT '{ROW}' AS word")
    keepsake = nas.check_output(f"sha256sum {ROOT}/secrets/salt")

    removed = deploy(PLAYBOOK, *CONFIRMED)
    assert removed.returncode == 0, removed.stdout[-3000:]
    assert engine(nas, "container") == []
    assert engine(nas, "network") == []
    assert "kbju-postgres-data" in engine(nas, "volume")
    assert leftovers(nas) == ""
    assert not nas.file(f"{ROOT}/metrics/containers.prom").exists, "it would tell for ever that all is well"
    assert nas.check_output(f"sha256sum {ROOT}/secrets/salt") == keepsake
    again = deploy(PLAYBOOK, *CONFIRMED)
    assert "changed=0 " in again.stdout

    back = deploy("site.yml")
    assert back.returncode == 0, back.stdout[-3000:]
    assert sql("SELECT word FROM kept") == ROW
    sql("DROP TABLE kept")


def test_the_data_goes_when_that_is_asked_for(nas: Host) -> None:
    removed = deploy(PLAYBOOK, *CONFIRMED, "--extra-vars", "remove_data=yes")

    assert removed.returncode == 0, removed.stdout[-3000:]
    assert engine(nas, "volume") == []
    assert not nas.file(ROOT).exists
    assert nas.file("/volume1/docker").is_directory, "the share is Container Manager's"
    assert leftovers(nas) == ""
