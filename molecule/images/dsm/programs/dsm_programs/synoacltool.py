"""synoacltool: Synology's access lists.

Source: dsm-facts "Command line": -get, -add, and that chmod deletes the list (high). Exit code 255 and the text
"It's Linux mode" without a list are from published outputs (medium). acl.py tells how a chmod is noticed here.
"""

from __future__ import annotations

from dsm_programs import accounts, acl, common

USAGE = """Usage: synoacltool
  -get PATH
  -get-perm PATH USER
  -add PATH TYPE:NAME:allow|deny:PERMISSIONS:INHERITANCE   (rwxpdDaARWcCo and fdin, - for none)
  -del PATH [INDEX]"""
LINUX_MODE = "(synoacltool.c, 596)It's Linux mode"


def _show(target: str) -> int:
    entries = acl.get(target)
    if entries is None:
        print(LINUX_MODE)
        return common.FAILED
    owner = common.path(target).stat().st_uid
    names = {user.uid: user.name for user in accounts.users().values()}
    print("ACL version: 1")
    print("Archive: has_ACL,is_support_ACL")
    print(f"Owner: [{names.get(owner, owner)}(user)]")
    print("---------------------")
    for index, entry in enumerate(entries):
        print(f"\t [{index}] {entry} (level:0)")
    return 0


def _permissions(target: str, user: str) -> int:
    entries = acl.get(target)
    if entries is None:
        print(LINUX_MODE)
        return common.FAILED
    if user not in accounts.users():
        raise common.Refused(f"(synoacltool.c, 402)No such user: {user}")
    mine = {"user:" + user} | {
        "group:" + g.name
        for g in accounts.groups().values()
        if user in g.members or g.gid == accounts.users()[user].gid
    }
    allowed: set[str] = set()
    denied: set[str] = set()
    for entry in entries:
        who, effect, letters, _ = entry.rsplit(":", 3)
        if who in mine or who.startswith("everyone"):
            (denied if effect == "deny" else allowed).update(letters.replace("-", ""))
    print("Final permission: [" + "".join(c if c in allowed - denied else "-" for c in "rwxpdDaARWcCo") + "]")
    return 0


def _add(target: str, entry: str) -> int:
    if not acl.ENTRY.fullmatch(entry):
        raise common.Refused(f"(synoacltool.c, 275)Bad entry: {entry}")
    acl.put(target, [*(acl.get(target) or []), entry])
    return _show(target)


def _delete(target: str, index: str | None) -> int:
    entries = acl.get(target)
    if entries is None:
        print(LINUX_MODE)
        return common.FAILED
    if index is None:
        acl.put(target, [])
        return 0
    if not index.isdigit() or int(index) >= len(entries):
        raise common.Refused(f"(synoacltool.c, 311)No entry {index}")
    del entries[int(index)]
    acl.put(target, entries)
    return 0


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "-get" and len(rest) == 1:
        return _show(rest[0])
    if verb == "-get-perm" and len(rest) == 2:
        return _permissions(*rest)
    if verb == "-add" and len(rest) == 2:
        common.need_root(name)
        return _add(*rest)
    if verb == "-del" and len(rest) in {1, 2}:
        common.need_root(name)
        return _delete(rest[0], rest[1] if len(rest) == 2 else None)
    raise common.Usage(USAGE)
