"""What the tests of the monitoring share: what fires, who is told, users who write all the time, time that hurries."""

from __future__ import annotations

import contextlib
import json
import re
import shlex
import threading
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from testinfra.host import Host

from rehearsal import DOCKER, ROOT, Stack
from telegram_emulator.client import User

ADMIN = 1
"""The admin's id in the rehearsal (inventories/local)."""
TEXT = "/start"
"""What costs one reply: with two, a thousand a minute would be more than the 30 a second that a bot may send."""
OVER = "✅ Прошло"
"""How messages begin that tell of an end (roles/alertmanager)."""
# The machine's processor is everybody's here, CI's other half has it too: what it says is not about the stack.
OF_THE_MACHINE = {"NasCpuHigh"}
TITLE_OF_THE_MACHINE = "Процессор NAS перегружен"
RULES = f"{ROOT}/config/prometheus/rules"
PROMETHEUS = f"{ROOT}/config/prometheus/prometheus.yml"
ALERTMANAGER = f"{ROOT}/config/alertmanager/alertmanager.yml"
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


class Monitoring:
    """The deployed Prometheus and Alertmanager, asked in their containers: nginx may be what is stopped."""

    def __init__(self, nas: Host) -> None:
        self._nas = nas

    def _get(self, container: str, url: str, **parameters: str) -> Any:
        whole = shlex.quote(f"http://127.0.0.1:{url}?{urlencode(parameters)}")
        return json.loads(self._nas.check_output(f"{DOCKER} exec {container} wget -q -O - {whole}"))

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the result of an instant query."""
        result: list[dict[str, Any]] = self._get("kbju-prometheus", "9090/prometheus/api/v1/query", query=expression)[
            "data"
        ]["result"]
        return result

    def value(self, expression: str) -> float:
        """Return the only value of an instant query."""
        (row,) = self.query(expression)
        return float(row["value"][1])

    def alerts(self, state: str) -> set[str]:
        """Return the alerts in a state (pending, firing) at this moment, Watchdog left out; see `called`."""
        return {
            called(alert["labels"])
            for alert in self._get("kbju-prometheus", "9090/prometheus/api/v1/alerts")["data"]["alerts"]
            if alert["state"] == state and alert["labels"]["alertname"] != "Watchdog"
        }

    def fired(self, since: float) -> set[str]:
        """Return the alerts that have fired since a moment (seconds since 1970), also for an instant."""
        seconds = int(time.time() - since) + 1
        query = f'last_over_time(ALERTS{{alertstate="firing",alertname!="Watchdog"}}[{seconds}s])'
        return {called(row["metric"]) for row in self.query(query)}

    def configuration(self, service: str) -> str:
        """Return the configuration that `service`, prometheus or alertmanager, has loaded."""
        if service == "prometheus":
            said = self._get("kbju-prometheus", "9090/prometheus/api/v1/status/config")["data"]["yaml"]
        else:
            said = self._get("kbju-alertmanager", "9093/alertmanager/api/v2/status")["config"]["original"]
        return str(said)

    def active(self) -> set[str]:
        """Return the alerts that Alertmanager has, Watchdog left out."""
        found = self._get("kbju-alertmanager", "9093/alertmanager/api/v2/alerts")
        return {called(alert["labels"]) for alert in found if alert["labels"]["alertname"] != "Watchdog"}


def called(labels: dict[str, str]) -> str:
    """Return an alert's name and what it is about, such as ContainerDown(kbju-nginx)."""
    subject = next((labels[key] for key in ("name", "mountpoint", "job") if key in labels), "")
    return labels["alertname"] + (f"({subject})" if subject else "")


class Chat:
    """An admin's chat with the bot, where the monitoring writes too."""

    def __init__(self, stack: Stack, user: int = ADMIN) -> None:
        self._user = User(user, stack.telegram, first_name="Olga")
        # Nobody is written to who has not written first.
        self._user.send_text("/start")
        self._user.wait_for_reply(timeout=30)
        self._seen = 0
        self.forget()

    def forget(self) -> None:
        """Look only at what comes from now on."""
        self._seen = max((message["id"] for message in self._user.chat()), default=0)

    def _since(self) -> list[dict[str, Any]]:
        return [one for one in self._user.chat() if one["id"] > self._seen and one["from"] == "bot"]

    def told(self) -> list[str]:
        """Return the alerts that messages since `forget` have told, by their pages in the runbook; not their ends."""
        return [page for one in self._since() for page in _pages(one) if page not in OF_THE_MACHINE]

    def watched(self) -> list[str]:
        """Return the messages since `forget` of the NAS's own watcher."""
        return [one["text"] for one in self._since() if "Мониторинг" in one["text"]]

    def over(self) -> list[str]:
        """Return the messages since `forget` that tell of an end."""
        texts = [one["text"] for one in self._since()]
        return [
            text for text in texts if text.startswith(OVER) and not text.startswith(f"{OVER}: {TITLE_OF_THE_MACHINE}")
        ]


