"""The module dsm_firewall on the stand-in's synofirewall: what it changes, what it refuses, and how it finds back."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils.testing import patch_module_args

from dsm.firewall_modules import Machine, files, module, rules, session

SMB = {"name": "smb", "chains": ["input"], "protocol": "tcp", "ports": [445]}
ALL = {"name": "lan", "chains": ["input"], "protocol": "any", "ports": []}
WEB = {"name": "web", "sources": ["any"], "ports": [8443], "chains": ["input", "forward"]}
ADMIN = {"name": "admin", "sources": ["192.168.0.0/16"], "ports": [22, 5000]}
HERE = ("192.168.1.20", 51000, "192.168.1.5", 22)
AGAIN = ("192.168.1.20", 51001, "192.168.1.5", 22)
Call = Callable[..., dict[str, Any]]


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    found = Machine(tmp_path)
    monkeypatch.setattr(files, "SYNOFIREWALL", str(found.bin / "synofirewall"))
    monkeypatch.setattr(files, "IPTABLES", str(found.bin / "iptables"))
    monkeypatch.setattr(files, "SETTLE_SECONDS", 0.5)
    monkeypatch.setattr(module, "FOLDER", str(found.folder))
    found.profile(rules.encode(SMB, 0, "any") | {"ruleIndex": 1, "extra": "kept"})
    yield found
    (found.state / "armed.json").unlink(missing_ok=True)


@pytest.fixture
def call(machine: Machine, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run the module with arguments, over a connection, and return its result."""

    def run(over: Any = HERE, check: bool = False, **arguments: Any) -> dict[str, Any]:
        monkeypatch.setattr(module, "find", lambda pid: session.Session(*over) if over else None)
        wanted = {
            "state_dir": str(machine.state),
            "program": str(machine.bin / "firewall-revert"),
            "rules": [WEB, ADMIN],
            "seconds": 600,
            **arguments,
        }
        if check:
            wanted["_ansible_check_mode"] = True
        capsys.readouterr()
        with patch_module_args(wanted), pytest.raises(SystemExit):
            module.main()
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        return found

    return run


@pytest.fixture
def settled(call: Call) -> Call:
    """The module, after a change that was confirmed."""
    assert call()["armed"]
    assert call(AGAIN, state="confirmed")["changed"]
    return call


def names(machine: Machine) -> list[str]:
    listed = json.loads((machine.folder / "1.json").read_text(encoding="utf-8"))["rules"]["global"]
    return [rule["name"] for rule in listed]


def enabled(machine: Machine) -> bool:
    return bool(json.loads((machine.folder / "firewall_settings.json").read_text(encoding="utf-8"))["status"])


def test_check_mode_shows_the_rules_and_changes_nothing(machine: Machine, call: Call) -> None:
    before = machine.files()

    said = call(check=True)

    assert said["changed"] is True
    assert said["armed"] is False
    assert "+firewall on" in "+" + said["diff"]["after"]
    assert "all interfaces: allow TCP port 22,5000 from 192.168.0.0/16 [input] kbju admin" in said["diff"]["after"]
    assert (machine.files(), machine.in_force(), list(machine.state.iterdir())) == (before, None, [])


def test_until_it_is_confirmed_the_files_are_the_former_ones(machine: Machine, call: Call) -> None:
    before = machine.files()

    assert call()["armed"] is True

    assert machine.in_force() is not None
    assert machine.files() == before


def test_confirmed_it_stays_and_a_second_run_changes_nothing(machine: Machine, settled: Call) -> None:
    assert names(machine) == ["smb", "kbju web", "kbju admin", "kbju everything else"]
    assert enabled(machine)
    assert settled()["changed"] is False
    assert settled(check=True)["changed"] is False
    assert "confirmed by 192.168.1.20 port 51001" in machine.journal()


def test_the_connection_that_applied_it_can_not_confirm_it(machine: Machine, call: Call) -> None:
    before = machine.files()
    call()

    assert "not a new SSH connection" in call(HERE, state="confirmed")["msg"]
    assert "not a new SSH connection" in call(None, state="confirmed")["msg"]
    assert machine.files() == before


