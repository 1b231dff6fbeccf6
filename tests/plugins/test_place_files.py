"""The module and action plugin that put files in place: run through ansible itself, on this machine."""

from __future__ import annotations

import grp
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
CANARY = "canary-of-a-secret"
ME = os.geteuid()


class Play:
    """A play of one place_files task and its handlers, on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "root"
        self.root.mkdir()
        (folder / "templates").mkdir()
        self.output = ""

    def template(self, name: str, text: str) -> None:
        """Write a template of the play's."""
        (self.folder / "templates" / name).write_text(text, encoding="utf-8")

    def run(self, *options: str, **wanted: list[Any]) -> dict[str, Any]:
        """Run one task and return its result, with the handlers that ran."""
        (result,) = self.run_all([wanted], *options)
        return result

    def run_all(self, tasks: list[dict[str, list[Any]]], *options: str) -> list[dict[str, Any]]:
        """Run tasks in one play, failing ones too, and return their results."""
        handlers = [
            {"name": name, "ansible.builtin.debug": {"msg": f"handled {name}"}, "changed_when": True}
            for name in ("Reload one", "Reload two")
        ]
        steps: list[dict[str, Any]] = []
        for number, wanted in enumerate(tasks):
            rows = {name: [{"owner": ME, **row} for row in listed] for name, listed in wanted.items()}
            task = {"root": str(self.root), **rows}
            steps.append({"place_files": task, "register": f"placed{number}", "ignore_errors": True})
        results = "{{ [" + ", ".join(f"placed{number}" for number in range(len(tasks))) + "] | to_json }}"
        copy = {"content": results, "dest": str(self.folder / "results")}
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": {"greeting": "hello", "ansible_python_interpreter": "{{ ansible_playbook_python }}"},
            "tasks": [*steps, {"ansible.builtin.copy": copy, "check_mode": False}],
            "handlers": handlers,
        }
        (self.folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
        done = subprocess.run(
            ["ansible-playbook", "--inventory", "localhost,", "-vvv", *options, str(self.folder / "play.json")],
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == 0, self.output[-3000:]
        found: list[dict[str, Any]] = json.loads((self.folder / "results").read_text(encoding="utf-8"))
        for result in found:
            result["handled"] = [name for name in ("Reload one", "Reload two") if f"handled {name}" in self.output]
        return found

    def mode(self, path: str) -> int:
        """Return the mode of something below the root."""
        return (self.root / path).stat().st_mode & 0o7777


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)


def test_everything_is_placed_at_once_and_only_once(play: Play) -> None:
    play.template("a.j2", "{{ greeting }} {{ root_of | default('nobody') }}\n{% if true %}\nyes\n{% endif %}\n")
    play.template("plain", "{{ not rendered }}\n")
    wanted: dict[str, Any] = {
        "directories": [{"path": "d", "mode": "0700"}, {"path": "d/e"}],
        "files": [
            {"path": "d/a", "template": "a.j2"},
            {"path": "d/e/b", "copy": "plain", "mode": "0755"},
            {"path": "c", "content": "text", "mode": "0400", "secret": True},
        ],
    }

    first = play.run(**wanted)
    again = play.run(**wanted)

    assert first["changed"] is True
    assert first["changed_paths"] == ["d/", "d/e/", "d/a", "d/e/b", "c"]
    assert (play.root / "d/a").read_text() == "hello nobody\nyes\n"
    assert (play.root / "d/e/b").read_text() == "{{ not rendered }}\n"
    assert (play.root / "c").read_text() == "text"
    assert [play.mode(path) for path in ("d", "d/e", "d/a", "d/e/b", "c")] == [0o700, 0o755, 0o644, 0o755, 0o400]
    assert again["changed"] is False
    assert again["changed_paths"] == []


def test_check_mode_changes_nothing_and_shows_what_would_change(play: Play) -> None:
    (play.root / "kept").write_text("old words\n")
    (play.root / "kept").chmod(0o600)
    wanted: dict[str, Any] = {
        "directories": [{"path": "new"}],
        "files": [{"path": "kept", "content": "new words\n"}, {"path": "new/file", "content": "x"}],
    }

    said = play.run("--check", "--diff", **wanted)

    assert said["changed_paths"] == ["new/", "kept", "new/file"]
    assert "-old words" in play.output
    assert "+new words" in play.output
    assert [path.name for path in play.root.iterdir()] == ["kept"]
    assert (play.root / "kept").read_text() == "old words\n"


def test_a_changed_mode_is_set_right_and_shown(play: Play) -> None:
    (play.root / "file").write_text("same")
    (play.root / "file").chmod(0o666)
    (play.root / "dir").mkdir(mode=0o700)

    said = play.run("--diff", directories=[{"path": "dir"}], files=[{"path": "file", "content": "same"}])

    assert said["changed_paths"] == ["dir/", "file"]
    assert (play.mode("dir"), play.mode("file")) == (0o755, 0o644)
    assert "0666" in play.output


def test_only_the_handlers_of_what_changed_run(play: Play) -> None:
    (play.root / "one").write_text("as it is")
    (play.root / "one").chmod(0o644)

    said = play.run(
        files=[
            {"path": "one", "content": "as it is", "notify": ["Reload one"]},
            {"path": "two", "content": "another", "notify": "Reload two"},
        ]
    )

    assert said["handled"] == ["Reload two"]


def test_no_secret_is_shown(play: Play) -> None:
    (play.root / "s").write_text(f"old {CANARY}")

    row = {"content": f"new {CANARY}", "mode": "0400", "secret": True}
    said = play.run("--diff", files=[{"path": "s", **row}, {"path": "t", "state": "present", **row}])

    assert said["changed_paths"] == ["s", "t"]
    assert (play.root / "s").read_text() == f"new {CANARY}"
    assert "secret, not shown" in play.output
    assert CANARY not in play.output


def test_what_is_no_longer_wanted_goes(play: Play) -> None:
    (play.root / "old").write_text("")

    said = play.run(files=[{"path": "old", "state": "absent"}, {"path": "never", "state": "absent"}])

    assert said["changed_paths"] == ["old"]
    assert not (play.root / "old").exists()


REFUSALS: list[tuple[dict[str, list[Any]], str]] = [
    ({"files": [{"path": "../out", "content": ""}]}, "'../out' is not below the root"),
    ({"files": [{"path": "/etc/out", "content": ""}]}, "'/etc/out' is not below the root"),
    ({"directories": [{"path": "a/../../b"}]}, "'a/../../b' is not below the root"),
    ({"files": [{"path": "f"}]}, "needs one of template, copy, content, has none"),
    ({"files": [{"path": "f", "content": "", "copy": "x"}]}, "has copy, content"),
    ({"files": [{"path": "f", "template": "missing.j2"}]}, "missing.j2"),
    ({"files": [{"path": "no/such/f", "content": ""}]}, "No such file or directory"),
    ({"files": [{"path": "link", "content": ""}]}, "link is no regular file: move it away"),
    ({"files": [{"path": "f", "content": "", "mode": "rw"}]}, "invalid literal"),
]


def test_an_exclusive_directory_keeps_only_what_is_listed(play: Play) -> None:
    pages = play.root / "pages"
    (pages / "deeper").mkdir(parents=True)
    (pages / "deeper/kept").write_text("x")
    (pages / "old.md").write_text("old")
    (pages / "link.md").symlink_to("/etc/passwd")
    (play.root / "beside.md").write_text("kept")
    wanted: dict[str, Any] = {
        "directories": [{"path": "pages", "exclusive": True}, {"path": "new", "exclusive": True}],
        "files": [
            {"path": "pages/a.md", "content": "a"},
            {"path": "pages/secret", "content": CANARY, "mode": "0400", "secret": True},
        ],
    }

    tried = play.run("--check", **wanted)
    there = sorted(path.name for path in pages.iterdir())
    done = play.run(**wanted)
    again = play.run(**wanted)

    assert there == ["deeper", "link.md", "old.md"]
    assert {"pages/link.md", "pages/old.md"} < set(tried["changed_paths"])
    assert tried["changed_paths"] == done["changed_paths"]
    assert sorted(path.name for path in pages.iterdir()) == ["a.md", "deeper", "secret"]
    assert (pages / "deeper/kept").exists()
    assert (play.root / "beside.md").exists()
    assert again["changed"] is False


def test_what_makes_no_sense_is_refused_with_the_reason(play: Play) -> None:
    (play.root / "link").symlink_to("/etc/hostname")

    said = play.run_all([wanted for wanted, _ in REFUSALS])

    for result, (wanted, reason) in zip(said, REFUSALS, strict=True):
        assert result["failed"] is True, wanted
        assert reason in result["msg"]
    assert [path.name for path in play.root.iterdir()] == ["link"]


def test_a_link_in_the_place_of_the_file_aside_is_not_followed(play: Play) -> None:
    target = play.folder / "target"
    target.write_text("untouched")
    (play.root / "f.new").symlink_to(target)

    play.run(files=[{"path": "f", "content": "text"}])

    assert target.read_text() == "untouched"
    assert (play.root / "f").read_text() == "text"


def test_a_group_may_be_named(play: Play) -> None:
    mine = grp.getgrgid(os.getegid()).gr_name

    play.run(directories=[{"path": "logs", "group": mine, "mode": "2750"}])

    assert (play.root / "logs").stat().st_gid == os.getegid()
    assert play.mode("logs") == 0o2750


def test_a_group_that_is_not_there_yet_is_no_obstacle_to_check_mode_alone(play: Play) -> None:
    (play.root / "logs").mkdir()
    wanted = [{"path": "logs", "group": "no-such-group", "mode": "0755"}]

    assert play.run("--check", directories=wanted)["changed"] is True
    assert "there is no group no-such-group" in play.run(directories=wanted)["msg"]
