"""dsm_group and dsm_user, on the stand-in's synogroup and synouser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils import dsm_password

from dsm.module_runner import Answer, Runner
from dsm.standin import Nas
from plugins.modules import dsm_group, dsm_user

CANARY = "Canary-0f-a-passw0rd"
DIRECTORIES = Path(__file__).resolve().parents[2] / "roles" / "directories" / "tasks"


def members(nas: Nas, group: str) -> list[str]:
    return [line.split("[")[1][:-1] for line in nas.ok("synogroup", "--get", group).splitlines() if ":[" in line]


def test_a_group_is_made_and_removed(runner: Runner, people: Nas) -> None:
    made = runner.change(dsm_group, name="kbju", members=["ann"])
    assert made["members"] == ["ann"]
    assert made["diff"] == {"before": {}, "after": {"group": "kbju", "members": ["ann"]}}
    assert members(people, "kbju") == ["ann"]

    runner.change(dsm_group, name="kbju", state="absent")
    people.refused("synogroup", "--get", "kbju")


def test_members_are_added_to_those_who_are_there(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju", "ann", "bob")

    runner.change(dsm_group, name="kbju", members=["cy", "ann"])

    assert sorted(members(people, "kbju")) == ["ann", "bob", "cy"]


def test_exact_members_drop_the_others(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju", "ann", "bob")

    runner.change(dsm_group, name="kbju", members=["cy"], append=False)

    assert members(people, "kbju") == ["cy"]
    runner.change(dsm_group, name="kbju", members=[], append=False)
    assert members(people, "kbju") == []


def test_without_members_they_stay(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju", "ann")

    runner.still(dsm_group, name="kbju")


def test_an_unknown_member_is_named(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju", "ann")

    said = runner.refused(dsm_group, name="kbju", members=["dora"])

    assert "dora is missing" in said
    assert "synogroup --member ended with 255" in said
    assert members(people, "kbju") == ["ann"]


def test_a_program_that_lies_is_found_out(runner: Runner, people: Nas) -> None:
    runner.instead["synogroup", "--add"] = lambda: (0, "", "")

    assert "has not made the group kbju" in runner.refused(dsm_group, name="kbju")


def test_an_exit_code_that_lies_is_no_failure(runner: Runner, people: Nas) -> None:
    def add() -> tuple[int, str, str]:
        people.ok("synogroup", "--add", "kbju")
        return 255, "", "something about a cache"

    runner.instead["synogroup", "--add"] = add

    assert runner.run(dsm_group, name="kbju")["changed"] is True


def test_a_group_that_is_listed_but_not_shown_is_no_absent_one(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju", "ann")
    runner.instead["synogroup", "--get"] = lambda: (255, "", "SYNOGroupGet failed, synoerr=0x2A00")

    said = runner.refused(dsm_group, name="kbju", members=["bob"])

    assert "DSM lists kbju but does not show it" in said
    assert "0x2A00" in said
    assert members(people, "kbju") == ["ann"]


def test_a_machine_without_dsm_is_told(runner: Runner) -> None:
    def missing() -> tuple[int, str, str]:
        raise FileNotFoundError(2, "No such file or directory")

    runner.instead["synogroup", "--get"] = missing

    assert "Is this a Synology NAS" in runner.refused(dsm_group, name="kbju")


@pytest.mark.parametrize("name", ["-x", "@kbju", "a:b", "a,b", ""])
def test_a_name_that_would_be_an_option_is_refused(runner: Runner, name: str) -> None:
    assert "is no name for a group" in runner.refused(dsm_group, name=name)
    assert runner.calls == []


def test_an_administrator_is_known_in_any_case(runner: Runner, people: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUDO_USER", "Ann")

    runner.change(dsm_group, name="administrators", members=["ann"])


@pytest.mark.parametrize("wanted", [{"state": "absent"}, {"members": ["bob"], "append": False}])
def test_nobody_locks_himself_out(
    runner: Runner, people: Nas, monkeypatch: pytest.MonkeyPatch, wanted: dict[str, Any]
) -> None:
    people.ok("synogroup", "--member", "administrators", "ann")
    monkeypatch.setenv("SUDO_USER", "ann")

    runner.refused(dsm_group, name="administrators", **wanted)

    assert members(people, "administrators") == ["ann"]


def test_only_root_manages_a_nas(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible.module_utils.dsm.is_root", lambda: False)

    assert "become: true" in runner.refused(dsm_group, name="kbju")


def test_a_user_is_made_with_a_password_that_nobody_is_told(runner: Runner, nas: Nas) -> None:
    nas.ok("synogroup", "--add", "kbju")

    made = runner.change(dsm_user, name="kbju", full_name="KBJU bot", disabled=True, groups=["kbju"])

    assert made["user"] == {
        "name": "kbju",
        "uid": 1026,
        "full_name": "KBJU bot",
        "mail": "",
        "disabled": True,
        "groups": ["kbju"],
    }
    shown = nas.ok("synouser", "--get", "kbju")
    assert "Expired     : [true]" in shown
    assert "kbju" in members(nas, "kbju")


def test_a_random_password_is_a_new_one_each_time_and_never_shown(runner: Runner, nas: Nas) -> None:
    passwords = []
    for name in ("ann", "bob"):
        runner.run(dsm_user, name=name)
        (added,) = [call for call in runner.calls if call[1] == "--add"]
        passwords.append(added[3])
        assert added[3] not in runner.output
        assert len(added[3]) > 30

    assert passwords[0] != passwords[1]


def test_a_user_keeps_what_is_not_asked_for(runner: Runner, people: Nas) -> None:
    people.ok("synouser", "--modify", "ann", "Anna", "1", "anna@example.com")
    people.ok("synogroup", "--add", "kbju", "ann", "bob")
    people.ok("synogroup", "--add", "staff")

    runner.change(dsm_user, name="ann", mail="a@example.com", groups=["staff"])

    shown = people.ok("synouser", "--get", "ann")
    assert "[Anna]" in shown
    assert "[a@example.com]" in shown
    assert "Expired     : [true]" in shown
    assert members(people, "kbju") == ["ann", "bob"]


def test_exact_groups_are_left_and_others_stay_in_them(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju", "ann", "bob")
    people.ok("synogroup", "--add", "staff")

    runner.change(dsm_user, name="ann", groups=["staff"], append=False)

    assert members(people, "kbju") == ["bob"]
    assert members(people, "staff") == ["ann"]


def test_a_group_that_is_missing_is_told_outside_of_check_mode(runner: Runner, people: Nas) -> None:
    assert runner.run(dsm_user, check=True, name="ann", groups=["kbju"])["changed"] is True
    assert "Make it with dsm_group first" in runner.refused(dsm_user, name="ann", groups=["kbju"])


def test_a_user_is_removed(runner: Runner, people: Nas) -> None:
    runner.change(dsm_user, name="ann", state="absent")

    people.refused("synouser", "--get", "ann")


@pytest.mark.parametrize("name", ["root", "admin", "bob"])
def test_dsms_users_and_ones_own_are_not_removed(
    runner: Runner, people: Nas, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SUDO_USER", "Bob")
    people.write("/etc/passwd", people.read("/etc/passwd") + "admin:x:1024:100::/home:/sbin/nologin\n")

    for check in (True, False):
        assert "DSM's own, or this session's" in runner.refused(dsm_user, check=check, name=name, state="absent")
    if name != "root":
        people.ok("synouser", "--get", name)


@pytest.mark.parametrize("name", ["admin", "bob"])
def test_dsms_users_and_ones_own_are_not_disabled(
    runner: Runner, people: Nas, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("SUDO_USER", "Bob")
    people.write("/etc/passwd", people.read("/etc/passwd") + "admin:x:1024:100::/home:/sbin/nologin\n")

    for check in (True, False):
        said = runner.refused(dsm_user, check=check, name=name, disabled=True)
        assert "was not disabled" in said
    assert "Expired     : [false]" in people.ok("synouser", "--get", name)


def of_the_role(file: str, name: str) -> dict[str, Any]:
    """Return what the role directories asks dsm_user for, with the user's name."""
    tasks = yaml.safe_load((DIRECTORIES / file).read_text(encoding="utf-8"))
    (asked,) = [task["dsm_user"] for task in tasks if "dsm_user" in task]
    return {**asked, "name": name, **({"groups": ["kbju"]} if "groups" in asked else {})}


