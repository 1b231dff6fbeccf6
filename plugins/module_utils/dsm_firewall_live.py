"""What the kernel does: the iptables rules that DSM made of a profile, compared with what was meant.

How a profile is written is only partly known. Therefore nothing is believed that does not stand here afterwards.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import ipaddress
import shlex
from typing import Any, NamedTuple

from ansible.module_utils.dsm_firewall_rules import ALLOW, ANY, CHAINS, TCP, UDP, Rule, networks, port_ranges

TARGETS = {"RETURN": "allow", "ACCEPT": "allow", "DROP": "deny", "REJECT": "deny"}


class Line(NamedTuple):
    """One rule of a chain; `other` holds what it wants besides, which can't be judged."""

    verdict: str
    source: str
    protocol: str
    ports: tuple[tuple[int, int], ...]
    interface: str
    other: tuple[str, ...]


def chains(listing: str) -> dict[str, list[Line]]:
    """Return the firewall's chains from the output of "iptables -S"; a chain that nothing jumps to is left out.

    The whole table is listed, because DSM's iptables refuses to list a built-in chain alone.
    """
    lines = [shlex.split(line) for line in listing.splitlines()]
    found = {}
    for chain in CHAINS.values():
        if ["-A", chain.replace("_FIREWALL", ""), "-j", chain] in lines:
            found[chain] = [_line(words[2:]) for words in lines if words[:2] == ["-A", chain]]
    return found


def _line(words: list[str]) -> Line:
    known = {"-j": "", "-s": "", "-p": "", "-i": "", "--dports": "", "--dport": ""}
    other = []
    at = 0
    while at < len(words):
        if words[at] in known and at + 1 < len(words) and words[at - 1 : at] != ["!"]:
            known[words[at]] = words[at + 1]
            at += 2
        elif words[at] == "-m" and words[at + 1 : at + 2] and words[at + 1] in ("multiport", "tcp", "udp"):
            at += 2
        else:
            other.append(words[at])
            at += 1
    ports = []
    for item in filter(None, (known["--dports"] or known["--dport"]).split(",")):
        first, _, last = item.partition(":")
        ports.append((int(first), int(last or first)))
    source = str(ipaddress.ip_network(known["-s"])) if known["-s"] else ""
    return Line(
        TARGETS.get(known["-j"], "unknown"), source, known["-p"], tuple(sorted(ports)), known["-i"], tuple(other)
    )


def expected(rule: Rule) -> list[tuple[str, Line]]:
    """Return chain and line of everything that DSM should make of a rule, IPv4 only."""
    ports = tuple(sorted(port_ranges(rule) or []))
    protocols = {TCP: ["tcp"], UDP: ["udp"], ANY: ["tcp", "udp"] if ports else [""]}[rule["protocol"]]
    verdict = "allow" if rule["policy"] == ALLOW else "deny"
    sources = ["" if net.prefixlen == 0 else str(net) for net in networks(rule) or [] if net.version == 4]
    return [
        (chain, Line(verdict, source, protocol, ports, "", ()))
        for chain in rule["chainList"]
        for source in sources
        for protocol in protocols
    ]


def missing(ours: list[Rule], live: dict[str, list[Line]]) -> list[str]:
    """Return what our rules mean and the kernel does not have, one sentence each."""
    absent = []
    for rule in ours:
        for chain, line in expected(rule):
            if line not in live.get(chain, []):
                absent.append("{} in {} of {}".format(_said(line), chain, rule.get("name")))
    return absent


def _said(line: Line) -> str:
    ports = ",".join(str(first) if first == last else f"{first}:{last}" for first, last in line.ports)
    return " ".join(filter(None, [line.verdict, line.protocol, ports, f"from {line.source}" if line.source else ""]))


def verdict(live: dict[str, list[Line]], source: str, port: int, interface: str | None) -> tuple[bool, str]:
    """Tell whether a new TCP connection from an IPv4 address to a port of the NAS passes, and what decides."""
    address: Any = ipaddress.ip_address(source)
    if CHAINS["input"] not in live:
        return True, "no firewall is in force"
    for line in live[CHAINS["input"]]:
        if line.interface and interface is not None and line.interface != interface:
            continue
        if line.source and address not in ipaddress.ip_network(line.source):
            continue
        if line.protocol not in ("", "tcp", "all"):
            continue
        if line.ports and not any(first <= port <= last for first, last in line.ports):
            continue
        sure = not line.other and (not line.interface or line.interface == interface)
        if line.verdict == "allow" and sure:
            return True, _said(line)
        if line.verdict == "deny":
            return False, _said(line)
    return True, "no rule is about it"
