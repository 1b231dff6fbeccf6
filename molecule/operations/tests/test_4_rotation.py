"""Secrets are rotated while users write; only the services concerned change, and nothing tells a secret."""

from __future__ import annotations

import json
import secrets
import string
import subprocess
import tarfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from testinfra.host import Host

from rehearsal import BOT, DOCKER, OURS, REPOSITORY, ROOT, Stack, deploy, until
from telegram_emulator.client import Emulator, User

EXPORTER = "kbju-postgres-exporter"
# Which containers are made anew.
CHANGED: dict[str, set[str]] = {
    "webhook_secret": {BOT},
    "db_password": {BOT},
    "db_migrator_password": set(),
    "db_exporter_password": {EXPORTER},
    "db_superuser_password": set(),
    "grafana_password": set(),
    "monitoring_password": set(),
}
# All values that were ever in force here: none may be seen anywhere.
SEEN: set[str] = set()
_LETTERS = string.ascii_letters + string.digits


def state(stack: Stack) -> Path:
    return REPOSITORY / ".state" / stack.instance


def write_vault(stack: Stack, name: str, value: str = "") -> str:
    """Give a secret another value, as an operator does with ansible-vault edit, and return it."""
    SEEN.add(stack.secret(name))
    new = value or "".join(secrets.choice(_LETTERS) for _ in range(35 if name == "bot_token" else 24))
    (state(stack) / "secrets" / name).write_text(new + "\n", encoding="utf-8")
    SEEN.add(new)
    return new


