"""The rules of DSM's firewall: how they are written and ordered, and whether a connection passes them."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from dsm.firewall_modules import listing, live, order, rules

PREFIX = "kbju "
WEB = {"name": "web", "sources": ["any"], "ports": [8443, 8080], "protocol": "tcp", "chains": ["input", "forward"]}
LAN = {"name": "admin", "sources": ["10.0.0.0/8", "192.168.1.7"], "ports": [22], "protocol": "tcp", "chains": ["input"]}
BOX = {"name": "boxes", "sources": ["172.28.0.0/16"], "ports": [], "protocol": "any", "chains": ["forward"]}


def made(*wanted: dict[str, Any], rest: bool = True) -> tuple[list[Any], list[Any]]:
    allow, deny = rules.encode_all(list(wanted), PREFIX, rest)
    return allow, deny


def other(name: str, policy: int = 0, source: str = "any", port: int = 0, **more: Any) -> dict[str, Any]:
    protocol = "tcp" if port else "any"
    wanted = {"name": name, "chains": ["input", "forward"], "protocol": protocol, "ports": [port] if port else []}
    return {**rules.encode(wanted, policy, source), "ruleIndex": 3, **more}


def profile(*listed: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": "default", "rules": {"global": list(listed)}, **more}


class TestEncoding:
    """The numbers are those of Synology's header fwDB.hpp."""

    def test_a_rule_for_anyone_names_no_address_and_both_families(self) -> None:
        (web,), _ = made(WEB)

        assert (web["ipGroup"], web["ipList"], web["ipType"]) == (5, [], 2)
        assert (web["portGroup"], web["portList"], web["protocol"]) == (1, ["8080", "8443"], 1)
        assert (web["policy"], web["chainList"]) == (0, ["FORWARD_FIREWALL", "INPUT_FIREWALL"])

    def test_each_source_is_a_rule_of_its_own(self) -> None:
        allow, _ = made(LAN)

        assert [(rule["name"], rule["ipGroup"], rule["ipList"], rule["ipType"]) for rule in allow] == [
            ("kbju admin 1", 1, ["10.0.0.0", "255.0.0.0"], 0),
            ("kbju admin 2", 0, ["192.168.1.7"], 0),
        ]

    def test_the_rest_is_everything_from_anyone(self) -> None:
        _, (rest,) = made(WEB)

        assert (rest["policy"], rest["protocol"], rest["portGroup"], rest["ipGroup"]) == (1, 3, 3, 5)

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ({"sources": ["fd00::/8"]}, "fd00::/8 is IPv6"),
            ({"sources": ["10.0.0.1/8"]}, "has host bits set"),
            ({"sources": ["nas.example.lan"]}, "nas.example.lan"),
            ({"ports": [70000]}, "70000 is no port"),
            ({"protocol": "any"}, "ports need the protocol"),
        ],
    )
    def test_what_dsm_can_not_hold_is_refused(self, change: dict[str, Any], said: str) -> None:
        with pytest.raises(rules.BadRule, match=said):
            made({**WEB, **change})


