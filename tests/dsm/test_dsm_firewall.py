import json
from typing import Any

import pytest

from dsm.standin import Nas

FOLDER = "/usr/syno/etc/firewall.d"
START = [["-i", "lo", "-j", "ACCEPT"], ["-m", "state", "--state", "RELATED,ESTABLISHED", "-j", "ACCEPT"]]
SSH = {
    "enable": True,
    "name": "ssh",
    "chainList": ["INPUT_FIREWALL"],
    "policy": 0,
    "ipList": ["192.168.1.0/24"],
    "portList": ["22"],
    "protocol": 1,
}
SSH_LINE = ["-s", "192.168.1.0/24", "-p", "tcp", "-m", "multiport", "--dports", "22", "-j", "RETURN"]
DENY_ALL = {"enable": True, "policy": 1, "ipList": [], "portList": [], "protocol": 3}


def profile(nas: Nas, *rules: dict[str, Any], **more: Any) -> None:
    nas.write(FOLDER + "/1.json", json.dumps({"name": "default", "rules": {"global": list(rules)}, **more}))


def live(nas: Nas) -> Any:
    place = nas.path("/run/dsm-firewall.json")
    return json.loads(place.read_text()) if place.exists() else None


def enabled(nas: Nas) -> bool:
    return bool(json.loads(nas.ok("synofirewall", "--info"))["fw_enabled"])


def test_it_is_off_at_first(nas: Nas) -> None:
    assert not enabled(nas)
    nas.ok("synofirewall", "--reload")
    assert live(nas) is None


def test_allow_returns_and_deny_drops(nas: Nas) -> None:
    profile(nas, SSH, DENY_ALL)
    nas.ok("synofirewall", "--enable")
    assert enabled(nas)
    assert live(nas)["INPUT_FIREWALL"] == [*START, SSH_LINE, ["-j", "DROP"]]
    # A rule for the one chain is no rule of the other.
    assert live(nas)["FORWARD_FIREWALL"] == [*START, ["-j", "DROP"]]


def test_an_empty_profile_locks_everybody_out(nas: Nas) -> None:
    profile(nas)
    nas.ok("synofirewall", "--enable")
    assert live(nas) == {chain: [*START, ["-j", "DROP"]] for chain in ("INPUT_FIREWALL", "FORWARD_FIREWALL")}


def test_a_change_needs_a_reload(nas: Nas) -> None:
    profile(nas, SSH)
    nas.ok("synofirewall", "--enable")
    before = live(nas)
    profile(nas, SSH, DENY_ALL)
    assert live(nas) == before
    nas.ok("synofirewall", "--reload")
    assert live(nas) != before


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        json.dumps({"name": "default", "rules": {"global": [dict(SSH, ipList=["300.1.1.1"])]}}),
        json.dumps({"name": "default", "rules": {"global": [dict(SSH, policy=7)]}}),
        json.dumps({"name": "default", "rules": {"global": [dict(SSH, portList=["ssh"])]}}),
        json.dumps({"name": "default", "rules": {"global": [dict(SSH, protocol=9)]}}),
        json.dumps({"name": "default", "rules": {"global": [dict(SSH, ipGroup=3, ipList=["CN"])]}}),
        json.dumps({"name": "default", "rules": []}),
    ],
)
def test_a_reload_of_a_bad_profile_leaves_the_rules_and_the_file(nas: Nas, text: str) -> None:
    profile(nas, SSH)
    nas.ok("synofirewall", "--enable")
    before = live(nas)
    nas.write(FOLDER + "/1.json", text)
    nas.refused("synofirewall", "--reload")
    assert live(nas) == before
    assert nas.read(FOLDER + "/1.json") == text


def test_an_import_that_can_not_be_parsed_deletes_the_profiles(nas: Nas) -> None:
    profile(nas, SSH)
    broken = nas.path("/volume1/broken.json")
    broken.write_text("{")
    nas.refused("synofirewall", "--import", str(broken))
    assert list(nas.path(FOLDER).glob("*.json")) == []


