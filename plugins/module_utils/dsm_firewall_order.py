"""Our rules among those of others in a list of DSM's firewall: which are ours, and where they stand. Pure."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

from typing import Any

from ansible.module_utils.dsm_firewall_rules import (
    ANY,
    CHAINS,
    GLOBAL,
    IP_GEOIP,
    TCP,
    UDP,
    BadRule,
    Rule,
    denies,
    denies_everyone,
    describe,
    meaning,
    networks,
    port_ranges,
)


def split(current: list[Rule], prefix: str, noted: dict[str, Any]) -> tuple[list[Rule], list[Rule]]:
    """Return our rules of a list and everybody else's, both in order.

    Ours are known by their names. Should DSM have dropped all of these, by what they do: `noted` has "rules", what ours
    mean, and "theirs", what unnamed rules of others meant that do the same and were there when ours were written.
    """
    nameless = not any(str(rule.get("name") or "").startswith(prefix) for rule in current)
    theirs = list(noted.get("theirs", []))
    ours: list[Rule] = []
    others: list[Rule] = []
    for rule in current:
        name, means = str(rule.get("name") or ""), meaning(rule)
        mine = name.startswith(prefix) or (nameless and not name and means in noted.get("rules", []))
        if mine and not name and means in theirs:
            theirs.remove(means)
            mine = False
        (ours if mine else others).append(rule)
    return ours, others


def note_of(current: list[Rule], prefix: str, noted: dict[str, Any]) -> dict[str, Any]:
    """Return what to note of a list with our rules, for `split`."""
    ours, others = split(current, prefix, noted)
    rules = [meaning(rule) for rule in ours]
    return {"rules": rules, "theirs": [meaning(one) for one in others if not one.get("name") and meaning(one) in rules]}


def arrange(current: list[Rule], allow: list[Rule], rest: list[Rule], prefix: str, noted: dict[str, Any]) -> list[Rule]:
    """Return the list with our rules in their places and everybody else's untouched and in order.

    What we allow comes after the rules that block particular sources of it, so that those keep their force, and where
    that can be before the first rule that denies something to everyone. What denies the rest comes last.

    A rule of ours that is there already is kept as DSM has it; its name, should DSM have dropped it, comes back with
    the next rule that is new.

    Raises:
        BadRule: ours would have to come after a rule that blocks some, and before that after one that denies everyone.
    """
    there, others = split(current, prefix, noted)
    highest = max([-1] + [rule["ruleIndex"] for rule in current if isinstance(rule.get("ruleIndex"), int)])

    def found(wanted: Rule) -> Rule | None:
        for rule in there:
            if meaning(rule) == meaning(wanted) and (rule.get("name") or wanted["name"]) == wanted["name"]:
                return rule
        return None

    complete = all(found(wanted) for wanted in allow + rest)

    def placed(wanted: Rule) -> Rule:
        nonlocal highest
        rule = found(wanted)
        if rule:
            # Ours have names all or none: `split` goes by that.
            return rule if complete else dict(rule, name=wanted["name"])
        highest += 1
        return dict(wanted, ruleIndex=highest)

    places = [place_for(rule, others) for rule in allow]
    made = []
    for place in range(len(others) + 1):
        made += [placed(rule) for at, rule in zip(places, allow) if at == place] + others[place : place + 1]
    return made + [placed(rule) for rule in rest]


def place_for(allow: Rule, others: list[Rule]) -> int:
    """Return how many of the others' rules come before one of ours that allows; raise BadRule as `arrange` does."""
    everyone = [place for place, rule in enumerate(others) if denies_everyone(rule)]
    blocks = [
        place for place, rule in enumerate(others) if denies(rule) and place not in everyone and overlap(rule, allow)
    ]
    first = next((place for place in everyone if overlap(others[place], allow)), len(others))
    if blocks and blocks[-1] > first:
        raise BadRule(
            "refused, nothing was changed: the rule {} would end what {} blocks, because it must come before {}. Move "
            "that block to the top in Control Panel > Security > Firewall, or remove it".format(
                *(f'"{describe(rule)}"' for rule in (allow, others[blocks[-1]], others[first]))
            )
        )
    return max([min([*everyone, len(others)])] + [place + 1 for place in blocks])


def refuse_single(rules: dict[str, list[Rule]], allow: list[Rule]) -> None:
    """Raise BadRule where a single interface denies what we would allow on all of them, whose rules are asked first."""
    for adapter in sorted(set(rules) - {GLOBAL}):
        for denial in filter(denies, rules[adapter]):
            for ours in allow:
                if overlap(denial, ours):
                    raise BadRule(
                        f'refused, nothing was changed: the rule "{describe(denial)}" is about {adapter} alone, and '
                        f'our "{describe(ours)}" for all interfaces would be asked before it. '
                        "Make it a rule for all interfaces that names its sources, or remove it, in Control Panel > "
                        "Security > Firewall"
                    )


def overlap(one: Rule, other: Rule) -> bool:
    """Tell whether a packet may be there that both rules are about. What can't be judged may."""
    both = [set(rule.get("chainList") or CHAINS.values()) for rule in (one, other)]
    protocols = [rule.get("protocol", ANY) for rule in (one, other)]
    if not both[0] & both[1] or sorted(map(str, protocols)) == [str(TCP), str(UDP)]:
        return False
    ports = [port_ranges(rule) for rule in (one, other)]
    if ports[0] and ports[1] and not any(a <= d and c <= b for a, b in ports[0] for c, d in ports[1]):
        return False
    sources = [networks(rule) for rule in (one, other)]
    for rule, known in ((one, sources[1]), (other, sources[0])):
        # No country has private addresses.
        if rule.get("ipGroup") == IP_GEOIP and known and all(network.is_private for network in known):
            return False
    return None in sources or any(a.version == b.version and a.overlaps(b) for a in sources[0] for b in sources[1])
