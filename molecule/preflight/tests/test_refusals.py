"""A NAS that can't carry the stack is refused before anything changes, with everything that is wrong in one report."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import yaml
from testinfra.host import Host

from plugins.filter.preflight import memory_of
from rehearsal import REPOSITORY, deploy, reach_nas

LISTENER = 'import socket,time; s=socket.socket(); s.bind(("0.0.0.0",8443)); s.listen(); time.sleep(600)'


@dataclass(frozen=True)
class Fault:
    """A way in which the NAS is unfit, how to bring it about and how to end it."""

    cause: str
    cure: str
    problem: str
    remedy: str


FAULTS = {
    "old DSM": Fault(
        cause="sed -i.kept s/7.2.2/7.1.1/ /etc.defaults/VERSION",
        cure="mv /etc.defaults/VERSION.kept /etc.defaults/VERSION",
        problem="DSM 7.1.1, but 7.2 or newer is needed",
        remedy="update DSM",
    ),
    "1 GB of memory": Fault(
        cause="echo 'MemTotal: 1048576 kB' > /tmp/meminfo && mount --bind /tmp/meminfo /proc/meminfo",
        cure="umount /proc/meminfo",
        problem="1024 MiB of memory, but 3500 are needed",
        remedy="add memory",
    ),
    "a port in use": Fault(
        cause=f"setsid python3 -c '{LISTENER}' > /dev/null 2>&1 < /dev/null & echo $! > /tmp/listener",
        cure="kill $(cat /tmp/listener)",
        problem="port 8443 is held by python3",
        remedy="choose another port with nginx_https_port",
    ),
    "Hyper Backup missing": Fault(
        cause="mv /var/packages/HyperBackup /tmp/HyperBackup",
        cure="mv /tmp/HyperBackup /var/packages/HyperBackup",
        problem="Hyper Backup is not installed, but hyper_backup_task names one of its tasks",
        remedy="leave hyper_backup_task empty",
    ),
    "Container Manager stopped": Fault(
        cause="/usr/syno/bin/synopkg stop ContainerManager",
        cure="/usr/syno/bin/synopkg start ContainerManager",
        problem="Container Manager is not running",
        remedy="synopkg start ContainerManager",
    ),
}
# A Telegram whose clock is an hour ahead of the NAS's.
TELEGRAM = """
import http.server, time
class Answer(http.server.BaseHTTPRequestHandler):
    def date_time_string(self, timestamp=None):
        return super().date_time_string(time.time() + 3600)
    def do_GET(self):
        self.send_error(404)
