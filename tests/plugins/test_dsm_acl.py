"""dsm_acl, on the stand-in's synoacltool and on lists that others have published."""

from __future__ import annotations

import pytest

from dsm.module_runner import Runner
from dsm.standin import Nas
from plugins.modules import dsm_acl

PLACE = "/volume1/data"
ADMINISTRATORS = "group:administrators:allow:rwxpdDaARWc--:fd--"
ANN = "user:ann:allow:rwxpdDaARWc--:fd--"
BOB = "user:bob:allow:r-x---a-R-c--:fd--"
CY = "user:cy:deny:rwxpdDaARWc--:fd--"
# Owners and everyone have * for a name on some releases, and some rows are inherited from directories above.
INHERITED = f"""ACL version: 1
Archive: is_inherit,is_support_ACL
Owner: [root(user)]
---------------------
\t [0] {ANN} (level:0)
\t [1] everyone:*:allow:r-x---a-R-c--:fd-- (level:1)
\t [2] {BOB} (level:2)
"""


@pytest.fixture(autouse=True)
def _on_the_nas(nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsm_acl, "exists", lambda path: nas.path(path).exists())


@pytest.fixture
def listed(runner: Runner, people: Nas) -> Runner:
    """A runner on a NAS with a directory that has a list."""
    people.path(PLACE).mkdir()
    for entry in (ADMINISTRATORS, ANN, BOB, CY):
        people.ok("synoacltool", "-add", PLACE, entry)
    return runner


def entries(nas: Nas) -> list[str]:
    shown = nas.ok("synoacltool", "-get", PLACE)
    return [line.split("] ")[1].split(" (")[0] for line in shown.splitlines() if "(level:" in line]


def test_entries_are_added_behind_the_present_ones(listed: Runner) -> None:
    group = "group:users:allow:r-x---a-R-c--:fd--"

    done = listed.change(dsm_acl, path=PLACE, entries=[ANN, group])

    assert entries(listed.nas) == done["acl"] == [ADMINISTRATORS, ANN, BOB, CY, group]


@pytest.mark.parametrize("wanted", [[ANN, BOB], [BOB, ANN], [ANN, CY], [ADMINISTRATORS, CY]])
def test_exactly_the_named_entries_go_although_places_move(listed: Runner, wanted: list[str]) -> None:
    listed.change(dsm_acl, path=PLACE, entries=wanted, state="absent")

    assert entries(listed.nas) == [one for one in (ADMINISTRATORS, ANN, BOB, CY) if one not in wanted]


def test_an_entry_that_is_not_there_is_no_work(listed: Runner) -> None:
    listed.still(dsm_acl, path=PLACE, entries=["user:ann:allow:r-x---a-R-c--:fd--"], state="absent")
    listed.still(dsm_acl, path=PLACE, entries=[ANN])


def test_a_list_that_somebody_changes_meanwhile_is_told(listed: Runner) -> None:
    def delete() -> tuple[int, str, str]:
        listed.nas.ok("synoacltool", "-del", PLACE, "0")
        return 0, "", ""

    listed.instead["synoacltool", "-del"] = delete

    said = listed.refused(dsm_acl, path=PLACE, entries=[BOB], state="absent")

    assert "is not the old one without" in said
    assert ADMINISTRATORS in said, "what was there is told, so that it can be put back"


def test_linux_mode_is_known_and_not_ended_unasked(runner: Runner, people: Nas) -> None:
    people.path(PLACE).mkdir(mode=0o750)

    for check in (True, False):
        assert "Linux mode" in runner.refused(dsm_acl, check=check, path=PLACE, entries=[ANN])
    assert runner.still(dsm_acl, path=PLACE, entries=[ANN], state="absent")["acl"] is None
    runner.change(dsm_acl, path=PLACE, entries=[ANN], convert=True)

    assert entries(people) == [ANN]
    assert people.path(PLACE).stat().st_mode & 0o7777 == 0o750


def test_an_inherited_entry_counts_and_is_not_removed_here(runner: Runner, people: Nas) -> None:
    people.path(PLACE).mkdir()
    runner.instead["synoacltool", "-get"] = lambda: (0, INHERITED, "")

    runner.still(dsm_acl, path=PLACE, entries=[BOB, "everyone:*:allow:r-x---a-R-c--:fd--"])
    for check in (True, False):
        said = runner.refused(dsm_acl, check=check, path=PLACE, entries=[ANN, BOB], state="absent")
        assert "inherits the entry " + BOB in said
        assert runner.verbs() == [], "not even the entry that could be removed goes"


@pytest.mark.parametrize(
    "answer",
    [(255, "", "(synoacltool.c, 360)No such file or directory"), (0, "", ""), (1, "Operation not supported", "")],
)
def test_what_is_no_list_is_not_taken_for_an_empty_one(
    runner: Runner, people: Nas, answer: tuple[int, str, str]
) -> None:
    people.path(PLACE).mkdir()
    runner.instead["synoacltool", "-get"] = lambda: answer

    said = runner.refused(dsm_acl, path=PLACE, entries=[ANN])

    assert "can't be read" in said
    assert answer[1] + answer[2] in said


@pytest.mark.parametrize("entry", ["user:ann:allow:rwx:fd--", "ann:allow:rwxpdDaARWc--:fd--", ANN + "x", ""])
def test_a_text_that_is_no_entry_is_refused(runner: Runner, entry: str) -> None:
    assert "is no entry of an access list" in runner.refused(dsm_acl, path=PLACE, entries=[entry])
    assert runner.calls == []


def test_a_user_whom_dsm_does_not_take_is_told(listed: Runner) -> None:
    listed.instead["synoacltool", "-add"] = lambda: (255, "", "(synoacltool.c, 275)Bad user")

    said = listed.refused(dsm_acl, path=PLACE, entries=["user:dora:allow:rwxpdDaARWc--:fd--"])

    assert "Bad user" in said
    assert entries(listed.nas) == [ADMINISTRATORS, ANN, BOB, CY]


def test_a_path_that_another_task_makes_is_fine_in_check_mode_alone(runner: Runner) -> None:
    assert runner.run(dsm_acl, check=True, path=PLACE, entries=[ANN])["acl"] == [ANN]
    assert "nothing at /volume1/data" in runner.refused(dsm_acl, path=PLACE, entries=[ANN])
    runner.still(dsm_acl, path=PLACE, entries=[ANN], state="absent")
