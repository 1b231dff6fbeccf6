"""synogroup: local groups.

Source: dsm-facts "Command line": --get, --add, and --member, which REPLACES the member list (high); --memberadd may
be missing (high), so here it is missing. Its output and the error 0x1800 are from published outputs (medium).
"""

from __future__ import annotations

from dsm_programs import accounts, common

USAGE = """Usage: synogroup (version 2)
  --enum {local|domain|ldap|all}
  --get groupname
  --add groupname [username1 username2 ...]
  --member groupname [username1 username2 ...]    (the list given replaces the members)
  --descset groupname description
  --del groupname1 [groupname2 ...]"""


def _find(name: str) -> accounts.Group:
    group = accounts.groups().get(name)
    if group is None:
        raise common.Refused("Lastest SynoErr=[group_db_get.c:37]\nSYNOGroupGet failed, synoerr=0x1800")
    return group


def _show(group: accounts.Group) -> None:
    print(f"Group Name: [{group.name}]")
    print("Group Type: [AUTH_LOCAL]")
    print(f"Group ID:   [{group.gid}]")
    print("Group Members: ")
    members = list(group.members)
    if group.gid == accounts.USERS_GID:
        members += [u.name for u in accounts.users().values() if u.gid == group.gid and u.name not in members]
    for index, member in enumerate(members):
        print(f"{index}:[{member}]")


def _set_members(name: str, members: list[str]) -> None:
    unknown = [member for member in members if member not in accounts.users()]
    if unknown:
        raise common.Refused(f"synogroup: no such user: {' '.join(unknown)}. synoerr=0x1D00")
    every_group = accounts.groups()
    every_group[name].members = list(dict.fromkeys(members))
    accounts.save_groups(every_group)


def _add(name: str, members: list[str]) -> None:
    every_group = accounts.groups()
    if name in every_group:
        raise common.Refused("Lastest SynoErr=[group_db_add.c:61]\nSYNOGroupAdd failed, synoerr=0x1900")
    every_group[name] = accounts.Group(name, accounts.next_gid())
    accounts.save_groups(every_group)
    _set_members(name, members)


def _delete(names: list[str]) -> None:
    for name in names:
        _find(name)
        every_group = accounts.groups()
        del every_group[name]
        accounts.save_groups(every_group)


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    if verb == "--enum" and len(rest) == 1:
        own = [g for g in accounts.groups().values() if g.gid in {100, 101} or g.gid >= accounts.FIRST_GID]
        print(f"{len(own)} Group Listed:")
        print("\n".join(group.name for group in own))
        return 0
    if verb == "--get" and len(rest) == 1:
        _show(_find(rest[0]))
        return 0
    if verb not in {"--add", "--member", "--del", "--descset"} or not rest:
        raise common.Usage(USAGE)
    common.need_root(name)
    with common.locked("accounts"):
        if verb == "--add":
            _add(rest[0], rest[1:])
        elif verb == "--member":
            _find(rest[0])
            _set_members(rest[0], rest[1:])
        elif verb == "--del":
            _delete(rest)
        else:
            _find(rest[0])
    if verb in {"--add", "--member"}:
        _show(_find(rest[0]))
    return 0
