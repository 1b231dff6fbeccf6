import os
import time

import pytest

from dsm.standin import Nas

ENTRY = "group:kbju:allow:rwxpdDaARWc--:fd--"
LINUX_MODE = "It's Linux mode"


@pytest.fixture
def share(family: Nas) -> Nas:
    family.ok("synoshare", "--add", "docker", "Containers", "/volume1/docker", "", "@kbju", "", "1", "0")
    return family


def wait_for_the_clock(nas: Nas) -> None:
    """Wait until the kernel's clock for files has moved on."""
    probe = nas.path("/volume1/probe")
    probe.touch()
    first = probe.stat().st_ctime_ns
    while probe.stat().st_ctime_ns == first:
        time.sleep(0.002)
        probe.touch()


def test_a_new_share_has_a_directory_and_an_access_list(share: Nas) -> None:
    assert share.path("/volume1/docker").is_dir()
    shown = share.ok("synoshare", "--get", "docker")
    assert "Path .......[/volume1/docker]" in shown
    assert "RW list ....[@kbju]" in shown
    assert "group:kbju:allow" in share.ok("synoacltool", "-get", "/volume1/docker")
    assert share.ok("synoshare", "--enum", "ALL").splitlines()[2:] == ["docker"]


def test_share_names_ignore_case(share: Nas) -> None:
    share.ok("synoshare", "--get", "Docker")
    share.refused("synoshare", "--add", "DOCKER", "", "/volume1/DOCKER", "", "", "", "1", "0")


def test_a_plain_directory_can_not_be_promoted(family: Nas) -> None:
    family.path("/volume1/docker").mkdir()
    assert "can't be made into one" in family.refused(
        "synoshare", "--add", "docker", "", "/volume1/docker", "", "", "", "1", "0"
    )
    family.refused("synoshare", "--get", "docker")


@pytest.mark.parametrize("place", ["/volume2/docker", "/volume1/a/b", "/home/docker", "/volume1/@docker"])
def test_a_share_lies_directly_on_a_volume(family: Nas, place: str) -> None:
    family.refused("synoshare", "--add", "docker", "", place, "", "", "", "1", "0")


def test_setuser_adds_removes_and_replaces(share: Nas) -> None:
    share.ok("synoshare", "--setuser", "docker", "RW", "+", "ann,bob")
    assert "RW list ....[@kbju,ann,bob]" in share.ok("synoshare", "--get", "docker")
    share.ok("synoshare", "--setuser", "docker", "RW", "-", "ann,@kbju")
    assert "RW list ....[bob]" in share.ok("synoshare", "--get", "docker")
    share.ok("synoshare", "--setuser", "docker", "RW", "=", "ann")
    assert "RW list ....[ann]" in share.ok("synoshare", "--get", "docker")
    entries = share.ok("synoacltool", "-get", "/volume1/docker")
    assert "user:ann:allow" in entries
    assert "user:bob" not in entries


def test_setuser_refuses_whom_it_does_not_know(share: Nas) -> None:
    share.refused("synoshare", "--setuser", "docker", "RW", "+", "@nothing")
    share.refused("synoshare", "--setuser", "docker", "WR", "+", "ann")


def test_del_keeps_the_data_unless_told_otherwise(share: Nas) -> None:
    share.ok("synoshare", "--del", "FALSE", "docker")
    assert share.path("/volume1/docker").is_dir()
    share.refused("synoshare", "--get", "docker")


def test_chmod_deletes_the_access_list(share: Nas) -> None:
    share.path("/volume1/docker").chmod(0o775)
    done = share.run("synoacltool", "-get", "/volume1/docker")
    assert done.returncode == 255
    assert LINUX_MODE in done.stdout
    # For good: the old mode does not bring it back.
    share.path("/volume1/docker").chmod(0o755)
    assert LINUX_MODE in share.refused("synoacltool", "-get", "/volume1/docker")


def test_a_chmod_to_the_present_mode_deletes_it_as_well(share: Nas) -> None:
    place = share.path("/volume1/docker")
    wait_for_the_clock(share)
    place.chmod(place.stat().st_mode & 0o7777)
    assert LINUX_MODE in share.refused("synoacltool", "-get", "/volume1/docker")


def test_a_chmod_is_noticed_although_files_are_made_after_it(share: Nas) -> None:
    wait_for_the_clock(share)
    share.path("/volume1/docker").chmod(0o775)
    wait_for_the_clock(share)
    (share.path("/volume1/docker") / "kbju").mkdir()
    assert LINUX_MODE in share.refused("synoacltool", "-get", "/volume1/docker")


def test_files_in_a_directory_leave_its_access_list(share: Nas) -> None:
    wait_for_the_clock(share)
    (share.path("/volume1/docker") / "kbju").mkdir()
    assert "group:kbju" in share.ok("synoacltool", "-get", "/volume1/docker")
    assert LINUX_MODE in share.refused("synoacltool", "-get", "/volume1/docker/kbju")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives a file away")
def test_another_owner_leaves_the_access_list(share: Nas) -> None:
    wait_for_the_clock(share)
    os.chown(share.path("/volume1/docker"), 1026, 100)
    assert "group:kbju" in share.ok("synoacltool", "-get", "/volume1/docker")
    wait_for_the_clock(share)
    share.path("/volume1/docker").chmod(0o700)
    assert LINUX_MODE in share.refused("synoacltool", "-get", "/volume1/docker")


def test_entries_are_added_and_deleted(family: Nas) -> None:
    family.path("/volume1/data").mkdir()
    assert LINUX_MODE in family.refused("synoacltool", "-get", "/volume1/data")
    family.ok("synoacltool", "-add", "/volume1/data", ENTRY)
    assert f"[0] {ENTRY}" in family.ok("synoacltool", "-get", "/volume1/data")
    family.ok("synoacltool", "-del", "/volume1/data", "0")
    assert LINUX_MODE in family.refused("synoacltool", "-get", "/volume1/data")


@pytest.mark.parametrize("entry", ["group:kbju:allow:rwx:fd--", "kbju:allow:rwxpdDaARWc--:fd--", ENTRY + "-"])
def test_a_bad_entry_is_refused(family: Nas, entry: str) -> None:
    family.path("/volume1/data").mkdir()
    family.refused("synoacltool", "-add", "/volume1/data", entry)
    assert LINUX_MODE in family.refused("synoacltool", "-get", "/volume1/data")


def test_permissions_of_a_user_come_from_the_entries(family: Nas) -> None:
    family.ok("synogroup", "--member", "kbju", "ann")
    family.path("/volume1/data").mkdir()
    family.ok("synoacltool", "-add", "/volume1/data", ENTRY)
    assert "[rwxpdDaARWc--]" in family.ok("synoacltool", "-get-perm", "/volume1/data", "ann")
    assert "[-------------]" in family.ok("synoacltool", "-get-perm", "/volume1/data", "bob")


def test_a_missing_path_is_an_error(nas: Nas) -> None:
    nas.refused("synoacltool", "-get", "/volume1/none")