http.server.HTTPServer(("127.0.0.1", 8099), Answer).serve_forever()
"""
BUDGETS = yaml.safe_load((REPOSITORY / "group_vars/all/limits.yml").read_text(encoding="utf-8"))["kbju_budget_table"]
GREEDY = {"kbju-grafana": {"memory_mb": 1200}}
WRONG_SETTINGS: dict[str, dict[str, Any]] = {
    "secrets not set: vault_bot_token": {"vault_bot_token": ""},
    f"the services' memory limits add up to {memory_of(BUDGETS | GREEDY)} MiB, but the whole stack may have 3072": {
        "kbju_budget_changes": GREEDY
    },
    "the NAS can't resolve no-such.invalid": {"kbju_domain": "no-such.invalid"},
    "the NAS's clock is 3600 s behind": {"kbju_telegram_api_url": "http://127.0.0.1:8099"},
}
PROBLEMS = len(FAULTS) + len(WRONG_SETTINGS) + 1  # one for the subnet


@pytest.fixture(scope="module")
def nas() -> Host:
    """The NAS, before any deployment."""
    return reach_nas()


@pytest.fixture(scope="class")
def unfit(nas: Host) -> Iterator[list[str]]:
    """All faults at once; the options that bring the wrong settings."""
    for fault in FAULTS.values():
        nas.check_output(fault.cause)
    nas.check_output(f"setsid python3 -c '{TELEGRAM}' > /dev/null 2>&1 < /dev/null & echo $! > /tmp/telegram")
    nas.check_output("until grep -q ':20FB ' /proc/net/tcp && grep -q ':1FA3 ' /proc/net/tcp; do sleep 0.1; done")
    settings = {name: value for wrong in WRONG_SETTINGS.values() for name, value in wrong.items()}
    settings["stack_edge_subnet"] = own_subnet(nas)
    yield ["--extra-vars", json.dumps(settings)]
    nas.check_output("kill $(cat /tmp/telegram)")
    for fault in FAULTS.values():
        nas.check_output(fault.cure)


def own_subnet(nas: Host) -> str:
    """The subnet that the NAS is in."""
    return str(nas.check_output("ip -4 -o route show dev eth0 scope link").split()[0])


@pytest.fixture(scope="class")
def report(nas: Host, unfit: list[str]) -> str:
    """What site.yml says on the unfit NAS."""
    nas.check_output("touch /tmp/before")
    said = deploy("site.yml", *unfit)
    assert said.returncode != 0
    return said.stdout


class TestUnfitNas:
    """Everything is wrong with this NAS."""

    @pytest.mark.parametrize("name", FAULTS)
    def test_each_problem_stands_in_the_one_report_with_its_remedy(self, report: str, name: str) -> None:
        assert FAULTS[name].problem in report
        assert FAULTS[name].remedy in report

    @pytest.mark.parametrize("problem", WRONG_SETTINGS)
    def test_each_wrong_setting_is_named(self, report: str, problem: str) -> None:
        assert problem in report

    def test_a_subnet_that_the_nas_is_in_itself_is_named(self, report: str, nas: Host) -> None:
        subnet = own_subnet(nas)

        assert f"{subnet} overlaps {subnet}, which the NAS reaches by eth0" in report

    def test_the_report_counts_its_problems(self, report: str) -> None:
        assert f"{PROBLEMS} problem(s) on nas-stand-in. Nothing was changed." in report

    def test_nothing_was_changed(self, nas: Host, report: str) -> None:
        """Homes are left out: Ansible keeps a folder there for what it sends. So are caches of the NAS's Python."""
        places = "/etc /etc.defaults /usr/local /var/lib/dsm-standin /volume1"
        changed = nas.check_output(f"find {places} -xdev -newer /tmp/before -not -path '/volume1/homes*'")
        changed = "\n".join(path for path in changed.splitlines() if "/__pycache__" not in path)

        assert changed == ""
        assert "changed=0 " in report

    def test_check_mode_says_the_same(self, unfit: list[str], report: str) -> None:
        said = deploy("site.yml", "--check", *unfit)

        assert said.returncode != 0
        assert f"{PROBLEMS} problem(s)" in said.stdout


def test_an_unreachable_telegram_and_another_model_are_told() -> None:
    settings = {"kbju_telegram_api_url": "http://127.0.0.1:9", "preflight_model": "DS225+"}
    said = deploy("playbooks/preflight.yml", "--extra-vars", json.dumps(settings))

    assert said.returncode != 0
    assert "the NAS does not reach http://127.0.0.1:9: Connection refused" in said.stdout
    assert "this is a DS925+; these roles are made for the DS225+" in said.stdout
    assert "1 problem(s)" in said.stdout, "another model is no problem"


@pytest.mark.parametrize(
    ("secret", "problem"),
    [
        ("CHANGE-ME: a long password", "secrets that are still the example's: vault_grafana_password"),
        ("s3cr3t", "secrets shorter than 12: vault_grafana_password"),
    ],
)
def test_unfit_secrets_are_refused(secret: str, problem: str) -> None:
    said = deploy("playbooks/preflight.yml", "--extra-vars", f'{{"vault_grafana_password": "{secret}"}}')

    assert said.returncode != 0
    assert problem in said.stdout
    assert secret not in said.stdout


def test_a_fit_nas_is_accepted() -> None:
    """Runs after the faults are cured, so that a preflight that refuses everything is noticed."""
    said = deploy("playbooks/preflight.yml")

    assert said.returncode == 0, said.stdout[-3000:]
