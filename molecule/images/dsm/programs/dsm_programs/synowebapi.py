"""synowebapi: the web API of DSM, on the command line.

Source: dsm-facts "Command line": --exec api= method= version= key=json, values being JSON (high). Error codes 102 (no
such API), 103 (no such method) and 104 (no such version) are the documented ones of the web API (medium). The line
before the JSON goes to stderr, and the exit code is 0 even where "success" is false (low): read the JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any, Callable

from dsm_programs import common, homeservice, synofirewall, synopkg

USAGE = "Usage: synowebapi --exec api=API method=METHOD version=VERSION [key=json ...]"
NO_API, NO_METHOD, NO_VERSION, BAD_PARAMETER = 102, 103, 104, 120


class ApiError(Exception):
    """An answer with success false."""

    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def _system_info(_: dict[str, Any]) -> dict[str, Any]:
    version = common.key_values(common.path("/etc.defaults/VERSION"))
    memory = common.path("/proc/meminfo")
    total = memory.read_text().split()[1] if memory.exists() else "0"
    return {
        "model": common.key_values(common.path("/etc/synoinfo.conf"))["upnpmodelname"],
        "firmware_ver": "DSM {productversion}-{buildnumber} Update {smallfixnumber}".format(**version),
        "ram_size": int(total) // 1024,
        "serial": "STANDIN0000000",
        "enabled_ntp": True,
    }


def _package(identity: str) -> dict[str, Any]:
    info = common.key_values(common.path(f"/var/packages/{identity}/INFO"))
    running = synopkg._code(identity) == synopkg.RUNNING
    return {
        "id": identity,
        "name": info.get("displayname", identity),
        "version": info["version"],
        "additional": {"status": "running" if running else "stop", "status_code": 0 if running else 17},
    }


def _package_get(parameters: dict[str, Any]) -> dict[str, Any]:
    identity = parameters.get("id")
    if not isinstance(identity, str):
        raise ApiError(BAD_PARAMETER)
    if not common.path(f"/var/packages/{identity}/INFO").exists():
        raise ApiError(4501)
    return _package(identity)


def _package_list(_: dict[str, Any]) -> dict[str, Any]:
    found = [_package(info.parent.name) for info in sorted(common.path("/var/packages").glob("*/INFO"))]
    return {"packages": found, "total": len(found)}


def _home_get(_: dict[str, Any]) -> dict[str, Any]:
    return {"enable": homeservice.is_on(), "location": "/volume1"}


def _home_set(parameters: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(parameters.get("enable"), bool):
        raise ApiError(BAD_PARAMETER)
    homeservice.switch(parameters["enable"])
    return {}


def _firewall_get(_: dict[str, Any]) -> dict[str, Any]:
    now = synofirewall.settings()
    return {"enable_firewall": bool(now.get("status")), "profile_name": now.get("profile", "")}


METHODS: dict[str, dict[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "SYNO.Core.System": {"info": _system_info},
    "SYNO.Core.Package": {"get": _package_get, "list": _package_list},
    "SYNO.Core.User.Home": {"get": _home_get, "set": _home_set},
    "SYNO.Core.Security.Firewall": {"get": _firewall_get},
}


def _call(request: dict[str, str], parameters: dict[str, Any]) -> dict[str, Any]:
    methods = METHODS.get(request["api"])
    if methods is None:
        raise ApiError(NO_API)
    if not request["version"].isdigit() or not 1 <= int(request["version"]) <= 3:
        raise ApiError(NO_VERSION)
    if request["method"] not in methods:
        raise ApiError(NO_METHOD)
    return methods[request["method"]](parameters)


def main(name: str, arguments: list[str]) -> int:
    """Run one request and print the answer."""
    if arguments[:1] != ["--exec"]:
        raise common.Usage(USAGE)
    request: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    for argument in arguments[1:]:
        key, separator, value = argument.partition("=")
        if not separator:
            raise common.Usage(USAGE)
        if key in {"api", "method", "version"}:
            request[key] = value
            continue
        try:
            parameters[key] = json.loads(value)
        except ValueError:
            raise common.Usage(f"{name}: {key}={value}: the value is not JSON; a text needs its quotes") from None
    if set(request) != {"api", "method", "version"}:
        raise common.Usage(USAGE)
    common.need_root(name)
    shown = ", ".join(f"{key}={request[key]}" for key in ("api", "version", "method"))
    print(f"[Line 295] Exec WebAPI:  {shown}, param={json.dumps(parameters)}, runner=SYSTEM_ADMIN", file=sys.stderr)
    answer: dict[str, Any]
    try:
        answer = {"data": _call(request, parameters), "httpd_restart": False, "success": True}
    except ApiError as error:
        answer = {"error": {"code": error.code}, "httpd_restart": False, "success": False}
    print(json.dumps(answer, indent=3, sort_keys=True))
    return 0
