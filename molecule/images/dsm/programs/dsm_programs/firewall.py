"""From a firewall profile to iptables rules. Pure: nothing is read or changed here.

Source: dsm-facts "Firewall": chains, RETURN for allow, chainList, policy, ipList, portList, protocol (medium-high).
From published dumps of DSM 7 (medium): every chain starts with loopback and established connections, both accepted;
the rules of "global" come before those of an adapter; the adapter's policy ends its part, 1 denying and 0 allowing.
The numbers of protocol, ipGroup, portGroup and policy are those of Synology's own header synofirewall/fwDB.hpp
(medium: it is of DSM 6; rules that others wrote into files of DSM 7 agree). An enabled profile without rules denies
everything (medium).
"""

from __future__ import annotations

import ipaddress
from typing import Any

from dsm_programs import common

CHAINS = {"INPUT_FIREWALL": "INPUT", "FORWARD_FIREWALL": "FORWARD"}
# 3 is TCP and UDP, and everything else as well where no port is named.
PROTOCOLS: dict[int, list[str]] = {1: ["tcp"], 2: ["udp"], 3: [], 4: ["icmp"]}
TARGETS = {0: "RETURN", 1: "DROP"}
# iptables takes at most 15 ports in one multiport match, a range counting twice.
PORTS_A_RULE = 15
IP_NETMASK, IP_GEOIP, IP_RANGE, IP_ALL = 1, 3, 4, 5
PORT_SERVICES = {0, 2}
# The few services of DSM that a profile made in Control Panel names most.
SERVICES = {"ssh": ["22"], "dms": ["5000"], "dms_https": ["5001"], "http": ["80"], "https": ["443"]}


def _bad(rule: dict[str, Any], what: str) -> common.Refused:
    return common.Refused(f"synofirewall: rule {rule.get('name') or rule.get('ruleIndex', '?')}: {what}", 1)


def _sources(rule: dict[str, Any]) -> list[list[str]]:
    listed = [str(item) for item in rule.get("ipList", [])]
    group = rule.get("ipGroup", 0 if listed else IP_ALL)
    if group == IP_ALL:
        return [[]]
    if group == IP_GEOIP:
        raise _bad(rule, "geographic rules are not supported")
    if group in {IP_NETMASK, IP_RANGE} and len(listed) != 2:
        raise _bad(rule, f"{listed} is no pair")
    if group == IP_RANGE:
        return [["-m", "iprange", "--src-range", "-".join(listed)]]
    if group == IP_NETMASK:
        listed = ["/".join(listed)]
    sources = []
    for item in listed:
        try:
            network = ipaddress.ip_network(item, strict=False)
        except ValueError:
            raise _bad(rule, f"{item} is no address") from None
        if network.version == 4:
            sources.append(["-s", str(network)])
    return sources


def _ports(rule: dict[str, Any]) -> list[str]:
    ports = []
    listed = rule.get("portList", [])
    if rule.get("portGroup") in PORT_SERVICES:
        unknown = [name for name in listed if name not in SERVICES]
        if unknown:
            raise _bad(rule, f"service {unknown[0]} is not known")
        listed = [port for name in listed for port in SERVICES[name]]
    for item in listed:
        text = str(item).replace("-", ":")
        bounds = text.split(":")
        if len(bounds) > 2 or not all(b.isdigit() and 0 < int(b) < 65536 for b in bounds):
            raise _bad(rule, f"{item} is no port")
        ports.append(text)
    if sum(1 + port.count(":") for port in ports) > PORTS_A_RULE:
        raise _bad(rule, f"more than {PORTS_A_RULE} ports")
    return ports


def _matches(rule: dict[str, Any]) -> list[list[str]]:
    if rule.get("protocol", 3) not in PROTOCOLS:
        raise _bad(rule, f"protocol {rule['protocol']} is not known")
    ports, protocols = _ports(rule), PROTOCOLS[rule.get("protocol", 3)]
    if ports:
        protocols = protocols or ["tcp", "udp"]
        return [["-p", p, "-m", "multiport", "--dports", ",".join(ports)] for p in protocols]
    return [["-p", p] for p in protocols] or [[]]


def _rule(rule: dict[str, Any], chain: str, adapter: list[str]) -> list[list[str]]:
    if not isinstance(rule, dict):
        raise common.Refused("synofirewall: a rule is no object", 1)
    if not rule.get("enable", True) or chain not in rule.get("chainList", list(CHAINS)):
        return []
    if rule.get("policy") not in TARGETS:
        raise _bad(rule, f"policy {rule.get('policy')} is not known")
    target = ["-j", TARGETS[rule["policy"]]]
    return [adapter + source + match + target for source in _sources(rule) for match in _matches(rule)]


def chain_rules(profile: dict[str, Any], chain: str) -> list[list[str]]:
    """Give the rules of one chain, in order, as arguments of "iptables -A CHAIN"."""
    rules = profile.get("rules", {})
    if not isinstance(rules, dict):
        raise common.Refused('synofirewall: "rules" is no object of adapters', 1)
    policy = profile.get("policy", {})
    lines = [["-i", "lo", "-j", "ACCEPT"], ["-m", "state", "--state", "RELATED,ESTABLISHED", "-j", "ACCEPT"]]
    own = 0
    for adapter in sorted({*rules, *policy}, key=lambda name: (name != "global", name)):
        where = [] if adapter == "global" else ["-i", adapter]
        for rule in rules.get(adapter, []):
            made = _rule(rule, chain, where)
            own += len(made)
            lines += made
        if policy.get(adapter) in TARGETS:
            lines.append([*where, "-j", TARGETS[policy[adapter]]])
    if not own and lines[-1] != ["-j", "DROP"]:
        lines.append(["-j", "DROP"])
    return lines