class TestOrder:
    """Ours in their places, others' untouched."""

    def test_ours_come_after_blocked_sources_and_before_the_first_denial_for_everyone(self) -> None:
        listed = [
            other("block", 1, "198.51.100.66"),
            other("smb", 0, "10.0.0.0/8", 445),
            other("telnet", 1, "any", 23),
            other("late"),
        ]  # fmt: skip - a list of rules, one look
        found = order.arrange(listed, *made(WEB), PREFIX, {})

        assert [rule["name"] for rule in found] == [
            "block",
            "smb",
            "kbju web",
            "telnet",
            "late",
            "kbju everything else",
        ]  # fmt: skip - a list of rules, one look

    def test_a_block_keeps_its_force_though_it_comes_after_a_denial_of_something_else_for_everyone(self) -> None:
        """Containers have all ports: they come before the denial, and the block is not about their addresses."""
        telnet, block = other("telnet", 1, "any", 23), other("block", 1, "198.51.100.66")

        for listed in ([telnet, block], [block, telnet]):
            found = order.arrange(listed, *made(WEB, BOX), PREFIX, {})
            standing = [rule["name"] for rule in found]

            assert standing.index("block") < standing.index("kbju web")
            assert standing.index("kbju boxes") < standing.index("telnet")
            assert rules.verdict(profile(*found), "198.51.100.66", 8443, None)[0] is False
            assert rules.verdict(profile(*found), "203.0.113.9", 8443, None)[0] is True

    def test_a_block_after_a_denial_of_everything_is_refused(self) -> None:
        """Nobody reaches anything there; with ours before the denial, what is blocked after it would."""
        listed = [other("nobody", 1), other("block", 1, "198.51.100.66")]

        with pytest.raises(rules.BadRule, match=r'kbju web.*would end what .*66.* block" blocks.*before .*nobody'):
            order.arrange(listed, *made(WEB), PREFIX, {})

    @pytest.mark.parametrize(
        ("late", "after"),
        [
            (other("late", 1, "198.51.100.66", 8443), True),
            (other("late", 1, "198.51.100.66", 22), False),
            (other("late", 1, "198.51.100.66", 8443, protocol=2), False),
            (other("late", 1, "198.51.100.66", 8443, chainList=["FORWARD_FIREWALL"]), True),
            (other("late", 1, "198.51.100.66", enable=False), False),
            (other("late", 1, portList=["8000-9000"], portGroup=1, ipGroup=0, ipList=["198.51.100.66"]), True),
            (other("late", 1, ipGroup=3, ipList=["CN"]), True),
            (other("late", 1, "198.51.100.66", portGroup=2, portList=["dms"]), True),
            (other("late", 0, "198.51.100.66"), False),
        ],
    )
    def test_ours_come_after_what_blocks_some_of_the_same(self, late: dict[str, Any], after: bool) -> None:
        found = order.arrange([other("telnet", 1, "any", 23), late], *made(WEB), PREFIX, {})

        standing = [rule["name"] for rule in found]
        assert (standing.index("late") < standing.index("kbju web")) is after

    def test_no_country_blocks_the_lan(self) -> None:
        found = order.arrange([other("nobody", 1), other("geo", 1, ipGroup=3, ipList=["CN"])], *made(LAN), PREFIX, {})

        assert [rule["name"] for rule in found][:2] == ["kbju admin 1", "kbju admin 2"]

    def test_a_denial_that_is_off_does_not_count(self) -> None:
        found = order.arrange([other("off", 1, enable=False), other("smb")], *made(WEB, rest=False), PREFIX, {})

        assert [rule["name"] for rule in found] == ["off", "smb", "kbju web"]

    def test_our_rules_are_known_though_dsm_dropped_their_names(self) -> None:
        first = order.arrange([other("")], *made(WEB, LAN), PREFIX, {})
        noted = order.note_of(first, PREFIX, {})
        nameless = [{**rule, "name": ""} for rule in first]

        assert order.arrange(nameless, *made(WEB, LAN), PREFIX, noted) == nameless
        assert order.split(nameless, PREFIX, noted)[1] == [nameless[0]]

    @pytest.mark.parametrize("dropped", [False, True])
    def test_an_unnamed_rule_of_others_that_does_what_ours_does_stays_theirs(self, dropped: bool) -> None:
        theirs = [other("", 0, "192.168.0.0/16"), other("", 1, mine="operator")]
        first = order.arrange(theirs, *made(WEB), PREFIX, {})
        noted = order.note_of(first, PREFIX, {})
        there = [{**rule, "name": ""} for rule in first] if dropped else first

        assert order.arrange(there, *made(WEB), PREFIX, noted) == there
        assert order.split(there, PREFIX, noted)[1] == theirs

    def test_what_others_add_later_is_theirs_while_our_names_are_there(self) -> None:
        first = order.arrange([], *made(WEB), PREFIX, {})
        added = other("", 1)

        assert order.split([added, *first], PREFIX, order.note_of(first, PREFIX, {})) == (first, [added])

    def test_dropped_names_come_back_with_a_change(self) -> None:
        """Otherwise those that kept none would be taken for others' beside the one that has one."""
        first = order.arrange([], *made(WEB, LAN), PREFIX, {})
        noted = order.note_of(first, PREFIX, {})
        nameless = [{**rule, "name": ""} for rule in first]

        second = order.arrange(nameless, *made({**WEB, "ports": [9443]}, LAN), PREFIX, noted)

        assert [rule["name"] for rule in second] == [rule["name"] for rule in first]

    def test_what_dsm_adds_to_a_rule_of_ours_is_kept(self) -> None:
        first = [{**rule, "addedByDsm": True} for rule in order.arrange([], *made(WEB), PREFIX, {})]

        assert order.arrange(first, *made(WEB), PREFIX, {}) == first

    def test_a_changed_rule_is_replaced(self) -> None:
        first = order.arrange([other("x")], *made(WEB), PREFIX, {})
        second = order.arrange(first, *made({**WEB, "ports": [9443]}), PREFIX, {})

        assert [rule["portList"] for rule in second if rule["name"] == "kbju web"] == [["9443"]]


