"""The module dsm_firewall and its parts, importable as on the NAS, and a NAS for them to change."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import ansible.module_utils

from dsm.standin import PROGRAMS, Nas

REPOSITORY = Path(__file__).resolve().parents[2]
# Where ansible.cfg says they are; on the NAS Ansible puts them beside its own.
ansible.module_utils.__path__.append(str(REPOSITORY / "plugins" / "module_utils"))
rules: Any = importlib.import_module("ansible.module_utils.dsm_firewall_rules")
order: Any = importlib.import_module("ansible.module_utils.dsm_firewall_order")
live: Any = importlib.import_module("ansible.module_utils.dsm_firewall_live")
session: Any = importlib.import_module("ansible.module_utils.dsm_firewall_session")
files: Any = importlib.import_module("ansible.module_utils.dsm_firewall_files")
module: Any = importlib.import_module("plugins.modules.dsm_firewall")
standin: Any = importlib.import_module("dsm_programs.firewall")

REVERT = REPOSITORY / "roles" / "firewall" / "templates" / "firewall_revert.py"
# What "iptables -S" prints of the rules that the stand-in's synofirewall has noted.
IPTABLES = """#!{python}
import json, pathlib, shlex
noted = pathlib.Path({noted!r})
for chain, lines in (json.loads(noted.read_text()) if noted.exists() else {{}}).items():
    print("-N", chain)
    print("-A", chain.split("_")[0], "-j", chain)
    for line in lines:
        print("-A", chain, shlex.join(line))
"""
SYNOFIREWALL = """#!/bin/sh
DSM_ROOT={root} exec {python} -I {link} "$@"
"""


def listing(profile: dict[str, Any]) -> str:
    """Return what "iptables -S" prints once the stand-in has loaded a profile."""
    lines = []
    for chain in standin.CHAINS:
        lines.append(f"-A {standin.CHAINS[chain]} -j {chain}")
        lines += [f"-A {chain} {' '.join(rule)}" for rule in standin.chain_rules(profile, chain)]
    return "\n".join(lines)


class Machine:
    """A NAS with a firewall, and calls of the module as Ansible makes them."""

    def __init__(self, folder: Path) -> None:
        self.nas = Nas(folder / "nas")
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.state = folder / "firewall"
        self.state.mkdir()
        link = self.bin / "run-synofirewall" / "synofirewall"
        link.parent.mkdir()
        link.symlink_to(PROGRAMS / "run")
        self.program("synofirewall", SYNOFIREWALL.format(root=self.nas.root, python=sys.executable, link=link))
        noted = str(self.nas.path("/run/dsm-firewall.json"))
        self.program("iptables", IPTABLES.format(python=sys.executable, noted=noted))
        self.program("firewall-revert", REVERT.read_text(encoding="utf-8").replace("/usr/bin/python3", sys.executable))

    @property
    def folder(self) -> Path:
        """Where DSM keeps its firewall."""
        return self.nas.path("/usr/syno/etc/firewall.d")

    def program(self, name: str, text: str) -> None:
        """Put a program in place."""
        place = self.bin / name
        place.write_text(text, encoding="utf-8")
        place.chmod(0o755)

    def files(self) -> dict[str, Any]:
        """Return what all of DSM's files say: synofirewall writes the same in another layout."""
        found: dict[str, Any] = {}
        for path in self.folder.iterdir():
            text = path.read_text(encoding="utf-8")
            try:
                found[path.name] = json.loads(text)
            except ValueError:
                found[path.name] = text
        return found

    def profile(self, *listed: dict[str, Any], file: str = "1.json", **more: Any) -> None:
        """Write a profile as somebody else has made it."""
        content = {"name": "default", "policy": {}, "rules": {"global": list(listed)}, **more}
        (self.folder / file).write_text(json.dumps(content), encoding="utf-8")

    def in_force(self) -> Any:
        """Return the rules that the stand-in has set, or None."""
        noted = self.nas.path("/run/dsm-firewall.json")
        return json.loads(noted.read_text(encoding="utf-8")) if noted.exists() else None

    def journal(self) -> str:
        """Return what was noted."""
        place = self.state / "journal.log"
        return place.read_text(encoding="utf-8") if place.exists() else ""
