"""Fixtures for the tests of a deployed stack; the conftest.py of each scenario that has one takes them from here."""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.host import Host

from rehearsal import DOCKER, OURS, Stack, reach_nas, stack_from_environment


@pytest.fixture(scope="session")
def nas() -> Host:
    """The NAS, reached as Ansible reaches it: SSH, then sudo with a password."""
    return reach_nas()


@pytest.fixture(scope="session")
def stack() -> Stack:
    """This instance's addresses and secrets."""
    return stack_from_environment()


@pytest.fixture(scope="session", autouse=True)
def names_of_the_nas(stack: Stack) -> Iterator[None]:
    """Let the NAS's names lead to it, without a DNS that knows them or a router that sends its own network back."""
    patch, ask = pytest.MonkeyPatch(), socket.getaddrinfo

    def answer(host: Any, *arguments: Any, **more: Any) -> Any:
        return ask(stack.address if host in stack.names else host, *arguments, **more)

    patch.setattr(socket, "getaddrinfo", answer)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def docker(nas: Host) -> Callable[[str], str]:
    """Run a Docker command on the NAS and return its output; fails the test when the command fails."""

    def run(arguments: str) -> str:
        return str(nas.check_output(f"{DOCKER} {arguments}"))

    return run


@pytest.fixture(scope="module")
def containers(docker: Callable[[str], str]) -> dict[str, dict[str, Any]]:
    """What `docker inspect` says of every container of the project, by name; a NAS may have others of its own."""
    found = json.loads(docker(f"inspect $({DOCKER} ps --all --quiet --filter {OURS})"))
    return {one["Name"].lstrip("/"): one for one in found}


@pytest.fixture(scope="session")
def sql(docker: Callable[[str], str]) -> Callable[[str], str]:
    """Run a query in the deployed PostgreSQL and return its rows, fields divided by |."""

    def run(query: str) -> str:
        return docker(
            f'exec kbju-postgres psql --no-psqlrc --tuples-only --no-align --dbname kbju --command "{query}"'
        ).strip()

    return run


@pytest.fixture
def user_id() -> int:
    """The id of a Telegram user who has never written before, in earlier runs on this instance neither."""
    return 10**9 + secrets.randbelow(10**9)
