"""Users who write and read all the time, and who notice what is lost, doubled or late."""

from __future__ import annotations

import http.client
import itertools
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from kbju_bot.texts import Language, Text, render
from rehearsal import Stack
from telegram_emulator.client import User

PER_MINUTE = 1000
# Ids that no other test takes.
FIRST = 7 * 10**9
# How long a user waits for an answer before it counts as lost, in seconds.
PATIENCE = 90


class Writers:
    """Users in a conversation of three steps each, whose last answer names what was said in the two before."""

    def __init__(
        self, stack: Stack, sql: Callable[[str], str], per_minute: int = PER_MINUTE, users: int = 50, first: int = FIRST
    ) -> None:
        self.latencies: list[float] = []
        """Seconds from writing to the answer."""
        self.wrong: list[str] = []
        """What a user got that was not the next answer."""
        self.doubled: list[str] = []
        """What a user got twice in a row, as a bot that is killed while it sends makes it."""
        settle(sql, first, users)
        self._people = [User(first + number, stack.telegram, first_name="Анна") for number in range(users)]
        self._pause = users * 60 / per_minute
        self._ended = threading.Event()
        self._threads = [
            threading.Thread(target=self._converse, args=(user, number * self._pause / users), daemon=True)
            for number, user in enumerate(self._people)
        ]

    @property
    def answered(self) -> int:
        """How many messages have got their answer."""
        return len(self.latencies)

    def percentile(self, share: float) -> float:
        """Return the latency that this share of the messages does not exceed, in seconds."""
        return sorted(self.latencies)[min(len(self.latencies) - 1, int(len(self.latencies) * share))]

    def _converse(self, user: User, delay: float) -> None:
        due = time.monotonic() + delay
        expected = []
        before = max((message["id"] for message in user.chat()), default=0)
        for said, answer in _words(user.id):
            if self._ended.wait(max(0.0, due - time.monotonic())):
                break
            due = max(due + self._pause, time.monotonic())
            began = time.monotonic()
            try:
                user.send_text(said)
                expected.append(answer)
                got = user.wait_for_reply(timeout=PATIENCE)["text"]
                if expected[:-1] and answer not in got and expected[-2] in got:
                    self.doubled.append(f"{user.id} read {got!r} again")
                    got = user.wait_for_reply(timeout=PATIENCE)["text"]
            except (OSError, AssertionError) as error:
                self.wrong.append(f"{user.id} wrote {said!r}: {error!r}")
                return
            self.latencies.append(time.monotonic() - began)
            if answer not in got:
                self.wrong.append(f"{user.id} wrote {said!r} and read {got!r}")
        answers = [one["text"] for one in user.chat(after=before) if one["from"] == "bot"]
        answers = [text for text, _ in itertools.groupby(answers)]
        if len(answers) != len(expected):
            self.wrong.append(f"{user.id} wrote {len(expected)} messages and got {len(answers)} answers")

    def __enter__(self) -> Self:
        """Let them begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let them read what they wait for, and end."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


class Prober:
    """Asks nginx for the bot's health all the time, each time on a connection of its own."""

    def __init__(self, stack: Stack, per_second: int = 20) -> None:
        self.asked = 0
        self.failed: list[str] = []
        self._stack = stack
        self._pause = 1 / per_second
        self._context = ssl.create_default_context(cafile=str(stack.roots))
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,), daemon=True) for number in range(4)]

    def _ask(self, number: int) -> None:
        due = time.monotonic() + number * self._pause
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += self._pause * len(self._threads)
            self.asked += 1
            try:
                connection = http.client.HTTPSConnection(
                    self._stack.names[0], self._stack.https_port, timeout=10, context=self._context
                )
                connection.request("GET", "/healthz")
                status = connection.getresponse().status
                connection.close()
            except OSError as error:
                self.failed.append(repr(error))
                continue
            if status != 200:
                self.failed.append(f"status {status}")

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End."""
        self._ended.set()
        for thread in self._threads:
            thread.join()


def settle(sql: Callable[[str], str], first: int, users: int) -> None:
    """Make users who gave their consent and took the survey, where they are not there yet."""
    last = first + users - 1
    sql(
        "INSERT INTO users (telegram_id, first_name, language_code, time_zone, name, sex, birth_date, height_cm, steps,"
        " sport, goal) SELECT id, 'Анна', 'ru', 'Europe/Moscow', 'Анна', 'female', '1990-11-23', 170, '5000-7499',"
        f" 'none', 'healthy' FROM generate_series({first}, {last}) AS id ON CONFLICT DO NOTHING"
    )
    sql(f"INSERT INTO consents SELECT id, 1 FROM generate_series({first}, {last}) AS id ON CONFLICT DO NOTHING")
    sql(
        "INSERT INTO user_records (telegram_id, day, weight_kg, waist_cm, neck_cm, hip_cm, height_cm, goal, body_fat)"
        f" SELECT id, '2020-01-01', 70, 80, 34, 100, 170, 'healthy', 28.5 FROM generate_series({first}, {last}) AS id"
        " ON CONFLICT DO NOTHING"
    )


def _words(user: int) -> Iterator[tuple[str, str]]:
    """Yield what a user writes for ever, and what the bot has to answer."""
    for number in itertools.count(1):
        likes, dislikes = f"рыба {user}-{number}", f"лук {user}-{number}"
        yield "/food", _say(Text.ASK_LIKES)
        yield likes, _say(Text.ASK_DISLIKES)
        yield dislikes, _say(Text.FOOD, likes=likes, dislikes=dislikes)


def _say(text: Text, **values: str) -> str:
    return render(text, Language.RU, **values)