def test_nothing_can_be_confirmed_twice(settled: Call) -> None:
    assert "too late, or nothing was armed: " in settled(AGAIN, state="confirmed")["msg"]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("over", "said"),
    [
        (("10.0.0.9", 5, "10.0.0.1", 22), 'the rule "kbju everything else" denies it'),
        (("192.168.1.20", 5, "192.168.1.5", 2222), "to port 2222"),
        (("fd00::9", 5, "fd00::1", 22), "connect over IPv4"),
        (None, "no SSH connection above this process"),
    ],
)
def test_what_would_cut_the_session_is_refused(machine: Machine, call: Call, over: Any, said: str, check: bool) -> None:
    before = machine.files()

    assert said in call(over, check=check)["msg"]

    assert (machine.files(), machine.in_force(), list(machine.state.iterdir())) == (before, None, [])


def test_a_named_session_takes_the_place_of_a_missing_one(call: Call) -> None:
    assert call(None, session="192.168.7.7 22", check=True)["changed"] is True


def test_rules_of_one_interface_would_be_ended_by_the_last_rule(machine: Machine, call: Call) -> None:
    lan = rules.encode(ALL, 0, "any")
    machine.profile(rules={"global": [], "eth0": [lan]})

    assert "allows something on eth0 alone" in call()["msg"]
    assert call(deny_rest=False)["armed"] is True


@pytest.mark.parametrize(("port", "refused"), [(5000, True), (5005, False)])
def test_what_one_interface_denies_of_ours_is_refused(machine: Machine, call: Call, port: int, refused: bool) -> None:
    """Rules for all interfaces are asked first."""
    deny = rules.encode({"name": "no dsm", "chains": ["input"], "protocol": "tcp", "ports": [port]}, 1, "any")
    machine.profile(rules={"global": [], "eth1": [deny]})
    before = machine.files()

    said = call()

    assert ('[input] no dsm" is about eth1 alone, and our "allow TCP' in said.get("msg", "")) is refused
    assert machine.files() == before


def test_a_profile_that_dsm_reads_otherwise_is_undone_at_once(machine: Machine, call: Call) -> None:
    """As if a number meant something else than we think: TCP and UDP changed places."""
    before = machine.files()
    program = (machine.bin / "iptables").read_text(encoding="utf-8")
    machine.program("iptables", program.replace("shlex.join(line)", "shlex.join(line).replace('tcp', 'udp')"))

    said = call()["msg"]

    assert "absent: allow tcp 8443 in FORWARD_FIREWALL of kbju web" in said
    assert "The former firewall is back in force" in said
    assert (machine.files(), machine.in_force()) == (before, None)
    assert not (machine.state / "armed.json").exists()


def test_a_synofirewall_that_fails_is_told_and_undone(machine: Machine, call: Call) -> None:
    before = machine.files()
    machine.program("synofirewall", '#!/bin/sh\n[ "$1" = --disable ] || { echo "no such adapter"; exit 9; }\n')

    said = call()["msg"]

    assert "--enable ended with 9: no such adapter. The former firewall is back" in said
    assert machine.files() == before


def test_without_a_way_back_nothing_is_changed(machine: Machine, call: Call) -> None:
    before = machine.files()
    machine.program("firewall-revert", "#!/bin/sh\nexit 1\n")

    assert "without a way back nothing was changed" in call()["msg"]
    assert (machine.files(), machine.in_force()) == (before, None)
    assert not (machine.state / "armed.json").exists()


def test_the_time_runs_out_by_itself(machine: Machine, settled: Call) -> None:
    before, rules_before = machine.files(), machine.in_force()
    assert settled(rules=[ADMIN], seconds=1)["seconds"] == 10
    assert machine.in_force() != rules_before

    deadline = time.monotonic() + 20
    while (machine.state / "armed.json").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)  # between two looks; the assertion above ends the wait

    assert (machine.files(), machine.in_force()) == (before, rules_before)
    assert machine.journal().splitlines()[-1].endswith("nobody confirmed the change within 10 seconds")


