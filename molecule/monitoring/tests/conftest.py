"""Fixtures for the tests of the monitoring."""

from __future__ import annotations

from deployed import docker, names_of_the_nas, nas, sql, stack

__all__ = ["docker", "names_of_the_nas", "nas", "sql", "stack"]
