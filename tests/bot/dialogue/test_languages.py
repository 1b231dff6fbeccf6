"""The bot speaks Russian and English: by Telegram, or as the user chose."""

import re
from dataclasses import replace

import pytest

from kbju_bot.core.dialogue import apology
from kbju_bot.core.model import Context, Person, SendProgress
from kbju_bot.core.screens import menu_commands
from kbju_bot.texts import Language

from .people import finish_survey, settled
from .talking import ANNA, JOHN, NOON, Talk

CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", Language.RU),
        ("ru-RU", Language.RU),
        ("RU", Language.RU),
        ("ru_RU", Language.RU),
        (None, Language.RU),
        ("", Language.RU),
        ("en", Language.EN),
        ("de", Language.EN),
        ("run", Language.EN),
        ("pt_BR", Language.EN),
    ],
)
def test_the_language_follows_telegram(code: str | None, language: Language) -> None:
    greeting = {Language.RU: "Здравствуйте, Kim!", Language.EN: "Hello, Kim!"}[language]
    assert Talk(Person(1, "Kim", language_code=code)).say("/start").startswith(greeting)


def test_it_can_be_changed_before_the_consent() -> None:
    talk = Talk(replace(ANNA, language_code="de"))
    talk.say("/start")
    said = talk.press("Русский")
    assert "Теперь я говорю по-русски" in said
    assert "нужно ваше согласие" in said
    assert talk.last.labels == ["Даю согласие", "Не даю согласия", "English"]
    assert "Как вас зовут?" in talk.press("Даю согласие")


def test_it_can_be_changed_in_the_settings() -> None:
    talk = settled()
    talk.press("Настройки")
    assert "I speak English now" in talk.press("English")
    assert talk.say("/menu") == "What would you like to do?"
    talk.press("Progress")
    assert SendProgress(ANNA.telegram_id, Language.EN) in talk.effects
    talk.press("Settings")
    talk.press("Русский")
    assert talk.say("/menu") == "Что будем делать?"


def test_the_choice_outlives_telegrams_language() -> None:
    talk = settled()
    talk.press("Настройки")
    talk.press("Русский")
    talk.person = replace(ANNA, language_code="en")
    assert talk.say("/menu") == "Что будем делать?"


def test_without_a_choice_telegrams_language_counts() -> None:
    talk = settled()
    talk.person = replace(ANNA, language_code="en")
    assert talk.say("/menu") == "What would you like to do?"


def test_an_english_survey_has_no_russian_in_it() -> None:
    talk = Talk(JOHN, Context(NOON, admins=frozenset({JOHN.telegram_id}), consultation_url="https://example.org"))
    talk.say("/start")
    talk.press("I agree")
    for answer in ("...", "John", "x", "01.01.2020", "23/11/1990", "Male", "180", "90.5", "under 5,000", "none", "?"):
        talk.say(answer)
    for answer in ("90", "95", "40", "Lean"):
        talk.say(answer)
    assert talk.in_menu
    for command in ("data", "goal", "food", "help", "privacy", "remind", "cancel", "settings", "zone", "broadcast"):
        talk.say(f"/{command}")
    talk.say("/delete_me")
    for message in talk.messages:
        assert not CYRILLIC.search(message.text)
        for label in message.labels:
            assert label == "Русский" or not CYRILLIC.search(label)


def test_numbers_have_the_languages_mark() -> None:
    russian, english = settled(), settled(person=JOHN)
    assert "70,5 кг" in russian.say("/data")
    assert "70.5 kg" in english.say("/data")


def test_an_apology_speaks_the_users_language() -> None:
    assert "Sorry, something broke" in apology(JOHN).text
    assert "что-то сломалось" in apology(ANNA).text


def test_telegrams_menu_speaks_both() -> None:
    commands = menu_commands()
    assert dict(commands["ru"])["cancel"] == "прервать вопросы"
    assert dict(commands[None])["cancel"] == "stop the questions"
    for listed in commands.values():
        # As setMyCommands wants them.
        assert all(re.fullmatch("[a-z_]{1,32}", command) and 1 <= len(text) <= 256 for command, text in listed)


def test_a_language_nobody_speaks() -> None:
    talk = settled()
    assert talk.press_data("l:de") == ""
    assert "уже не действует" in talk.notice


def test_the_language_changes_in_the_middle_of_a_survey() -> None:
    talk = settled()
    talk.press("Настройки")
    settings = talk.last
    talk.say("/survey")
    talk.say("Анна")
    button = settings.button("English")
    assert button is not None
    assert button.data is not None
    said = talk.press_data(button.data)
    assert "Step 2 of 12" in said
    assert "As before: 23.11.1990" in talk.last.labels
    assert talk.form.answers == {"name": "Анна"}
    finish_survey(talk)
    assert "Done!" in talk.last.text
