"""Rules of DSM's firewall profiles: how they are written and judged. Pure: nothing is read or changed.

The numbers are those of Synology's header synofirewall/fwDB.hpp. They were never seen on a DS925+: whoever applies a
profile compares the iptables rules that DSM made of it (dsm_firewall_live) with what is meant here.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import ipaddress
from typing import Any, Dict

Rule = Dict[str, Any]

CHAINS = {"input": "INPUT_FIREWALL", "forward": "FORWARD_FIREWALL"}
ALLOW, DENY = 0, 1
TCP, UDP, ANY = 1, 2, 3
PROTOCOLS = {"tcp": TCP, "udp": UDP, "any": ANY}
IP_SINGLE, IP_NETMASK, IP_SET, IP_GEOIP, IP_RANGE, IP_ALL = range(6)
IPV4_ONLY, ANY_FAMILY = 0, 2
PORT_CUSTOM, PORT_ALL = 1, 3
GLOBAL = "global"


class BadRule(ValueError):
    """A wanted rule that DSM can't hold; the text says which and why."""


def encode(wanted: dict[str, Any], policy: int, source: str) -> Rule:
    """Return a rule as a profile holds it, for one source: "any", an IPv4 address or an IPv4 network.

    `wanted` has name, chains, protocol and ports, as the module's option has them.
    """
    name, ports = wanted["name"], wanted["ports"]
    if source == "any":
        group, listed, family = IP_ALL, [], ANY_FAMILY
    else:
        try:
            network = ipaddress.ip_network(source)
        except ValueError as error:
            raise BadRule(f"{name}: {error}") from None
        if network.version != 4:
            raise BadRule(
                f"{name}: {source} is IPv6; DSM keeps networks with IPv4 netmasks. Name IPv4 networks, or any"
            )
        family = IPV4_ONLY
        if network.prefixlen == 32:
            group, listed = IP_SINGLE, [str(network.network_address)]
        else:
            group, listed = IP_NETMASK, [str(network.network_address), str(network.netmask)]
    return {
        "adapterDirect": 1,
        "blLog": False,
        "chainList": sorted(CHAINS[chain] for chain in wanted["chains"]),
        "enable": True,
        "ipDirect": 1,
        "ipGroup": group,
        "ipList": listed,
        "ipType": family,
        "labelList": [],
        "name": name,
        "policy": policy,
        "portDirect": 0,
        "portGroup": PORT_CUSTOM if ports else PORT_ALL,
        "portList": [str(port) for port in sorted(set(ports))],
        "protocol": PROTOCOLS[wanted["protocol"]],
        "table": "filter",
    }


def encode_all(wanted: list[dict[str, Any]], prefix: str, deny_rest: bool) -> tuple[list[Rule], list[Rule]]:
    """Return the rules that allow, one for each source, and the rule that denies the rest, if it is wanted."""
    allow = []
    for rule in wanted:
        for port in rule["ports"]:
            if not 0 < port < 65536:
                raise BadRule("{}: {} is no port".format(rule["name"], port))
        if rule["ports"] and rule["protocol"] == "any":
            raise BadRule("{}: ports need the protocol tcp or udp".format(rule["name"]))
        for number, source in enumerate(rule["sources"], 1):
            name = prefix + rule["name"] + (f" {number}" if len(rule["sources"]) > 1 else "")
            allow.append(encode(dict(rule, name=name), ALLOW, source))
    everything = {"name": prefix + "everything else", "chains": list(CHAINS), "protocol": "any", "ports": []}
    return allow, [encode(everything, DENY, "any")] if deny_rest else []


def meaning(rule: Rule) -> list[Any]:
    """Return what a rule does, without its name, its number and whatever else DSM may add; can be kept as JSON."""
    return [
        bool(rule.get("enable", True)),
        rule.get("policy"),
        rule.get("protocol", ANY),
        rule.get("portGroup"),
        [str(port) for port in rule.get("portList") or []],
        rule.get("ipGroup"),
        [str(item) for item in rule.get("ipList") or []],
        sorted(rule.get("chainList") or CHAINS.values()),
    ]


def denies(rule: Rule) -> bool:
    """Tell whether a rule denies something. A policy that is not known does."""
    return bool(rule.get("enable", True)) and rule.get("policy") != ALLOW


def denies_everyone(rule: Rule) -> bool:
    """Tell whether a rule denies something to all sources."""
    return denies(rule) and rule.get("ipGroup") == IP_ALL


