"""What an admin reads: Russian or English, everything escaped, never longer than Telegram takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alertmanager.running import Admin, Alertmanager, alert, settle

SINCE = {"startsAt": "2026-01-05T11:03:00Z"}
RESOLVED = "2026-01-05T12:10:30Z"


def links(message: dict[str, Any]) -> dict[str, str]:
    """Return the addresses in a message by the text they stand under."""
    text = message["text"].encode("utf-16-le")
    return {
        text[2 * one["offset"] : 2 * (one["offset"] + one["length"])].decode("utf-16-le"): one["url"]
        for one in message["entities"]
        if one["type"] == "text_link"
    }


def test_a_page_says_what_since_when_and_what_to_do(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    alertmanager.post(alert("PostgresDown", service="postgres") | SINCE)

    for admin in admins:
        message = admin.wait_for("PostgresDown")
        assert message["text"] == (
            "🔴 Срочно: PostgreSQL не работает\nPostgresDown is at 42 %\nUsers wait.\n"
            "с 05.01 14:03 · Что делать · Графики · Заглушить"
        )
        assert links(message) == {
            "Что делать": "https://nas.example/runbook/PostgresDown",
            "Графики": "https://nas.example/grafana/d/kbju-nas",
            "Заглушить": (
                "https://nas.example/alertmanager/#/silences/new?filter=%7Balertname%3D%22PostgresDown%22%7D"
            ),
        }


def test_which_of_several_containers_is_in_the_title_and_in_the_silence(
    alertmanager: Alertmanager, admins: list[Admin]
) -> None:
    alertmanager.post(alert("ContainerDown", service="containers", name="kbju-grafana"))

    message = admins[0].wait_for("Контейнер не работает: kbju-grafana")

    assert links(message)["Заглушить"].endswith("%7Balertname%3D%22ContainerDown%22%2Cname%3D%22kbju-grafana%22%7D")


def test_what_is_over_is_told_with_how_long_it_took(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    one = alert("PostgresDown", service="postgres") | SINCE
    alertmanager.post(one)
    admins[0].wait_for("Срочно")

    alertmanager.post({**one, "endsAt": RESOLVED})

    message = admins[0].wait_for("Прошло")
    assert message["text"] == "✅ Прошло: PostgreSQL не работает\n05.01 14:03 – 15:10, 1 ч 7 мин"
    assert len(admins[0].read()) == 2


def test_how_long_in_words(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    ends = {
        "moment": ("2026-01-05T11:03:40Z", "меньше минуты"),
        "minutes": ("2026-01-05T11:09:00Z", "6 мин"),
        "hours": ("2026-01-05T13:03:00Z", "2 ч"),
        "days": ("2026-01-07T12:10:00Z", "49 ч 7 мин"),
    }
    for service, (end, said) in ends.items():
        one = alert("DiskFull", service=service, name=service) | SINCE
        alertmanager.post(one)
        admins[0].wait_for(f"Срочно: Диск заполнен: {service}")

        alertmanager.post({**one, "endsAt": end})

        assert admins[0].wait_for(f"Прошло: Диск заполнен: {service}")["text"].rpartition(", ")[2] == said


def test_in_english_an_alert_is_called_by_its_name(start: Callable[..., Alertmanager], admins: list[Admin]) -> None:
    alertmanager = start(alertmanager_language="en")
    one = alert("DiskAlmostFull", "ticket") | SINCE
    alertmanager.post(one)

    message = admins[0].wait_for("DiskAlmostFull")
    assert message["text"] == (
        "🟡 For your attention: DiskAlmostFull\nDiskAlmostFull is at 42 %\nUsers wait.\n"
        "since 05.01 14:03 · What to do · Graphs · Silence"
    )

    alertmanager.post({**one, "endsAt": RESOLVED})

    assert admins[0].wait_for("Over")["text"].endswith("05.01 14:03 – 15:10, 1 h 7 min")


def test_alerts_of_one_service_come_in_one_message(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    alertmanager.post(
        *(alert(name, "ticket") for name in ("NasCpuHigh", "NasMemoryLow")), alert("BotErrorsInLog", "ticket", "bot")
    )
    settle(alertmanager, admins)

    told = sorted(message["text"].count("К сведению") for message in admins[0].read())
    assert told == [1, 2]


HOSTILE = "<b>bold</i> & <script>alert(\"1\")</script> 'quoted' {{ .Labels }} %s &lt; </a> 😀"


def test_nothing_in_a_value_is_taken_for_markup(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    one = alert("ContainerDown", service="containers", name=HOSTILE[:36])
    one["annotations"] = {"summary": HOSTILE, "description": HOSTILE, "dashboard": '"><b>'}
    alertmanager.post(one)

    message = admins[0].wait_for("Контейнер не работает")

    lines = message["text"].splitlines()
    assert lines[:3] == [f"🔴 Срочно: Контейнер не работает: {HOSTILE[:36].strip()}", HOSTILE, HOSTILE]
    assert links(message)["Графики"] == "https://nas.example/grafana/d/%22%3E%3Cb%3E"
    assert [one["type"] for one in message["entities"]].count("bold") == 1


def test_an_unknown_hostile_name_is_shown_as_it_is(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    alertmanager.post(alert("<i>&Ы", severity="<b>", service='"}'))

    message = admins[0].wait_for("К сведению: <i>&Ы")

    assert links(message)["Что делать"].endswith("/runbook/%3Ci%3E%26%D0%AB")


def test_however_long_the_values_are_they_arrive(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    letters = {"ampersand": "&", "bracket": "<", "cyrillic": "Ы", "emoji": "😀", "zero": "\x00", "newline": "\n"}
    for service, letter in letters.items():
        one = alert("ContainerDown", service=service, name=f"{service}{letter * 5000}")
        one["annotations"] = dict.fromkeys(("summary", "description", "dashboard"), f"a{letter * 5000}z")
        alertmanager.post(one)

    for service in letters:
        assert admins[0].wait_for(f"Контейнер не работает: {service}")["text"].startswith("🔴 Срочно")


@pytest.mark.parametrize("letter", ["a", "&"])
def test_of_two_hundred_alerts_as_many_as_fit_are_told_and_the_rest_is_counted(
    alertmanager: Alertmanager, admins: list[Admin], letter: str
) -> None:
    alerts = [alert("ContainerErrorsInLog", "ticket", "containers", name=f"c{number:03}") for number in range(200)]
    for one in alerts:
        one["annotations"]["summary"] = f"{letter * 150} {one['labels']['name']}"
    alertmanager.post(*alerts)

    message = admins[0].wait_for("Все тревоги")
    told = message["text"].count("К сведению")
    assert told > 3
    assert f"…и ещё {200 - told}. Все тревоги" in message["text"]
    assert links(message)["Все тревоги"].endswith("/#/alerts?filter=%7Bservice%3D%22containers%22%7D")


def test_what_burns_stands_above_what_is_over(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    alerts = [alert("ContainerDown", service="containers", name=f"c{number:03}") for number in range(100)]
    alertmanager.post(*alerts)
    admins[0].wait_for("Все тревоги")

    alertmanager.post(*({**one, "endsAt": one["startsAt"]} for one in alerts[:99]))

    assert admins[0].wait_for("Прошло")["text"].startswith("🔴 Срочно: Контейнер не работает: c099")


def test_a_ticket_makes_no_sound(alertmanager: Alertmanager, admins: list[Admin]) -> None:
    alertmanager.post(alert("DiskAlmostFull", "ticket"), alert("BotDown", service="bot"))
    settle(alertmanager, admins)

    silent = {message["text"][:2].strip(): message["silent"] for message in admins[0].read()}
    assert silent == {"🟡": False, "🔴": False}


def test_a_chat_that_is_not_open_costs_the_others_nothing(
    start: Callable[..., Alertmanager], admins: list[Admin]
) -> None:
    alertmanager = start(alertmanager_admin_ids=[999, 1])
    alertmanager.post(alert("BotDown", service="bot"))

    assert admins[0].wait_for("Бот не работает")