def test_a_slow_dsm_does_not_use_up_the_time_for_confirming(
    machine: Machine, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the change is undone while it is applied, or the file on disk is the new one afterwards."""
    monkeypatch.setattr(module, "Firewall", lambda *places: files.Firewall(*places[:3], 2))
    quick = (machine.bin / "synofirewall").read_text(encoding="utf-8")
    machine.program("synofirewall", quick.replace("\n", "\n[ $1 != --enable ] || sleep 3\n", 1))
    before = machine.files()

    assert call()["armed"] is True
    assert machine.files() == before
    assert machine.journal().splitlines()[-1].endswith("applied; waiting 2 seconds for a confirmation")
    assert call(AGAIN, state="confirmed")["changed"] is True
    assert call()["changed"] is False


def test_while_one_change_waits_another_is_refused(call: Call) -> None:
    call()

    assert "a change waits for its confirmation" in call(rules=[ADMIN])["msg"]


@pytest.fixture
def abandoned(machine: Machine, settled: Call) -> Call:
    """The module, with a change that waits while the process that would undo it is gone, as after a reboot."""
    settled(rules=[ADMIN])
    armed = (machine.state / "armed.json").read_text(encoding="utf-8")
    (machine.state / "armed.json").unlink()
    deadline = time.monotonic() + 5
    while files.Firewall("", str(machine.state), "", 10).somebody_waits():
        assert time.monotonic() < deadline
        time.sleep(0.1)  # between two looks; the assertion above ends the wait
    (machine.state / "armed.json").write_text(armed, encoding="utf-8")
    return settled


@pytest.mark.parametrize("new", [False, True])
def test_what_a_reboot_has_left_is_undone_first(machine: Machine, abandoned: Call, new: bool) -> None:
    """Also when the power was lost while the change was applied, with the new file on disk."""
    before = machine.files()
    if new:
        (machine.folder / "1.json").write_bytes((machine.state / "after" / "1.json").read_bytes())

    assert abandoned()["changed"] is True
    assert machine.files() == before
    assert not (machine.state / "armed.json").exists()
    assert abandoned()["changed"] is False


def test_what_was_cut_off_while_dsm_loaded_it_is_undone(machine: Machine, call: Call) -> None:
    """The new profile is on disk, the settings are the former ones or DSM's with a note of its own."""
    before = machine.files()
    firewall = files.Firewall(str(machine.folder), str(machine.state), str(machine.bin / "firewall-revert"), 600)
    call()
    armed = firewall.armed()
    (machine.folder / "1.json").write_bytes((machine.state / "after" / "1.json").read_bytes())
    for settings in (
        {"profile": "default", "status": False},
        {"profile": "default", "status": True, "noted by DSM": 1},
    ):
        (machine.folder / "firewall_settings.json").write_text(json.dumps(settings), encoding="utf-8")
        assert not firewall.touched(armed)
    firewall.revert()
    assert machine.files() == before


@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_somebody_made_since_a_reboot_is_kept(machine: Machine, abandoned: Call, state: str) -> None:
    content = json.loads((machine.folder / "1.json").read_text(encoding="utf-8"))
    content["rules"]["global"].insert(0, rules.encode({**SMB, "name": "mine", "ports": [23]}, 1, "any"))
    (machine.folder / "1.json").write_text(json.dumps(content), encoding="utf-8")

    abandoned(state=state)

    assert names(machine)[0] == "mine"
    assert "left an unconfirmed change alone" in machine.journal()


def test_a_firewall_that_somebody_turned_off_since_a_reboot_is_not_turned_on_by_the_way_back(
    machine: Machine, abandoned: Call
) -> None:
    machine.nas.ok("synofirewall", "--disable")

    assert abandoned(state="absent")["changed"] is True

    assert "left an unconfirmed change alone" in machine.journal()
    assert not enabled(machine)
    assert machine.in_force() is None


@pytest.mark.parametrize("broken", ["flushed", "disabled"])
def test_a_firewall_that_is_not_in_force_is_loaded_again(machine: Machine, settled: Call, broken: str) -> None:
    if broken == "flushed":
        machine.nas.path("/run/dsm-firewall.json").unlink()
    else:
        machine.nas.ok("synofirewall", "--disable")

    assert settled()["armed"] is True
    assert settled(("192.168.1.20", 1, "192.168.1.5", 22), state="confirmed")["changed"] is True
    assert machine.in_force() is not None
    assert settled()["changed"] is False


def test_a_former_firewall_that_can_not_be_loaded_is_turned_off_rather_than_shut_for_ever(
    machine: Machine, settled: Call
) -> None:
    call_log = machine.state.parent / "calls"
    settled(rules=[ADMIN])
    machine.program("synofirewall", f'#!/bin/sh\necho "$1" >>{call_log}\n[ "$1" = --disable ]\n')

    with pytest.raises(
        files.Failed, match=r"could not be put back .*synofirewall --reload: .*; turned the firewall off"
    ):
        files.Firewall("", str(machine.state), str(machine.bin / "firewall-revert"), 10).revert()

    assert call_log.read_text(encoding="utf-8").split() == ["--reload"] * 3 + ["--disable"]
    assert not (machine.state / "armed.json").exists()


@pytest.mark.parametrize("changed", [False, True])
def test_a_disk_that_takes_no_file_shuts_nobody_out(machine: Machine, settled: Call, changed: bool) -> None:
    """Neither DSM's folder nor the journal can be written; the file on disk is the former one, or the new one."""
    before = machine.in_force()
    settled(rules=[ADMIN])
    (machine.folder / ".1.json.kbju").mkdir()
    (machine.state / "journal.log").unlink()
    (machine.state / "journal.log").mkdir()
    if changed:
        (machine.folder / "1.json").write_bytes((machine.state / "after" / "1.json").read_bytes())

    firewall = files.Firewall("", str(machine.state), str(machine.bin / "firewall-revert"), 10)
    with pytest.raises(files.Failed) if changed else contextlib.nullcontext():
        firewall.revert()

    assert machine.in_force() == (None if changed else before)
    assert not (machine.state / "armed.json").exists()


def test_a_missing_program_is_told_and_nothing_is_changed(machine: Machine, call: Call) -> None:
    before = machine.files()

    said = call(program=str(machine.bin / "absent"))["msg"]

    assert said.endswith("absent does not run: without a way back nothing was changed")
    assert (machine.files(), machine.in_force()) == (before, None)
    assert not (machine.state / "armed.json").exists()


def test_a_way_back_that_fails_is_told(machine: Machine, call: Call) -> None:
    """DSM makes other rules of the profile, and the program is gone when it is to undo them."""
    machine.program("iptables", "#!/bin/sh\n[ ! -e {0} ] || rm {0}\n".format(machine.bin / "firewall-revert"))

    said = call()["msg"]

    assert "absent: allow tcp 8443" in said
    assert "the former firewall could not be put back" in said
    assert "Control Panel > Security > Firewall" in said


def test_an_operators_own_unnamed_denial_of_the_rest_stays_his(machine: Machine, call: Call) -> None:
    lan = rules.encode(ALL, 0, "192.168.0.0/16") | {"ruleIndex": 1}
    deny = rules.encode({**ALL, "name": "", "chains": ["input", "forward"]}, 1, "any") | {"ruleIndex": 2, "mine": "his"}
    machine.profile(lan, deny)
    machine.nas.ok("synofirewall", "--enable")
    call()
    call(AGAIN, state="confirmed")

    assert names(machine) == ["lan", "kbju web", "kbju admin", "", "kbju everything else"]
    assert call()["changed"] is False
    assert call(state="absent")["armed"] is True
    call(AGAIN, state="confirmed")
    assert json.loads((machine.folder / "1.json").read_text(encoding="utf-8"))["rules"]["global"] == [lan, deny]


def test_what_was_noted_of_one_profile_says_nothing_of_another(machine: Machine, settled: Call) -> None:
    """Somebody switches to a profile in which his unnamed rules do what ours do."""
    lan = rules.encode(ALL, 0, "192.168.0.0/16")
    deny = rules.encode({**ALL, "name": "", "chains": ["input", "forward"]}, 1, "any") | {"mine": "his"}
    machine.profile(lan, deny, file="2.json", name="custom")
    settings = machine.folder / "firewall_settings.json"
    settings.write_text(settings.read_text(encoding="utf-8").replace('"default"', '"custom"'), encoding="utf-8")

    settled()
    settled(AGAIN, state="confirmed")

    listed = json.loads((machine.folder / "2.json").read_text(encoding="utf-8"))["rules"]["global"]
    assert [rule["name"] for rule in listed] == ["lan", "kbju web", "kbju admin", "", "kbju everything else"]


class TestAbsent:
    """Removing what we made."""

    def test_ours_are_gone_from_every_profile_and_the_firewall_is_off_as_before(
        self, machine: Machine, settled: Call
    ) -> None:
        ours = json.loads((machine.folder / "1.json").read_text(encoding="utf-8"))
        machine.profile(*ours["rules"]["global"], file="2.json", name="custom")

        assert settled(state="absent", check=True)["changed"] is True
        assert settled(state="absent")["armed"] is False

        assert names(machine) == ["smb"]
        assert "kbju" not in (machine.folder / "2.json").read_text(encoding="utf-8")
        assert not enabled(machine)
        assert machine.in_force() is None
        assert settled(state="absent")["changed"] is False

    def test_a_firewall_that_was_on_before_us_stays_on(self, machine: Machine, call: Call) -> None:
        machine.profile(rules.encode(ALL, 0, "192.168.0.0/16") | {"ruleIndex": 1})
        machine.nas.ok("synofirewall", "--enable")
        call()
        call(AGAIN, state="confirmed")

        assert call(state="absent")["armed"] is True
        assert call(AGAIN, state="confirmed")["changed"] is True

        assert names(machine) == ["lan"]
        assert enabled(machine)
        assert call(state="absent")["changed"] is False

    @pytest.mark.parametrize("folder", [True, False])
    def test_where_the_firewall_was_never_used_there_is_nothing_to_remove(
        self, machine: Machine, call: Call, folder: bool
    ) -> None:
        shutil.rmtree(machine.folder)
        if folder:
            machine.folder.mkdir()

        for check in (True, False):
            assert call(None, state="absent", check=check)["changed"] is False
        assert machine.folder.exists() is folder

    def test_a_firewall_that_is_on_without_a_profile_is_told(self, machine: Machine, call: Call) -> None:
        machine.nas.ok("synofirewall", "--enable")
        (machine.folder / "1.json").unlink()
        (machine.folder / "2.json").unlink(missing_ok=True)

        assert "no profile called default" in call(state="absent")["msg"]

    def test_an_empty_profile_is_never_left_in_force(self, machine: Machine, call: Call) -> None:
        machine.profile()
        machine.nas.ok("synofirewall", "--enable")
        call()
        call(AGAIN, state="confirmed")

        assert "an empty profile shuts everybody out" in call(state="absent")["msg"]
        assert enabled(machine)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("1.json", "{", "1.json is no JSON"),
        ("1.json", '{"name": "default", "rules": []}', 'has no "rules" by interface'),
        ("1.json", '{"name": "other", "rules": {}}', "no profile called default"),
        ("firewall_settings.json", '{"profile": "default"}', "has no status and profile"),
    ],
)
def test_files_that_are_not_as_known_are_left_alone(
    machine: Machine, call: Call, file: str, text: str, said: str
) -> None:
    (machine.folder / file).write_text(text, encoding="utf-8")
    before = machine.files()

    assert said in call()["msg"]
    assert machine.files() == before
