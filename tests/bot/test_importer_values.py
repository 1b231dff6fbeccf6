"""What the importer makes of single values."""

from collections.abc import Callable
from datetime import UTC, date, datetime

import pytest

from kbju_bot.core.parsing import NotUnderstoodError, OutOfRangeError
from kbju_bot.core.profile import WEIGHT_KG, Frequency, Goal, Sex, Sport, Steps
from kbju_bot.importer import habits, values
from kbju_bot.importer.rows import (
    Value,
)

READINGS: list[tuple[Callable[[Value], object], Value, object]] = [
    (values.telegram_id, 7, 7),
    (values.telegram_id, " 7 ", 7),
    (values.telegram_id, 7.0, 7),
    (values.telegram_id, 7.5, NotUnderstoodError),
    (values.telegram_id, b"7", NotUnderstoodError),
    (values.telegram_id, "семь", NotUnderstoodError),
    (values.telegram_id, -100123, OutOfRangeError),
    (values.telegram_id, 2**52, OutOfRangeError),
    (values.height, 180, 180.0),
    (values.height, "180 см", 180.0),
    (values.height, "180,5", 180.5),
    (values.height, 1.83, 183.0),
    (values.height, "1,8 м", 180.0),
    (values.height, "1.755", 175.5),
    (values.height, 2, OutOfRangeError),
    (values.height, 18, OutOfRangeError),
    (values.height, "высокий", NotUnderstoodError),
    (values.day, "2025-01-31", date(2025, 1, 31)),
    (values.day, "31.01.2025", date(2025, 1, 31)),
    (values.day, "2025-01-31 23:59:59.123456", date(2025, 1, 31)),
    (values.day, "2025-01-31T23:59:59+03:00", date(2025, 1, 31)),
    (values.day, "31.1.2025, 8:05", date(2025, 1, 31)),
    (values.day, "2025-02-30", NotUnderstoodError),
    (values.day, "31.01.25", NotUnderstoodError),
    (values.day, "2025-01-31 вечером", NotUnderstoodError),
    (values.day, 20250131, NotUnderstoodError),
    (values.moment, "2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
    (values.moment, "2025-01-31T10:00:00Z", datetime(2025, 1, 31, 10, tzinfo=UTC)),
    (values.moment, "2025-01-31 10:00:00.5+0300", datetime(2025, 1, 31, 7, tzinfo=UTC)),
    (values.moment, "2025-01-31 10:00-02:30", datetime(2025, 1, 31, 12, 30, tzinfo=UTC)),
    (values.moment, "2025-01-31 25:00", NotUnderstoodError),
    (values.moment, "2025-01-31 10:00+99:00", NotUnderstoodError),
    (values.sex, "male", Sex.MALE),
    (values.sex, "М", Sex.MALE),
    (values.sex, "муж.", Sex.MALE),
    (values.sex, "👩 Женский", Sex.FEMALE),
    (values.sex, "F", Sex.FEMALE),
    (values.sex, "ж/м", NotUnderstoodError),
    (values.sex, "мужественная", NotUnderstoodError),
    (values.sex, 1, NotUnderstoodError),
    (habits.steps, 8000, Steps.UNDER_10000),
    (habits.steps, 8000.0, Steps.UNDER_10000),
    (habits.steps, "5000-7499", Steps.UNDER_7500),
    (habits.steps, "5 000 – 7 499 шагов", Steps.UNDER_7500),
    (habits.steps, "10,000", Steps.UNDER_12500),
    (habits.steps, "10000-12499", Steps.UNDER_12500),
    (habits.steps, "12500+", Steps.OVER_12500),
    (habits.steps, "больше 12500", Steps.OVER_12500),
    (habits.steps, "<5000", Steps.UNDER_5000),
    (habits.steps, "до 5000", Steps.UNDER_5000),
    (habits.steps, "не менее 5000", Steps.UNDER_7500),
    (habits.steps, "7-8 тыс", Steps.UNDER_10000),
    (habits.steps, "10к", Steps.UNDER_12500),
    (habits.steps, 1.375, OutOfRangeError),
    (habits.steps, "1.375", OutOfRangeError),
    (habits.steps, "1,725", OutOfRangeError),
    (habits.steps, "9" * 400, OutOfRangeError),
    (habits.steps, "много", NotUnderstoodError),
    (habits.steps, float("inf"), NotUnderstoodError),
    (habits.sport, "strength", Sport.STRENGTH),
    (habits.sport, "Тренажёрный зал", Sport.STRENGTH),
    (habits.sport, "бег, плавание", Sport.CARDIO),
    (habits.sport, "силовые и кардио", Sport.MIXED),
    (habits.sport, "mixed", Sport.MIXED),
    (habits.sport, "йога", Sport.LIGHT),
    (habits.sport, "растяжка после бега", Sport.CARDIO),
    (habits.sport, "не занимаюсь", Sport.NONE),
    (habits.sport, "none", Sport.NONE),
    (habits.sport, "не бегаю", NotUnderstoodError),
    (habits.sport, "шахматы", NotUnderstoodError),
    (habits.sport, 0, NotUnderstoodError),
    (habits.frequency, "1-2", Frequency.ONE_TWO),
    (habits.frequency, 3, Frequency.THREE_FOUR),
    (habits.frequency, "2–3 раза в неделю", Frequency.ONE_TWO),
    (habits.frequency, "5+", Frequency.FIVE_SIX),
    (habits.frequency, "7+", Frequency.DAILY),
    (habits.frequency, "каждый день", Frequency.DAILY),
    (habits.frequency, "daily", Frequency.DAILY),
    (habits.frequency, "через день", Frequency.THREE_FOUR),
    (habits.frequency, "2 раза в месяц", NotUnderstoodError),
    (habits.frequency, "иногда", NotUnderstoodError),
    (habits.frequency, 0, OutOfRangeError),
    (habits.frequency, "9" * 400, OutOfRangeError),
    (habits.goal, "healthy", Goal.HEALTHY),
    (habits.goal, "Athletic", Goal.ATHLETIC),
    (habits.goal, "lean", Goal.LEAN),
    (habits.goal, "maintain", Goal.HEALTHY),
    (habits.goal, "weight_loss", Goal.LEAN),
    (habits.goal, "Weight gain", Goal.ATHLETIC),
    (habits.goal, "стать сильнее", NotUnderstoodError),
    (values.telegram_name, "Ан\0на", "Анна"),
    (values.telegram_name, 123, "123"),
    (values.telegram_name, "\0", NotUnderstoodError),
    (values.telegram_name, b"\xff", NotUnderstoodError),
    (values.food, "рыба,\nрис", "рыба, рис"),
    (values.food, "-", NotUnderstoodError),
]


@pytest.mark.parametrize(("function", "value", "meaning"), READINGS)
def test_a_value_means(function: Callable[[Value], object], value: Value, meaning: object) -> None:
    if isinstance(meaning, type) and issubclass(meaning, Exception):
        with pytest.raises(meaning):
            function(value)
    else:
        assert function(value) == meaning


@pytest.mark.parametrize("value", [70.5, "70.5", "70,5", " 70,5 кг", "70.5kg", 70.46, "70.4600000001"])
def test_a_weight_however_it_is_written(value: Value) -> None:
    assert values.measurement(value, WEIGHT_KG) == 70.5


@pytest.mark.parametrize("value", [7, 700, "29,9", float("inf"), -(2**63)])
def test_a_weight_nobody_has(value: Value) -> None:
    with pytest.raises(OutOfRangeError):
        values.measurement(value, WEIGHT_KG)


@pytest.mark.parametrize(
    ("first_name", "name"),
    [(" Анна  Мария ", "Анна Мария"), ("я" * 61, "я" * 60), ("😀", None), ("/start", None), ("", None)],
)
def test_what_to_call_a_user(first_name: str, name: str | None) -> None:
    assert values.name_from(first_name) == name