def _pages(message: dict[str, Any]) -> list[str]:
    links = [entity["url"] for entity in message["entities"] if entity["type"] == "text_link"]
    return [link.rpartition("/runbook/")[2] for link in links if "/runbook/" in link]


class Load:
    """Users who write all the time, at a steady rate whether or not they are answered, while the block runs."""

    def __init__(self, stack: Stack, per_minute: int = 1000, users: int = 200) -> None:
        self.sent = 0
        self.failed: list[str] = []
        self._pause = 60 / per_minute
        self._users = [
            User(5_000_000_000 + number, stack.telegram, first_name="Анна", language_code="ru")
            for number in range(users)
        ]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._write, daemon=True)

    def _write(self) -> None:
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            user = self._users[self.sent % len(self._users)]
            try:
                user.send_text(TEXT)
            except (OSError, AssertionError) as error:
                self.failed.append(repr(error))
            self.sent += 1
            due += self._pause

    def __enter__(self) -> Self:
        """Let them begin."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let them end."""
        self._ended.set()
        self._thread.join()


def hurried(text: str, times: float) -> str:
    """Return rules or settings with every waiting time and window so many times shorter.

    Windows stay at 20 s or more: there must be several samples in each. Ages in expressions (26 hours) stay.
    """

    def shorter(duration: str, least: float) -> str:
        parts = re.findall(r"(\d+)(ms|[smhdw])", duration)
        seconds = sum(int(number) * _UNITS[unit] for number, unit in parts)
        return f"{round(max(least, seconds / times) * 1000)}ms"

    # It is day at any time but one minute.
    text = re.sub(r'start_time: "[\d:]+", end_time: "[\d:]+"', 'start_time: "03:33", end_time: "03:34"', text)
    duration = r"((?:\d+(?:ms|[smhdw]))+)"
    text = re.sub(rf"\[{duration}\]", lambda found: f"[{shorter(found[1], 20)}]", text)
    text = re.sub(
        rf"\[{duration}:(?:{duration})?\]",
        lambda found: f"[{shorter(found[1], 20)}:{shorter(found[2], 5) if found[2] else ''}]",
        text,
    )
    text = re.sub(rf"\b(for|keep_firing_for|group_wait): *{duration}", lambda f: f"{f[1]}: {shorter(f[2], 0)}", text)
    scraped = r"\b(interval|group_interval|scrape_interval|evaluation_interval|scrape_timeout)"
    return re.sub(rf"{scraped}: *{duration}", lambda f: f"{f[1]}: {shorter(f[2], 3)}", text)


class Files:
    """Files on the NAS, as root."""

    def __init__(self, nas: Host) -> None:
        self._nas = nas

    def read(self, path: str) -> str:
        """Return a file's text as it stands there."""
        return str(self._nas.check_output(f"cat {path}; echo x"))[:-1].removesuffix("x").rstrip("\n") + "\n"

    def write(self, path: str, text: str) -> None:
        """Replace a file's text; its owner and mode stay."""
        self._nas.check_output(f"printf %s {shlex.quote(text)} > {path}")


@contextlib.contextmanager
def hurrying(nas: Host, times: float) -> Iterator[None]:
    """Have the deployed monitoring wait so many times shorter while the block runs; its rules are its own otherwise."""
    files = Files(nas)
    listed = str(nas.check_output(f"ls {RULES}/*.yml")).split()
    before = {path: files.read(path) for path in [*listed, PROMETHEUS, ALERTMANAGER]}
    try:
        for path, text in before.items():
            files.write(path, hurried(text, times))
        _reload(nas)
        yield
    finally:
        for path, text in before.items():
            files.write(path, text)
        _reload(nas)


def _reload(nas: Host) -> None:
    for container, check in (
        ("kbju-prometheus", "promtool check config /etc/prometheus/prometheus.yml"),
        ("kbju-alertmanager", "amtool check-config /etc/alertmanager/alertmanager.yml"),
    ):
        nas.check_output(f"{DOCKER} exec {container} {check}")
        nas.check_output(f"{DOCKER} kill --signal HUP {container}")
