#!/usr/bin/python
"""Ansible module: our rules in the active profile of DSM's firewall, without ever locking the operator out."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_firewall
short_description: Keep rules in the active profile of DSM's firewall
description:
  - Puts rules of our own into the active profile for all interfaces, and turns the firewall on. Rules of others, and
    fields that this module does not know, stay as they are and in their order.
  - Our rules that allow come after others' rules that block particular sources of the same and, where that can be,
    before the first rule that denies something to everyone; the one that denies the rest comes last. A profile in which
    a rule of others would lose its force to ours is refused - one that blocks some after a denial of the same for
    everyone, and one that denies something of ours on a single interface.
  - A profile that does not surely let the connection in that the module runs over is refused. What is applied is undone
    by a process on the NAS unless O(state=confirmed) follows over a new connection within O(seconds). While it waits
    the profile's file on disk is the former one, so a reboot brings that back as well.
  - After applying, the iptables rules that DSM made are compared with what was meant; where they differ, the former
    firewall is put back at once and the module fails.
options:
  state:
    description:
      - V(present) puts the rules in place; RV(armed) then tells whether they wait for a confirmation.
      - V(confirmed) keeps what is armed. It must come over another connection than the one that armed it.
      - V(absent) removes our rules from all profiles, and turns the firewall off if V(present) has turned it on.
    type: str
    choices: [present, absent, confirmed]
    default: present
  rules:
    description: What to allow, in order. What has several sources becomes several rules of DSM.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: What the rule is called in Control Panel, after O(prefix).
        type: str
        required: true
      sources:
        description: IPv4 addresses and networks, or V(any).
        type: list
        elements: str
        required: true
      ports:
        description: Destination ports, as they are after Docker's address translation where a rule is for V(forward).
        type: list
        elements: int
        default: []
      protocol:
        description: V(any) only without ports.
        type: str
        choices: [tcp, udp, any]
        default: tcp
      chains:
        description: V(input) is for the NAS itself, V(forward) for containers.
        type: list
        elements: str
        choices: [input, forward]
        default: [input]
  deny_rest:
    description: End with a rule that denies everything else. Without it that is up to other rules and policies.
    type: bool
    default: true
  prefix:
    description: What names of our rules begin with.
    type: str
    default: "kbju "
  state_dir:
    description: Our folder on the NAS, for root alone, where the former files and the journal are kept.
    type: path
    required: true
  program:
    description: The program on the NAS that puts the former firewall back.
    type: path
    required: true
  seconds:
    description: How long the change waits for its confirmation, in seconds; at least 10.
    type: int
    default: 60
  session:
    description: >-
      The address and the port, divided by a space, that must stay reachable. By default those of the SSH connection
      that the module runs over; must be given where there is none.
    type: str
    default: ""
  force:
    description: For tests alone. Apply also what would cut the connection.
    type: bool
    default: false
attributes:
  check_mode:
    support: full
    description: Also refuses what would be refused. Nothing is armed.
  diff_mode:
    support: full
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: Let the world reach nginx and the LAN reach DSM
  dsm_firewall:
    state_dir: /volume1/docker/kbju-bot-prod/firewall
    program: /volume1/docker/kbju-bot-prod/bin/firewall-revert
    rules:
      - {name: web, sources: [any], ports: [8080, 8443], chains: [input, forward]}
      - {name: administration, sources: [192.168.0.0/16], ports: [22, 5000, 5001]}
  register: firewall_change

- name: Come over a new connection
  ansible.builtin.meta: reset_connection

- name: Keep the change
  dsm_firewall:
    state: confirmed
    state_dir: /volume1/docker/kbju-bot-prod/firewall
    program: /volume1/docker/kbju-bot-prod/bin/firewall-revert
  when: firewall_change.armed
"""

