"""The menu, what it shows, and food preferences."""

from dataclasses import replace

import pytest

from kbju_bot.core.commands import LISTED
from kbju_bot.core.model import Context, SendProgress
from kbju_bot.core.state import Preferences
from kbju_bot.texts import Language

from .people import WOMAN, settled
from .talking import ANNA, NOON, Talk, utf16

MENU = [
    "Мои данные",
    "Прогресс",
    "Новые измерения",
    "Цель",
    "Предпочтения в еде",
    "Напоминание",
    "Настройки",
]


@pytest.mark.parametrize("text", ["/menu", "/start", "/back"])
def test_the_menu(text: str) -> None:
    talk = settled()
    assert talk.say(text) == "Что будем делать?"
    assert talk.last.labels == MENU


@pytest.mark.parametrize("text", ["привет", "/nonsense", "70,5", "/", None])
def test_what_is_not_understood_shows_the_menu(text: str | None) -> None:
    talk = settled()
    assert "не понимаю" in talk.say(text)
    assert talk.last.labels == MENU


@pytest.mark.parametrize(
    ("label", "words"),
    [
        ("Мои данные", "Дата рождения: 23.11.1990"),
        ("Прогресс", ""),
        ("Новые измерения", "Вес в килограммах?"),
        ("Цель", "К чему вы стремитесь?"),
        ("Предпочтения в еде", "Что вы любите есть?"),
        ("Напоминание", "В какой день недели"),
        ("Настройки", "Часовой пояс: Москва, UTC+3"),
    ],
)
def test_each_button_leads_somewhere(label: str, words: str) -> None:
    talk = settled()
    talk.say("/menu")
    assert words in talk.press(label)
    assert talk.notice == ""


def test_buttons_of_an_old_menu_work() -> None:
    talk = settled()
    talk.wait(days=400)
    talk.say("/goal")
    assert "Дата рождения" in talk.press("Мои данные")
    assert talk.asked is None


def test_data_shows_all_that_was_said() -> None:
    said = settled().say("/data")
    for line in (
        "Имя: Анна",
        "Дата рождения: 23.11.1990",
        "Пол: Женский",
        "Рост: 170 см",
        "Вес: 70,5 кг",
        "Талия: 80,5 см",
        "Шея: 34 см",
        "Бёдра: 100 см",
        "Шаги в день: 5000–7499",
        "Спорт: силовые тренировки, 3–4 раза в неделю",
        "Цель: Здоровье",
        "Измерено: 02.03.2026",
    ):
        assert line in said.splitlines()
    assert "Жир: 30,3 %" in said


def test_progress_is_drawn() -> None:
    talk = settled()
    talk.press("Прогресс")
    assert SendProgress(ANNA.telegram_id, Language.RU) in talk.effects


@pytest.mark.parametrize("url", ["https://example.org/consultation", None])
def test_the_consultation_is_there_where_it_is_set(url: str | None) -> None:
    talk = settled(context=Context(NOON, consultation_url=url))
    talk.say("/menu")
    button = talk.last.button("Консультация")
    assert (button.url if button else None) == url


def test_help_tells_every_listed_command() -> None:
    said = settled().say("/help")
    for command in LISTED:
        assert f"/{command.value} — " in said


@pytest.mark.parametrize("command", ["/menu", "/data", "/measure", "/progress", "/food", "/remind", "/settings"])
def test_before_the_survey_everything_leads_to_it(command: str) -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("/cancel")
    said = talk.say(command)
    assert "сантиметровая лента" in said
    assert "Шаг 1 из 12" in said


def test_cancelling_nothing() -> None:
    assert "Отменять нечего" in settled().say("/cancel")


def test_food() -> None:
    talk = settled()
    assert "Шаг 1 из 2" in talk.say("/food")
    assert "Шаг 2 из 2" in talk.say("рыба,\nовощи")
    said = talk.press("Пропустить")
    assert "Вы любите: рыба, овощи\nНе едите: не указано" in said
    assert talk.in_menu
    assert talk.state.preferences == Preferences("рыба, овощи", None)


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        ("Оставить", "Оставить", Preferences("рыба", "лук")),
        ("Стереть", "Оставить", Preferences(None, "лук")),
        ("Оставить", "Стереть", Preferences("рыба", None)),
        ("мясо", "Оставить", Preferences("мясо", "лук")),
    ],
)
def test_food_said_before_is_shown_and_can_stay(first: str, second: str, kept: Preferences) -> None:
    talk = settled()
    talk.state = replace(talk.state, preferences=Preferences("рыба", "лук"))
    assert "Вы любите: рыба\nНе едите: лук" in talk.press("Предпочтения в еде")
    talk.say(first)
    talk.say(second)
    assert talk.state.preferences == kept


def test_food_kept_as_it_was_imported() -> None:
    imported = Preferences("рыба\n  овощи", "лук")
    talk = settled()
    talk.state = replace(talk.state, preferences=imported)
    talk.say("/food")
    talk.press("Оставить")
    talk.press("Оставить")
    assert talk.state.preferences == imported


@pytest.mark.parametrize(("given", "reason"), [("?!", "обычным текстом"), ("я" * 1001, "до 1000 знаков")])
def test_food_that_is_refused(given: str, reason: str) -> None:
    talk = settled()
    talk.say("/food")
    assert reason in talk.say(given)
    assert talk.asked == "food likes"


def test_the_longest_food_fits_a_message() -> None:
    talk = settled()
    talk.say("/food")
    talk.say("𝄞a" * 500)
    talk.say("𠀀" * 1000)
    assert talk.state.preferences.dislikes == "𠀀" * 1000
    talk.say("/food")
    assert utf16(talk.last.text) > 3000


def test_the_longest_data_fits_a_message() -> None:
    talk = settled(WOMAN | {"name": "𠀀" * 60})
    assert "𠀀" * 60 in talk.say("/data")
