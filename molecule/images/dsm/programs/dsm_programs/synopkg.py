"""synopkg: packages. Container Manager is real: starting it starts the nested Docker engine.

Source: dsm-facts "Command line": status, start, version, install_from_server (medium). The JSON of status and its
exit codes (0 running, 17 stopped, 255 not installed), the text of is_onoff, error 150 on installing what is there
and "stop" for whoever asks without root rights are from published outputs of DSM 7 (medium). That a package is not
started by its installation is a guess, the stricter one (low).
"""

from __future__ import annotations

import json
import os
import shutil
from typing import Any

from dsm_programs import common, services

USAGE = """Usage: synopkg COMMAND
  list [--name]
  status|start|stop|restart|version|is_onoff PACKAGE
  onoffstatus PACKAGE
  install_from_server PACKAGE
  uninstall PACKAGE"""
RUNNING, STOPPED, NOT_INSTALLED = 0, 17, 255
TEXTS = {
    RUNNING: ("start", "running", "Status: [0]"),
    STOPPED: ("stop", "stop", "Status: [17], package is stopped"),
    NOT_INSTALLED: ("stop", "non_installed", "Status: [255], No such package"),
}


def _folder(package: str) -> Any:
    if "/" in package or package in {"", ".", ".."}:
        raise common.Refused(f"synopkg: bad package name: {package}")
    return common.path("/var/packages/" + package)


def _code(package: str) -> int:
    if not (_folder(package) / "INFO").exists():
        return NOT_INSTALLED
    if package == "ContainerManager":
        # Only root may ask the units.
        allowed = not common.IS_MACHINE or os.geteuid() == 0
        return RUNNING if allowed and services.is_active(services.DOCKERD) else STOPPED
    return RUNNING if (_folder(package) / "enabled").exists() else STOPPED


def _need_installed(package: str) -> None:
    if _code(package) == NOT_INSTALLED:
        raise common.Refused(
            json.dumps({"action": "prepare", "error": {"code": 255}, "stage": "prepare", "success": False})
        )


def _status(package: str) -> int:
    code = _code(package)
    active, status, description = TEXTS[code]
    aspect: dict[str, Any] = {
        "active": {"status": active, "status_code": code, "status_description": "retrieve from status script"}
    }
    if code == NOT_INSTALLED:
        aspect["active"] = {"status": "stop", "status_code": 263, "status_description": "failed to get unit status"}
        aspect["error"] = {
            "status": "non_installed",
            "status_code": 255,
            "status_description": "failed to locate given package",
        }
    answer = {"aspect": aspect, "description": description, "package": package, "status": status}
    print(json.dumps(answer, separators=(",", ":")))
    return code


def _done(action: str) -> None:
    print(json.dumps({"action": action, "error": {"code": 0}, "stage": action, "success": True}, separators=(",", ":")))


def start(package: str) -> None:
    """Start a package and have it started at every boot."""
    _need_installed(package)
    (_folder(package) / "enabled").touch()
    if package == "ContainerManager":
        services.start(services.DOCKERD)


def stop(package: str, *, keep_enabled: bool = False) -> None:
    """Stop a package; it stays stopped over a boot, unless it is only the NAS that stops."""
    _need_installed(package)
    if not keep_enabled and (_folder(package) / "enabled").exists():
        (_folder(package) / "enabled").unlink()
    if package == "ContainerManager":
        services.stop(services.DOCKERD)


def install(package: str) -> None:
    """Install a package of the stand-in's own "server"."""
    source = common.path("/usr/lib/dsm-standin/packages/" + package)
    if _code(package) != NOT_INSTALLED:
        raise common.Refused("Failed to load package info, error = [150]", 150)
    if not source.is_dir():
        raise common.Refused(f"Package {package} is not found on the server, error = [289]", 1)
    shutil.copytree(source, _folder(package), symlinks=True)
    if package == "ContainerManager":
        # Installing it makes the shared folder "docker" on DSM.
        common.path("/volume1/@docker").mkdir(parents=True, exist_ok=True)


def uninstall(package: str) -> None:
    """Remove a package; its data stay."""
    _need_installed(package)
    stop(package)
    shutil.rmtree(_folder(package))


def _list(names_only: bool) -> int:
    for info in sorted(common.path("/var/packages").glob("*/INFO")):
        values = common.key_values(info)
        if names_only:
            print(values["package"])
        else:
            print(f"{values['package']}-{values['version']}: {values.get('description', '')}")
    return 0


def _is_on(package: str) -> int:
    code = _code(package)
    if code == RUNNING:
        print(f"package {package} is turned on")
        return 0
    print(f"package {package} isn't turned on, status: [{code}]")
    return 1


def _version(package: str) -> int:
    _need_installed(package)
    print(common.key_values(_folder(package) / "INFO")["version"])
    return 0


def main(name: str, arguments: list[str]) -> int:
    """Do what the first argument names."""
    if arguments[:1] == ["list"]:
        return _list("--name" in arguments)
    if len(arguments) != 2:
        raise common.Usage(USAGE)
    verb, package = arguments
    questions = {"status": _status, "version": _version, "is_onoff": _is_on, "onoffstatus": _is_on}
    if verb in questions:
        return questions[verb](package)
    changes = {"start": start, "stop": stop, "install_from_server": install, "uninstall": uninstall}
    if verb not in changes and verb != "restart":
        raise common.Usage(USAGE)
    common.need_root(name)
    with common.locked("packages"):
        if verb == "restart":
            stop(package)
            start(package)
        else:
            changes[verb](package)
    _done(verb)
    return 0
