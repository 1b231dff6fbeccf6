"""The bot is replaced while users write to it: they notice nothing, whatever the new release does."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.host import Host

from rehearsal import INVENTORY, REPOSITORY, ROOT, Stack, deploy, until
from releases import BROKEN, CANARY, FUTURE, GOOD, PROGRAM, Releases
from telegram_emulator.client import Emulator
from writers import Prober, Writers

# The acceptance is 20 in each mode; CI, which has other things to do, takes fewer.
UPDATES = int(os.environ.get("KBJU_UPDATES", "3"))
FIRST, SECOND = GOOD
# What an update may add for the slowest hundredth of the messages, in seconds.
LATEST = 2.0
ROLLBACK_WITHIN = 15.0


@pytest.fixture(scope="module")
def releases(nas: Host) -> Iterator[Releases]:
    """Releases to try; in the end the repository's own serves again."""
    found = Releases(nas)
    found.make({**GOOD, **BROKEN, **FUTURE})
    yield found
    mended = deploy("site.yml")
    assert mended.returncode == 0, mended.stdout[-3000:]


def quick(work: Callable[[], Any]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


@pytest.fixture(scope="module")
def usual(stack: Stack, sql: Callable[[str], str]) -> float:
    """What the slowest hundredth waits while nothing is done, in seconds."""
    with Writers(stack, sql) as writers:
        until(lambda: writers.answered >= 300, "answers", seconds=60)
    assert writers.wrong == []
    return writers.percentile(0.99)


def test_updates_under_load_by_webhook(
    stack: Stack, sql: Callable[[str], str], releases: Releases, usual: float, capsys: pytest.CaptureFixture[str]
) -> None:
    with Prober(stack) as prober, Writers(stack, sql) as writers:
        for number in range(UPDATES):
            done = releases.update((FIRST, SECOND)[number % 2])
            assert done.returncode == 0, done.stdout[-3000:]

    with capsys.disabled():
        added = writers.percentile(0.99) - usual
        print(f"\n{UPDATES} updates by webhook: {prober.asked} probes, {len(prober.failed)} failed; ", end="")
        print(f"{writers.answered} messages, p99 {writers.percentile(0.99):.2f} s, added {added:.2f} s")
    assert prober.failed == []
    assert (writers.wrong, writers.doubled) == ([], [])
    assert added <= LATEST
    assert releases.serving() == (FIRST, SECOND)[(UPDATES - 1) % 2]
    assert releases.image().endswith(releases.serving())
    assert not releases.beside()


@pytest.mark.parametrize("version", BROKEN)
def test_a_broken_release_leaves_the_old_one_serving(
    stack: Stack, sql: Callable[[str], str], releases: Releases, version: str
) -> None:
    before, serving = releases.started(), releases.serving()

    with Prober(stack) as prober, Writers(stack, sql) as writers:
        done = releases.update(version, "--extra-vars", "releases_ready_timeout=10")

    assert done.returncode != 0
    # The new one's own words, and who serves now.
    assert CANARY in done.stdout, done.stdout[-3000:]
    assert "goes on serving" in done.stdout
    assert prober.failed == []
    assert writers.wrong == []
    assert releases.started() == before
    assert releases.serving() == serving
    assert (releases.record()[-1]["version"], releases.record()[-1]["result"]) == (version, "failed")
    assert not releases.beside()


def test_the_next_deployment_leaves_a_broken_release_alone(releases: Releases) -> None:
    before = releases.started()

    done = releases.update(next(iter(BROKEN)), playbook="playbooks/deploy.yml")

    assert done.returncode == 0, done.stdout[-3000:]
    assert "NOT DEPLOYED" in done.stdout
    assert releases.started() == before
    # Unless it is asked for.
    again = releases.update(next(iter(BROKEN)), "--extra-vars", "retry_release=true")
    assert again.returncode != 0
    assert CANARY in again.stdout


def test_rolling_back_takes_seconds_and_lasts(
    stack: Stack, sql: Callable[[str], str], releases: Releases, capsys: pytest.CaptureFixture[str]
) -> None:
    for version in (FIRST, SECOND):
        assert releases.update(version).returncode == 0
    said: list[subprocess.CompletedProcess[str]] = []

    with Prober(stack) as prober, Writers(stack, sql) as writers:
        seconds = quick(lambda: said.append(deploy("playbooks/rollback.yml")))

    with capsys.disabled():
        print(f"\nrolled back in {seconds:.1f} s")
    assert said[0].returncode == 0, said[0].stdout[-3000:]
    assert seconds <= ROLLBACK_WITHIN
    assert (prober.failed, writers.wrong, writers.doubled) == ([], [], [])
    assert releases.serving() == FIRST
    assert releases.image().endswith(FIRST)
    # What was rolled back stays so.
    kept = releases.update(SECOND)
    assert kept.returncode == 0, kept.stdout[-3000:]
    assert releases.serving() == FIRST


def test_a_rollback_goes_to_the_release_that_is_named(releases: Releases) -> None:
    done = deploy("playbooks/rollback.yml", "--extra-vars", f"release={SECOND}")

    assert done.returncode == 0, done.stdout[-3000:]
    assert releases.image().endswith(SECOND)
    unknown = deploy("playbooks/rollback.yml", "--extra-vars", "release=7.7.7")
    assert unknown.returncode != 0
    assert "There is no release 7.7.7" in unknown.stdout
    assert SECOND in deploy("playbooks/rollback.yml", "--extra-vars", "release=list").stdout


def test_a_rollback_beyond_the_schema_is_refused(nas: Host, releases: Releases) -> None:
    (future,) = FUTURE
    assert releases.update(future).returncode == 0
    before = releases.started()
    try:
        done = deploy("playbooks/rollback.yml")

        assert done.returncode != 0
        assert "the database has the schema 0009" in done.stdout, done.stdout[-3000:]
        assert releases.started() == before
        assert releases.serving() == future
    finally:
        # There was no such migration.
        nas.check_output(f'sed -i \'s/"000[0-9]"/"0002"/\' {ROOT}/releases/releases.json')


def test_a_cut_connection_cuts_nothing(releases: Releases) -> None:
    command = ["ansible-playbook", "--inventory", str(INVENTORY), "playbooks/update.yml"]
    command += ["--extra-vars", f"kbju_bot_image=kbju-bot:{FIRST} retry_release=true"]
    # One connection a task, which ends with this process group.
    alone = {**os.environ, "ANSIBLE_SSH_ARGS": "-o ControlMaster=no -o ControlPath=none"}
    known = releases.log()
    operator = subprocess.Popen(
        command, cwd=REPOSITORY, env=alone, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    )
    try:
        until(lambda: "is started beside" in releases.log()[len(known) :], "an update under way", seconds=60)
    finally:
        os.killpg(operator.pid, signal.SIGKILL)
        operator.wait()

    until(lambda: f"({FIRST}) serves" in releases.log()[len(known) :], "the update's end", seconds=60)
    assert releases.image().endswith(FIRST)
    assert not releases.beside()


def test_the_second_of_two_operators_is_refused(releases: Releases) -> None:
    known = releases.log()
    command = ["ansible-playbook", "--inventory", str(INVENTORY), "playbooks/update.yml"]
    command += ["--extra-vars", f"kbju_bot_image=kbju-bot:{SECOND} retry_release=true"]
    first = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    until(lambda: "is to be replaced" in releases.log()[len(known) :], "an update under way", seconds=60)

    second = releases.update(FIRST)

    assert second.returncode != 0
    assert "Another run is under way" in second.stdout, second.stdout[-3000:]
    said, _ = first.communicate(timeout=120)
    assert first.returncode == 0, said[-3000:]
    assert releases.image().endswith(SECOND)


@pytest.mark.parametrize("moment", ["nginx leads to", "is stopped"])
def test_an_update_that_was_killed_is_undone(
    nas: Host, stack: Stack, sql: Callable[[str], str], releases: Releases, moment: str
) -> None:
    """As a reboot would; bin/boot calls the same."""
    serving, known = releases.serving(), releases.log()
    compose = f"{ROOT}/compose/bot.yml"
    with Writers(stack, sql) as writers:
        # In the background of the NAS itself.
        nas.check_output(f"sed -i 's/{SECOND}/{FIRST}/' {compose}")
        nas.check_output(f"setsid {PROGRAM} update kbju-bot:{FIRST} > /dev/null 2>&1 & echo $! > /tmp/update.pid")
        until(lambda: moment in releases.log()[len(known) :], moment, seconds=60)
        nas.check_output("kill -9 $(cat /tmp/update.pid)")

        nas.check_output(f"{PROGRAM} recover")

    assert writers.wrong == []
    assert releases.serving() == serving
    assert releases.image().endswith(serving)
    assert not releases.beside()
    # No fault of the release: it may be tried again.
    assert releases.record()[-1]["result"] == "cut off"


def test_updates_under_load_by_polling(
    stack: Stack, sql: Callable[[str], str], releases: Releases, usual: float, capsys: pytest.CaptureFixture[str]
) -> None:
    polling = deploy("playbooks/deploy.yml", KBJU_BOT_MODE="polling")
    assert polling.returncode == 0, polling.stdout[-3000:]
    telegram = Emulator(stack.telegram)
    before = telegram.counters()["conflicts_409"]

    with Writers(stack, sql) as writers:
        for number in range(UPDATES):
            done = releases.update(
                (FIRST, SECOND)[number % 2], "--extra-vars", "retry_release=true", KBJU_BOT_MODE="polling"
            )
            assert done.returncode == 0, done.stdout[-3000:]

    with capsys.disabled():
        added = writers.percentile(0.99) - usual
        print(f"\n{UPDATES} updates by polling: {writers.answered} messages, ", end="")
        print(f"p99 {writers.percentile(0.99):.2f} s, added {added:.2f} s")
    assert (writers.wrong, writers.doubled) == ([], [])
    assert releases.serving() == (FIRST, SECOND)[(UPDATES - 1) % 2]
    assert added <= LATEST
    assert telegram.counters()["conflicts_409"] == before
    assert not releases.beside()
