"""DSM's firewall as packets meet it, and the ways in which one could lock oneself out. The tests run in order."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from rehearsal import DOCKER, REPOSITORY, ROOT, deploy, until

HERE = Path(__file__).resolve().parents[1]
NAS = os.environ["KBJU_INSTANCE"]
CLIENT = NAS + "-client"
LAN, INTERNET, BLOCKED = "0.0.0.0", "198.51.100.7", "198.51.100.66"  # noqa: S104 - the client's own address
PROFILE = "/usr/syno/etc/firewall.d/1.json"
ROLE = "molecule/firewall/firewall.yml"
CUTS_SSH = ["--extra-vars", json.dumps({"firewall_sources_lan": ["203.0.113.0/24"]})]


def forced(seconds: int) -> list[str]:
    """Return arguments with which the refusal is passed by, so that nobody can come and confirm."""
    return [*CUTS_SSH, "--extra-vars", f"firewall_force=true firewall_revert_seconds={seconds}"]


def run(*command: str, text: str | None = None) -> str:
    """Run a command on this machine and return what it printed."""
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, (command, done.stdout, done.stderr)
    return done.stdout


def nas(command: str) -> str:
    """Run a command on the NAS, past the network."""
    return run("docker", "exec", NAS, "sh", "-c", command)


def reach(source: str, *ports: int) -> dict[int, str]:
    """Connect to ports of the NAS from one of the client's addresses."""
    script = (HERE / "probe.py").read_text(encoding="utf-8")
    said = run("docker", "exec", "-i", CLIENT, "python3", "-", NAS, source, *map(str, ports), text=script)
    return {int(port): state for port, state in json.loads(said).items()}


def in_force() -> str:
    """Return the rules that the kernel has."""
    return "\n".join(line for line in nas("iptables -S").splitlines() if "FIREWALL" in line)


def firewall() -> tuple[str, str]:
    """Return everything that must be as before after a change was undone."""
    return in_force(), nas("cat /usr/syno/etc/firewall.d/*.json")


def journal() -> list[str]:
    """Return what the NAS noted of changes."""
    return nas(f"cat {ROOT}/firewall/journal.log").splitlines()


def rules() -> list[dict[str, Any]]:
    """Return the rules of the profile for all interfaces."""
    found: list[dict[str, Any]] = json.loads(nas(f"cat {PROFILE}"))["rules"]["global"]
    return found


def ssh_works() -> bool:
    """Come over a new SSH connection, as Ansible does."""
    command = [str(REPOSITORY / "molecule/local/nas"), "true"]
    return subprocess.run(command, capture_output=True, check=False, timeout=90).returncode == 0


def booted() -> bool:
    """Tell whether the NAS is up."""
    return subprocess.run(["docker", "exec", NAS, "dsm-ready"], capture_output=True, check=False).returncode == 0


class TestPackets:
    """Who reaches what, with the firewall on."""

    def test_the_lan_reaches_ssh_dsm_and_nginx(self) -> None:
        assert set(reach(LAN, 22, 5000, 5001, 8080, 8443).values()) == {"open"}

    def test_the_internet_reaches_nginx_alone(self) -> None:
        assert reach(INTERNET, 8080, 8443) == {8080: "open", 8443: "open"}
        assert set(reach(INTERNET, 22, 80, 5000, 5001, 5432, 9000).values()) == {"no answer"}

    def test_what_nobody_named_is_closed_to_the_lan_too(self) -> None:
        """PostgreSQL on the host's address, DSM's web station, a port of somebody else's container."""
        assert set(reach(LAN, 5432, 80, 9000).values()) == {"no answer"}

    def test_rules_of_others_keep_their_force(self) -> None:
        assert reach(INTERNET, 5005) == {5005: "open"}
        assert reach(BLOCKED, 5005, 8443) == {5005: "no answer", 8443: "no answer"}

    @pytest.mark.parametrize("address", ["http://web:9000/busybox", f"http://{CLIENT}:9999/busybox"])
    def test_containers_reach_each_other_and_the_outside_by_name(self, address: str) -> None:
        """On ports that no rule names."""
        nas(f"{DOCKER} exec peer /bin/busybox wget -T 5 -q -O /dev/null {address}")


