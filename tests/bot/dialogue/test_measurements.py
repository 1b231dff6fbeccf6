"""New measurements and a new goal, once the survey is done."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from kbju_bot.core.profile import Goal
from kbju_bot.core.state import Record

from .people import MAN, WOMAN, settled
from .talking import Talk

NEW = ("69,8", "80", "34", "99,5")


def measure(talk: Talk, *answers: str) -> str:
    """Give new measurements and return what the bot says at the end."""
    talk.say("/measure")
    said = ""
    for answer in answers:
        said = talk.say(answer)
    return said


def record(talk: Talk) -> Record:
    """Return the newest measurements."""
    assert talk.state.record is not None
    return talk.state.record


def test_another_day_adds() -> None:
    talk = settled()
    talk.wait(days=7)
    said = measure(talk, *NEW)
    assert "Измерения записаны" in said
    assert "Жир: " in said
    assert talk.in_menu
    assert record(talk) == Record(date(2026, 3, 9), 69.8, 80, 34, 99.5, body_fat=29.8)


def test_the_same_day_updates() -> None:
    talk = settled()
    talk.wait(hours=5)
    assert "Сегодняшние измерения обновлены" in measure(talk, *NEW)
    assert (record(talk).day, record(talk).weight_kg) == (date(2026, 3, 2), 69.8)


@pytest.mark.parametrize(("answers", "total"), [(WOMAN, 4), (MAN, 3)])
def test_each_step_says_where_one_is(answers: dict[str, str], total: int) -> None:
    talk = settled(answers)
    talk.say("/measure")
    for number in range(1, total + 1):
        assert f"Шаг {number} из {total}" in talk.last.text
        talk.press(talk.last.labels[0])
    assert talk.in_menu


def test_what_did_not_change_is_a_press_away() -> None:
    talk = settled()
    talk.wait(days=1)
    talk.press("Новые измерения")
    for label in ("Как раньше: 70,5", "Как раньше: 80,5", "Как раньше: 34", "Как раньше: 100"):
        talk.press(label)
    assert record(talk) == Record(date(2026, 3, 3), 70.5, 80.5, 34, 100, body_fat=30.3)


def test_nothing_is_stored_before_the_last_answer() -> None:
    talk = settled()
    before = record(talk)
    talk.wait(days=1)
    measure(talk, *NEW[:-1])
    assert record(talk) == before
    assert "ничего не изменилось" in talk.press("Отменить")
    assert record(talk) == before
    assert talk.in_menu


def test_the_menu_leaves_the_questions() -> None:
    talk = settled()
    measure(talk, *NEW[:2])
    talk.say("/menu")
    assert talk.in_menu
    assert talk.asked is None


@pytest.mark.parametrize(
    ("zone", "day"),
    [("Asia/Vladivostok", date(2026, 3, 10)), ("Europe/Moscow", date(2026, 3, 9)), (None, date(2026, 3, 9))],
)
def test_the_day_is_the_users(zone: str | None, day: date) -> None:
    talk = settled()
    talk.state = replace(talk.state, time_zone=zone)
    talk.at(datetime(2026, 3, 9, 20, 59, tzinfo=UTC))
    measure(talk, *NEW)
    assert record(talk).day == day


def test_after_a_flight_west_the_newest_measurements_are_the_last() -> None:
    talk = settled()
    talk.state = replace(talk.state, time_zone="Etc/GMT-14")
    talk.at(datetime(2026, 3, 9, 11, tzinfo=UTC))
    measure(talk, *NEW)
    assert record(talk).day == date(2026, 3, 10)
    talk.say("/zone")
    talk.say("UTC-12")
    assert "обновлены" in measure(talk, "69", "80", "34", "99")
    assert (record(talk).day, record(talk).weight_kg) == (date(2026, 3, 10), 69)


def test_a_day_far_in_the_future_does_not_swallow_measurements() -> None:
    talk = settled()
    talk.state = replace(talk.state, record=replace(record(talk), day=date(2062, 3, 2)))
    measure(talk, *NEW)
    assert record(talk).day == date(2026, 3, 2)


def test_girths_that_can_not_be_true_are_stored_without_body_fat() -> None:
    talk = settled(MAN)
    said = measure(talk, "90", "60", "55")
    assert "неправдоподобный процент жира" in said
    assert "индексу массы тела" in said
    assert record(talk).body_fat is None


def test_imported_measurements_may_lack_girths() -> None:
    talk = settled()
    talk.state = replace(talk.state, record=Record(date(2024, 5, 1), 71.2, None, None, None))
    assert "не хватает обхватов" in talk.say("/data")
    talk.say("/measure")
    talk.press("Как раньше: 71,2")
    assert talk.last.labels == ["← Назад", "Отменить"]
    for girth in NEW[1:]:
        talk.say(girth)
    assert record(talk).body_fat is not None


def test_a_new_goal_gives_a_new_target() -> None:
    talk = settled()
    before = talk.say("/data")
    assert talk.press("Цель").startswith("Цель: Здоровье\n")
    said = talk.press("Рельеф")
    assert "Цель записана" in said
    assert "Норма для цели «Рельеф»" in said
    assert talk.state.profile is not None
    assert talk.state.profile.goal is Goal.LEAN
    after = talk.say("/data")
    assert after != before
    assert "Цель: Рельеф" in after


def test_a_form_whose_ground_is_gone_leads_to_the_survey() -> None:
    talk = settled()
    talk.say("/goal")
    talk.state = replace(talk.state, profile=None)
    said = talk.press("Рельеф")
    assert "Сначала нужно пройти опрос" in said
    assert "Как вас зовут?" in said