addresses = st.sampled_from(["any", "10.1.2.3", "10.0.0.0/8", "192.168.1.0/24", "198.51.100.0/24"])
some_rules = st.lists(
    st.builds(
        other,
        st.sampled_from(["", "a", "b"]),
        st.sampled_from([0, 1]),
        addresses,
        st.sampled_from([0, 22, 23, 8443]),
        enable=st.booleans(),
        chainList=st.sampled_from([["INPUT_FIREWALL"], ["FORWARD_FIREWALL"], ["FORWARD_FIREWALL", "INPUT_FIREWALL"]]),
    ),
    max_size=6,
)
policies = st.dictionaries(st.sampled_from(["global", "eth0", "eth1"]), st.sampled_from([0, 1, 2]))


def arranged(listed: list[Any], *wanted: dict[str, Any], rest: bool = True) -> list[Any]:
    """Return a list with our rules, unless that is refused."""
    try:
        return list(order.arrange(listed, *made(*wanted, rest=rest), PREFIX, {}))
    except rules.BadRule:
        reject()


class TestAlways:
    """Whatever somebody has in the profile."""

    @given(some_rules, st.booleans())
    def test_others_keep_their_rules_and_order_and_a_second_run_changes_nothing(
        self, listed: list[Any], rest: bool
    ) -> None:
        found = arranged(listed, WEB, LAN, BOX, rest=rest)

        assert [rule for rule in found if not rule["name"].startswith(PREFIX)] == listed
        assert order.arrange(found, *made(WEB, LAN, BOX, rest=rest), PREFIX, {}) == found

    @given(
        some_rules, some_rules, policies, st.booleans(), st.sampled_from(["10.1.2.3", "198.51.100.7", "203.0.113.9"])
    )
    def test_what_is_accepted_lets_the_session_in(
        self, listed: list[Any], single: list[Any], policy: dict[str, int], ours: bool, source: str
    ) -> None:
        """The stand-in's rules are the judge. What is refused may pass: the module must be sure."""
        everyone = arranged(listed, WEB, LAN) if ours else listed
        found = {"name": "default", "policy": policy, "rules": {"global": everyone, "eth0": single}}

        accepted, _ = rules.verdict(found, source, 22, "eth0")
        passes, why = live.verdict(live.chains(listing(found)), source, 22, "eth0")

        assert passes or not accepted, why

    @given(some_rules)
    def test_the_stand_in_makes_of_our_rules_what_is_expected(self, listed: list[Any]) -> None:
        everyone = arranged(listed, WEB, LAN, BOX)
        ours = [rule for rule in everyone if rule["name"].startswith(PREFIX)]

        assert live.missing(ours, live.chains(listing(profile(*everyone)))) == []


@pytest.mark.parametrize(
    ("listed", "policy", "allowed", "why"),
    [
        ([other("lan", 0, "10.0.0.0/8", 22)], {}, True, '"lan" allows it'),
        ([other("lan", 0, "192.168.0.0/16", 22), other("rest", 1)], {}, False, '"rest" denies it'),
        ([other("lan", 0, "10.0.0.0/8", 443)], {}, False, "deny or unknown"),
        ([], {"eth0": 0}, True, "allow"),
        ([], {"global": 0, "eth0": 1}, False, "deny or unknown"),
        ([other("off", 0, "any", 22, enable=False)], {}, False, "deny or unknown"),
        ([other("forward", 0, "any", 22, chainList=["FORWARD_FIREWALL"])], {}, False, "deny or unknown"),
        ([other("udp", 0, "any", 22, protocol=2)], {}, False, "deny or unknown"),
        ([other("range", 0, "any", 22, portList=["20-25"])], {}, True, '"range" allows it'),
        ([other("from-to", 0, ipGroup=4, ipList=["10.1.0.0", "10.1.9.9"])], {}, True, '"from-to" allows it'),
        # What can't be judged: countries, services, numbers of a later DSM.
        ([other("geo", 1, ipGroup=3, ipList=["CN"]), other("all")], {}, True, '"all" allows it'),
        ([other("smb", 1, portGroup=2, portList=["smb"]), other("all")], {}, False, '"smb" may deny it'),
        ([other("ssh", 0, portGroup=2, portList=["ssh"])], {}, False, "deny or unknown"),
        ([other("new", 1, ipGroup=9, ipList=["?"]), other("all")], {}, False, '"new" may deny it'),
        ([other("new", 1, protocol=8), other("all")], {}, False, '"new" may deny it'),
    ],
)
def test_verdicts(listed: list[Any], policy: dict[str, int], allowed: bool, why: str) -> None:
    found = rules.verdict(profile(*listed, policy=policy), "10.1.2.3", 22, "eth0")

    assert found[0] is allowed
    assert why in found[1]


