"""Weekly reminders and the time zone."""

from dataclasses import replace

import pytest

from kbju_bot.core.model import NoteBlocked
from kbju_bot.core.state import Reminder

from .people import settled
from .talking import ANNA, Talk


def reminded() -> Talk:
    """Return somebody with a reminder on Fridays at nine in Moscow."""
    talk = settled()
    talk.press("Напоминание")
    for label in ("пятница", "9:00", "Москва, UTC+3"):
        talk.press(label)
    return talk


def test_a_reminder_is_set_in_three_steps() -> None:
    talk = settled()
    assert talk.state.reminder is None
    assert "Шаг 1 из 3" in talk.press("Напоминание")
    assert "Шаг 2 из 3" in talk.press("пятница")
    assert "Шаг 3 из 3" in talk.press("9:00")
    assert "Напоминание: пятница, 9:00 (Москва, UTC+3)" in talk.press("Москва, UTC+3")
    assert talk.in_menu
    assert talk.state == replace(talk.state, reminder=Reminder(5, 9), time_zone="Europe/Moscow")


def test_the_zone_is_asked_once() -> None:
    talk = reminded()
    talk.press("Напоминание")
    talk.press("Изменить")
    assert "Шаг 1 из 2" in talk.last.text
    talk.say("Понедельник")
    assert "Напоминание: понедельник, 21:00 (Москва, UTC+3)" in talk.say("21 ч")
    assert talk.state.reminder == Reminder(1, 21)


def test_a_reminder_can_be_left_as_it_is() -> None:
    talk = reminded()
    talk.press("Напоминание")
    talk.press("Изменить")
    talk.press("вторник")
    talk.press("← Назад")
    talk.press("Отменить")
    assert talk.state.reminder == Reminder(5, 9)


@pytest.mark.parametrize(
    ("question", "given", "reason"),
    [
        ("weekday", "завтра", "на кнопках"),
        ("hour", "24", "от 0 до 23"),
        ("hour", "9:30", "полный час"),
        ("hour", "утром", "полный час"),
        ("zone", "Марс", "UTC+5"),
        ("zone", "+15", "UTC+5"),
        ("zone", "UTC+5:30", "UTC+5"),
    ],
)
def test_nonsense_is_refused_with_the_reason(question: str, given: str, reason: str) -> None:
    talk = settled()
    talk.say("/remind")
    for label in ("пятница", "9:00"):
        if talk.form.step != question:
            talk.press(label)
    assert reason in talk.say(given)
    assert talk.asked == f"reminder {question}"


@pytest.mark.parametrize(
    ("typed", "stored", "shown"),
    [
        ("Омск", "Asia/Omsk", "Омск, UTC+6"),
        ("kamchatka, utc+12", "Asia/Kamchatka", "Камчатка, UTC+12"),
        ("UTC+5", "Etc/GMT-5", "UTC+5"),
        ("−3", "Etc/GMT+3", "UTC-3"),
        ("МСК+2", "Etc/GMT-5", "UTC+5"),
        ("+0", "Etc/GMT", "UTC"),
        ("europe/berlin", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_zones(typed: str, stored: str, shown: str) -> None:
    talk = settled()
    talk.press("Настройки")
    talk.press("Часовой пояс")
    said = talk.say(typed)
    assert f"Часовой пояс записан: {shown}." in said
    assert talk.state.time_zone == stored
    assert f"Часовой пояс: {shown}." in talk.press("Настройки")


def test_switching_off() -> None:
    talk = reminded()
    talk.say("/remind")
    assert "Напоминание выключено" in talk.press("Выключить")
    assert talk.state.reminder is None
    assert "В какой день недели" in talk.say("/remind")


def test_switching_off_twice() -> None:
    talk = reminded()
    talk.say("/remind")
    talk.press("Выключить")
    assert talk.press("Выключить") == ""
    assert "уже не действует" in talk.notice


def test_switching_off_in_the_middle_of_questions() -> None:
    talk = reminded()
    talk.say("/remind")
    talk.say("/survey")
    talk.say("Анна")
    said = talk.press("Выключить")
    assert "Напоминание выключено" in said
    assert "Шаг 2 из 12" in said


def test_a_reminder_is_not_set_in_the_middle_of_the_survey() -> None:
    talk = reminded()
    talk.say("/remind")
    talk.say("/survey")
    assert talk.press("Изменить") == ""
    assert talk.asked == "survey name"


def test_who_blocks_the_bot_is_not_reminded() -> None:
    talk = reminded()
    talk.block()
    assert talk.effects == (NoteBlocked(ANNA.telegram_id),)
    assert talk.state.reminder is None
    talk.unblock()
    assert talk.state.reminder is None
    talk.say("/start")
    assert talk.in_menu


def test_blocking_does_not_end_the_questions() -> None:
    talk = settled()
    talk.say("/survey")
    talk.say("Анна")
    talk.block()
    talk.unblock()
    assert "Продолжим" in talk.say("/start")
    assert talk.asked == "survey birth_date"


def test_a_stranger_can_block_the_bot() -> None:
    talk = Talk()
    talk.block()
    assert list(talk.effects) == [NoteBlocked(ANNA.telegram_id)]
    talk.unblock()
    assert list(talk.effects) == []


def test_the_default_zone_is_the_settings() -> None:
    talk = settled()
    talk.context = replace(talk.context, time_zone="Asia/Omsk")
    assert "Часовой пояс: Омск, UTC+6." in talk.say("/settings")
