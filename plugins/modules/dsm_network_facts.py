#!/usr/bin/python
"""Ansible module: what the NAS sees of the network, and what its clock says."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_network_facts
short_description: Read what a Synology NAS sees of the network around it
description:
  - Reads the NAS's routes and the subnets of its Docker networks, asks it for names, calls addresses from it, and reads
    its clock. Changes nothing and never fails because something can't be reached - preflight decides what that means.
  - Needs no library on the NAS.
options:
  docker:
    description: The Docker program.
    type: path
    default: /var/packages/ContainerManager/target/usr/bin/docker
  resolve:
    description: Names to look up.
    type: list
    elements: str
    default: []
  reach:
    description: URLs to call. Any answer, also an error of HTTP, counts as reached.
    type: list
    elements: str
    default: []
  timeout:
    description: How long one call may take, in seconds.
    type: int
    default: 5
attributes:
  check_mode:
    support: full
    description: The module only reads.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: Read the NAS's network
  dsm_network_facts:
    resolve: [kbju.example.com]
    reach: [https://api.telegram.org]
"""

RETURN = r"""
ansible_facts:
  description: The facts, below the key C(dsm_network).
  returned: always
  type: dict
  contains:
    dsm_network:
      description:
        - C(clock) (seconds since 1970), C(routes) (rows of C(subnet), C(interface), without the default route),
          C(docker_networks) (subnets by the network's name), C(names) (addresses by name, empty where there is none),
          C(reached) (by URL - null, or why it can't be reached), C(clock_ahead) (seconds by which the NAS's clock is
          ahead of the Date that the first answering URL has given, null without one).
      type: dict
      returned: always
"""

import calendar
import email.utils
import http.client
import ipaddress
import json
import os
import re
import socket
import time
import urllib.error
import urllib.request

from ansible.module_utils.basic import AnsibleModule


def parse_routes(table: str) -> list[dict[str, str]]:
    """Return the subnets of a /proc/net/route-like table, which holds addresses as hexadecimal words in host order."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) < 8 or fields[7] == "00000000":
            continue
        address, mask = (int.from_bytes(bytes.fromhex(fields[i]), "little") for i in (1, 7))
        network = ipaddress.IPv4Network((address, bin(mask).count("1")))
        found.append({"subnet": str(network), "interface": fields[0]})
    return found


def parse_networks(inspected: str) -> dict[str, list[str]]:
    """Return the IPv4 subnets by name of `docker network inspect`."""
    found = {}
    for one in json.loads(inspected or "[]"):
        configured = (one.get("IPAM") or {}).get("Config") or []
        found[one["Name"]] = [row["Subnet"] for row in configured if ":" not in row.get("Subnet", ":")]
    return found


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where an answer leads to is not what was asked for: that it came is enough."""

    def redirect_request(self, *_: object) -> None:
        """Follow nothing."""


def resolve(name: str) -> list[str]:
    """Return a name's addresses, none where it has none."""
    try:
        answers = socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return sorted({str(answer[4][0]) for answer in answers})


def seconds_ahead(date: str, now: float) -> float | None:
    """Return by how much a clock that says `now` is ahead of the Date header of HTTP."""
    parsed = email.utils.parsedate_tz(date)
    # The header has whole seconds and is given while the answer is made: half a second is its middle.
    return None if parsed is None else now - (calendar.timegm(parsed[:6]) + 0.5)


def call(url: str, timeout: int) -> tuple[str | None, str]:
    """Call a URL; return why it can't be reached, or None, and the Date of its answer."""
    try:
        # Without the proxy of this session's environment, which the containers will not have.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirect)
        with opener.open(url, timeout=timeout) as answer:
            return None, answer.headers.get("Date") or ""
    except urllib.error.HTTPError as error:
        return None, error.headers.get("Date") or ""
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        return re.sub(r"^\[Errno -?\d+\] ", "", str(reason)), ""


def main() -> None:
    """Look around and return what was seen."""
    module = AnsibleModule(
        argument_spec={
            "docker": {"type": "path", "default": "/var/packages/ContainerManager/target/usr/bin/docker"},
            "resolve": {"type": "list", "elements": "str", "default": []},
            "reach": {"type": "list", "elements": "str", "default": []},
            "timeout": {"type": "int", "default": 5},
        },
        supports_check_mode=True,
    )
    networks: dict[str, list[str]] = {}
    docker = module.params["docker"]
    if os.path.exists(docker):
        code, ids, _ = module.run_command([docker, "network", "ls", "--quiet"])
        if code == 0 and ids.split():
            _, inspected, _ = module.run_command([docker, "network", "inspect", *ids.split()])
            networks = parse_networks(inspected)
    reached: dict[str, str | None] = {}
    ahead = None
    for url in module.params["reach"]:
        reached[url], date = call(url, module.params["timeout"])
        if ahead is None and date:
            ahead = seconds_ahead(date, time.time())
    try:
        with open("/proc/net/route", encoding="ascii") as file:
            routes = parse_routes(file.read())
    except OSError:
        routes = []
    facts = {
        "clock": time.time(),
        "clock_ahead": ahead,
        "routes": routes,
        "docker_networks": networks,
        "names": {name: resolve(name) for name in module.params["resolve"]},
        "reached": reached,
    }
    module.exit_json(changed=False, ansible_facts={"dsm_network": facts})


if __name__ == "__main__":
    main()
