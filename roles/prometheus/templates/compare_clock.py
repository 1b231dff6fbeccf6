#!/usr/bin/python3
"""Compares the NAS's clock with Telegram's and leaves the difference for Prometheus. Run every few minutes by DSM.

Exit code 0 when it could compare, 1 when not: then the figure of the last time stays, with its age.
"""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import email.utils
import http.client
import json
import os
import ssl
import sys
import time
from typing import Any
from urllib.parse import urlsplit

# An answer tells whole seconds. Several, asked for at different times within a second, tell a quarter of one.
ASKED, APART, PATIENCE = 5, 0.22, 10


class NoAnswerError(Exception):
    """The clock could not be compared; the text says why."""


def ask(url: str) -> tuple[float, float]:
    """Return the least and the most that this clock may be ahead of the server's, in seconds.

    Raises:
        NoAnswerError: there is no answer, or none that tells the time.
    """
    parts = urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        # Not verified: to a clock that is wrong by months every certificate has expired. Nothing secret is sent.
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        connection = http.client.HTTPSConnection(parts.netloc, timeout=PATIENCE, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=PATIENCE)
    try:
        connection.connect()
        before = time.time()
        connection.request("HEAD", "/")
        told = connection.getresponse().getheader("Date", "")
        after = time.time()
        second = email.utils.parsedate_to_datetime(told).timestamp()
    except (OSError, http.client.HTTPException) as error:
        raise NoAnswerError(f"{url} does not answer: {error}") from None
    except (TypeError, ValueError):
        raise NoAnswerError(f"{url} does not tell the time") from None
    finally:
        connection.close()
    return before - (second + 1), after - second


def skew(url: str) -> float:
    """Return how many seconds this clock is ahead of the server's; behind is negative.

    Raises:
        NoAnswerError: it can't be told.
    """
    least, most = ask(url)
    for _ in range(ASKED - 1):
        time.sleep(APART)  # to another part of the second
        more = ask(url)
        least, most = max(least, more[0]), min(most, more[1])
    return (least + most) / 2


def metrics(ahead: float, now: float) -> str:
    """Return Prometheus's text: how far the clock is ahead, in seconds, and when that was found."""
    return (
        "# HELP kbju_clock_skew_seconds How far the NAS's clock is ahead of Telegram's.\n"
        "# TYPE kbju_clock_skew_seconds gauge\n"
        f"kbju_clock_skew_seconds {ahead:.2f}\n"
        "# HELP kbju_clock_compared_timestamp_seconds When the clocks were last compared, by the NAS's.\n"
        "# TYPE kbju_clock_compared_timestamp_seconds gauge\n"
        f"kbju_clock_compared_timestamp_seconds {now:.0f}\n"
    )


def main() -> int:
    """Run the program and return its exit code."""
    file = f"{os.path.dirname(os.path.realpath(__file__))}/compare-clock.json"
    try:
        with open(file, encoding="utf-8") as opened:
            settings: dict[str, Any] = json.load(opened)
        ahead = skew(settings["url"])
        aside = settings["metrics"] + ".new"
        with open(aside, "w", encoding="utf-8") as written:
            written.write(metrics(ahead, time.time()))
        # node_exporter runs as nobody.
        os.chmod(aside, 0o644)
        os.replace(aside, settings["metrics"])
    except NoAnswerError as error:
        print(
            f"The clock can't be compared: {error}. Is the NAS online? See also the alert TelegramUnreachable",
            file=sys.stderr,
        )
        return 1
    except (OSError, ValueError, KeyError) as error:
        print(f"{error}: playbooks/deploy.yml writes {file} and the directory of the metrics", file=sys.stderr)
        return 1
    print(f"The clock is {abs(ahead):.2f} s {'ahead of' if ahead > 0 else 'behind'} {settings['url']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
