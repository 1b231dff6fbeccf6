"""Every query of every dashboard, as Grafana would send it, gets data from the deployed Prometheus."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from testinfra.host import Host
from urllib3 import Retry

from dashboards import BOARDS
from dashboards.asking import Question, questions, span_of, step_of
from dashboards.parts import NO_BACKUP, NO_HYPER_BACKUP, NO_RENEWAL, NO_TRAFFIC, NOT_COMPARED, Placed
from rehearsal import ROOT, Stack, until
from telegram_emulator.client import User

# After a deployment: until the slowest of the rules has something to compute from.
PATIENCE_SECONDS = 120


def reasons() -> dict[tuple[str, int, str], str]:
    """Return why queries may answer nothing, by dashboard, panel and query."""
    return {
        (board.uid, item.number, letter): query.empty
        for board in BOARDS
        for item in board.placed()
        if isinstance(item, Placed)
        for letter, query in zip("ABCDEFGH", item.panel.queries, strict=False)
    }


def session_of(stack: Stack, secret: str) -> requests.Session:
    """Return a session of the admin's. nginx lets an address ask only so often, and says when it may again."""
    session = requests.Session()
    session.auth, session.verify, session.trust_env = ("admin", stack.secret(secret)), str(stack.roots), False
    session.mount("https://", HTTPAdapter(max_retries=Retry(10, status_forcelist=[429], allowed_methods=None)))
    return session


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> list[dict[str, Any]]:
    """The dashboards that Grafana has."""
    with session_of(stack, "grafana_password") as session:

        def get(path: str) -> Any:
            answer = session.get(f"{stack.https}/grafana/api/{path}", timeout=10)
            answer.raise_for_status()
            return answer.json()

        return [get(f"dashboards/uid/{found['uid']}")["dashboard"] for found in get("search?type=dash-db")]


@pytest.fixture
def answers(stack: Stack) -> Iterator[Callable[[Question, int], bool]]:
    """Tell whether Prometheus answers a question over so many seconds with a number; fails where it refuses it."""
    with session_of(stack, "monitoring_password") as session:

        def ask(question: Question, span: int) -> bool:
            now = time.time()
            path, times = "query", {"time": now}
            if not question.instant:
                path, times = "query_range", {"start": now - span, "end": now, "step": step_of(span)}
            address = f"{stack.https}/prometheus/api/v1/{path}"
            answer = session.post(address, data={"query": question.expr, **times}, timeout=30)
            assert answer.status_code == 200, f"{question}: {answer.text}"
            series = answer.json()["data"]["result"]
            values = (value for one in series for _, value in one.get("values", [one.get("value", (0, "NaN"))]))
            return any(math.isfinite(float(value)) for value in values)

        yield ask


def waiting(
    boards: list[dict[str, Any]], answers: Callable[[Question, int], bool], wanted: Callable[[str], bool]
) -> list[str]:
    """Return the panels whose queries have no data, of those whose reason to be empty is `wanted`."""
    may_be_empty = reasons()
    return [
        f"{question.dashboard}, {question.panel}: {question.expr}"
        for board in boards
        for question in questions(board, span_of(board))
        if wanted(may_be_empty[question.dashboard, question.number, question.ref])
        and not answers(question, span_of(board))
    ]


@pytest.mark.reads
def test_grafana_has_every_dashboard(deployed: list[dict[str, Any]]) -> None:
    assert {board["uid"]: board["title"] for board in deployed} == {board.uid: board.title for board in BOARDS}


@pytest.mark.reads
def test_every_panel_shows_data(deployed: list[dict[str, Any]], answers: Callable[[Question, int], bool]) -> None:
    """But where the dashboard's code says why there may be none."""
    assert_shown(deployed, answers, {""})


@pytest.mark.reads
def test_prometheus_takes_every_other_query(
    deployed: list[dict[str, Any]], answers: Callable[[Question, int], bool]
) -> None:
    waiting(deployed, answers, lambda reason: reason != "")


def test_traffic_is_shown(
    stack: Stack, user_id: int, deployed: list[dict[str, Any]], answers: Callable[[Question, int], bool]
) -> None:
    """Panels that may be empty in a quiet night are not while somebody writes."""
    user = User(user_id, stack.telegram, first_name="Vera", language_code="ru")

    def written() -> bool:
        user.send_text("/start")
        return True

    assert_shown(deployed, answers, {NO_TRAFFIC}, written)


def test_what_the_nas_does_by_itself_is_shown(
    nas: Host, deployed: list[dict[str, Any]], answers: Callable[[Question, int], bool]
) -> None:
    """Panels that are empty until the first night are not after it."""
    for program in ("backup run --kind manual", "renew-certificate", "compare-clock"):
        nas.check_output(f"{ROOT}/bin/{program}")

    assert_shown(deployed, answers, {NO_BACKUP, NO_HYPER_BACKUP, NO_RENEWAL, NOT_COMPARED})


def assert_shown(
    boards: list[dict[str, Any]],
    answers: Callable[[Question, int], bool],
    reasons: set[str],
    meanwhile: Callable[[], bool] = lambda: True,
) -> None:
    """Wait until the queries have data that may be empty for these reasons (an empty one: never)."""
    missing: list[str] = []

    def complete() -> bool:
        meanwhile()
        missing[:] = waiting(boards, answers, lambda reason: reason in reasons)
        return not missing

    try:
        until(complete, "all panels have data", PATIENCE_SECONDS)
    except AssertionError as error:
        raise AssertionError(f"{error}\n" + "\n".join(missing)) from None