def rotate(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    done = deploy("playbooks/rotate.yml", "--extra-vars", f"secret={name}", *arguments)
    assert [value for value in SEEN if value in done.stdout + done.stderr] == []
    return done


def started(docker: Callable[[str], str]) -> dict[str, str]:
    """Return what changes when a container is made anew or started again, by name."""
    found = json.loads(docker(f"inspect $({DOCKER} ps --all --quiet --filter {OURS})"))
    return {one["Name"].lstrip("/"): one["Id"] + one["State"]["StartedAt"] for one in found}


def login(nas: Host, account: str, password: str) -> str:
    """Return what the database says to a login over TCP; nothing where it lets the account in."""
    script = "IFS= read -r PGPASSWORD; export PGPASSWORD; psql -h 127.0.0.1 -U $0 -d postgres -c '' 2>&1"
    said = nas.run(f"echo {password} | {DOCKER} exec -i kbju-postgres bash -c %s {account}", script)
    return str(said.stdout).strip()


class Writers:
    """Users who keep writing /start; each must get an answer."""

    def __init__(self, stack: Stack) -> None:
        self._stack, self._ended = stack, threading.Event()
        self._thread = threading.Thread(target=self._write)
        self.users: list[User] = []

    def _write(self) -> None:
        while not self._ended.wait(0.5):
            user = User(10**9 + secrets.randbelow(10**9), self._stack.telegram, first_name="Vera", language_code="ru")
            user.send_text("/start")
            self.users.append(user)

    def __enter__(self) -> Writers:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def check(self, sql: Callable[[str], str]) -> None:
        """Fail the test where somebody got no answer or is not in the database, once."""
        assert len(self.users) > 3
        for user in self.users:
            # Telegram brings what was refused again after a pause.
            assert "Vera" in user.wait_for_reply(timeout=60)["text"]
        ids = ",".join(str(user.id) for user in self.users)
        assert sql(f"SELECT count(*) FROM users WHERE telegram_id IN ({ids})") == str(len(self.users))


@pytest.fixture(scope="module", autouse=True)
def known(stack: Stack) -> Iterator[None]:
    """Know what is in force before and after."""
    SEEN.update(stack.secrets().values())
    yield
    SEEN.update(stack.secrets().values())


@pytest.mark.parametrize("name", CHANGED)
def test_users_notice_nothing_and_only_those_concerned_change(
    stack: Stack, docker: Callable[[str], str], sql: Callable[[str], str], name: str
) -> None:
    write_vault(stack, name)
    before = started(docker)

    with Writers(stack) as writers:
        said = rotate(name)

    assert said.returncode == 0, said.stdout[-3000:]
    assert f"the new {name} works" in said.stdout
    assert "the old one is refused" in said.stdout
    after = started(docker)
    assert {one for one in before | after if before.get(one) != after.get(one)} == CHANGED[name]
    writers.check(sql)


def test_the_database_refuses_the_old_passwords_and_takes_the_new(stack: Stack, nas: Host) -> None:
    """Asked without the program whose word the test above takes."""
    for name, account in {"db_password": "kbju_bot", "db_superuser_password": "postgres"}.items():
        now = stack.secret(name)

        assert login(nas, account, now) == ""
        assert "password authentication failed" in login(nas, account, now[::-1])
        assert [old for old in SEEN - {now} if old.isalnum() and login(nas, account, old) == ""] == []


@pytest.mark.parametrize("name", ["grafana_password", "db_password"])
def test_a_second_time_there_is_nothing_to_do(docker: Callable[[str], str], name: str) -> None:
    before = started(docker)

    said = rotate(name)

    assert said.returncode == 0, said.stdout[-3000:]
    assert "nothing to do" in said.stdout
    assert "changed=0 " in said.stdout
    assert started(docker) == before


@pytest.mark.parametrize(("value", "words"), [("short", "short"), ("CHANGE-ME-or-else", "example")])
def test_a_value_that_preflight_would_refuse_changes_nothing(
    stack: Stack, docker: Callable[[str], str], value: str, words: str
) -> None:
    good, before = stack.secret("webhook_secret"), started(docker)
    (state(stack) / "secrets" / "webhook_secret").write_text(value + "\n", encoding="utf-8")

    said = rotate("webhook_secret")

    (state(stack) / "secrets" / "webhook_secret").write_text(good + "\n", encoding="utf-8")
    assert said.returncode != 0
    assert f"vault_webhook_secret is {words}" in " ".join(said.stdout.split())
    assert started(docker) == before


def test_what_is_no_secret_is_refused_with_the_choices() -> None:
    said = rotate("salt")

    assert said.returncode != 0
    assert "bot_token|webhook_secret|db_password" in "".join(said.stdout.split())


def test_another_mode_than_the_deployed_one_is_refused(stack: Stack, docker: Callable[[str], str]) -> None:
    good, before = stack.secret("webhook_secret"), started(docker)
    write_vault(stack, "webhook_secret")

    said = deploy("playbooks/rotate.yml", "--extra-vars", "secret=webhook_secret", KBJU_BOT_MODE="polling")

    write_vault(stack, "webhook_secret", good)
    assert said.returncode != 0
    assert "the inventory says polling: run site.yml first" in " ".join(said.stdout.split())
    assert started(docker) == before


def test_a_bot_that_can_not_be_replaced_keeps_a_password_that_the_database_takes(
    stack: Stack, nas: Host, docker: Callable[[str], str], user_id: int
) -> None:
    good, before = stack.secret("db_password"), started(docker)
    new = write_vault(stack, "db_password")
    settings = json.loads(nas.check_output(f"cat {ROOT}/bin/release.json"))
    # No instance is ready within no time.
    impatient = json.dumps({**settings, "ready_timeout": 0})
    nas.check_output(f"echo %s > {ROOT}/bin/release.json", impatient)

    said = rotate("db_password")

    nas.check_output(f"echo %s > {ROOT}/bin/release.json", json.dumps(settings, indent=4))
    write_vault(stack, "db_password", good)
    assert said.returncode != 0
    assert "the old db_password is in place again" in said.stdout, said.stdout[-3000:]
    assert started(docker) == before
    assert login(nas, "kbju_bot", good) == ""
    assert "password authentication failed" in login(nas, "kbju_bot", new)
    # Connections that are opened from now on, too.
    nas.check_output(
        f"{DOCKER} exec kbju-postgres psql -qU postgres -c %s",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'kbju_bot'",
    )
    user = User(user_id, stack.telegram, first_name="Nina", language_code="ru")
    user.send_text("/start")
    assert "Nina" in user.wait_for_reply(timeout=30)["text"]


def test_a_revoked_token_is_replaced_and_what_was_written_meanwhile_is_answered(
    stack: Stack, docker: Callable[[str], str], user_id: int
) -> None:
    """The stand-in forgets its chats when it learns of the new token; the NAS does not know."""
    new = write_vault(stack, "bot_token")
    (state(stack) / "telegram" / "tokens").write_text(f"100200:{new}\n", encoding="utf-8")
    subprocess.run(["docker", "restart", f"{stack.instance}-telegram"], check=True, capture_output=True)
    until(lambda: _answers(stack), "the stand-in answers")
    user = User(user_id, stack.telegram, first_name="Rita", language_code="ru")
    user.send_text("/start")
    before = started(docker)

    said = rotate("bot_token")

    assert said.returncode == 0, said.stdout[-3000:]
    assert "the old one is refused" in said.stdout
    after = started(docker)
    assert {one for one in before | after if before.get(one) != after.get(one)} == {BOT}
    assert "Rita" in user.wait_for_reply(timeout=60)["text"]


def _answers(stack: Stack) -> bool:
    try:
        Emulator(stack.telegram).counters()
    except (OSError, AssertionError):
        return False
    return True


def test_no_value_is_seen_on_the_nas_or_left_there(nas: Host, docker: Callable[[str], str]) -> None:
    """Old ones and new ones: arguments, inspect, logs, and files other than the secrets."""
    inspected = docker(f"inspect $({DOCKER} ps --all --quiet --filter {OURS})")
    logs = nas.check_output(f"cd {ROOT} && {DOCKER} compose logs --no-color 2>&1; cat logs/*.log logs/bot/*")
    processes = nas.check_output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")

    assert [value for value in SEEN if value in inspected + logs + processes] == []
    assert not nas.file(f"{ROOT}/secrets/rotation").exists


def test_the_loudest_output_tells_no_value(stack: Stack) -> None:
    """Rotates for real, as check mode would leave out the program that does it."""
    write_vault(stack, "db_migrator_password")

    said = rotate("db_migrator_password", "-vvv", "--diff")

    assert said.returncode == 0, said.stdout[-3000:]
    assert "rotate-secret db_migrator_password" in said.stdout


def test_a_deployment_finds_nothing_to_change(docker: Callable[[str], str]) -> None:
    """What a rotation has written is what the roles would write."""
    before = started(docker)

    said = deploy("playbooks/deploy.yml")

    assert said.returncode == 0, said.stdout[-3000:]
    assert "changed=0 " in said.stdout, said.stdout[-3000:]
    assert started(docker) == before


def test_the_status_shows_the_release_and_the_budget(nas: Host) -> None:
    said = nas.run(f"{ROOT}/bin/status").stdout

    (release,) = [line for line in said.splitlines() if "Release:" in line]
    rows = json.loads(nas.check_output(f"cat {ROOT}/releases/releases.json"))
    (serving,) = [row for row in rows if row["result"] == "serving"]
    assert serving["version"] in release
    assert serving["when"] in release
    assert "Budget:" in said


def archive_of(folder: Path, *arguments: str) -> tuple[dict[str, bytes], subprocess.CompletedProcess[str]]:
    """Have the doctor collect, and return what is in the archive."""
    file = folder / "doctor.tar.gz"
    said = deploy("playbooks/doctor.yml", "--extra-vars", f"doctor_file={file}", *arguments)
    assert said.returncode == 0, said.stdout[-3000:]
    assert file.stat().st_mode & 0o777 == 0o600
    with tarfile.open(file) as tar:
        found: dict[str, Any] = {one.name: tar.extractfile(one) for one in tar.getmembers()}
        return {name.removeprefix("doctor/"): part.read() for name, part in found.items()}, said


def test_the_doctors_archive_tells_no_secret(stack: Stack, nas: Host, tmp_path: Path) -> None:
    # Where no secret belongs, and somebody has put one.
    canaries = [stack.secret("bot_token"), stack.secret("db_password"), nas.check_output(f"cat {ROOT}/secrets/salt")]
    lines = f"{' '.join(canaries)} MY_API_KEY=canary11 postgresql://me:canary12@there/ 777888:{'canary13' * 5}"
    nas.check_output(f"echo %s > {ROOT}/logs/canary.log", lines)

    parts, said = archive_of(tmp_path, "-vvv")

    nas.check_output(f"rm {ROOT}/logs/canary.log")
    assert parts["files/logs/canary.log"].count(b"***") >= 6
    content = b"".join(parts.values()) + (said.stdout + said.stderr).encode()
    secret = {*stack.secrets().values(), *SEEN, *canaries, "canary11", "canary12", "canary13"}
    # The rehearsal's names are no secrets: what is asked for is in there as such.
    assert [value for value in secret if value.encode() in content] == []
    assert {"status.txt", "docker/inspect.json", f"logs/{BOT}.txt", "prometheus/targets.json"} <= set(parts)
    assert b"SERVER" in parts["versions/docker.txt"].upper()


def test_the_doctor_comes_without_an_engine_too(nas: Host, tmp_path: Path) -> None:
    nas.check_output(f"mv {DOCKER} {DOCKER}.away")
    try:
        parts, _ = archive_of(tmp_path)
    finally:
        nas.check_output(f"mv {DOCKER}.away {DOCKER}")

    assert b"docker/ps.txt: " in parts["summary.txt"]
    assert b"kbju-postgres" in parts["files/compose/postgres.yml"]
    assert "nas/disk.txt" in parts
