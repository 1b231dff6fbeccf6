"""The order in which a restore stops, swaps, starts and undoes, whatever fails: played with programs that only note."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
STUBS = {"stack": "up", "postgres": "accounts", "bot": "migrate"}
# Notes how it is called; fails where the file says so, by the words it is called with.
NOTING = """\
#!/bin/sh
case "$*" in *python*) set -- exec readyz;; esac
echo "$(basename "$0") $*" >> {folder}/calls
case "$*" in *--json*) echo '{{"name": "SAVED", "message": "saved"}}';; undo*) echo "undone";; *) echo done;; esac
[ ! -f {folder}/fails ] || while read -r words; do
    case "$*" in *"$words"*) echo "it was told to fail" >&2; exit 1;; esac
done < {folder}/fails
"""
# What the other roles would call; failing, they fail.
STUB = """\
- name: {name}
  ansible.builtin.command:
    argv: ["{{{{ kbju_docker }}}}", {name}, "{{{{ stack_up_services | default([]) | join(' ') }}}}"]
"""
PLAY = [
    {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {
                "name": "Restore",
                "ansible.builtin.include_role": {
                    "name": "hyper_backup",
                    "tasks_from": "replace",
                    "rolespec_validate": False,
                },
            }
        ],
    }
]
STOP = "docker compose stop kbju-bot-prod"
START = "docker compose up kbju-bot-prod"


@dataclass
class Played:
    """What was called, and what was said in the end."""

    code: int
    calls: list[str]
    said: str


def play(folder: Path, *fails: str) -> Played:
    """Play a restore in which the calls with the words of `fails` fail."""
    for role, tasks in STUBS.items():
        (folder / "roles" / role / "tasks").mkdir(parents=True)
        stub = STUB.format(name=f"{role}-{tasks}")
        (folder / "roles" / role / "tasks" / f"{tasks}.yml").write_text(stub, encoding="utf-8")
    (folder / "roles" / "hyper_backup").symlink_to(REPOSITORY / "roles" / "hyper_backup")
    (folder / "bin").mkdir()
    for program in (folder / "docker", folder / "bin" / "backup"):
        program.write_text(NOTING.format(folder=folder), encoding="utf-8")
        program.chmod(0o755)
    (folder / "fails").write_text("".join(words + "\n" for words in fails), encoding="utf-8")
    (folder / "play.yml").write_text(yaml.safe_dump(PLAY), encoding="utf-8")
    (folder / "ansible.cfg").write_text("[defaults]\nroles_path = roles\n", encoding="utf-8")
    found = {
        "ansible_python_interpreter": sys.executable,
        "kbju_root": str(folder),
        "kbju_docker": str(folder / "docker"),
        "kbju_project": "kbju-bot-prod",
        "hyper_backup_restore": "WANTED",
    }
    done = subprocess.run(
        ["ansible-playbook", "-i", "localhost,", "--extra-vars", json.dumps(found), str(folder / "play.yml")],
        cwd=folder,
        env={**os.environ, "ANSIBLE_CONFIG": str(folder / "ansible.cfg")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (folder / "calls").exists(), done.stdout + done.stderr
    calls = (folder / "calls").read_text(encoding="utf-8")
    for noise in (f"--project-directory {folder} ", "--detach --wait --wait-timeout 240 ", "docker exec readyz\n" * 29):
        calls = calls.replace(noise, "")
    said = done.stdout[done.stdout.index("fatal: ") :] if done.returncode else done.stdout
    return Played(
        done.returncode, [line.strip() for line in calls.splitlines()], " ".join(said.replace("\\n", " ").split())
    )


BEFORE = [STOP, "docker stack-up kbju-postgres", "backup run --kind before-restore --local-only --json"]
RESTORED = [*BEFORE, "backup restore WANTED --saved SAVED", "docker postgres-accounts", "docker bot-migrate"]
STARTED = [*RESTORED, "docker stack-up kbju-postgres kbju-bot-prod", "docker exec readyz"]


def test_the_bot_alone_is_started_before_the_old_database_goes(tmp_path: Path) -> None:
    played = play(tmp_path)

    assert played.code == 0, played.said
    assert played.calls == [*STARTED, "backup finish-restore", "docker stack-up"]


def test_a_failure_before_the_swap_only_starts_the_bot_again(tmp_path: Path) -> None:
    played = play(tmp_path, "run --kind")

    assert played.code != 0
    assert played.calls == [*BEFORE, STOP, START]
    assert "Save the present state: it was told to fail" in played.said
    assert "-e save_first=false" in played.said
    assert "The database is the one from before: it was not replaced. The bot runs on it." in played.said


def test_a_failure_after_the_swap_is_undone_and_nothing_of_it_is_kept(tmp_path: Path) -> None:
    played = play(tmp_path, "postgres-accounts")

    assert played.calls == [*RESTORED[:-1], STOP, "backup undo-restore --saved SAVED", START]
    assert "it was told to fail" in played.said
    assert "undone. The bot runs on it." in played.said
    assert "save_first" not in played.said


def test_what_the_bot_has_run_on_is_kept(tmp_path: Path) -> None:
    played = play(tmp_path, "stack-up kbju-postgres kbju-bot-prod")

    assert played.calls == [*STARTED[:-1], STOP, "backup undo-restore --saved SAVED --keep-restored", START]


def test_without_an_undo_the_bot_stays_stopped_and_the_way_on_is_told(tmp_path: Path) -> None:
    played = play(tmp_path, "bot-migrate", "undo-restore")

    assert played.calls == [*RESTORED, STOP, "backup undo-restore --saved SAVED"]
    assert f"{tmp_path}/bin/backup undo-restore --saved 'SAVED' && {tmp_path}/bin/boot" in played.said
    assert "The bot runs on it" not in played.said
