"""Secrets are files that one uid can read, and stand nowhere else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from testinfra.host import Host

from rehearsal import DOCKER, OURS, ROOT, VOLUME, Stack, deploy


def found_in(text: str, stack: Stack) -> list[str]:
    """Return the names of the secrets that stand in `text`."""
    return [name for name, value in stack.secrets().items() if value in text]


@pytest.mark.reads
def test_the_search_itself_finds_secrets(stack: Stack, nas: Host) -> None:
    content = nas.check_output(f"cat {ROOT}/secrets/bot/*")

    assert {"bot_token", "db_password", "webhook_secret"} <= set(found_in(content, stack))


@pytest.mark.reads
def test_not_in_docker_inspect(stack: Stack, docker: Callable[[str], str]) -> None:
    inspected = docker(f"inspect $({DOCKER} ps --all --quiet --filter {OURS})") + docker(
        f"image inspect $({DOCKER} image ls -q)"
    )

    assert found_in(inspected, stack) == []


@pytest.mark.reads
def test_not_in_logs(stack: Stack, nas: Host) -> None:
    logs = nas.check_output(f"cd {ROOT} && {DOCKER} compose logs --no-color 2>&1; cat {ROOT}/logs/bot/*")

    assert "kbju-postgres" in logs
    assert found_in(logs, stack) == []


@pytest.mark.reads
def test_not_in_process_lists(stack: Stack, nas: Host) -> None:
    processes = nas.check_output("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")

    assert "prometheus" in processes
    assert found_in(processes, stack) == []


@pytest.mark.reads
def test_not_in_any_file_but_the_secrets(stack: Stack, nas: Host) -> None:
    # Neither diaries nor keys leave the NAS for this: dumps are compressed, and a key is no text of ours.
    left_out = " ".join(f"-not -path './{path}/*'" for path in ("secrets", "backups", "certs"))
    # Some are binary, as what Alertmanager keeps; secrets are plain characters.
    plain = "LC_ALL=C tr -cd '[:print:]\\n'"
    content = nas.check_output(f"cd {ROOT} && find . -type f {left_out} -exec cat {{}} + | {plain}")

    assert "COMPOSE_PROJECT_NAME" in content
    assert found_in(content, stack) == []


@pytest.mark.reads
def test_each_secret_is_readable_by_its_user_alone(nas: Host) -> None:
    listing = nas.check_output(f"cd {ROOT}/secrets && find . -type f -printf '%p %m %U\\n'")
    owners = {
        "salt": "0",
        "postgres": "999",
        "postgres-exporter": "65532",
        "alertmanager": "65530",
        "grafana": "472",
        "nginx": "101",
        "bot": "1000",
    }
    rows = [line.split() for line in listing.splitlines()]

    assert rows
    for path, mode, uid in rows:
        service = path.split("/")[1]
        assert mode == "400", path
        assert uid == owners.get(service, "1000"), path


def test_not_in_ansibles_output(stack: Stack, tmp_path: Path) -> None:
    """The loudest output there is, of a run that would change every secret: every argument, and every difference."""
    canaries = {f"vault_{name}": f"canary{number:02}" * 4 for number, name in enumerate(stack.secrets())}
    canaries["vault_bot_token"] = "100200:" + "canary" * 6
    file = tmp_path / "canaries.json"
    file.write_text(json.dumps(canaries), encoding="utf-8")

    said = deploy("site.yml", "--check", "--diff", "-vvv", "--extra-vars", f"@{file}")

    assert said.returncode == 0, said.stdout[-3000:]
    assert "Put the configuration and the secrets in place" in said.stdout
    assert "changed=0 " not in said.stdout, "the secrets were to change"
    assert "canary" not in said.stdout + said.stderr
    assert found_in(said.stdout + said.stderr, stack) == []


@pytest.mark.reads
def test_not_in_the_state_of_the_engine(stack: Stack, nas: Host) -> None:
    """What compose hands over is kept by the engine in files of its own."""
    kept = nas.check_output(
        f"cat {VOLUME}/@docker/containers/*/config.v2.json {VOLUME}/@docker/containers/*/hostconfig.json"
    )

    assert '"Labels"' in kept
    assert found_in(kept, stack) == []
