"""The dsm_* modules over SSH and sudo, judged by what DSM's own tools say afterwards."""

from __future__ import annotations

import base64
import json
import os
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import testinfra
from testinfra.host import Host

from rehearsal import deploy

UNSEEN, IN_ARGV = "canary-unseen-Aa1", "canary-argv-Aa1"
TASKS = "/usr/syno/etc/synoschedule.d/root"
# What an operator has on the NAS before us. Some of HyperBackup is in the way of installing it.
OPERATOR = f"""
synopkg uninstall HyperBackup
synouser --add olga Operators-0wn-pw Olga 0 '' 0
synogroup --add family olga
synoshare --add photos 'Our photos' /volume1/photos '' olga '' 1 0
printf '%s\\n' id=7 type=daily "name=Operator's own" state=enabled owner=0 week=1111111 'run hour=5' 'run min=5' \\
    'repeat hour=0' 'repeat min=0' 'last work hour=5' 'colour of DSM 8=red' cmd=dHJ1ZQ== > {TASKS}/7.task
synoschedtask --sync
synosystemctl restart crond
"""
# Homes are left out: Ansible itself keeps a folder there for what it sends.
PLACES = "/etc /usr/syno /usr/local/etc /var/packages /var/lib/dsm-standin /volume1"
# Looks for the canaries in every process's arguments until told to stop. Its own pattern does not match itself.
WATCH = """
rm -f /tmp/watch-*; touch /tmp/watch-seen
setsid sh -c 'while [ ! -e /tmp/watch-end ]; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" " " | \
    grep -o "c[a]nary-[a-z]*" >>/tmp/watch-seen; touch /tmp/watch-runs; done; touch /tmp/watch-ended' \
    >/dev/null 2>&1 </dev/null &
until [ -e /tmp/watch-runs ]; do sleep 0.1; done
"""


@dataclass(frozen=True)
class Run:
    """What a playbook said."""

    output: str

    @property
    def changed(self) -> int:
        """How many tasks have changed something."""
        found = re.search(r"ok=\d+ +changed=(\d+) +unreachable=0 +failed=0", self.output)
        assert found, self.output[-3000:]
        return int(found.group(1))


@dataclass(frozen=True)
class Runs:
    """The same playbook in check mode, for real, and again."""

    touched_by_check_mode: str
    runs: list[Run]

    @property
    def output(self) -> str:
        """All that was printed."""
        return "".join(run.output for run in self.runs)


def syno(nas: Host, commands: str) -> str:
    """Run commands with DSM's tools on the PATH; the first that fails is an error."""
    return str(nas.check_output("export PATH=/usr/syno/bin:/usr/syno/sbin:$PATH; set -e; " + commands.strip()))


def run_all_ways(nas: Host, playbook: str, variables: Path, *again: list[str]) -> Runs:
    def run(*options: str) -> Run:
        arguments = ["--extra-vars", f"@{variables}", "--diff", "-vvv", *options]
        # Molecule asks for colours, which would stand between the numbers.
        said = deploy(f"molecule/modules/{playbook}.yml", *arguments, ANSIBLE_FORCE_COLOR="0")
        return Run(said.stdout + said.stderr)

    nas.check_output("touch /tmp/before")
    checked = run("--check")
    touched = nas.check_output(f"find {PLACES} -xdev -newer /tmp/before -not -path '/volume1/homes*' -not -path '*/@*'")
    return Runs(touched, [checked, run(), *(run(*options) for options in again)])


@pytest.fixture(scope="module")
def nas() -> Host:
    """A NAS with an operator's things on it, looked at from inside: only the playbooks come over SSH."""
    found = testinfra.get_host("docker://" + os.environ["KBJU_INSTANCE"])
    syno(found, OPERATOR)
    return found


