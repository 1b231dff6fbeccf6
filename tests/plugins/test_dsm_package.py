"""dsm_package, on the stand-in's synopkg and on answers of other releases."""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from dsm.module_runner import Answer, Runner
from plugins.modules import dsm_package

MANAGER = "ContainerManager"


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dsm_package, "POLL_SECONDS", 0.0)


def status(word: str) -> str:
    return json.dumps({"aspect": {"active": {"status": word}}, "package": MANAGER, "status": word})


def answers(runner: Runner, texts: Iterable[str]) -> None:
    """Have `synopkg status` print one text after the other, the last one for ever."""
    left = list(texts)

    def answer() -> Answer:
        return 0, left.pop(0) if len(left) > 1 else left[0], ""

    runner.instead["synopkg", "status"] = answer


@pytest.mark.parametrize(
    ("text", "state"),
    [
        (status("running"), "started"),
        (status("stop"), "stopped"),
        (status("non_installed"), "absent"),
        ("package ContainerManager is started\nStatus: [0]", "started"),
        ("package is stopped\nStatus: [3]", "stopped"),
        ("ContainerManager package is stopped\nStatus: [17]", "stopped"),
        ("package ContainerManager isn't turned on, status: [17]", "stopped"),
        ("No such package\nStatus: [255]", "absent"),
        ("ContainerManager is not installed", "absent"),
        (status("starting"), None),
        ("", None),
        ("Segmentation fault", None),
    ],
)
def test_answers_of_several_releases_are_understood(text: str, state: str | None) -> None:
    assert dsm_package.understand(text) == state


def test_a_package_is_installed_started_stopped_and_removed(runner: Runner) -> None:
    assert runner.run(dsm_package, name=MANAGER, check=True)["diff"]["after"] == {MANAGER: "stopped"}
    assert runner.change(dsm_package, name=MANAGER)["package_state"] == "stopped"
    assert runner.change(dsm_package, name=MANAGER, state="started")["package_state"] == "started"
    runner.still(dsm_package, name=MANAGER)
    assert runner.change(dsm_package, name=MANAGER, state="stopped")["package_state"] == "stopped"
    assert runner.change(dsm_package, name=MANAGER, state="absent")["package_state"] == "absent"
    assert runner.run(dsm_package, name=MANAGER, state="started")["changed"] is True
    assert runner.verbs() == [f"synopkg install_from_server {MANAGER}", f"synopkg start {MANAGER}"]


def test_a_package_that_takes_its_time_is_awaited(runner: Runner) -> None:
    runner.nas.ok("synopkg", "install_from_server", MANAGER)
    answers(runner, [status("stop"), status("starting"), "", status("starting"), status("running")])

    assert runner.run(dsm_package, name=MANAGER, state="started")["package_state"] == "started"


def test_a_package_that_is_already_on_its_way_is_awaited(runner: Runner) -> None:
    answers(runner, [status("starting"), status("starting"), status("running")])

    assert runner.run(dsm_package, name=MANAGER, state="started")["changed"] is False


def test_a_package_that_does_not_start_is_told_with_dsms_words(runner: Runner) -> None:
    runner.nas.ok("synopkg", "install_from_server", MANAGER)
    runner.instead["synopkg", "start"] = lambda: (0, '{"success":true}', "")

    said = runner.refused(dsm_package, name=MANAGER, state="started", timeout=0)

    assert "is stopped and not started" in said
    assert "synopkg start ended with 0" in said
    assert "package is stopped" in said


def test_a_package_that_the_server_does_not_have_is_told(runner: Runner) -> None:
    said = runner.refused(dsm_package, name="NoSuchPackage", timeout=0)

    assert "error = [289]" in said
    assert "Package Center" in said


def test_an_exit_code_that_lies_is_no_failure(runner: Runner) -> None:
    def install() -> Answer:
        runner.nas.ok("synopkg", "install_from_server", MANAGER)
        return 150, "", "Failed to load package info, error = [150]"

    runner.instead["synopkg", "install_from_server"] = install

    assert runner.run(dsm_package, name=MANAGER)["package_state"] == "stopped"


def test_an_answer_that_makes_no_sense_changes_nothing(runner: Runner) -> None:
    answers(runner, ["Segmentation fault"])

    said = runner.refused(dsm_package, name=MANAGER, state="started", timeout=0)

    assert "can't be understood" in said
    assert "Segmentation fault" in said
    assert runner.verbs() == []


@pytest.mark.parametrize("name", ["--all", "../etc", ""])
def test_a_name_that_is_none_is_refused(runner: Runner, name: str) -> None:
    assert "is no name of a package" in runner.refused(dsm_package, name=name)
    assert runner.calls == []
