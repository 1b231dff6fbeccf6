"""Fixtures for the tests of the deployed stack."""

from __future__ import annotations

import pytest

from deployed import containers, docker, names_of_the_nas, nas, sql, stack, user_id
from rehearsal import REHEARSED

__all__ = ["containers", "docker", "names_of_the_nas", "nas", "sql", "stack", "user_id"]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave a real NAS alone: whatever else is asked for, only tests that read are run against it."""
    if REHEARSED:
        return
    others = [item for item in items if item.get_closest_marker("reads") is None]
    config.hook.pytest_deselected(items=others)
    items[:] = [item for item in items if item not in others]
