"""synouser: local users.

Source: dsm-facts "Command line": --get and --add with the password in argv (high). The fields of --get and the
error 0x1D00 (medium, from published outputs). New users belong to "users" and have no login shell (medium); their
home directory belongs to root until somebody changes that (low).
"""

from __future__ import annotations

from typing import Callable

from dsm_programs import accounts, common

USAGE = """Usage: synouser (version 2)
  --enum {local|domain|ldap|all}
  --get username
  --add username password "full name" expired{0|1} email app_privilege
  --modify username "full name" expired{0|1} email
  --setpw username password
  --del username1 [username2 ...]"""


def _find(name: str) -> accounts.User:
    user = accounts.users().get(name)
    if user is None:
        raise common.Refused("synouser.c:357 SYNOUserGet failed. synoerr=[0x1D00]")
    return user


def _get(name: str) -> None:
    user = _find(name)
    member_of = [g for g in accounts.groups().values() if g.gid == user.gid or name in g.members]
    details = common.load_json(common.state_path("users.json"), {}).get(name, {})
    print(f"User Name   : [{user.name}]")
    print("User Type   : [AUTH_LOCAL]")
    print(f"User uid    : [{user.uid}]")
    print(f"Primary gid : [{user.gid}]")
    print(f"Fullname    : [{user.fullname}]")
    print(f"User Dir    : [{user.home}]")
    print(f"User Shell  : [{user.shell}]")
    print(f"Expired     : [{'true' if details.get('expired') else 'false'}]")
    print(f"User Mail   : [{details.get('mail', '')}]")
    print("Alloc Size  : [120]")
    print(f"Member Of   : [{len(member_of)}]")
    for group in member_of:
        print(f"({group.gid}) {group.name}")


def _details(name: str, expired: str, mail: str) -> None:
    if expired not in {"0", "1"}:
        raise common.Usage(USAGE)
    everyone = common.load_json(common.state_path("users.json"), {})
    everyone[name] = {"expired": expired == "1", "mail": mail}
    common.save_json(common.state_path("users.json"), everyone)


def _add(name: str, password: str, fullname: str, expired: str, mail: str, _privilege: str) -> None:
    people = accounts.users()
    if name in people:
        raise common.Refused("synouser.c:246 SYNOUserAdd failed. synoerr=[0x1E00]")
    _details(name, expired, mail)
    home = "/var/services/homes/" + name
    people[name] = accounts.User(
        name, accounts.next_uid(), accounts.USERS_GID, fullname.replace(":", " "), home, accounts.NO_SHELL
    )
    accounts.save_users(people)
    accounts.set_password(name, password)
    if common.path("/var/services/homes").is_dir():
        common.path(home).mkdir(exist_ok=True)


def _delete(names: list[str]) -> None:
    for name in names:
        _find(name)
        people = accounts.users()
        del people[name]
        accounts.save_users(people)
        accounts.drop_password(name)
        every_group = accounts.groups()
        for group in every_group.values():
            group.members = [member for member in group.members if member != name]
        accounts.save_groups(every_group)


def _modify(name: str, fullname: str, expired: str, mail: str) -> None:
    _find(name)
    _details(name, expired, mail)
    people = accounts.users()
    people[name].fullname = fullname.replace(":", " ")
    accounts.save_users(people)


def _set_password(name: str, password: str) -> None:
    _find(name)
    accounts.set_password(name, password)


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    if not arguments:
        raise common.Usage(USAGE)
    verb, rest = arguments[0], arguments[1:]
    if verb == "--get" and len(rest) == 1:
        _get(rest[0])
        return 0
    if verb == "--enum" and len(rest) == 1:
        people = [u.name for u in accounts.users().values() if accounts.FIRST_UID - 2 <= u.uid < accounts.FIRST_GID - 2]
        print(f"{len(people)} User Listed:")
        print("\n".join(people))
        return 0
    changes: dict[str, tuple[Callable[..., None], int]] = {
        "--add": (_add, 6),
        "--modify": (_modify, 4),
        "--setpw": (_set_password, 2),
    }
    if verb == "--del" and rest:
        common.need_root(name)
        with common.locked("accounts"):
            _delete(rest)
        return 0
    if verb not in changes or len(rest) != changes[verb][1]:
        raise common.Usage(USAGE)
    common.need_root(name)
    with common.locked("accounts"):
        changes[verb][0](*rest)
    return 0