RETURN = r"""
armed:
  description: Whether the change is undone unless it is confirmed in time.
  returned: success
  type: bool
seconds:
  description: How long a confirmation is waited for, in seconds.
  returned: when armed
  type: int
session:
  description: The connection that was looked after, C(source), C(source_port), C(address), C(port).
  returned: when a connection was looked for
  type: dict
decided_by:
  description: What lets the connection in.
  returned: when a connection was looked for
  type: str
backup:
  description: >-
    The folder with DSM's files as they were before this change; C(original) beside it has them as they were before the
    first.
  returned: when changed
  type: str
journal:
  description: The last line of the journal.
  returned: when confirmed
  type: str
"""

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.dsm_firewall_files import Failed, Firewall, Profile, save
from ansible.module_utils.dsm_firewall_live import missing
from ansible.module_utils.dsm_firewall_live import verdict as live_verdict
from ansible.module_utils.dsm_firewall_order import arrange, note_of, refuse_single, split
from ansible.module_utils.dsm_firewall_rules import ALLOW, GLOBAL, BadRule, Rule, describe, encode_all, verdict
from ansible.module_utils.dsm_firewall_session import Session, find, interface_of

FOLDER = "/usr/syno/etc/firewall.d"


def session_of(text: str) -> Session:
    """Return the connection to look after: the one that was named, or the one that this runs over."""
    if text:
        source, _, port = text.partition(" ")
        if not port.isdigit():
            raise Failed(f"session: {text!r} is no address and port")
        return Session(source, 0, "", int(port))
    found = find(os.getpid())
    if found is None:
        raise Failed(
            "there is no SSH connection above this process, so nobody can tell whether the firewall would cut it. "
            "Run Ansible over SSH, or name the address and port that must stay reachable: session"
        )
    return found


def must_stay(profile: dict[str, Any], session: Session) -> str:
    """Return what lets the connection in; refuse a profile that does not surely do so."""
    allowed, why = verdict(profile, session.source, session.port, interface_of(session.address))
    if not allowed:
        hint = " DSM's networks are IPv4: connect over IPv4." if ":" in session.source else ""
        raise Failed(
            f"refused, nothing was changed: these rules would cut the connection from {session.source} to port "
            f"{session.port}: {why}.{hint} Add its network to firewall_sources_lan and its port to firewall_ssh_port, "
            "or change that rule in Control Panel > Security > Firewall"
        )
    return str(why)


def text_of(enabled: bool, profile: dict[str, Any]) -> str:
    """Return a firewall as a person would describe it, a line a rule."""
    lines = ["firewall {}, profile {}".format("on" if enabled else "off", profile.get("name"))]
    for adapter, rules in sorted(profile.get("rules", {}).items(), key=lambda pair: (pair[0] != GLOBAL, pair[0])):
        lines += ["{}: {}".format("all interfaces" if adapter == GLOBAL else adapter, describe(rule)) for rule in rules]
    return "\n".join(lines) + "\n"


def with_rules(profile: Profile, rules: list[Rule]) -> Profile:
    """Return a profile with other rules for all interfaces."""
    return Profile(profile.file, dict(profile.content, rules=dict(profile.content["rules"], **{GLOBAL: rules})))


