"""What is kept, getting it and deleting it."""

import pytest

from kbju_bot.core.model import DeleteUser, NoteSeen, Reply, SendExport
from kbju_bot.core.state import State
from kbju_bot.texts import Language

from .people import settled
from .talking import ANNA, Talk


def test_privacy() -> None:
    said = settled().say("/privacy")
    for words in ("Что хранится", "Зачем", "Где", "резервных копиях", "/export", "/delete_me"):
        assert words in said


@pytest.mark.parametrize("way", ["/export", "Мои данные файлом"])
def test_export(way: str) -> None:
    talk = settled()
    talk.press("Настройки")
    _ = talk.say(way) if way.startswith("/") else talk.press(way)
    assert SendExport(ANNA.telegram_id, Language.RU) in talk.effects


@pytest.mark.parametrize("command", ["/export", "/privacy", "/help"])
def test_rights_do_not_wait_for_the_survey(command: str) -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("Анна")
    said = talk.say(command)
    assert said.endswith(talk.last.text)
    assert "Шаг 2 из 12" in talk.last.text
    assert talk.form.answers == {"name": "Анна"}


@pytest.mark.parametrize("command", ["/export", "/delete_me"])
def test_nothing_is_stored_of_strangers(command: str) -> None:
    talk = Talk()
    assert "ничего не записано" in talk.say(command)
    assert talk.state == State()


def test_deleting_takes_two_steps() -> None:
    talk = settled()
    said = talk.say("/delete_me")
    assert "/export" in said
    assert not any(isinstance(effect, DeleteUser) for effect in talk.effects)
    assert "вернуть данные будет нельзя" in talk.press("Да, удалить")
    assert not any(isinstance(effect, DeleteUser) for effect in talk.effects)
    assert "Всё удалено" in talk.press("Удалить навсегда")
    assert any(isinstance(effect, DeleteUser) for effect in talk.effects)
    assert not any(isinstance(effect, NoteSeen | Reply) for effect in talk.effects), "it would bring something back"
    assert talk.state == State()


@pytest.mark.parametrize("text", ["да", "удалить всё", "ok", None])
def test_deleting_needs_the_button(text: str | None) -> None:
    talk = settled()
    talk.say("/delete_me")
    talk.say(text)
    assert talk.asked == "delete sure"
    talk.press("Да, удалить")
    talk.say(text)
    assert talk.asked == "delete forever"
    assert talk.state.profile is not None


@pytest.mark.parametrize("presses", [["Отменить"], ["Да, удалить", "Отменить"], ["Да, удалить", "← Назад", "Отменить"]])
def test_thinking_better_of_it(presses: list[str]) -> None:
    talk = settled()
    talk.say("/delete_me")
    for label in presses:
        talk.press(label)
    assert "ничего не изменилось" in talk.last.text
    assert talk.in_menu
    assert talk.state.profile is not None


def test_a_copy_can_be_had_on_the_way() -> None:
    talk = settled()
    talk.say("/delete_me")
    talk.say("/export")
    assert SendExport(ANNA.telegram_id, Language.RU) in talk.effects
    assert talk.asked == "delete sure"
    talk.press("Да, удалить")
    assert talk.asked == "delete forever"


def test_afterwards_one_is_a_stranger_and_old_buttons_do_nothing() -> None:
    talk = settled()
    talk.say("/goal")
    goal = next(button.data for row in talk.last.keyboard for button in row)
    talk.say("/delete_me")
    talk.press("Да, удалить")
    talk.press("Удалить навсегда")
    assert goal is not None
    for data in (goal, "m:data", "m:export", "l:en", "r:off"):
        assert talk.press_data(data) == ""
        assert "уже не действует" in talk.notice
        assert talk.state == State()


def test_old_buttons_do_nothing_in_the_next_life() -> None:
    talk = Talk()
    for _ in range(2):
        talk.wait(minutes=1)
        talk.say("/start")
        talk.press("Даю согласие")
        talk.say("/delete_me")
        talk.press("Да, удалить")
        talk.press("Удалить навсегда")
    old = [button.data for message in talk.messages for row in message.keyboard for button in row if button.data]
    talk.wait(minutes=1)
    talk.say("/start")
    talk.press("Даю согласие")
    before = talk.state
    for data in old:
        if data.startswith("f:"):
            assert talk.press_data(data) == ""
            assert talk.state == before


def test_a_survey_goes_on_after_all() -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("Анна")
    talk.say("23.11.1990")
    talk.say("/delete_me")
    assert talk.asked == "delete sure"
    # Even twice.
    talk.say("/delete_me")
    talk.press("Да, удалить")
    said = talk.press("Отменить")
    assert "ничего не изменилось" in said
    assert "Шаг 3 из 12" in said
    assert talk.form.answers == {"name": "Анна", "birth_date": "1990-11-23"}
    assert talk.state.paused is None


@pytest.mark.parametrize("command", ["/menu", "/data", "/nonsense"])
def test_walking_away_from_the_deletion_goes_on_with_the_survey(command: str) -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("/delete_me")
    assert "Шаг 1 из 12" in talk.say(command)


@pytest.mark.parametrize("way", ["/menu", "/data", "/cancel"])
def test_a_survey_that_is_taken_again_goes_on_too(way: str) -> None:
    talk = settled()
    talk.say("/survey")
    talk.say("Мария")
    talk.say("/delete_me")
    assert "Шаг 2 из 12" in talk.say(way)
    assert talk.form.answers == {"name": "Мария"}


def test_whoever_has_not_consented_can_be_deleted_and_can_stay() -> None:
    talk = Talk()
    talk.say("/start")
    talk.say("/delete_me")
    assert "нужно ваше согласие" in talk.press("Отменить")
    talk.say("/delete_me")
    talk.press("Да, удалить")
    talk.press("Удалить навсегда")
    assert talk.state == State()


def test_cancelling_the_deletion_without_a_survey_leads_on_to_it() -> None:
    talk = Talk()
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("/cancel")
    talk.say("/delete_me")
    said = talk.press("Отменить")
    assert "ничего не изменилось" in said
    assert "Как вас зовут?" in said
