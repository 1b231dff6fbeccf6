"""dsm_share, on the stand-in's synoshare."""

from __future__ import annotations

import re
from typing import Any

import pytest

from dsm.module_runner import Runner
from dsm.standin import Nas
from plugins.modules import dsm_share

PLACE = "/volume1/docker"


@pytest.fixture
def bare(runner: Runner, people: Nas, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A runner on a NAS with people and a group, and without a share."""
    monkeypatch.setattr(dsm_share, "exists", lambda path: people.path(path).exists())
    people.ok("synogroup", "--add", "kbju")
    return runner


@pytest.fixture
def shared(bare: Runner) -> Runner:
    """The same with a share, on each list of which somebody is."""
    bare.nas.ok("synoshare", "--add", "docker", "Containers", PLACE, "bob", "@kbju", "cy", "1", "0")
    return bare


def rights(nas: Nas) -> dict[str, str]:
    return dict(re.findall(r"(Deny|RW|RO) list \.+\[(.*)\]", nas.ok("synoshare", "--get", "docker")))


def test_a_share_is_made_with_its_rights(bare: Runner) -> None:
    bare.change(
        dsm_share,
        name="docker",
        path=PLACE,
        comment="Containers",
        read_write=["@kbju"],
        read_only=["ann", "cy"],
        no_access=["bob"],
    )

    assert rights(bare.nas) == {"Deny": "bob", "RW": "@kbju", "RO": "ann,cy"}
    assert "[Containers]" in bare.nas.ok("synoshare", "--get", "docker")


def test_a_share_that_is_there_keeps_what_is_not_asked_for(shared: Runner) -> None:
    acl = shared.nas.ok("synoacltool", "-get", PLACE)

    shared.still(dsm_share, name="docker", path=PLACE)
    shared.still(dsm_share, name="Docker")

    assert shared.nas.ok("synoacltool", "-get", PLACE) == acl


def test_the_comment_can_be_changed(shared: Runner) -> None:
    shared.change(dsm_share, name="docker", comment="Other")

    assert "[Other]" in shared.nas.ok("synoshare", "--get", "docker")
    assert rights(shared.nas) == {"Deny": "bob", "RW": "@kbju", "RO": "cy"}


def test_rights_are_added_to_those_who_have_some(shared: Runner) -> None:
    shared.change(dsm_share, name="docker", read_write=["ann"])

    assert rights(shared.nas) == {"Deny": "bob", "RW": "@kbju,ann", "RO": "cy"}


def test_who_gets_another_right_loses_the_old_one(shared: Runner) -> None:
    done = shared.change(dsm_share, name="docker", read_write=["cy", "bob"])

    assert rights(shared.nas) == {"Deny": "", "RW": "@kbju,bob,cy", "RO": ""}
    assert done["diff"]["before"]["no_access"] == ["bob"]


def test_an_exact_list_drops_the_others_of_that_list_alone(shared: Runner) -> None:
    shared.change(dsm_share, name="docker", read_write=["ann"], append=False)

    assert rights(shared.nas) == {"Deny": "bob", "RW": "ann", "RO": "cy"}


def test_nobody_is_named_twice(shared: Runner) -> None:
    assert "ann is named more than once" in shared.refused(
        dsm_share, name="docker", read_write=["ann"], read_only=["ann"]
    )


@pytest.mark.parametrize("check", [True, False])
def test_a_directory_that_is_no_share_is_left_alone(bare: Runner, check: bool) -> None:
    bare.nas.write(PLACE + "/precious", "data")

    said = bare.refused(dsm_share, check=check, name="docker", path=PLACE)

    assert "exists and is no shared folder" in said
    assert f"mv {PLACE}" in said
    assert bare.verbs() == []
    assert bare.nas.read(PLACE + "/precious") == "data"


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"path": "/volume2/docker"}, "there is no volume /volume2"),
        ({}, "no path was given"),
        ({"path": PLACE, "read_write": ["-x"]}, "no name for a user or @group"),
    ],
)
def test_what_can_not_be_made_is_refused_before_anything_changes(
    bare: Runner, wanted: dict[str, Any], said: str
) -> None:
    assert said in bare.refused(dsm_share, check=True, name="docker", **wanted)
    assert said in bare.refused(dsm_share, name="docker", **wanted)
    assert not bare.nas.path(PLACE).exists()


def test_a_share_elsewhere_is_not_moved(shared: Runner) -> None:
    assert "is at /volume1/docker and not at /volume1/other" in shared.refused(
        dsm_share, name="docker", path="/volume1/other"
    )


def test_an_unknown_person_is_told(shared: Runner) -> None:
    said = shared.refused(dsm_share, name="docker", read_write=["dora"])

    assert "does not have the read write that was asked for" in said
    assert "no such user or group: dora" in said


def test_a_share_goes_and_its_data_stay(shared: Runner) -> None:
    shared.nas.write(PLACE + "/precious", "data")

    shared.change(dsm_share, name="docker", state="absent")

    shared.nas.refused("synoshare", "--get", "docker")
    assert shared.nas.read(PLACE + "/precious") == "data"


def test_data_go_when_that_is_asked_for(shared: Runner) -> None:
    shared.run(dsm_share, name="docker", state="absent", delete_data=True)

    assert not shared.nas.path(PLACE).exists()


def test_nothing_is_removed_by_a_tool_that_takes_it_in_another_way(shared: Runner) -> None:
    shared.instead["synoshare", "--help"] = lambda: (0, "--del sharename ...   (removes the data)\n", "")

    for check in (True, False):
        assert "so nothing was removed" in shared.refused(dsm_share, check=check, name="docker", state="absent")
    shared.nas.ok("synoshare", "--get", "docker")


def test_a_share_is_never_chmodded(bare: Runner) -> None:
    bare.run(dsm_share, name="docker", path=PLACE, read_write=["ann"])
    mode = bare.nas.path(PLACE).stat().st_mode

    bare.run(dsm_share, name="docker", path=PLACE, read_only=["ann"], comment="x")

    assert bare.nas.path(PLACE).stat().st_mode == mode
    assert "user:ann:allow:r-x---a-R-c--" in bare.nas.ok("synoacltool", "-get", PLACE)
