#!/usr/bin/python
"""Ansible module: what preflight and the roles need to know of a NAS, in one round trip."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

DOCUMENTATION = r"""
---
module: dsm_facts
short_description: Read what a deployment needs to know of a Synology NAS
description:
  - Reads DSM's version, the hardware, Container Manager's state, the Docker engine, listening TCP ports and the
    containers of one compose project. Changes nothing and never fails because something is absent - what can't be
    read is null, and preflight decides what that means.
  - Needs no library on the NAS. Must run as root to see which process holds a port.
options:
  volume:
    description: The volume whose free space is read.
    type: path
    default: /volume1
  project:
    description: The compose project whose containers are listed.
    type: str
    default: ""
  docker:
    description: The Docker program.
    type: path
    default: /var/packages/ContainerManager/target/usr/bin/docker
  share:
    description: The shared folder whose path is read.
    type: str
    default: ""
  tools:
    description: Absolute paths of programs that the roles call; RV(ansible_facts.dsm.missing_tools) lists the absent.
    type: list
    elements: path
    default: []
attributes:
  check_mode:
    support: full
    description: The module only reads.
author:
  - KBJU NAS contributors
"""

EXAMPLES = r"""
- name: Read the NAS's facts
  dsm_facts:
    volume: /volume1
    project: kbju-bot-prod
"""

RETURN = r"""
ansible_facts:
  description: The facts, below the key C(dsm).
  returned: always
  type: dict
  contains:
    dsm:
      description:
        - C(version) (like 7.2.2), C(build), C(model), C(kernel), C(python), C(cores), C(memory_mb), C(swap_mb),
          C(volume_free_mb), C(volume_total_mb), C(share_path).
        - C(container_manager) and C(hyper_backup) with C(installed), C(running), C(version).
        - C(docker) with C(path), C(version), C(compose_version), C(storage_driver), C(cpu_quota), C(memory_limit),
          C(swap_limit), C(pids_limit); null without an answering engine.
        - C(listeners), a list of C(port), C(address), C(process) of listening TCP sockets.
        - C(containers), by name, with C(id), C(service), C(state), C(health), C(exit_code), C(restarts), C(image),
          C(image_id), C(ports).
        - C(missing_tools).
      type: dict
      returned: always
"""

import json
import os
import platform
import re
import shutil
import socket
import struct
from typing import Any

from ansible.module_utils.basic import AnsibleModule

SYNOSHARE = "/usr/syno/sbin/synoshare"
SYNOPKG = "/usr/syno/bin/synopkg"
TCP_LISTEN = "0A"


def read_text(path: str) -> str:
    """Return a file's text, or an empty text when it can't be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def key_values(text: str) -> dict[str, str]:
    """Return the key="value" lines of a synoinfo.conf-like text as a dict."""
    return dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, flags=re.MULTILINE))


def memory_mb(meminfo: str, key: str) -> int | None:
    """Return a value of /proc/meminfo in MiB, or None when it is absent."""
    found = re.search(rf"^{key}:\s+(\d+) kB", meminfo, flags=re.MULTILINE)
    return int(found.group(1)) // 1024 if found else None


def link_target(path: str) -> str:
    """Return what a symbolic link points to, or an empty text when it is gone."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def socket_owners() -> dict[str, str]:
    """Return the names of the processes that hold sockets, by the sockets' inode numbers."""
    owners: dict[str, str] = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        folder = f"/proc/{pid}/fd"
        try:
            links = [link_target(f"{folder}/{fd}") for fd in os.listdir(folder)]
        except OSError:  # the process has ended meanwhile
            continue
        inodes = [link[8:-1] for link in links if link.startswith("socket:[")]
        if inodes:
            name = read_text(f"/proc/{pid}/comm").strip()
            owners.update((inode, name) for inode in inodes)
    return owners


def decode_address(text: str) -> str:
    """Return the IP address that /proc/net/tcp writes as hexadecimal words in host byte order."""
    words = [int(text[i : i + 8], 16) for i in range(0, len(text), 8)]
    packed = struct.pack(f"={len(words)}I", *words)
    return socket.inet_ntop(socket.AF_INET if len(words) == 1 else socket.AF_INET6, packed)


def parse_listeners(table: str, owners: dict[str, str]) -> list[dict[str, Any]]:
    """Return the listening sockets of a /proc/net/tcp-like table."""
    found = []
    for line in table.splitlines()[1:]:
        fields = line.split()
        if len(fields) > 9 and fields[3] == TCP_LISTEN:
            address, port = fields[1].split(":")
            found.append(
                {"port": int(port, 16), "address": decode_address(address), "process": owners.get(fields[9], "unknown")}
            )
    return found


