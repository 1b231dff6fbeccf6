"""What bin/watch-monitoring says to the admins, and how it reaches them: over the Bot API, by itself."""
# Runs on the NAS: Python 3.8 syntax, standard library only.

from __future__ import annotations

import http.client
import json
import logging
import time
import urllib.error
import urllib.request
from dataclasses import dataclass

# How long Telegram may take for an answer, in seconds.
PATIENCE = 30

TEXTS = {
    "ru": {
        "engine": "Docker на NAS не отвечает",
        "alertmanager": "Alertmanager не отвечает",
        "prometheus": "Prometheus не отвечает",
        "watchdog": "Prometheus работает, но его тревоги не доходят до Alertmanager",
        "bad": "🔴 Мониторинг не работает: {why}. Пока это так, о других бедах никто не сообщит.\n"
        "С {since}. Что делать: {runbook}",
        "well": "✅ Мониторинг снова работает. Не работал с {since}.",
        "test": "Проверка связи: сюда NAS напишет, если мониторинг перестанет работать.",
    },
    "en": {
        "engine": "Docker on the NAS does not answer",
        "alertmanager": "Alertmanager does not answer",
        "prometheus": "Prometheus does not answer",
        "watchdog": "Prometheus runs, but its alerts do not get through to Alertmanager",
        "bad": "🔴 The monitoring does not work: {why}. While it is so, nobody tells of other faults.\n"
        "Since {since}. What to do: {runbook}",
        "well": "✅ The monitoring works again. It has not since {since}.",
        "test": "A test: the NAS will write here when the monitoring stops working.",
    },
}
log = logging.getLogger("watch-monitoring")


@dataclass(frozen=True)
class Settings:
    """What the role writes beside the program."""

    root: str
    docker: str
    telegram_api_url: str
    admins: list[int]
    language: str
    timezone: str
    patience: int
    runbook: str
    boot_seconds: float
    """For how long after a boot a fault is none: the stack is still coming up."""

    def token(self) -> str:
        """Return the bot's token. Raise OSError when it can't be read."""
        with open(f"{self.root}/secrets/alertmanager/bot_token", encoding="utf-8") as file:
            return file.read().strip()


def send(settings: Settings, admin: int, text: str) -> str:
    """Write to one admin; return why that failed, an empty text when it did not. The token never gets into either."""
    body = json.dumps({"chat_id": admin, "text": text, "disable_web_page_preview": True}).encode()
    try:
        url = f"{settings.telegram_api_url.rstrip('/')}/bot{settings.token()}/sendMessage"
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the role's setting
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - as above
            return "" if json.load(answer).get("ok") is True else "Telegram's answer is not ok"
    except urllib.error.HTTPError as error:
        return f"Telegram answers {error.code}"
    except urllib.error.URLError as error:
        return f"Telegram can't be reached: {type(error.reason).__name__}"
    except (OSError, http.client.HTTPException, ValueError) as error:
        # Some of these name the address, and the token stands in it.
        return f"no message could be sent: {type(error).__name__}"


def tell(settings: Settings, admins: list[int], text: str) -> list[int]:
    """Write to these admins; return those whom it has reached."""
    reached = []
    for admin in admins:
        failure = send(settings, admin, text)
        if failure:
            log.warning("admin %d was not told: %s", admin, failure)
        else:
            reached.append(admin)
    return reached


def clock(stamp: float) -> str:
    """Return a time as an admin reads it."""
    return time.strftime("%d.%m %H:%M", time.localtime(stamp))
