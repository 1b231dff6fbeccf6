"""Buttons of questions that are not asked any more."""

import pytest

from kbju_bot.core.model import RemoveButtons
from kbju_bot.core.state import State

from .people import settled
from .talking import ANNA, Message, Talk


def data_of(message: Message, label: str) -> str:
    """Return what a button of a message sends."""
    button = message.button(label)
    assert button is not None
    assert button.data is not None
    return button.data


def asked_for_sex() -> Talk:
    """Return somebody whom the survey asks for the sex."""
    talk = Talk()
    talk.say("/start")
    for answer in ("Даю согласие", "Анна", "23.11.1990"):
        talk.say(answer)
    return talk


def test_a_button_answers_its_own_question_only() -> None:
    talk = asked_for_sex()
    question = talk.last
    talk.press("Женский")
    before = talk.state
    assert talk.press_data(data_of(question, "Мужской"), question.id) == ""
    assert talk.notice == "Эта кнопка уже не действует. Посмотрите последние сообщения или откройте /menu."
    assert RemoveButtons(ANNA.telegram_id, question.id) in talk.effects
    assert talk.state == before


@pytest.mark.parametrize("label", ["Мужской", "← Назад", "Отменить"])
def test_the_same_question_asked_again_has_new_buttons(label: str) -> None:
    talk = asked_for_sex()
    old = data_of(talk.last, label)
    talk.say("?")
    before = talk.state
    assert talk.press_data(old) == ""
    assert talk.state == before


def test_a_button_pressed_twice_counts_once() -> None:
    talk = asked_for_sex()
    data = data_of(talk.last, "Женский")
    talk.press_data(data)
    talk.press_data(data)
    assert "уже не действует" in talk.notice
    assert talk.asked == "survey height"


def test_buttons_of_a_cancelled_form() -> None:
    talk = settled()
    talk.say("/goal")
    data = data_of(talk.last, "Рельеф")
    talk.say("/cancel")
    talk.press_data(data)
    assert "уже не действует" in talk.notice
    assert talk.state.profile is not None
    assert talk.state.profile.goal == "healthy"


def test_who_presses_does_not_have_to_be_known() -> None:
    talk = Talk()
    for data in ("m:menu", "f:1:yes", "l:en"):
        assert talk.press_data(data, 5) == ""
        assert "уже не действует" in talk.notice
        assert talk.state == State()


@pytest.mark.parametrize(
    "data",
    [
        *("", "f", "f:", "f:1", "f:1:", "f::yes", "f:x:yes", "f:-1:yes", "f:²:yes", "f:0:yes"),
        *("m:", "m:x", "m", "l:", "r:", "r:off", "b:1", "nonsense", "🙂", "f:" + "9" * 5000 + ":yes"),
    ],
)
def test_buttons_that_never_were(data: str) -> None:
    talk = asked_for_sex()
    before = talk.state
    assert talk.press_data(data, 5) == ""
    assert "уже не действует" in talk.notice
    assert talk.state == before


def test_a_message_that_telegram_forgot_keeps_its_buttons() -> None:
    talk = settled()
    talk.press_data("f:1:yes", None)
    assert not any(isinstance(effect, RemoveButtons) for effect in talk.effects)
