"""What the dsm_* modules share: calling DSM's programs, reading what they print, and errors that say what to do.

DSM's programs end with 0 when they have done nothing and with other codes when they have: a change counts only after
the state was read back. Runs on the NAS: Python 3.8 syntax, standard library only.
"""

from __future__ import annotations

import os
import re
from typing import Any, Callable, NamedTuple

SYNOGROUP = "/usr/syno/sbin/synogroup"
SYNOUSER = "/usr/syno/sbin/synouser"
SYNOSHARE = "/usr/syno/sbin/synoshare"
SYNOPKG = "/usr/syno/bin/synopkg"
SYNOACLTOOL = "/usr/syno/bin/synoacltool"
SYNOSCHEDTASK = "/usr/syno/bin/synoschedtask"
SYNOSYSTEMCTL = "/usr/syno/bin/synosystemctl"

BUILT_IN_USERS = {"root", "admin", "guest"}
LONGEST_QUOTE = 400


class DsmError(Exception):
    """What is wrong and what to do about it, in one text for the operator."""

    def __init__(self, problem: str, remedy: str, answer: Answer | None = None) -> None:
        said = f" {answer.quote()}." if answer else ""
        super().__init__(f"{problem}.{said} {remedy[:1].upper()}{remedy[1:]}.")


class Answer(NamedTuple):
    """What a program of DSM's printed, and its exit code."""

    program: str
    verb: str
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Everything it printed: DSM's programs put errors on either stream."""
        return self.out + self.err

    def quote(self) -> str:
        """Return the call and its result for an error message; arguments stay out, one may be a password."""
        said = " ".join(self.text.split())
        shown = said[:LONGEST_QUOTE] + ("…" if len(said) > LONGEST_QUOTE else "")
        return f"{self.program} {self.verb} ended with {self.code}" + (f" and said: {shown}" if shown else " silently")


class Tools:
    """Calls programs of the NAS for a module."""

    def __init__(self, module: Any) -> None:
        self.module = module

    def call(self, program: str, *arguments: str, data: str | None = None) -> Answer:
        """Run a program and return its answer, whatever its exit code.

        Args:
            program: its absolute path; sudo's PATH on DSM has none of them.
            arguments: visible to everybody on the NAS while it runs.
            data: what it reads from its standard input, which nobody sees.

        Raises:
            DsmError: it can't be started.
        """
        try:
            code, out, err = self.module.run_command(
                [program, *arguments],
                data=data,
                binary_data=True,
                expand_user_and_vars=False,
                environ_update={"LANG": "C", "LC_ALL": "C", "LANGUAGE": "C"},
                handle_exceptions=False,
            )
        except OSError as error:
            raise DsmError(
                f"{program} can't be started: {error.strerror or error}",
                "is this a Synology NAS with DSM 7? The dsm_* modules work through its own programs",
            ) from None
        return Answer(program, arguments[0] if arguments else "", code, out, err)


def is_root() -> bool:
    """Tell whether this process may change the NAS."""
    return os.geteuid() == 0


def is_operator(name: str) -> bool:
    """Tell whether a user is the one as whom this session runs; DSM compares names without regard to case."""
    return name.lower() == os.environ.get("SUDO_USER", "").lower()


def refuse_needed_user(name: str, what: str) -> None:
    """Refuse to take away a user without whom nobody could manage the NAS, or this session could not go on.

    Raises:
        DsmError: it is one.
    """
    if name.lower() in BUILT_IN_USERS or is_operator(name):
        raise DsmError(
            f"the user {name} is DSM's own, or this session's, and was not {what}",
            "give another name; if you must, do it in Control Panel",
        )


def exists(path: str) -> bool:
    """Tell whether there is anything at a path."""
    return os.path.lexists(path)


def run(module: Any, work: Callable[[Any, Tools], dict[str, Any]]) -> None:
    """Run a module's work and hand its result, or its error, to Ansible."""
    if not is_root():
        module.fail_json(msg="DSM's programs obey root alone. Set become: true for this task.")
    try:
        result = work(module, Tools(module))
    except DsmError as error:
        module.fail_json(msg=str(error))
    else:
        module.exit_json(**result)


def check_name(kind: str, name: str) -> None:
    """Refuse a name that a program of DSM's would take for something else.

    Raises:
        DsmError: it is empty, begins with - or @, or has a character that DSM uses to divide names.
    """
    if not name or name[0] in "-@ " or re.search(r"[:,/\\\[\]\"\n]", name):
        raise DsmError(
            f"{name!r} is no name for a {kind}", "DSM allows no - or @ at the start, and none of : , / \\ [ ]"
        )


def fields(text: str) -> dict[str, str]:
    """Return the `Name .......[value]` and `User Name   : [value]` lines of a text by their names."""
    return dict(re.findall(r"^\s*(\w[\w ]*?)[ .:]*\[(.*)\]\s*$", text, flags=re.MULTILINE))


def names(tools: Tools, program: str, kind: str) -> list[str]:
    """Return all names that a program lists.

    Raises:
        DsmError: it prints no list.
    """
    answer = tools.call(program, "--enum", kind)
    _, found, rows = answer.out.partition("Listed:")
    if not found:
        raise DsmError("DSM does not list what it has", "run the same as root on the NAS and look what it says", answer)
    return [row.strip() for row in rows.splitlines() if row.strip()]


def look_up(tools: Tools, program: str, kind: str, name: str, mark: str) -> str | None:
    """Return what --get prints of a name, or None where DSM has none of that name.

    Args:
        tools: calls the program.
        program: synouser, synogroup or synoshare.
        kind: what --enum is asked for, to tell "there is none" from "it can't be read".
        name: the name; DSM compares names without regard to case.
        mark: the field that a true answer has.

    Raises:
        DsmError: DSM lists the name and yet does not show it.
    """
    answer = tools.call(program, "--get", name)
    if mark in fields(answer.out):
        return answer.out
    if name.lower() in (one.lower() for one in names(tools, program, kind)):
        raise DsmError(f"DSM lists {name} but does not show it", "repair it in Control Panel", answer)
    return None


def group_members(tools: Tools, group: str) -> list[str] | None:
    """Return a group's members, or None where there is no such group."""
    shown = look_up(tools, SYNOGROUP, "local", group, "Group Name")
    return None if shown is None else re.findall(r"^\s*\d+:\[(.+)\]\s*$", shown, flags=re.MULTILINE)


def set_group_members(tools: Tools, group: str, members: list[str]) -> None:
    """Give a group exactly these members, and read them back.

    Raises:
        DsmError: the change would lock this session out, or the group has other members afterwards.
    """
    operator = os.environ.get("SUDO_USER", "")
    if group.lower() == "administrators" and operator and not any(is_operator(member) for member in members):
        raise DsmError(
            f"{operator}, as whom this session runs, would be no administrator any more",
            f"list {operator} among the members too, or do it in Control Panel",
        )
    answer = tools.call(SYNOGROUP, "--member", group, *members)
    now = group_members(tools, group)
    if now is None or set(now) != set(members):
        missing = sorted(set(members) - set(now or []))
        raise DsmError(
            f"the group {group} does not have the members that were asked for"
            + (f": {', '.join(missing)} is missing" if missing else f", but {', '.join(now or []) or 'none'}"),
            "every member must be a user of this NAS: make it with dsm_user first",
            answer,
        )


def merged(present: list[str], wanted: list[str] | None, append: bool) -> list[str]:
    """Return the list to have: the present one where nothing is wanted, both, or the wanted one alone."""
    if wanted is None:
        return present
    return list(dict.fromkeys([*present, *wanted] if append else wanted))
