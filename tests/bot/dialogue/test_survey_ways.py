"""Ways through the survey and out of it: back, cancelled, interrupted, taken again."""

from dataclasses import replace
from datetime import date

import pytest

from kbju_bot.core.profile import Goal, Sport

from .people import MAN, WOMAN, finish_survey, settled, surveyed_up_to

LAZY_WOMAN = WOMAN | {"sport": "не занимаюсь"}
ATHLETE = MAN | {"sport": "силовые и кардио"}


@pytest.mark.parametrize("answers", [WOMAN, LAZY_WOMAN, ATHLETE, MAN])
@pytest.mark.parametrize("way", ["← Назад", "/back"])
def test_every_step_goes_back(answers: dict[str, str], way: str) -> None:
    talk = surveyed_up_to("goal", answers)
    asked = list(talk.form.answers)
    for question in reversed(asked):
        said = talk.say(way) if way == "/back" else talk.press(way)
        assert talk.asked == f"survey {question}"
        assert f"Шаг {asked.index(question) + 1} из " in said
    assert talk.last.button("← Назад") is None
    assert "Это первый вопрос" in talk.say("/back")
    finish_survey(talk, answers)
    assert talk.state.record is not None


def test_going_back_can_change_what_comes_after() -> None:
    talk = surveyed_up_to("waist", WOMAN)
    for _ in ("frequency", "sport", "steps", "weight", "height", "sex"):
        talk.press("← Назад")
    finish_survey(talk, MAN)
    assert talk.state.record is not None
    assert talk.state.record.hip_cm is None
    assert talk.state.profile is not None
    assert talk.state.profile.frequency is None


@pytest.mark.parametrize("question", WOMAN)
@pytest.mark.parametrize("way", ["Отменить", "/cancel"])
def test_every_step_can_be_cancelled(question: str, way: str) -> None:
    talk = surveyed_up_to(question)
    said = talk.say(way) if way == "/cancel" else talk.press(way)
    assert "ответы не записаны" in said
    assert (talk.state.form, talk.state.profile, talk.state.record) == (None, None, None)
    assert "Шаг 1 из 12" in talk.say("/start")
    assert talk.form.answers == {}


@pytest.mark.parametrize("question", WOMAN)
def test_who_wanders_about_comes_back_to_the_question(question: str) -> None:
    talk = surveyed_up_to(question)
    answers = talk.form.answers
    asked = talk.last.text.partition("Шаг")[2]
    for text, words in [
        ("/start", "Продолжим"),
        ("/menu", "Продолжим"),
        ("/measure", "Сначала ответьте"),
        ("/settings", "Сначала ответьте"),
        ("/nonsense", "Сначала ответьте"),
        ("/help", "/cancel — прервать вопросы"),
        ("/privacy", "Что хранится"),
    ]:
        said = talk.say(text)
        assert words in said
        assert said.endswith(asked)
    assert (talk.asked, talk.form.answers) == (f"survey {question}", answers)


def test_the_survey_can_be_taken_again_with_the_old_answers_at_hand() -> None:
    talk = settled(WOMAN | {"name": "Анна Мария"})
    talk.wait(days=30)
    talk.press("Настройки")
    talk.press("Пройти опрос заново")
    for label in ("Анна Мария", "Как раньше: 23.11.1990", "Женский", "Как раньше: 170"):
        talk.press(label)
    talk.say("68")
    for label in ("5000–7499", "не занимаюсь", "Как раньше: 80,5", "Как раньше: 34", "Как раньше: 100"):
        talk.press(label)
    assert talk.state.profile is not None
    assert talk.state.profile.sport is Sport.STRENGTH, "stored before the last answer"
    talk.press("Рельеф")
    assert talk.state.profile is not None
    assert (talk.state.profile.sport, talk.state.profile.frequency) == (Sport.NONE, None)
    assert talk.state.profile.goal is Goal.LEAN
    assert talk.state.record is not None
    assert (talk.state.record.day, talk.state.record.weight_kg) == (date(2026, 4, 1), 68)


def test_taking_it_again_and_cancelling_changes_nothing() -> None:
    talk = settled()
    before = talk.state
    talk.say("/survey")
    talk.say("Мария")
    assert "ничего не изменилось" in talk.say("/cancel")
    assert talk.in_menu
    assert replace(talk.state, prompts=before.prompts) == before