class TestProfile:
    """What became of the profile that somebody had made."""

    def test_others_rules_are_kept_whole_and_in_order(self) -> None:
        before = json.loads((HERE / "others.json").read_text(encoding="utf-8"))
        kept = [rule for rule in rules() if not rule["name"].startswith("kbju ")]

        assert kept == before["rules"]["global"]
        assert json.loads(nas(f"cat {PROFILE}"))["policy"] == before["policy"]

    def test_ours_stand_between_them(self) -> None:
        names = [rule["name"] for rule in rules()]

        assert names[:3] == ["a neighbour who scans", "", "kbju web"]
        assert names[-3:] == ["telnet", "", "kbju everything else"]
        assert len({rule["ruleIndex"] for rule in rules()}) == len(names)

    def test_the_file_as_it_was_before_us_is_kept(self) -> None:
        assert nas(f"cat {ROOT}/firewall/original/1.json") == (HERE / "others.json").read_text(encoding="utf-8")

    def test_the_change_was_confirmed_and_nobody_waits(self) -> None:
        assert "confirmed by" in journal()[-1]
        # 1 is pgrep's answer for none; anything else fails here.
        assert nas("pgrep -f [f]irewall-revert; [ $? = 1 ]") == ""


def test_a_profile_that_cuts_the_session_is_refused_and_nothing_changes() -> None:
    before, noted = firewall(), journal()

    for mode in (["--check"], []):
        said = deploy(ROLE, *CUTS_SSH, *mode)

        assert said.returncode != 0
        assert "refused, nothing was changed" in said.stdout
        assert 'the rule "" denies it' in said.stdout
        assert "port 22" in said.stdout

    assert (firewall(), journal()) == (before, noted)


def test_what_nobody_can_confirm_comes_back_by_itself() -> None:
    before = firewall()
    said = deploy(ROLE, *forced(10), ANSIBLE_TIMEOUT="4")

    assert said.returncode != 0
    assert "the NAS has undone them" in said.stdout
    assert "nobody confirmed the change within 10 seconds" in said.stdout
    assert firewall() == before
    assert reach(LAN, 22, 8443) == {22: "open", 8443: "open"}


@pytest.fixture
def abandoned(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A change that cuts SSH, whose controller was killed while it tried to confirm; gives the firewall before."""
    before, noted = firewall(), len(journal())
    command = ["ansible-playbook", "--inventory", "inventories/local", ROLE]
    command += forced(request.param)
    with subprocess.Popen(
        command, cwd=REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as controller:
        until(lambda: any("applied" in line for line in journal()[noted:]), "the change is applied", 60)
        os.killpg(controller.pid, signal.SIGKILL)
        controller.wait()
    assert reach(LAN, 22) == {22: "no answer"}, "the change does not cut SSH, so its undoing proves nothing"
    return before


@pytest.mark.parametrize("abandoned", [15], indirect=True)
def test_it_comes_back_though_the_controller_was_killed(abandoned: tuple[str, str]) -> None:
    took = until(lambda: in_force() == abandoned[0], "SSH is back", 30)

    assert took < 16
    assert ssh_works()
    assert firewall() == abandoned
    assert "put the former firewall back: nobody confirmed" in journal()[-1]


@pytest.mark.parametrize("abandoned", [600], indirect=True)
def test_a_reboot_brings_the_former_firewall(abandoned: tuple[str, str]) -> None:
    run("docker", "restart", "--time", "30", NAS)
    until(booted, "the NAS has booted", 60)

    assert ssh_works()
    assert firewall() == abandoned
    # What the reboot has left does not hinder the next change, which is to remove our rules.
    said = deploy("molecule/firewall/remove.yml")
    assert said.returncode == 0, said.stdout[-3000:]


def test_removing_leaves_the_rules_of_others_and_the_firewall_as_it_was_before_us() -> None:
    before = json.loads((HERE / "others.json").read_text(encoding="utf-8"))

    assert rules() == before["rules"]["global"]
    assert in_force() == ""
    assert json.loads(nas("cat /usr/syno/etc/firewall.d/firewall_settings.json"))["status"] is False
    assert "changed=0 " in deploy("molecule/firewall/remove.yml").stdout
