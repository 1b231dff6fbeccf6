"""Uninstalling removes what was made and nothing else, and keeps the data unless told otherwise. Runs last."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from rehearsal import DOCKER, ROOT, deploy

PLAYBOOK = "playbooks/uninstall.yml"
CONFIRMED = ["--extra-vars", "confirm=kbju-bot-prod"]
ROW = "uninstalled-and-back"


def engine(nas: Host, kind: str) -> list[str]:
    """Return the names of our containers, networks or volumes."""
    listing = nas.check_output(
        f"{DOCKER} {kind} ls {'--all' if kind == 'container' else ''} | grep -o 'kbju-[a-z-]*$' || true"
    )
    return sorted(set(listing.split()))


def psql(nas: Host, statement: str) -> str:
    """Run a statement in the bot's database as its superuser."""
    command = f"{DOCKER} exec kbju-postgres psql --no-psqlrc --quiet --tuples-only --no-align --dbname kbju --command"
    return str(nas.check_output(f'{command} "{statement}"'))


def leftovers(nas: Host) -> str:
    """Return what there is of us in DSM's own places."""
    places = (
        "/usr/local/etc/rc.d /usr/syno/etc/synoschedule.d /etc/crontab /etc/passwd /etc/group /usr/syno/etc/firewall.d"
    )
    return str(nas.check_output(f"grep -rils kbju {places} || true; find {places} -iname '*kbju*'"))


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


def test_the_data_stays_and_comes_back(nas: Host) -> None:
    psql(nas, f"CREATE TABLE kept AS SELECT '{ROW}' AS word")
    keepsake = nas.check_output(f"sha256sum {ROOT}/secrets/salt")

    removed = deploy(PLAYBOOK, *CONFIRMED)
    assert removed.returncode == 0, removed.stdout[-3000:]
    assert engine(nas, "container") == []
    assert engine(nas, "network") == []
    assert "kbju-postgres-data" in engine(nas, "volume")
    assert leftovers(nas) == ""
    assert nas.check_output(f"sha256sum {ROOT}/secrets/salt") == keepsake
    again = deploy(PLAYBOOK, *CONFIRMED)
    assert "changed=0 " in again.stdout

    back = deploy("site.yml")
    assert back.returncode == 0, back.stdout[-3000:]
    assert psql(nas, "SELECT word FROM kept").strip() == ROW
    psql(nas, "DROP TABLE kept")


def test_the_data_goes_when_that_is_asked_for(nas: Host) -> None:
    removed = deploy(PLAYBOOK, *CONFIRMED, "--extra-vars", "remove_data=yes")

    assert removed.returncode == 0, removed.stdout[-3000:]
    assert engine(nas, "volume") == []
    assert not nas.file(ROOT).exists
    assert nas.file("/volume1/docker").is_directory, "the share is Container Manager's"
    assert leftovers(nas) == ""
