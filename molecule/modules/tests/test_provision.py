"""What provision.yml does to a NAS: the application's group, user and tree, and nothing to anybody's access list."""

from __future__ import annotations

import os
import re

import pytest
import testinfra
from testinfra.host import Host

from rehearsal import ROOT, deploy

TOOLS = "export PATH=$PATH:/usr/syno/bin:/usr/syno/sbin; "
# The share as an operator may have it: made before us, with rights of its own and an entry made in File Station.
SHARE = """
synoshare --add docker Containers /volume1/docker '' @users '' 1 0
synoacltool -add /volume1/docker group:users:allow:r-x---a-R-c--:fd--
mkdir /volume1/docker/others && touch /volume1/docker/others/file
"""
# The firewall has a scenario of its own.
PROVISION = ["playbooks/provision.yml", "--extra-vars", '{"firewall_enabled": false}']
LOOK = "synoacltool -get /volume1/docker; synoshare --get docker; stat -c '%a %u %g' /volume1/docker"


@pytest.fixture(scope="module")
def nas() -> Host:
    """A NAS whose operator has the share already."""
    found = testinfra.get_host("docker://" + os.environ["KBJU_INSTANCE"])
    found.check_output(TOOLS + "set -e" + SHARE)
    return found


@pytest.fixture(scope="module")
def share_before(nas: Host) -> str:
    """The share, its access list and its mode, before us."""
    return str(nas.check_output(TOOLS + LOOK))


@pytest.fixture(scope="module")
def provisioned(nas: Host, share_before: str) -> list[int]:
    """How many tasks changed something: in check mode, for real, and in check mode again."""
    changed = []
    for options in (["--check", "--diff"], [], ["--check", "--diff"]):
        said = deploy(*PROVISION, *options, ANSIBLE_FORCE_COLOR="0")
        found = re.search(r"changed=(\d+) +unreachable=0 +failed=0", said.stdout)
        assert found, said.stdout[-3000:]
        changed.append(int(found.group(1)))
    return changed


def test_check_mode_foretells_and_then_has_nothing_to_do(provisioned: list[int]) -> None:
    foretold, done, again = provisioned

    assert foretold == done > 0
    assert again == 0


def test_the_shares_access_list_and_mode_are_as_before(nas: Host, share_before: str, provisioned: list[int]) -> None:
    assert "group:users:allow:r-x---a-R-c--" in share_before
    assert nas.check_output(TOOLS + LOOK) == share_before


def test_the_applications_user_can_not_log_in(nas: Host, provisioned: list[int]) -> None:
    shown = nas.check_output(TOOLS + "synouser --get kbju")

    assert "Expired     : [true]" in shown
    assert "nologin" in shown
    assert re.findall(r"^\(\d+\) (\S+)", shown, flags=re.MULTILINE) == ["users", "kbju"]


@pytest.mark.parametrize(
    ("path", "rights"),
    [
        ("", "755 0:0"),
        ("/bin", "755 0:0"),
        ("/metrics", "755 0:0"),
        ("/logs", "755 0:0"),
        ("/backups", "750 0:0"),
        ("/secrets", "711 0:0"),
    ],
)
def test_the_tree_has_owner_and_mode_by_purpose(nas: Host, provisioned: list[int], path: str, rights: str) -> None:
    assert nas.check_output(f"stat -c '%a %u:%g' {ROOT}{path}") == rights


def test_a_package_is_not_installed_unasked(nas: Host, provisioned: list[int]) -> None:
    nas.check_output("/usr/syno/bin/synopkg stop ContainerManager")
    try:
        assert "changed=0 " in deploy(*PROVISION).stdout
        assert nas.run("/usr/syno/bin/synopkg status ContainerManager").rc == 17
        assert "changed=1 " in deploy(*PROVISION, "--extra-vars", "packages_manage=true").stdout
        assert nas.run("/usr/syno/bin/synopkg status ContainerManager").rc == 0
    finally:
        nas.check_output("/usr/syno/bin/synopkg start ContainerManager")
