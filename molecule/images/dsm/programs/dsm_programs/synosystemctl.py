"""synosystemctl, and systemctl for the verbs both have.

Source: dsm-facts "Command line": get-active-status prints "active" (high). The other verbs and texts are from
published scripts (medium), exit codes are a guess (low): read the text.
"""

from __future__ import annotations

from dsm_programs import common, services

USAGE = """Usage: synosystemctl COMMAND NAME
  start|stop|restart|reload NAME
  get-active-status NAME
  get-enable-status NAME
  get-load-status NAME"""
QUESTIONS = {
    "get-active-status": ("active", "inactive"),
    "is-active": ("active", "inactive"),
    "get-enable-status": ("enabled", "disabled"),
    "is-enabled": ("enabled", "disabled"),
    "get-load-status": ("loaded", "not-found"),
}


def _installed(unit: str) -> bool:
    if unit == services.DOCKERD:
        return common.path("/var/packages/ContainerManager/INFO").exists()
    return unit in services.UNITS


def _answer(question: str, unit: str) -> int:
    yes, no = QUESTIONS[question]
    truth = _installed(unit)
    if question in {"get-active-status", "is-active"}:
        truth = truth and services.is_active(unit)
    elif question in {"get-enable-status", "is-enabled"} and unit == services.DOCKERD:
        truth = truth and common.path("/var/packages/ContainerManager/enabled").exists()
    print(yes if truth else no)
    return 0 if truth else 1


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names to the unit the last one names."""
    if len(arguments) != 2:
        raise common.Usage(USAGE)
    verb, unit = arguments
    if unit.endswith(".service"):
        unit = unit[: -len(".service")]
    if verb in QUESTIONS:
        return _answer(verb, unit)
    if verb not in {"start", "stop", "restart", "reload"}:
        raise common.Usage(USAGE)
    common.need_root(name)
    if not _installed(unit):
        raise common.Refused(f"Fail to {verb} [{unit}]: unit not found.", 1)
    with common.locked("services"):
        if verb in {"stop", "restart"}:
            services.stop(unit)
        if verb in {"start", "restart"}:
            services.start(unit)
        if verb == "reload":
            services.reload(unit)
    print(f"[{unit}] {verb}{'p' if verb == 'stop' else ''}ed.")
    return 0
