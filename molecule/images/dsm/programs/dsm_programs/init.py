"""dsm-init: boots the stand-in and shuts it down, under tini, which reaps what is left behind.

Boot: administrator, keys and certificate, firewall, sshd, crond, nginx, enabled packages, rc.d scripts, boot tasks.
SIGTERM: rc.d scripts with stop, packages (the engine stops its containers), the other daemons; within 20 seconds.

Environment, read at every boot:
  DSM_ADMIN_USER          the administrator, "admin-ops" by default
  DSM_CONTAINER_MANAGER   at the first boot only: running (default), stopped or absent
  DSM_CGROUP_PARENT       the cgroup of the nested containers, /kbju-dsm-<container id> by default
Files, read at every boot where they exist: /run/dsm-secrets/admin_password, /run/dsm-secrets/authorized_keys
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

from dsm_programs import accounts, common, homeservice, services, synopkg, synoschedtask

SECRETS = Path("/run/dsm-secrets")
BOOTED = Path("/run/dsm-booted")
CERTIFICATE = Path("/usr/syno/etc/certificate/system/default")
RC_SCRIPTS = Path("/usr/local/etc/rc.d")
CGROUPS = Path("/sys/fs/cgroup")


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def _forget_last_boot() -> None:
    # /run is part of the container's file system here and outlives a restart.
    for name in ("docker", "containerd"):
        shutil.rmtree(Path("/run") / name, ignore_errors=True)
    for file in [*Path("/run").glob("*.pid"), BOOTED, Path("/run/docker.sock"), Path("/run/dsm-firewall.json")]:
        file.unlink(missing_ok=True)
    for name in services.DOCKER_LINKS:
        Path("/usr/local/bin/" + name).unlink(missing_ok=True)


def _container_id() -> None:
    found = re.search(r"/containers/([0-9a-f]{12})[0-9a-f]{52}/", Path("/proc/self/mountinfo").read_text())
    common.write(common.state_path("container-id"), (found.group(1) if found else os.uname().nodename) + "\n")


def _private_root() -> None:
    # On DSM / is a private mount (public reports of mounts with rslave that its engine refuses). Docker makes a
    # container's root private or a slave, as the machine has it.
    _run("mount", "--make-private", "/")


def _resolver() -> None:
    # Docker hands "options ndots:0" to a container on a network of its own. A nested engine that finds it asks
    # nobody outside for names without a dot, so nested containers could not find the neighbours of the stand-in.
    place = Path("/etc/resolv.conf")
    text = place.read_text()
    kept = "".join(line for line in text.splitlines(keepends=True) if "ndots" not in line)
    if kept != text:
        # The file is a mount: it can be written, not replaced.
        place.write_text(kept)


def _cgroup_v2() -> None:
    if not (CGROUPS / "cgroup.controllers").exists():
        return
    # A cgroup may hand controllers on only when it has no processes itself.
    if not os.access(CGROUPS / "cgroup.procs", os.W_OK):
        _run("mount", "-o", "remount,rw", str(CGROUPS))
    (CGROUPS / "init").mkdir(exist_ok=True)
    for pid in (CGROUPS / "cgroup.procs").read_text().split():
        with contextlib.suppress(OSError):
            (CGROUPS / "init/cgroup.procs").write_text(pid)
    for controller in (CGROUPS / "cgroup.controllers").read_text().split():
        with contextlib.suppress(OSError):
            (CGROUPS / "cgroup.subtree_control").write_text("+" + controller)


def _iptables() -> None:
    # DSM's is the legacy one; where this kernel has no legacy tables the nft one does the same work.
    works = subprocess.run(["/usr/sbin/iptables-legacy", "-t", "nat", "-S"], capture_output=True, check=False)
    kind = "legacy" if works.returncode == 0 else "nft"
    for family in ("iptables", "ip6tables"):
        for suffix in ("", "-save", "-restore"):
            link = Path(f"/usr/sbin/{family}{suffix}")
            link.unlink(missing_ok=True)
            link.symlink_to(f"/usr/sbin/{family}-{kind}{suffix}")


def _administrator() -> None:
    name = os.environ.get("DSM_ADMIN_USER", "admin-ops")
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", name):
        raise common.Refused(f"DSM_ADMIN_USER={name!r} is no user name", 1)
    people = accounts.users()
    home = "/var/services/homes/" + name
    if name not in people:
        uid = accounts.next_uid()
        people[name] = accounts.User(name, uid, accounts.USERS_GID, "", home, accounts.LOGIN_SHELL)
        accounts.save_users(people)
        # An account without a password would be locked for keys as well.
        accounts.set_password(name, secrets.token_urlsafe(24))
    every_group = accounts.groups()
    members = every_group[accounts.ADMINISTRATORS].members
    if name not in members:
        members.append(name)
    accounts.save_groups(every_group)
    password = SECRETS / "admin_password"
    if password.exists():
        accounts.set_password(name, password.read_text().rstrip("\n"))
    keys = SECRETS / "authorized_keys"
    # Below the data of the home service, so that the keys are there, but not read, while it is off.
    directory = Path(homeservice.DATA) / name
    folder = directory / ".ssh"
    folder.mkdir(parents=True, exist_ok=True)
    if keys.exists():
        common.write(folder / "authorized_keys", keys.read_text(), 0o600)
    uid = people[name].uid
    for place, mode in ((directory, 0o755), (folder, 0o700), (folder / "authorized_keys", 0o600)):
        if place.exists():
            os.chown(place, uid, accounts.USERS_GID)
            place.chmod(mode)


def _first_boot() -> None:
    done = common.state_path("first-boot-done")
    if done.exists():
        return
    _run("ssh-keygen", "-A")
    CERTIFICATE.mkdir(parents=True, exist_ok=True)
    _run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
        *("-days", "365", "-subj", "/CN=synology", "-keyout", str(CERTIFICATE / "privkey.pem")),
        *("-out", str(CERTIFICATE / "fullchain.pem")),
    )
    homeservice.switch(True)
    wanted = os.environ.get("DSM_CONTAINER_MANAGER", "running")
    if wanted not in {"running", "stopped", "absent"}:
        raise common.Refused(f"DSM_CONTAINER_MANAGER={wanted} is none of running, stopped, absent", 1)
    if wanted != "absent":
        synopkg.install("ContainerManager")
    if wanted == "running":
        Path("/var/packages/ContainerManager/enabled").touch()
    synopkg.install("HyperBackup")
    Path("/var/packages/HyperBackup/enabled").touch()
    common.write(done, "")


def _rc_scripts(verb: str, seconds: float) -> None:
    for script in sorted(RC_SCRIPTS.glob("*.sh")):
        if not os.access(script, os.X_OK):
            common.log(f"{script} is not executable: left out")
            continue
        common.log(f"{script} {verb}")
        try:
            code = subprocess.run(
                [str(script), verb], stdin=subprocess.DEVNULL, timeout=seconds, check=False
            ).returncode
        except subprocess.TimeoutExpired:
            common.log(f"{script} {verb} took more than {seconds:g} s")
            continue
        except OSError as error:
            common.log(f"{script} {verb}: {error}")
            continue
        if code:
            common.log(f"{script} {verb} ended with {code}")


def _boot_tasks() -> None:
    for task in synoschedtask.tasks():
        if task.is_enabled and task.text("type") == "bootup":
            common.log(f"boot task {task.number} ended with {synoschedtask.execute(task)}")


def boot() -> None:
    """Bring everything up."""
    _forget_last_boot()
    _container_id()
    _private_root()
    _resolver()
    _cgroup_v2()
    _iptables()
    _first_boot()
    _administrator()
    # Without a crontab of its own the one Debian ships would be read.
    if not common.state_path("crontab-made").exists():
        synoschedtask.sync()
        common.write(common.state_path("crontab-made"), "")
    from dsm_programs import synofirewall  # noqa: PLC0415 - it needs the iptables chosen above

    try:
        synofirewall.apply_if_enabled()
    except common.Refused as error:
        common.log(f"firewall: {error}")
    for unit in ("sshd", "crond", "nginx"):
        services.start(unit)
        common.log(f"{unit} runs")
    for info in sorted(Path("/var/packages").glob("*/INFO")):
        if (info.parent / "enabled").exists():
            synopkg.start(info.parent.name)
            common.log(f"package {info.parent.name} runs")
    # A boot script may wait for containers; the NAS can be reached meanwhile.
    _rc_scripts("start", 120)
    _boot_tasks()


def _remove_cgroups() -> None:
    # With cgroup v1 the directories are the host's and would stay for ever.
    name = services.cgroup_parent().strip("/")
    for top in CGROUPS.glob("*/" + name):
        for directory, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(OSError):
                Path(directory).rmdir()


def shut_down() -> None:
    """Stop everything in order."""
    BOOTED.unlink(missing_ok=True)
    common.log("shutting down")
    _rc_scripts("stop", 5)
    for info in sorted(Path("/var/packages").glob("*/INFO")):
        synopkg.stop(info.parent.name, keep_enabled=True)
    for unit in ("crond", "nginx", "sshd"):
        services.stop(unit)
    _remove_cgroups()
    common.log("down")


def _reap() -> None:
    # Daemons started here and stopped by somebody else; tini reaps only what has lost its parent.
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def main(name: str, arguments: list[str]) -> int:
    """Boot, wait for SIGTERM, shut down."""
    if arguments:
        raise common.Usage(f"Usage: {name}")
    ended = threading.Event()

    def terminate(_number: int, _frame: object) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, terminate)
    signal.signal(signal.SIGINT, terminate)
    started = time.monotonic()
    boot()
    BOOTED.touch()
    common.log(f"booted in {time.monotonic() - started:.1f} s")
    while not ended.wait(2):
        _reap()
    shut_down()
    return 0
