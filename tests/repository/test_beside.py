"""How CI runs two of its parts at the same time: what fails or is interrupted leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest

from rehearsal import REPOSITORY, until

# Tells that it runs and, when it is interrupted, that it has tidied up; a process of its own does the work.
WORKER = """
echo {name} begins; echo $$ > {name}.pid
trap 'echo {name} tidies up; touch {name}.tidy; exit 130' INT
touch {name}.runs
sleep 600
"""
DEAF = "trap '' INT; echo $$ > {name}.pid; touch {name}.runs; sleep 600"


def start(folder: Path, side: str, main: str) -> subprocess.Popen[str]:
    """Start two scripts beside each other."""
    for name, script in (("side", side), ("main", main)):
        (folder / name).write_text("#!/bin/bash\n" + script.format(name=name))
        (folder / name).chmod(0o755)
    return subprocess.Popen(
        # A shell in the background makes its children deaf to interruptions; these must not be.
        ["env", "--default-signal=INT", REPOSITORY / "molecule/local/beside", "log", "./side", "./main"],
        cwd=folder,
        env={**os.environ, "BESIDE_PATIENCE": "2"},
        stdout=subprocess.PIPE,
        text=True,
    )


def lives(folder: Path, name: str) -> bool:
    """Tell whether anything of a script's process group is left."""
    group = (folder / f"{name}.pid").read_text().strip()
    listed = subprocess.run(["ps", "-e", "-o", "pgid=,stat="], capture_output=True, text=True, check=True).stdout
    # One that has ended stays in the table as Z where nobody reaps it.
    return any(found == group and not state.startswith("Z") for found, state in map(str.split, listed.splitlines()))


def both_run(folder: Path) -> bool:
    return (folder / "main.runs").exists() and (folder / "side.runs").exists()


def test_what_they_say_stays_in_order(tmp_path: Path) -> None:
    side = "for i in 1 2 3; do echo side $i; sleep 0.1; done"
    main = "for i in 1 2 3; do echo main $i; sleep 0.1; done"

    done = start(tmp_path, side, main)
    said, _ = done.communicate(timeout=20)

    assert done.returncode == 0
    assert said.split("\n")[:3] == ["main 1", "main 2", "main 3"]
    assert said.split("\n")[4:7] == ["side 1", "side 2", "side 3"]


@pytest.mark.parametrize(("last", "first"), [("side", "main"), ("main", "side")])
def test_the_last_one_is_waited_for_and_its_failure_counts(tmp_path: Path, last: str, first: str) -> None:
    scripts = {
        first: "touch {name}.done",
        last: f"until [ -e {first}.done ]; do sleep 0.1; done; sleep 1; echo late; exit 4",
    }

    done = start(tmp_path, scripts["side"], scripts["main"])
    said, _ = done.communicate(timeout=20)

    assert done.returncode == 4
    assert "late" in said
    assert said.splitlines()[-1] == f"== ./{last} failed with exit code 4"


@pytest.mark.parametrize(("fails", "other"), [("side", "main"), ("main", "side")])
def test_when_one_fails_the_other_is_interrupted(tmp_path: Path, fails: str, other: str) -> None:
    failing = f"until [ -e {other}.runs ]; do sleep 0.1; done; echo the reason; exit 3"
    scripts = {fails: failing, other: WORKER}

    done = start(tmp_path, scripts["side"], scripts["main"])
    said, _ = done.communicate(timeout=20)

    assert done.returncode == 3
    assert f"{other} begins" in said
    assert "the reason" in said
    assert said.splitlines()[-1] == f"== ./{fails} failed with exit code 3"
    assert (tmp_path / f"{other}.tidy").exists()
    assert not lives(tmp_path, other)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interruption_ends_both(tmp_path: Path, number: int, code: int) -> None:
    done = start(tmp_path, WORKER, WORKER)
    until(lambda: both_run(tmp_path), "both run")

    done.send_signal(number)
    said, _ = done.communicate(timeout=20)

    assert done.returncode == code
    assert "side tidies up" in said
    assert [name for name in ("side", "main") if not (tmp_path / f"{name}.tidy").exists()] == []
    assert [name for name in ("side", "main") if lives(tmp_path, name)] == []


def test_what_hears_no_interruption_is_killed(tmp_path: Path) -> None:
    done = start(tmp_path, DEAF, "until [ -e side.runs ]; do sleep 0.1; done; exit 1")
    done.communicate(timeout=20)

    assert done.returncode == 1
    assert not lives(tmp_path, "side")


# An attempt that is repeated, a failure that is rescued, one that ends the play, and one that pytest tells.
OUTPUT = """
FAILED - RETRYING: [nas]: Wait until it has booted (60 retries left).
TASK [bot : Try the new release] ***
fatal: [nas]: FAILED! =>
    msg: this one was rescued

PLAY RECAP ***
nas : ok=4 changed=0 unreachable=0 failed=0 rescued=1

TASK [preflight : Report every problem] ***
fatal: [nas]: FAILED! =>
    msg: port 8443 is taken

PLAY RECAP ***
nas : ok=4 changed=0 unreachable=0 failed=1 rescued=0
FAILED tests/test_bot.py::test_answers - assert 1 == 2
"""


@pytest.mark.parametrize(("fails", "other"), [("side", "main"), ("main", "side")])
def test_the_last_lines_say_why(tmp_path: Path, fails: str, other: str) -> None:
    failing = f"cat <<'END'\n{OUTPUT}\nEND\nuntil [ -e {other}.runs ]; do sleep 0.1; done; exit 3"
    long = "trap 'seq 1000; exit 130' INT; echo $$ > {name}.pid; touch {name}.runs; sleep 600"

    done = start(tmp_path, **{fails: failing, other: long})
    said, _ = done.communicate(timeout=20)

    last = [line.strip() for line in said.splitlines()[-6:]]
    assert last == [
        "== Of its output above:",
        "TASK [preflight : Report every problem]",
        "fatal: [nas]: FAILED! =>",
        "msg: port 8443 is taken",
        "FAILED tests/test_bot.py::test_answers - assert 1 == 2",
        f"== ./{fails} failed with exit code 3",
    ]
