"""synoshare: shared folders.

Source: dsm-facts "Command line": --get, --add NAME DESC PATH NA RW RO BROWSE ADV, --setuser NAME RW + list (high); a
plain directory can't be promoted to a share (medium): --add refuses a path that exists. The look of --get and --enum
is from published outputs (medium). --del takes TRUE or FALSE (delete the data) first (low).
A new share gets an access list, never a mode of its own choice: a later chmod would delete that list (high).
"""

from __future__ import annotations

import re
import shutil
from typing import Any

from dsm_programs import accounts, acl, common

USAGE = """Usage: synoshare
  --enum {ALL|local|ENC|DEC}
  --get sharename
  --get-real-path sharename
  --add sharename share_desc share_path user_list_na user_list_rw user_list_ro browsable{0|1} adv_privilege{0~7}
  --setuser sharename {NA|RO|RW} {+|-|=} user_list     (users and @groups, separated by commas)
  --setdesc sharename share_desc
  --del delete_data{TRUE|FALSE} sharename1 [sharename2 ...]"""
FULL = "rwxpdDaARWc--"
READ = "r-x---a-R-c--"


def _database() -> dict[str, Any]:
    shares: dict[str, Any] = common.load_json(common.state_path("shares.json"), {})
    return shares


def _save(shares: dict[str, Any]) -> None:
    common.save_json(common.state_path("shares.json"), shares)


def _find(name: str) -> dict[str, Any]:
    # DSM compares share names without regard to case.
    for share in _database().values():
        if share["name"].lower() == name.lower():
            found: dict[str, Any] = share
            return found
    raise common.Refused(f"share_get.c:71 SYNOShareGet failed. share name=[{name}] synoerr=[0x1400]")


def _people(text: str) -> list[str]:
    listed = [item for item in text.split(",") if item]
    for item in listed:
        known = item[1:] in accounts.groups() if item.startswith("@") else item in accounts.users()
        if not known:
            raise common.Refused(f"synoshare: no such user or group: {item}. synoerr=[0x1D00]")
    return listed


def _apply(share: dict[str, Any]) -> None:
    entries = [f"group:{accounts.ADMINISTRATORS}:allow:{FULL}:fd--"]
    for list_name, effect, letters in (("NA", "deny", FULL), ("RW", "allow", FULL), ("RO", "allow", READ)):
        for item in share[list_name]:
            who = f"group:{item[1:]}" if item.startswith("@") else f"user:{item}"
            entry = f"{who}:{effect}:{letters}:fd--"
            if entry not in entries:
                entries.append(entry)
    acl.put(share["path"], entries)


def _get(name: str) -> None:
    share = _find(name)
    print("\t Name .......[{}]".format(share["name"]))
    print("\t Comment ....[{}]".format(share["comment"]))
    print("\t Path .......[{}]".format(share["path"]))
    print("\t Deny list ..[{}]".format(",".join(share["NA"])))
    print("\t RW list ....[{}]".format(",".join(share["RW"])))
    print("\t RO list ....[{}]".format(",".join(share["RO"])))
    print("\t fType ......[BTRFS]")
    print("\t Browseable .[{}]".format("yes" if share["browsable"] == "1" else "no"))
    print("\t ACL ........[{}]".format("no" if acl.get(share["path"]) is None else "yes"))
    print("\t Status .....[0x90c0]")


def _add(arguments: list[str]) -> None:
    name, comment, place, deny, write, read, browsable, _ = arguments
    shares = _database()
    if any(existing.lower() == name.lower() for existing in shares):
        raise common.Refused(f"share_add.c:120 SYNOShareAdd failed. share name=[{name}] synoerr=[0x1600]")
    if not re.fullmatch(r"/volume\d+/[^/@#][^/]*", place):
        raise common.Refused(f"synoshare: not a place for a share: {place}. synoerr=[0x0D00]")
    if not common.path(place).parent.is_dir():
        raise common.Refused(f"synoshare: no such volume: {place}. synoerr=[0x1500]")
    if common.path(place).exists():
        raise common.Refused(
            f"synoshare: {place} exists and is no share; a directory can't be made into one. synoerr=[0x1600]"
        )
    share = {
        "name": name,
        "comment": comment,
        "path": place,
        "browsable": browsable,
        "NA": _people(deny),
        "RW": _people(write),
        "RO": _people(read),
    }
    common.path(place).mkdir(mode=0o755)
    shares[name] = share
    _save(shares)
    _apply(share)


def _set_user(name: str, right: str, operation: str, text: str) -> None:
    if right not in {"NA", "RO", "RW"} or operation not in {"+", "-", "="}:
        raise common.Usage(USAGE)
    share, listed = _find(name), _people(text)
    present = share[right]
    if operation == "=":
        share[right] = listed
    elif operation == "-":
        share[right] = [item for item in present if item not in listed]
    else:
        share[right] = present + [item for item in listed if item not in present]
    shares = _database()
    shares[share["name"]] = share
    _save(shares)
    _apply(share)


def _delete(with_data: str, names: list[str]) -> None:
    if with_data not in {"TRUE", "FALSE"} or not names:
        raise common.Usage(USAGE)
    for name in names:
        share = _find(name)
        shares = _database()
        del shares[share["name"]]
        _save(shares)
        if with_data == "TRUE":
            shutil.rmtree(common.path(share["path"]), ignore_errors=True)


def _set_comment(name: str, comment: str) -> None:
    share = _find(name)
    shares = _database()
    shares[share["name"]] = dict(share, comment=comment)
    _save(shares)


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "--get" and len(rest) == 1:
        _get(rest[0])
    elif verb == "--get-real-path" and len(rest) == 1:
        print(_find(rest[0])["path"])
    elif verb == "--enum" and len(rest) == 1:
        names = list(_database())
        print(f"Share Enum Arguments: [0xF] {rest[0]}")
        print(f"{len(names)} Listed:")
        print("\n".join(names))
    elif verb in {"--add", "--setuser", "--setdesc", "--del"}:
        common.need_root(name)
        with common.locked("shares"):
            if verb == "--add" and len(rest) == 8:
                _add(rest)
            elif verb == "--setuser" and len(rest) == 4:
                _set_user(*rest)
            elif verb == "--setdesc" and len(rest) == 2:
                _set_comment(*rest)
            elif verb == "--del" and rest:
                _delete(rest[0], rest[1:])
            else:
                raise common.Usage(USAGE)
    else:
        raise common.Usage(USAGE)
    return 0