@pytest.fixture(scope="module")
def variables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The canaries, in a file: in an argument list they would stand on this machine too."""
    file = tmp_path_factory.mktemp("variables") / "canaries.json"
    file.write_text(json.dumps({"password_unseen": UNSEEN, "password_in_argv": IN_ARGV}), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def made(nas: Host, variables: Path) -> Runs:
    """The runs of make.yml, with every process of the NAS watched."""
    nas.check_output(WATCH)
    runs = run_all_ways(nas, "make", variables, [], ["--check"])
    nas.check_output("touch /tmp/watch-end; until [ -e /tmp/watch-ended ]; do sleep 0.1; done")
    return runs


@pytest.fixture(scope="module")
def unmade(nas: Host, made: Runs, variables: Path) -> Runs:
    """The runs of unmake.yml, after those of make.yml; the tests of the former come first."""
    return run_all_ways(nas, "unmake", variables, [])


class TestMade:
    """After make.yml."""

    def test_check_mode_foretells_and_changes_nothing(self, made: Runs) -> None:
        assert made.touched_by_check_mode == ""
        assert made.runs[0].changed == made.runs[1].changed == 13

    def test_a_second_run_has_nothing_to_do(self, made: Runs) -> None:
        assert [run.changed for run in made.runs[2:]] == [0, 0]

    def test_no_password_is_printed(self, made: Runs) -> None:
        assert "password_in_argv" in made.output, "the loudest output names the arguments"
        assert "canary" not in made.output.replace("canaries.json", "")

    def test_only_the_password_that_was_to_stands_in_an_argument_list(self, nas: Host, made: Runs) -> None:
        assert set(nas.check_output("cat /tmp/watch-seen").split()) == {"canary-argv"}

    @pytest.mark.parametrize(("user", "password"), [("anna", UNSEEN), ("boris", IN_ARGV)])
    def test_a_password_is_the_one_asked_for(self, nas: Host, made: Runs, user: str, password: str) -> None:
        stored = nas.check_output(f"grep '^{user}:' /etc/shadow").split(":")[1]
        _, kind, salt, _ = stored.split("$")

        assert nas.check_output(f"openssl passwd -{kind} -salt {salt} {password}") == stored

    def test_users_are_as_dsm_shows_them(self, nas: Host, made: Runs) -> None:
        robot = syno(nas, "synouser --get robot")
        assert "Fullname    : [Robot]" in robot
        assert "User Mail   : [robot@example.com]" in robot
        assert "Expired     : [true]" in robot
        assert "Expired     : [false]" in syno(nas, "synouser --get anna")

    def test_groups_have_their_members_and_the_operators(self, nas: Host, made: Runs) -> None:
        for group, members in {"readers": {"robot", "anna"}, "family": {"olga", "ops", "anna"}}.items():
            assert set(re.findall(r"\d+:\[(.+)\]", syno(nas, f"synogroup --get {group}"))) == members

    def test_shares_have_our_rights_and_the_operators(self, nas: Host, made: Runs) -> None:
        reports, photos = syno(nas, "synoshare --get reports"), syno(nas, "synoshare --get photos")
        assert "RW list ....[@readers]" in reports
        assert "Deny list ..[boris]" in reports
        assert "Comment ....[Weekly reports]" in reports
        assert "RW list ....[olga]" in photos
        assert "RO list ....[@readers]" in photos
        assert "Comment ....[Our photos]" in photos

    def test_the_access_list_is_there_with_our_entry_last(self, nas: Host, made: Runs) -> None:
        entries = re.findall(r"\[\d+\] (\S+) ", syno(nas, "synoacltool -get /volume1/reports"))
        assert entries[0].startswith("group:administrators:allow")
        assert entries[-1] == "user:robot:allow:r-x---a-R-c--:fd--"

    def test_a_package_runs(self, nas: Host, made: Runs) -> None:
        assert json.loads(syno(nas, "synopkg status HyperBackup"))["status"] == "running"

    def test_crond_runs_our_tasks_beside_the_operators(self, nas: Host, made: Runs) -> None:
        rows = [line.split() for line in nas.check_output("cat /etc/crontab").splitlines() if "--run id=" in line]
        assert [row[:6] for row in rows] == [
            ["5", "5", "*", "*", "*", "root"],
            ["30", "3", "*", "*", "*", "root"],
            ["0", "4", "*", "*", "1", "anna"],
            ["0", "0", "15", "*", "*", "root"],
        ]
        # What the running crond has read, not only what the file says.
        assert "--run id=8" in nas.check_output("cat /run/crond/root")
        assert nas.check_output("/usr/syno/bin/synosystemctl get-active-status crond") == "active"

    def test_a_task_runs_its_script(self, nas: Host, made: Runs) -> None:
        syno(nas, "synoschedtask --run id=8")
        assert nas.check_output("cat /var/log/synoscheduler/8.log") == "one\ntwo"
        assert base64.b64decode(nas.check_output(f"sed -n s/^cmd=//p {TASKS}/8.task")) == b"echo one\necho two\n"

    def test_dsm_shows_the_boot_task(self, nas: Host, made: Runs) -> None:
        shown = syno(nas, "synoschedtask --get id=11")
        assert "Name: [Test boot]" in shown
        assert "Type: [bootup]" in shown


class TestUnmade:
    """After unmake.yml; runs last, in the order of this file."""

    def test_it_foretells_does_and_repeats_nothing(self, unmade: Runs) -> None:
        assert unmade.touched_by_check_mode == ""
        assert [run.changed for run in unmade.runs] == [8, 8, 0]

    def test_what_the_operator_has_is_as_before(self, nas: Host, unmade: Runs) -> None:
        assert re.findall(r"\d+:\[(.+)\]", syno(nas, "synogroup --get family")) == ["olga"]
        photos = syno(nas, "synoshare --get photos")
        assert "RW list ....[olga]" in photos
        assert "RO list ....[]" in photos
        assert "colour of DSM 8=red" in nas.check_output(f"cat {TASKS}/7.task")
        assert re.findall(r"--run id=(\d+)", nas.check_output("cat /etc/crontab")) == ["7", "9", "10"]

    def test_what_was_ours_is_gone_but_the_data(self, nas: Host, unmade: Runs) -> None:
        for question in ("synouser --get robot", "synogroup --get readers", "synoshare --get reports"):
            assert nas.run("PATH=$PATH:/usr/syno/sbin; " + question).rc != 0, question
        assert set(nas.check_output(f"ls {TASKS}").split()) == {"7.task", "9.task", "10.task"}
        assert nas.file("/volume1/reports").is_directory
        assert '"non_installed"' in nas.run("/usr/syno/bin/synopkg status HyperBackup").stdout