class Change:
    """What this run does to the firewall."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module, self.options = module, module.params
        self.firewall = Firewall(
            FOLDER, self.options["state_dir"], self.options["program"], max(10, self.options["seconds"])
        )
        self.known = self.firewall.known()
        self.result: dict[str, Any] = {"changed": False, "armed": False}

    def noted(self, profile: Profile) -> dict[str, Any]:
        """Return what we noted of our rules in a profile."""
        return dict(self.known.get("profiles", {}).get(profile.file, {}))

    def without_ours(self, profile: Profile) -> Profile:
        """Return a profile without our rules."""
        _, kept = split(profile.content["rules"].get(GLOBAL, []), self.options["prefix"], self.noted(profile))
        return with_rules(profile, kept) if GLOBAL in profile.content["rules"] else profile

    def wanted(self, profile: Profile) -> tuple[Profile, list[Rule]]:
        """Return the profile as it should be, and our rules in it."""
        allow, rest = encode_all(self.options["rules"], self.options["prefix"], self.options["deny_rest"])
        rules = profile.content["rules"]
        single = sorted(
            adapter
            for adapter, listed in rules.items()
            if adapter != GLOBAL and any(one.get("enable", True) and one.get("policy") == ALLOW for one in listed)
        )
        if rest and single:
            raise Failed(
                "the profile allows something on {} alone, which a rule that denies the rest on all interfaces would "
                "end. Make those rules for all interfaces in Control Panel > Security > Firewall, or set "
                "firewall_deny_rest: false".format(", ".join(single))
            )
        refuse_single(rules, allow)
        made = arrange(rules.get(GLOBAL, []), allow, rest, self.options["prefix"], self.noted(profile))
        return with_rules(profile, made), split(made, self.options["prefix"], self.noted(profile))[0]

    def finish(self, before: str, after: str) -> None:
        """Report a change, with its diff."""
        self.result.update(changed=True, diff={"before": before, "after": after})
        if not self.module.check_mode:
            self.result["backup"] = self.firewall.mine("before")

    def recover(self) -> None:
        """End what an earlier run has left: refuse while it may still be confirmed, undo it when nobody can.

        What somebody has made in Control Panel meanwhile stays.
        """
        armed = self.firewall.armed()
        if self.module.check_mode or armed is None:
            return
        if self.firewall.somebody_waits():
            raise Failed("a change waits for its confirmation, and is undone without it: run again in a minute")
        # The process that waited has come to its end with a boot.
        if self.firewall.touched(armed):
            self.firewall.disarm("left an unconfirmed change alone: the firewall was changed by somebody else since")
        else:
            self.firewall.revert()
            self.result["changed"] = True

    def present(self) -> None:
        """Put our rules in place."""
        self.recover()
        enabled, profile = self.firewall.settings()["status"], self.firewall.active()
        wanted, ours = self.wanted(profile)
        if enabled and wanted == profile and not missing(ours, self.firewall.live()):
            return
        note = note_of(wanted.content["rules"][GLOBAL], self.options["prefix"], self.noted(profile))
        noted = {
            "profiles": dict(self.known.get("profiles", {}), **{profile.file: note}),
            "enabled_before": self.known.get("enabled_before", enabled),
        }
        self.finish(text_of(enabled, profile.content), text_of(True, wanted.content))
        self.apply(wanted, ours, enabled, noted)

    def absent(self) -> None:
        """Remove our rules from every profile, and turn off what we have turned on."""
        self.recover()
        if self.firewall.never_used():
            self.forget()
            return
        enabled, profile = self.firewall.settings()["status"], self.firewall.active()
        others = [one for one in self.firewall.profiles() if one.file != profile.file and self.without_ours(one) != one]
        wanted = self.without_ours(profile)
        stays_on = enabled and self.known.get("enabled_before", True)
        if wanted == profile and not others and stays_on == enabled:
            self.forget()
            return
        self.finish(text_of(enabled, profile.content), text_of(stays_on, wanted.content))
        if stays_on and wanted != profile:
            if not any(wanted.content["rules"].values()):
                raise Failed(
                    "refused, nothing was changed: without our rules the profile is empty, and an empty profile shuts "
                    "everybody out. Add a rule, or turn the firewall off, in Control Panel > Security > Firewall"
                )
            self.apply(wanted, [], enabled, None)
        elif not self.module.check_mode:
            # Opening can lock nobody out, so there is no way back to arm.
            if enabled and not stays_on:
                self.firewall.command("--disable")
            if wanted != profile:
                save(self.firewall.path(profile.file), wanted.content, like=self.firewall.path(profile.file))
            self.forget()
        if not self.module.check_mode:
            for one in others:
                save(self.firewall.path(one.file), self.without_ours(one).content, like=self.firewall.path(one.file))

    def forget(self) -> None:
        """Drop what we noted of our rules."""
        if not self.module.check_mode and os.path.exists(self.firewall.mine("state.json")):
            os.unlink(self.firewall.mine("state.json"))

    def apply(self, wanted: Profile, ours: list[Rule], enabled: bool, noted: dict[str, Any] | None) -> None:
        """Put a profile in force until somebody confirms it."""
        session = None
        if not self.options["force"]:
            session = session_of(self.options["session"])
            self.result.update(session=session._asdict(), decided_by=must_stay(wanted.content, session))
        if self.module.check_mode:
            return
        firewall = self.firewall
        running = find(os.getpid())
        firewall.arm(wanted, list(running) if running else None, noted)
        try:
            # The countdown runs, should this process end here, but waits for the lock.
            with firewall.locked():
                self.put_in_force(wanted, ours, enabled, session)
        except (Failed, OSError) as error:
            try:
                firewall.revert()
            except Failed as unreverted:
                raise Failed(f"{error}. And {unreverted}") from None
            raise Failed(f"{error}. The former firewall is back in force") from None
        firewall.note(f"applied; waiting {firewall.seconds} seconds for a confirmation")
        self.result.update(armed=True, seconds=firewall.seconds)

    def put_in_force(self, wanted: Profile, ours: list[Rule], enabled: bool, session: Session | None) -> None:
        """Have DSM load an armed profile; DSM's files are the former ones afterwards."""
        firewall, armed = self.firewall, self.firewall.armed()
        if armed is None:
            raise Failed("the time was up before anything was changed: run again")
        save(firewall.path(wanted.file), wanted.content, like=firewall.path(wanted.file))
        firewall.command("--reload" if enabled else "--enable")
        firewall.await_live(ours)
        if session:
            self.must_pass(session)
        firewall.move(None, "after", armed["files"])
        firewall.move("before", None, armed["files"])
        firewall.restart_countdown(armed)

    def must_pass(self, session: Session) -> None:
        """Refuse rules in the kernel that would cut the connection; IPv6's are not looked at."""
        if ":" in session.source:
            return
        interface = interface_of(session.address)
        allowed, why = live_verdict(self.firewall.live(), session.source, session.port, interface)
        if not allowed:
            raise Failed(f"DSM's rules would cut this connection: {why}")

    def confirmed(self) -> None:
        """Keep what is armed, when this is another connection than the one that armed it."""
        if self.module.check_mode:
            return
        firewall = self.firewall
        if not os.path.isdir(firewall.state):
            raise Failed(f"nothing is armed: {firewall.state} is not there")
        with firewall.locked():
            armed = firewall.armed()
            if armed is None:
                raise Failed(f"too late, or nothing was armed: {firewall.last_note()}")
            here = find(os.getpid())
            if here is None or list(here) == armed["session"]:
                raise Failed(f"this is not a new SSH connection ({here}): it proves nothing")
            firewall.move("after", None, armed["files"])
            os.unlink(firewall.mine("armed.json"))
            if armed["noted"]:
                save(firewall.mine("state.json"), armed["noted"])
                self.keep_in_force(armed["noted"])
            else:
                self.forget()
            firewall.note(f"confirmed by {here.source} port {here.source_port}")
        self.result.update(changed=True, journal=firewall.last_note(), session=here._asdict())

    def keep_in_force(self, noted: dict[str, Any]) -> None:
        """Load the profile again, should DSM have loaded the former one meanwhile."""
        profile = self.firewall.active()
        note = noted["profiles"].get(profile.file, {})
        ours, _ = split(profile.content["rules"].get(GLOBAL, []), self.options["prefix"], note)
        if missing(ours, self.firewall.live()):
            self.firewall.command("--reload")
            self.firewall.await_live(ours)


def main() -> None:
    """Do what the state asks for."""
    rule = {
        "name": {"type": "str", "required": True},
        "sources": {"type": "list", "elements": "str", "required": True},
        "ports": {"type": "list", "elements": "int", "default": []},
        "protocol": {"type": "str", "choices": ["tcp", "udp", "any"], "default": "tcp"},
        "chains": {"type": "list", "elements": "str", "choices": ["input", "forward"], "default": ["input"]},
    }
    module = AnsibleModule(
        argument_spec={
            "state": {"type": "str", "choices": ["present", "absent", "confirmed"], "default": "present"},
            "rules": {"type": "list", "elements": "dict", "options": rule, "default": []},
            "deny_rest": {"type": "bool", "default": True},
            "prefix": {"type": "str", "default": "kbju "},
            "state_dir": {"type": "path", "required": True},
            "program": {"type": "path", "required": True},
            "seconds": {"type": "int", "default": 60},
            "session": {"type": "str", "default": ""},
            "force": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    try:
        change = Change(module)
        getattr(change, module.params["state"])()
    except (BadRule, Failed, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**change.result)


if __name__ == "__main__":
    main()
