"""From the stopped database to the admin's phone, with the waiting times that production has."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from testinfra.host import Host

from alarms import OF_THE_MACHINE, Chat, Monitoring
from rehearsal import Stack, until

# docs/runbook promises it.
TOLD_WITHIN = 180
OVER_WITHIN = 420


def test_a_stopped_database_pages_once_and_is_resolved(
    stack: Stack, nas: Host, docker: Callable[[str], str], capsys: pytest.CaptureFixture[str]
) -> None:
    chat, monitoring = Chat(stack), Monitoring(nas)

    docker("stop kbju-postgres")
    told = until(chat.told, "an alert in the admin's chat", TOLD_WITHIN)

    docker("start kbju-postgres")
    over = until(chat.over, "its end in the admin's chat", OVER_WITHIN)
    # Followers would be told of by now, if they were not held back.
    until(lambda: not monitoring.active() - OF_THE_MACHINE, "an empty list of alerts", OVER_WITHIN)

    assert chat.told() == ["PostgresDown"]
    assert len(chat.over()) == 1
    with capsys.disabled():
        print(f"\nPostgreSQL stopped: told after {told:.0f} s; started again: its end told after {over:.0f} s")
