"""Doors to test, one each for a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nginx.door import Door
from rehearsal import until

Opener = Callable[..., Door]


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opener]:
    """Open doors with settings of the role, and close them at the end."""
    doors: list[Door] = []

    def open_one(**settings: Any) -> Door:
        door = Door(tmp_path_factory.mktemp("nginx"), **settings)
        doors.append(door)
        door.open()
        until(lambda: answers(door), "nginx and what is behind it answer")
        return door

    yield open_one
    for door in doors:
        door.close()


def answers(door: Door) -> bool:
    """Tell whether requests come through."""
    try:
        return door.client().ask("/healthz").status == 200
    except OSError:
        return False