def networks(rule: Rule) -> list[Any] | None:
    """Return the sources of a rule as networks; None where they can't be known, like countries."""
    listed = [str(item) for item in rule.get("ipList") or []]
    group = rule.get("ipGroup")
    try:
        if group == IP_ALL:
            return [ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0")]
        if group == IP_NETMASK:
            return [ipaddress.ip_network("/".join(listed), strict=False)]
        if group == IP_RANGE:
            first, last = (ipaddress.ip_address(item) for item in listed)
            return list(ipaddress.summarize_address_range(first, last))
        if group in (IP_SINGLE, IP_SET):
            return [ipaddress.ip_network(item, strict=False) for item in listed]
    except (ValueError, TypeError):
        pass
    return None


def port_ranges(rule: Rule) -> list[tuple[int, int]] | None:
    """Return the ports of a rule as ranges, [] for all ports; None where they can't be known, as with services."""
    if rule.get("portGroup") == PORT_ALL:
        return []
    found = []
    for item in rule.get("portList") or []:
        first, _, last = str(item).replace(":", "-").partition("-")
        if not first.isdigit() or not (last or first).isdigit():
            return None
        found.append((int(first), int(last or first)))
    return found or None


def _covers(rule: Rule, address: Any, port: int) -> bool | None:
    """Tell whether a rule is about TCP from an address to a port; None where that can't be known."""
    protocol, sources, ports = rule.get("protocol", ANY), networks(rule), port_ranges(rule)
    if protocol not in (TCP, UDP, ANY, 4):
        return None
    if protocol not in (TCP, ANY):
        return False
    if rule.get("ipGroup") == IP_GEOIP and address.is_private:
        return False
    from_it = None if sources is None else any(address in network for network in sources)
    to_it = None if ports is None else not ports or any(first <= port <= last for first, last in ports)
    if from_it is False or to_it is False:
        return False
    return None if from_it is None or to_it is None else True


def verdict(profile: dict[str, Any], source: str, port: int, interface: str | None) -> tuple[bool, str]:
    """Tell whether a profile surely lets TCP from `source` in to `port`, and which rule decides.

    What can't be judged counts against: a rule that may deny does, one that may allow does not. Without an interface,
    the rules and policies of every interface must agree.
    """
    address = ipaddress.ip_address(source)
    rules = profile.get("rules") or {}
    policy = profile.get("policy") or profile.get("adapterPolicyMap") or {}
    adapters = sorted(set(rules) | set(policy) - {GLOBAL}) if interface is None else [interface]
    said = (False, "no rule allows it, and nothing says what happens to the rest")
    for adapter in [name for name in adapters if name != GLOBAL] or [""]:
        said = _through(rules.get(GLOBAL) or [], address, port)
        if not said[1] and policy.get(GLOBAL) == DENY:
            said = (False, "no rule for all interfaces is about it, and their policy is deny")
        if not said[1]:
            said = _through(rules.get(adapter) or [], address, port)
        if not said[1]:
            allowed = policy.get(adapter) == ALLOW
            said = (
                allowed,
                "no rule is about it, and the policy of {} is {}".format(
                    adapter or "the interface", "allow" if allowed else "deny or unknown"
                ),
            )
        if not said[0]:
            break
    return said


def _through(rules: list[Rule], address: Any, port: int) -> tuple[bool, str]:
    for rule in rules:
        if not rule.get("enable", True) or CHAINS["input"] not in (rule.get("chainList") or CHAINS.values()):
            continue
        covers = _covers(rule, address, port)
        if rule.get("policy") == ALLOW and covers:
            return True, 'the rule "{}" allows it'.format(rule.get("name", ""))
        if rule.get("policy") != ALLOW and covers is not False:
            return False, 'the rule "{}" {}'.format(rule.get("name", ""), "denies it" if covers else "may deny it")
    return False, ""


def describe(rule: Rule) -> str:
    """Return a rule as a person would say it, for diffs."""
    found, ports = networks(rule), port_ranges(rule)
    everyone = rule.get("ipGroup") == IP_ALL
    sources = "anyone" if everyone else ", ".join(map(str, rule.get("ipList") or [] if found is None else found))
    listed = "" if ports == [] else " port " + ",".join(str(item) for item in rule.get("portList") or [])
    protocol = {TCP: "TCP", UDP: "UDP", ANY: "everything" if ports == [] else "TCP and UDP", 4: "ICMP"}
    return "{}{} {}{} from {} [{}] {}".format(
        "" if rule.get("enable", True) else "(off) ",
        "allow" if rule.get("policy") == ALLOW else "deny",
        protocol.get(rule.get("protocol", ANY), "protocol {}".format(rule.get("protocol"))),
        listed,
        sources,
        " ".join(chain.split("_")[0].lower() for chain in meaning(rule)[7]),
        rule.get("name") or "(no name)",
    )
