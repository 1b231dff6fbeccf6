"""synofirewall: the firewall, as real iptables rules.

Source: dsm-facts "Firewall": --info, --reload, --enable, --disable; firewall_settings.json names the active profile
(medium-high); --import deletes the profiles on a parse error (high). Keys "status" and "profile" of the settings and
"fw_enabled" of --info are from published outputs (medium). firewall.py makes the rules. Rules are IPv4 only.

FORWARD_FIREWALL comes before Docker's rules here, the stricter of what was seen: traffic between containers and from
them to the outside then needs a rule of its own where bridges call iptables.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from dsm_programs import common, firewall

USAGE = """Usage: synofirewall
  --info
  --enum IPV4
  --profile-list
  --reload
  --enable
  --disable
  --import FILE    (deletes the profiles when FILE can't be parsed)"""
FOLDER = "/usr/syno/etc/firewall.d"
SETTINGS = FOLDER + "/firewall_settings.json"


def settings() -> dict[str, Any]:
    """Read which profile is active and whether the firewall is on."""
    found: dict[str, Any] = common.load_json(common.path(SETTINGS), {"profile": "default", "status": False})
    return found


def profiles() -> dict[str, Path]:
    """Give the files of the profiles by their names."""
    files = [file for file in sorted(common.path(FOLDER).glob("*.json")) if file.stem.isdigit()]
    return {_parse(file).get("name", file.stem): file for file in files}


def _parse(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise common.Refused(f"synofirewall: {file.name} can't be parsed: {error}", 1) from None
    if not isinstance(content, dict):
        raise common.Refused(f"synofirewall: {file.name} is no object", 1)
    return content


def _active() -> dict[str, Any]:
    name = settings().get("profile", "default")
    known = profiles()
    if name not in known:
        raise common.Refused(f"synofirewall: no profile {name}", 1)
    return _parse(known[name])


def _iptables(*arguments: str, check: bool = True) -> bool:
    # Under another root the rules are noted instead of set.
    if not common.IS_MACHINE:
        return True
    done = subprocess.run(["/sbin/iptables", "-w", *arguments], capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise common.Refused(f"synofirewall: iptables {' '.join(arguments)}: {done.stderr.strip()}", 1)
    return done.returncode == 0


def _clear() -> None:
    for chain, parent in firewall.CHAINS.items():
        while common.IS_MACHINE and _iptables("-D", parent, "-j", chain, check=False):
            pass
        _iptables("-F", chain, check=False)
        _iptables("-X", chain, check=False)
    common.path("/run/dsm-firewall.json").unlink(missing_ok=True)


def _set() -> None:
    # All rules are made before one is set: a mistake in a profile leaves the present rules.
    made = {chain: firewall.chain_rules(_active(), chain) for chain in firewall.CHAINS}
    _clear()
    for chain, parent in firewall.CHAINS.items():
        _iptables("-N", chain)
        for rule in made[chain]:
            _iptables("-A", chain, *rule)
        _iptables("-I", parent, "1", "-j", chain)
    common.save_json(common.path("/run/dsm-firewall.json"), made)


def apply_if_enabled() -> None:
    """Set the rules of the active profile, or none where the firewall is off."""
    if settings().get("status"):
        _set()
    else:
        _clear()


def switch(on: bool) -> None:
    """Turn the firewall on or off."""
    if on:
        _set()
    common.save_json(common.path(SETTINGS), dict(settings(), status=on))
    if not on:
        _clear()


def _import(source: str) -> None:
    # The trap: whatever can't be parsed costs all profiles.
    try:
        content = json.loads(Path(source).read_text())
        rules_made = [firewall.chain_rules(content, chain) for chain in firewall.CHAINS]
    except (OSError, ValueError, AttributeError, common.Refused) as error:
        for file in common.path(FOLDER).glob("*.json"):
            file.unlink()
        raise common.Refused(f"synofirewall: import failed: {error}", 1) from None
    if rules_made:
        name = content.get("name", "imported")
        known = profiles()
        number = known[name].stem if name in known else str(len(known) + 1)
        common.save_json(common.path(f"{FOLDER}/{number}.json"), content)


def _info() -> None:
    now = settings()
    print(
        json.dumps(
            {
                "fw_enabled": int(bool(now.get("status"))),
                "fw_notify_enabled": 0,
                "num_profiles": len(profiles()),
                "profile": now.get("profile", ""),
            }
        )
    )


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb not in {"--info", "--enum", "--profile-list", "--reload", "--enable", "--disable", "--import"}:
        raise common.Usage(USAGE)
    if len(rest) != (1 if verb in {"--import", "--enum"} else 0):
        raise common.Usage(USAGE)
    common.need_root(name)
    with common.locked("firewall"):
        if verb == "--info":
            _info()
        elif verb == "--enum":
            for chain in firewall.CHAINS:
                for rule in firewall.chain_rules(_active(), chain):
                    print(" ".join(["-A", chain, *rule]))
        elif verb == "--profile-list":
            print("Profile names:\n" + "\n".join(profiles()))
        elif verb == "--reload":
            apply_if_enabled()
        elif verb == "--import":
            _import(rest[0])
        else:
            switch(verb == "--enable")
    return 0
