"""Nothing is asked and nothing is kept without a consent."""

from dataclasses import replace

import pytest

from kbju_bot.core.model import DeleteUser, NoteSeen, Person
from kbju_bot.core.other_forms import CONSENT_VERSION
from kbju_bot.core.state import State

from .people import settled
from .talking import Talk


@pytest.mark.parametrize("text", ["/start", "/start from-a-link", "привет", "/menu", "/nonsense", "/", None])
def test_whoever_writes_first_is_greeted_and_asked_for_consent(text: str | None) -> None:
    talk = Talk()
    said = talk.say(text)
    assert "Здравствуйте, Анна!" in said
    assert "нужно ваше согласие" in said
    assert talk.last.labels == ["Даю согласие", "Не даю согласия", "English"]
    assert talk.state == replace(State(registered=True), form=talk.state.form, prompts=talk.state.prompts)


def test_the_consent_says_what_for_and_for_whom() -> None:
    said = Talk().say("/start")
    for word in ("дату рождения", "вес", "/export", "/delete_me", "/privacy", "взрослых", "беременных", "врача"):
        assert word in said


@pytest.mark.parametrize("name", ["", " ", "\u2003", "\u3164", "\u200d"])
def test_a_blank_name_is_replaced(name: str) -> None:
    assert "Hello, friend!" in Talk(Person(1, name, language_code="en")).say("/start")


def test_a_name_is_no_template() -> None:
    assert "Hello, {name} {x}!" in Talk(Person(1, "{name} {x}", language_code="en")).say("/start")


def test_consent_leads_to_the_survey() -> None:
    talk = Talk()
    talk.say("/start")
    said = talk.press("Даю согласие")
    assert "Шаг 1 из 12" in said
    assert "Как вас зовут?" in said
    assert talk.state.consent == CONSENT_VERSION


@pytest.mark.parametrize("typed", ["даю согласие", " I AGREE "])
def test_consent_can_be_typed(typed: str) -> None:
    talk = Talk()
    talk.say("/start")
    assert "Как вас зовут?" in talk.say(typed)


@pytest.mark.parametrize("text", ["да", "ок", "Анна", "23.11.1990", None])
def test_anything_else_is_no_consent(text: str | None) -> None:
    talk = Talk()
    talk.say("/start")
    assert "нужно ваше согласие" in talk.say(text)
    assert talk.state.consent is None


@pytest.mark.parametrize("command", ["/menu", "/measure", "/data", "/progress", "/food", "/remind", "/settings"])
def test_nothing_else_is_done_before_the_consent(command: str) -> None:
    talk = Talk()
    talk.say("/start")
    assert "нужно ваше согласие" in talk.say(command)
    assert talk.asked == "consent consent"


@pytest.mark.parametrize(("command", "words"), [("/privacy", "Что хранится"), ("/help", "/delete_me — удалить")])
def test_one_can_read_first(command: str, words: str) -> None:
    talk = Talk()
    talk.say("/start")
    said = talk.say(command)
    assert words in said
    assert said.index(words) < said.index("нужно ваше согласие")


@pytest.mark.parametrize("declining", ["Не даю согласия", "/cancel"])
def test_nothing_is_kept_of_who_declines(declining: str) -> None:
    talk = Talk()
    talk.say("/start")
    said = talk.say(declining)
    assert "Без согласия я ничего не спрашиваю и не храню" in said
    assert any(isinstance(effect, DeleteUser) for effect in talk.effects)
    assert not any(isinstance(effect, NoteSeen) for effect in talk.effects)
    assert talk.state == State()


def test_nothing_is_kept_of_who_declines_in_another_language() -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("English")
    assert "keep nothing" in talk.press("I do not agree")
    assert talk.state == State()


def test_who_declined_can_think_better_of_it_by_a_new_consent_only() -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Не даю согласия")
    assert talk.press("Даю согласие") == ""
    assert "уже не действует" in talk.notice
    assert talk.state == State()
    assert "нужно ваше согласие" in talk.say("/start")
    assert "Как вас зовут?" in talk.press("Даю согласие")


def outdated(talk: Talk) -> Talk:
    """Let a new version of the consent come out."""
    talk.state = replace(talk.state, consent=CONSENT_VERSION - 1)
    return talk


def test_a_new_version_asks_everyone_anew() -> None:
    talk = outdated(settled())
    assert "нужно ваше согласие" in talk.press("Прогресс")
    talk.press("Даю согласие")
    assert talk.in_menu


def test_answers_wait_for_the_new_consent() -> None:
    talk = settled()
    talk.wait(days=7)
    talk.say("/measure")
    before = talk.state.record
    outdated(talk)
    for answer in ("69", "80", "34", "99"):
        assert "нужно ваше согласие" in talk.say(answer)
    assert talk.state.record == before


def test_an_open_survey_goes_on_after_the_new_consent() -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    talk.press("Анна")
    outdated(talk)
    assert "нужно ваше согласие" in talk.say("23.11.1990")
    # Not even an interruption loses it.
    talk.say("/delete_me")
    assert "нужно ваше согласие" in talk.press("Отменить")
    said = talk.press("Даю согласие")
    assert "Шаг 2 из 12" in said
    assert talk.form.answers == {"name": "Анна"}


@pytest.mark.parametrize("way", ["Не даю согласия", "/cancel"])
def test_a_survey_does_not_go_on_without_the_new_consent(way: str) -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    outdated(talk).say("Анна")
    said = talk.say(way)
    assert "Как вас зовут?" not in said
    assert "нужно ваше согласие" not in said
    assert "нужно ваше согласие" in talk.say("Анна")


def test_who_declines_a_new_version_keeps_the_data() -> None:
    talk = settled()
    profile, record = talk.state.profile, talk.state.record
    outdated(talk).say("/menu")
    said = talk.press("Не даю согласия")
    assert "/export" in said
    assert "/delete_me" in said
    assert (talk.state.profile, talk.state.record) == (profile, record)
    assert talk.asked is None, "asked at once again"
    assert "нужно ваше согласие" in talk.say("/menu")


def test_an_imported_user_who_declines_keeps_the_data() -> None:
    talk = settled()
    talk.state = replace(talk.state, consent=None)
    talk.say("/menu")
    assert "/delete_me" in talk.say("/cancel")
    assert talk.state.profile is not None
