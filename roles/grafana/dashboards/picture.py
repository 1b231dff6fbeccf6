"""Asks the deployed Prometheus what the overview asks, and draws the answers: `molecule/local/picture`."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import urllib3

from dashboards.asking import Question, legend_of, questions, step_of
from dashboards.drawing import Series, draw

REPOSITORY = Path(__file__).resolve().parents[3]
BOARD = REPOSITORY / "roles/grafana/templates/dashboards/overview.json"
# The stand-in's name in its certificate; its ports are published on this machine.
NAME = "nas.kbju.test"
LARGEST = 150_000


class Unanswered(Exception):
    """Prometheus does not answer; the text says why, and what to do."""


class Prometheus:
    """The deployed Prometheus behind nginx."""

    def __init__(self, port: int, state: Path) -> None:
        password = (state / "secrets/monitoring_password").read_text(encoding="utf-8").strip()
        token = base64.b64encode(f"admin:{password}".encode()).decode()
        self._headers = {"Authorization": f"Basic {token}", "Content-Type": "application/x-www-form-urlencoded"}
        # nginx lets an address ask only so often, and says when it may again.
        self._retries = urllib3.Retry(5, status_forcelist=[429], allowed_methods=None)
        self._pool = urllib3.HTTPSConnectionPool(
            "127.0.0.1", port, server_hostname=NAME, assert_hostname=NAME, ca_certs=str(state / "telegram/roots.pem")
        )

    def ask(self, question: Question, begin: float, end: float) -> list[Series]:
        """Return the series that answer a question between two times in seconds since 1970.

        Raises:
            Unanswered: nothing answers, or Prometheus refuses the query.
        """
        asked: dict[str, object] = {"query": question.expr, "time": end}
        path = "query"
        if not question.instant:
            path, asked = "query_range", {**asked, "start": begin, "end": end, "step": step_of(round(end - begin))}
        try:
            answer = self._pool.request(
                "POST",
                f"/prometheus/api/v1/{path}",
                body=urlencode(asked),
                headers=self._headers,
                timeout=30,
                retries=1,
            )
        except urllib3.exceptions.HTTPError as error:
            raise Unanswered(f"port {self._pool.port}: {error}") from error
        if answer.status != 200:
            raise Unanswered(f"{question.panel}: Prometheus says {answer.status}: {answer.data[:300]!r}")
        return series_of(question, json.loads(answer.data)["data"]["result"])


def series_of(question: Question, result: Sequence[Mapping[str, Any]]) -> list[Series]:
    """Return the series of an answer of Prometheus, a vector or a matrix."""
    return [
        Series(
            legend_of(question.legend, one["metric"]),
            one["metric"],
            [(float(moment), float(value)) for moment, value in one.get("values", [one.get("value")])],
        )
        for one in result
    ]


def main(arguments: Sequence[str]) -> int:
    """Draw the overview of the last minutes; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=15, help="how much is shown (default: %(default)s)")
    parser.add_argument("--output", type=Path, default=REPOSITORY / "docs/overview.png", help="default: %(default)s")
    options = parser.parse_args(arguments)
    dashboard = json.loads(BOARD.read_text(encoding="utf-8"))
    end = time.time()
    begin = end - options.minutes * 60
    answers: dict[int, list[Series]] = {}
    try:
        prometheus = Prometheus(int(os.environ["KBJU_HTTPS_PORT"]), REPOSITORY / ".state" / os.environ["KBJU_INSTANCE"])
        for question in questions(dashboard, options.minutes * 60):
            answers.setdefault(question.number, []).extend(prometheus.ask(question, begin, end))
    except (OSError, Unanswered) as error:
        print(f"picture: no data from the local stack, which `make up` brings up: {error}", file=sys.stderr)
        return 1
    picture = draw(dashboard, answers, begin, end)
    if len(picture) > LARGEST:
        print(f"picture: {len(picture)} bytes are more than the README may carry ({LARGEST})", file=sys.stderr)
        return 1
    options.output.write_bytes(picture)
    print(f"wrote {options.output}, {len(picture) // 1000} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