def test_the_role_leaves_somebody_elses_user_alone(runner: Runner, people: Nas) -> None:
    people.ok("synogroup", "--add", "kbju")
    people.ok("synouser", "--modify", "ann", "Anna", "0", "ann@example.com")
    before = people.ok("synouser", "--get", "ann")

    for check in (True, False):
        said = runner.refused(dsm_user, check=check, **of_the_role("main.yml", "ann"))
        assert "there is a user ann already, described as 'Anna'" in said
    runner.still(dsm_user, **of_the_role("remove.yml", "ann"))

    assert people.ok("synouser", "--get", "ann") == before


def test_the_role_removes_the_user_that_it_has_made(runner: Runner, nas: Nas) -> None:
    nas.ok("synogroup", "--add", "kbju")

    runner.change(dsm_user, **of_the_role("main.yml", "kbju"))
    runner.change(dsm_user, **of_the_role("remove.yml", "kbju"))

    nas.refused("synouser", "--get", "kbju")


def test_dsm_that_keeps_the_old_value_is_found_out(runner: Runner, people: Nas) -> None:
    runner.instead["synouser", "--modify"] = lambda: (0, "", "")

    said = runner.refused(dsm_user, name="ann", mail="a@example.com")

    assert "mail of the user ann is '' and not 'a@example.com'" in said