class Nas:
    """The questions to the NAS; `run` calls a program and returns its output, or None when it failed."""

    def __init__(self, module: AnsibleModule) -> None:
        self.module = module
        self.docker_program: str = module.params["docker"]

    def run(self, *command: str) -> str | None:
        """Return what a program printed, or None when it is absent or failed."""
        if not os.path.exists(command[0]):
            return None
        code, out, _ = self.module.run_command(list(command))
        return out if code == 0 else None

    def run_json(self, *command: str) -> Any:
        """Return the JSON document that a program printed, or None."""
        try:
            return json.loads(self.run(*command) or "")
        except ValueError:
            return None

    def package(self, name: str) -> dict[str, Any]:
        """Return a package's state."""
        status = self.run(SYNOPKG, "status", name)
        version = self.run(SYNOPKG, "version", name)
        return {
            "installed": version is not None,
            "version": version.strip() if version else None,
            # Early releases of DSM 7 print a sentence, later ones JSON; both hold this word.
            "running": re.search(r"running|started", status or "") is not None,
        }

    def docker(self) -> dict[str, Any] | None:
        """Return the engine's facts, or None when no engine answers."""
        info = self.run_json(self.docker_program, "info", "--format", "{{json .}}")
        if not info or not info.get("ServerVersion"):
            return None
        compose = self.run(self.docker_program, "compose", "version", "--short")
        return {
            "path": self.docker_program,
            "version": info["ServerVersion"],
            "compose_version": compose.strip().lstrip("v") if compose else None,
            "storage_driver": info.get("Driver"),
            "cpu_quota": bool(info.get("CpuCfsQuota")),
            "memory_limit": bool(info.get("MemoryLimit")),
            "swap_limit": bool(info.get("SwapLimit")),
            "pids_limit": bool(info.get("PidsLimit")),
        }

    def share_path(self, name: str) -> str | None:
        """Return where a shared folder is, or None when there is none of that name."""
        found = re.search(r"Path[ .]*\[(.*)\]", self.run(SYNOSHARE, "--get", name) or "")
        return found.group(1) if found else None

    def containers(self, project: str) -> dict[str, Any]:
        """Return the project's containers by name."""
        # Without those of `compose run`: the NAS's own tasks make and remove them at any time.
        labels = ["com.docker.compose.project=" + project, "com.docker.compose.oneoff=False"]
        filters = [part for label in labels for part in ("--filter", "label=" + label)]
        ids = (self.run(self.docker_program, "ps", "--all", "--quiet", "--no-trunc", *filters) or "").split()
        if not ids:
            return {}
        # Its exit code tells of a container that has just been removed; the others are printed all the same.
        _, inspected, _ = self.module.run_command([self.docker_program, "inspect", *ids])
        try:
            listed = json.loads(inspected)
        except ValueError:
            listed = []
        found = {}
        for one in listed:
            ports = one["HostConfig"].get("PortBindings") or {}
            found[one["Name"].lstrip("/")] = {
                "id": one["Id"],
                "service": one["Config"]["Labels"].get("com.docker.compose.service"),
                "state": one["State"]["Status"],
                "health": (one["State"].get("Health") or {}).get("Status"),
                "exit_code": one["State"]["ExitCode"],
                "restarts": one["RestartCount"],
                "image": one["Config"]["Image"],
                "image_id": one["Image"],
                "ports": sorted({int(b["HostPort"]) for binds in ports.values() for b in binds if b["HostPort"]}),
            }
        return found


def main() -> None:
    """Read everything and return it as facts."""
    module = AnsibleModule(
        argument_spec={
            "volume": {"type": "path", "default": "/volume1"},
            "project": {"type": "str", "default": ""},
            "docker": {"type": "path", "default": "/var/packages/ContainerManager/target/usr/bin/docker"},
            "share": {"type": "str", "default": ""},
            "tools": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    nas = Nas(module)
    version = key_values(read_text("/etc.defaults/VERSION"))
    synoinfo = key_values(read_text("/etc/synoinfo.conf"))
    meminfo = read_text("/proc/meminfo")
    try:
        disk = shutil.disk_usage(module.params["volume"])
    except OSError:
        disk = None
    docker = nas.docker()
    owners = socket_owners()
    tables = [read_text("/proc/net/tcp"), read_text("/proc/net/tcp6")]
    facts = {
        "version": version.get("productversion"),
        "build": version.get("buildnumber"),
        "model": synoinfo.get("upnpmodelname"),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "memory_mb": memory_mb(meminfo, "MemTotal"),
        "swap_mb": memory_mb(meminfo, "SwapTotal"),
        "volume_free_mb": disk.free // 2**20 if disk else None,
        "volume_total_mb": disk.total // 2**20 if disk else None,
        "share_path": nas.share_path(module.params["share"]) if module.params["share"] else None,
        "container_manager": nas.package("ContainerManager"),
        "hyper_backup": nas.package("HyperBackup"),
        "docker": docker,
        "listeners": [row for table in tables for row in parse_listeners(table, owners)],
        "containers": nas.containers(module.params["project"]) if docker and module.params["project"] else {},
        "missing_tools": [tool for tool in module.params["tools"] if not os.path.exists(tool)],
    }
    module.exit_json(changed=False, ansible_facts={"dsm": facts})


if __name__ == "__main__":
    main()