def test_an_import_replaces_the_profile_of_its_name(nas: Nas) -> None:
    good = nas.path("/volume1/good.json")
    good.write_text(json.dumps({"name": "default", "rules": {"global": [SSH]}}))
    nas.ok("synofirewall", "--import", str(good))
    assert nas.read_json(FOLDER + "/1.json")["rules"]["global"] == [SSH]


def test_the_settings_name_the_active_profile(nas: Nas) -> None:
    profile(nas, DENY_ALL)
    nas.write(FOLDER + "/2.json", json.dumps({"name": "custom", "rules": {"global": [SSH]}}))
    nas.write(FOLDER + "/firewall_settings.json", json.dumps({"profile": "custom", "status": True}))
    nas.ok("synofirewall", "--reload")
    assert SSH_LINE in live(nas)["INPUT_FIREWALL"]
    nas.write(FOLDER + "/firewall_settings.json", json.dumps({"profile": "none", "status": True}))
    nas.refused("synofirewall", "--reload")


def test_disable_removes_the_rules(nas: Nas) -> None:
    profile(nas, SSH)
    nas.ok("synofirewall", "--enable")
    nas.ok("synofirewall", "--disable")
    assert live(nas) is None
    assert not enabled(nas)


def test_rules_that_are_off_have_no_effect(nas: Nas) -> None:
    profile(nas, dict(SSH, enable=False), dict(SSH, name="other", portList=["443"]))
    nas.ok("synofirewall", "--enable")
    assert SSH_LINE not in live(nas)["INPUT_FIREWALL"]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"ipGroup": 0, "ipList": ["10.0.0.5"]}, ["-s", "10.0.0.5/32"]),
        ({"ipGroup": 1, "ipList": ["10.0.0.0", "255.0.0.0"]}, ["-s", "10.0.0.0/8"]),
        (
            {"ipGroup": 4, "ipList": ["10.0.0.5", "10.0.0.9"]},
            ["-m", "iprange", "--src-range", "10.0.0.5-10.0.0.9"],
        ),
        ({"ipGroup": 5, "ipList": []}, []),
    ],
)
def test_ways_to_write_a_source(nas: Nas, changed: dict[str, Any], line: list[str]) -> None:
    profile(nas, dict(SSH, **changed))
    nas.ok("synofirewall", "--enable")
    expected = [*line, "-p", "tcp", "-m", "multiport", "--dports", "22", "-j", "RETURN"]
    assert live(nas)["INPUT_FIREWALL"][2] == expected


def test_ports_for_tcp_and_udp_make_two_rules(nas: Nas) -> None:
    profile(nas, dict(SSH, ipList=[], portList=["8080", "8443-8450"], protocol=3))
    nas.ok("synofirewall", "--enable")
    assert live(nas)["INPUT_FIREWALL"][2:] == [
        ["-p", name, "-m", "multiport", "--dports", "8080,8443:8450", "-j", "RETURN"] for name in ("tcp", "udp")
    ]


def test_the_policy_of_an_adapter_comes_after_its_rules(nas: Nas) -> None:
    profile(nas, SSH, policy={"global": 2, "eth0": 1, "eth1": 0})
    nas.ok("synofirewall", "--enable")
    ends = [["-i", "eth0", "-j", "DROP"], ["-i", "eth1", "-j", "RETURN"]]
    assert live(nas)["INPUT_FIREWALL"] == [*START, SSH_LINE, *ends]


def test_a_rule_may_name_services_of_dsm(nas: Nas) -> None:
    profile(nas, dict(SSH, ipGroup=5, ipList=[], portGroup=2, portList=["ssh", "dms_https"]))
    nas.ok("synofirewall", "--enable")
    assert live(nas)["INPUT_FIREWALL"][2] == ["-p", "tcp", "-m", "multiport", "--dports", "22,5001", "-j", "RETURN"]
