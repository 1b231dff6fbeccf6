import ast
import subprocess

import pytest

from dsm.standin import PROGRAMS, Nas


def test_a_user_gets_a_uid_of_dsm_the_group_users_and_no_shell(family: Nas) -> None:
    shown = family.ok("synouser", "--get", "ann")
    assert "User uid    : [1026]" in shown
    assert "Primary gid : [100]" in shown
    assert "User Shell  : [/sbin/nologin]" in shown
    assert "User uid    : [1027]" in family.ok("synouser", "--get", "bob")


def test_the_password_is_stored_as_its_hash(family: Nas) -> None:
    hashed = next(line for line in family.read("/etc/shadow").splitlines() if line.startswith("ann:")).split(":")[1]
    _, method, salt, _ = hashed.split("$")
    again = subprocess.run(
        ["openssl", "passwd", "-" + method, "-salt", salt, "-stdin"],
        input="secret-ann\n",
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == hashed
    assert "secret-ann" not in family.read("/etc/shadow")


def test_setpw_changes_the_hash_and_nothing_else(family: Nas) -> None:
    before = family.read("/etc/shadow").splitlines()
    family.ok("synouser", "--setpw", "ann", "other")
    after = family.read("/etc/shadow").splitlines()
    assert sorted(before) != sorted(after)
    assert {line for line in before if not line.startswith("ann:")} < set(after)


@pytest.mark.parametrize("arguments", [["--get", "nobody-such"], ["--setpw", "nobody-such", "x"]])
def test_an_unknown_user_is_an_error(nas: Nas, arguments: list[str]) -> None:
    assert "0x1D00" in nas.refused("synouser", *arguments)


def test_a_user_can_not_be_added_twice(family: Nas) -> None:
    family.refused("synouser", "--add", "ann", "x", "Ann", "0", "", "0")


def test_member_replaces_the_list(family: Nas) -> None:
    family.ok("synogroup", "--member", "kbju", "ann")
    shown = family.ok("synogroup", "--member", "kbju", "bob")
    assert "0:[bob]" in shown
    assert "ann" not in shown
    assert "Group ID:   [65536]" in shown


def test_member_without_names_empties_the_group(family: Nas) -> None:
    family.ok("synogroup", "--member", "kbju", "ann", "bob")
    assert "[ann]" not in family.ok("synogroup", "--member", "kbju")


def test_member_with_an_unknown_user_changes_nothing(family: Nas) -> None:
    family.ok("synogroup", "--member", "kbju", "ann")
    family.refused("synogroup", "--member", "kbju", "bob", "nobody-such")
    assert "0:[ann]" in family.ok("synogroup", "--get", "kbju")


def test_memberadd_is_missing(family: Nas) -> None:
    assert "Usage" in family.refused("synogroup", "--memberadd", "kbju", "ann")
    assert "ann" not in family.ok("synogroup", "--get", "kbju")


def test_only_administrators_have_a_login_shell(family: Nas) -> None:
    family.ok("synogroup", "--member", "administrators", "ann")
    assert "[/bin/sh]" in family.ok("synouser", "--get", "ann")
    family.ok("synogroup", "--member", "administrators", "bob")
    assert "[/sbin/nologin]" in family.ok("synouser", "--get", "ann")


def test_a_deleted_user_leaves_every_list(family: Nas) -> None:
    family.ok("synogroup", "--member", "kbju", "ann", "bob")
    family.ok("synouser", "--del", "ann")
    assert "ann" not in family.ok("synogroup", "--get", "kbju")
    assert "ann" not in family.read("/etc/shadow")
    assert "ann" not in family.ok("synouser", "--enum", "local")


def test_an_unknown_group_is_an_error(nas: Nas) -> None:
    assert "0x1800" in nas.refused("synogroup", "--get", "nothing")


@pytest.mark.parametrize("program", ["synouser", "synogroup", "synoshare", "synoacltool", "synopkg", "synofirewall"])
def test_arguments_that_make_no_sense_print_the_usage(nas: Nas, program: str) -> None:
    assert "Usage" in nas.refused(program, "--no-such-verb", "x")
    assert "Usage" in nas.refused(program)


def test_the_programs_are_written_for_python_38() -> None:
    sources = [PROGRAMS / "run", *PROGRAMS.glob("dsm_programs/*.py")]
    assert len(sources) > 15
    for source in sources:
        ast.parse(source.read_text(), filename=str(source), feature_version=(3, 8))


def test_a_program_is_called_by_the_name_of_its_link(family: Nas) -> None:
    done = family.run_as_process("synogroup", "--get", "kbju")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Group ID:   [65536]" in done.stdout
    failed = family.run_as_process("synouser", "--get", "nobody-such")
    assert failed.returncode == 255
    assert "0x1D00" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_name_that_is_no_program_is_refused(nas: Nas) -> None:
    assert nas.run_as_process("synoservice", "--list").returncode != 0