def test_a_country_may_deny_a_public_address() -> None:
    listed = [other("geo", 1, ipGroup=3, ipList=["CN"]), other("all")]

    assert rules.verdict(profile(*listed), "8.8.8.8", 22, "eth0") == (False, 'the rule "geo" may deny it')


def test_an_unknown_interface_must_pass_the_rules_of_every_interface() -> None:
    found = {"rules": {"global": [], "eth0": [other("ssh", 0, "any", 22)], "eth1": [other("rest", 1)]}}

    assert rules.verdict(found, "10.1.2.3", 22, None)[0] is False
    assert rules.verdict(found, "10.1.2.3", 22, "eth0")[0] is True


def test_a_session_over_ipv6_passes_rules_for_anyone_alone() -> None:
    assert rules.verdict(profile(other("lan", 0, "10.0.0.0/8")), "fd00::5", 22, "eth0")[0] is False
    assert rules.verdict(profile(other("all")), "fd00::5", 22, "eth0")[0] is True


# As DSM 7.3.2 was seen to print it, with another family's bridge and a policy of an interface at the end.
DSM_7_3 = """-P INPUT ACCEPT
-P FORWARD ACCEPT
-N FORWARD_FIREWALL
-N INPUT_FIREWALL
-A INPUT -j INPUT_FIREWALL
-A FORWARD -j FORWARD_FIREWALL
-A FORWARD_FIREWALL -s 172.28.0.0/16 -j RETURN
-A FORWARD_FIREWALL -j DROP
-A INPUT_FIREWALL -i lo -j ACCEPT
-A INPUT_FIREWALL -m state --state RELATED,ESTABLISHED -j ACCEPT
-A INPUT_FIREWALL -p tcp -m multiport --dports 5000,5001,6690 -j RETURN
-A INPUT_FIREWALL -s 10.0.0.0/255.0.0.0 -p tcp -m tcp --dport 22 -j RETURN
-A INPUT_FIREWALL -m geoip --source-country CN -j DROP
-A INPUT_FIREWALL ! -s 192.168.0.0/16 -p tcp -j RETURN
-A INPUT_FIREWALL -i ovs_eth0 -j RETURN
"""


@pytest.mark.parametrize(
    ("source", "port", "interface", "passes"),
    [
        ("10.1.2.3", 22, "eth0", True),
        ("203.0.113.9", 5001, "eth0", True),
        # May be of the country; and what "! -s" means is not judged.
        ("203.0.113.9", 22, "ovs_eth0", False),
    ],
)
def test_live_rules_are_judged_as_the_kernel_would(source: str, port: int, interface: str, passes: bool) -> None:
    assert live.verdict(live.chains(DSM_7_3), source, port, interface)[0] is passes


@pytest.mark.parametrize(("match", "passes"), [("-s 192.168.0.0/16", True), ("! -s 192.168.0.0/16", False)])
def test_a_negated_match_is_not_taken_for_its_opposite(match: str, passes: bool) -> None:
    listed = f"-A INPUT -j INPUT_FIREWALL\n-A INPUT_FIREWALL {match} -j DROP\n-A INPUT_FIREWALL -j RETURN\n"

    assert live.verdict(live.chains(listed), "10.1.2.3", 22, "eth0")[0] is passes


def test_netmasks_and_single_ports_are_recognised() -> None:
    lan, _ = made({**LAN, "sources": ["10.0.0.0/8"]})

    assert live.missing(lan, live.chains(DSM_7_3)) == []
    assert live.missing([{**lan[0], "portList": ["23"]}], live.chains(DSM_7_3)) == [
        "allow tcp 23 from 10.0.0.0/8 in INPUT_FIREWALL of kbju admin"
    ]


def test_a_chain_that_nothing_jumps_to_is_not_in_force() -> None:
    lan, _ = made({**LAN, "sources": ["10.0.0.0/8"]})

    assert len(live.missing(lan, live.chains(DSM_7_3.replace("-A INPUT -j INPUT_FIREWALL\n", "")))) == 1


def test_descriptions_can_be_read() -> None:
    allow, (rest,) = made(LAN)

    assert rules.describe(allow[0]) == "allow TCP port 22 from 10.0.0.0/8 [input] kbju admin 1"
    assert rules.describe(rest) == "deny everything from anyone [forward input] kbju everything else"
    assert ipaddress.ip_network("10.0.0.0/8") in rules.networks(allow[0])