def test_a_password_is_not_put_into_an_argument_list_unasked(runner: Runner, nas: Nas) -> None:
    for check in (True, False):
        said = runner.refused(dsm_user, check=check, name="ann", password=CANARY)
        assert "password_in_argv" in said

    nas.refused("synouser", "--get", "ann")
    assert CANARY not in runner.output


@pytest.fixture
def _chpasswd(runner: Runner, nas: Nas, monkeypatch: pytest.MonkeyPatch) -> None:
    """A chpasswd for this NAS's root; the true one works on its own machine only, and is met in Molecule."""
    nas.write("/usr/sbin/chpasswd", "")
    monkeypatch.setattr(dsm_password, "CHPASSWD", (str(nas.path("/usr/sbin/chpasswd")),))

    def change() -> Answer:
        name, hashed = runner.inputs[-1].strip().split(":")
        rows = [line for line in nas.read("/etc/shadow").splitlines() if not line.startswith(name + ":")]
        nas.write("/etc/shadow", "\n".join([*rows, f"{name}:{hashed}:19000:0:99999:7:::"]) + "\n")
        return 0, "", ""

    runner.instead["chpasswd", "-e"] = change


@pytest.mark.usefixtures("_chpasswd")
def test_a_user_whose_password_was_not_taken_is_made_anew_by_the_next_run(runner: Runner, nas: Nas) -> None:
    works = runner.instead["chpasswd", "-e"]
    runner.instead["chpasswd", "-e"] = lambda: (1, "", "chpasswd: the disk is full")

    assert "has not taken the password" in runner.refused(dsm_user, name="ann", password=CANARY)
    nas.refused("synouser", "--get", "ann")

    runner.instead["chpasswd", "-e"] = works
    assert runner.run(dsm_user, name="ann", password=CANARY)["password_changed"] is True
    runner.still(dsm_user, name="ann", password=CANARY, update_password="always")


@pytest.mark.usefixtures("_chpasswd")
def test_a_user_that_was_there_stays_where_its_password_was_not_taken(runner: Runner, people: Nas) -> None:
    runner.instead["chpasswd", "-e"] = lambda: (1, "", "chpasswd: the disk is full")

    runner.refused(dsm_user, name="ann", password=CANARY, update_password="always")

    people.ok("synouser", "--get", "ann")


@pytest.mark.usefixtures("_chpasswd")
def test_a_password_goes_by_standard_input_as_a_hash(runner: Runner, nas: Nas) -> None:
    asked: dict[str, Any] = {"name": "ann", "password": CANARY}

    assert runner.run(dsm_user, **asked)["password_changed"] is True

    assert CANARY not in str(runner.calls) + runner.output
    (handed,) = [given for given in runner.inputs if given.startswith("ann:")]
    assert CANARY not in handed
    runner.still(dsm_user, **asked, update_password="always")


def test_a_password_is_set_once(runner: Runner, nas: Nas) -> None:
    asked: dict[str, Any] = {"name": "ann", "password": CANARY, "password_in_argv": True}

    made = runner.change(dsm_user, **asked)
    assert made["password_changed"] is True
    assert CANARY not in runner.output
    runner.still(dsm_user, **{**asked, "password": "Another-0ne"})


def test_a_password_is_kept_right_when_asked(runner: Runner, people: Nas) -> None:
    asked: dict[str, Any] = {"name": "ann", "password": CANARY, "password_in_argv": True, "update_password": "always"}

    runner.change(dsm_user, **asked)
    assert runner.change(dsm_user, **{**asked, "password": "Another-0ne"})["diff"]["after"]["password"] == "set anew"


def test_a_password_that_dsm_has_not_taken_is_told(runner: Runner, people: Nas) -> None:
    runner.instead["synouser", "--setpw"] = lambda: (0, "", "")

    said = runner.refused(dsm_user, name="ann", password=CANARY, password_in_argv=True, update_password="always")

    assert "has not taken the password of ann" in said
    assert CANARY not in runner.output
