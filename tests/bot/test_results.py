"""What users are told of the formulas' results."""

import re
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbju_bot.core import formulas
from kbju_bot.core.profile import (
    HEIGHT_CM,
    HIP_CM,
    NECK_CM,
    WAIST_CM,
    WEIGHT_KG,
    Frequency,
    Goal,
    Range,
    Sex,
    Sport,
    Steps,
)
from kbju_bot.core.results import LIMITS, describe
from kbju_bot.core.state import Profile, Record, State, body_of
from kbju_bot.texts import Language, Text, render

DAY = date(2026, 3, 2)
IVAN = Profile("Иван", Sex.MALE, date(1990, 11, 23), 180, Steps.UNDER_7500, Sport.NONE, None, Goal.HEALTHY)
ANNA = replace(IVAN, sex=Sex.FEMALE, height_cm=170, sport=Sport.STRENGTH, frequency=Frequency.THREE_FOUR)
HIS = Record(DAY, 90, 90, 40, None)
HERS = Record(DAY, 70.5, 80.5, 34, 100)


def told(profile: Profile, record: Record, language: Language = Language.RU) -> str:
    """Return what somebody is told."""
    return describe(State(profile=profile, record=record), DAY, language)


def assessed(profile: Profile, record: Record) -> formulas.Assessment:
    """Return what the formulas say."""
    body = body_of(profile, record)
    assert body is not None
    assessment = formulas.assess(body, DAY)
    assert isinstance(assessment, formulas.Assessment)
    return assessment


def test_everything_is_told() -> None:
    assert told(IVAN, HIS).splitlines() == [
        "Жир: 18,4 % (с учётом точности метода — от 14,8 до 21,9 %)",
        "Цель «Здоровье»: 14–25 % жира",
        "Индекс массы тела: 27,8",
        "",
        "Основной обмен: 1957 ккал в день (по формуле Кетча — Макардла)",
        "Расход с учётом активности: 2701 ккал в день",
        "Норма для цели «Здоровье»: 2701 ккал в день, поддержание",
        "Белки 144 г · жиры 75 г · углеводы 362 г",
        "",
        "Вы в пределах цели. Придерживайтесь нормы и обновляйте измерения раз в неделю.",
        "",
        "Это расчёт по формулам, а не медицинский совет. При болезнях, беременности и кормлении грудью посоветуйтесь с "
        "врачом.",
    ]


@pytest.mark.parametrize(
    ("goal", "course", "advice"),
    [
        (Goal.HEALTHY, "поддержание", Text.ADVICE_WITHIN),
        (Goal.LEAN, "дефицит 20 %", Text.ADVICE_ABOVE),
    ],
)
def test_the_goal_decides(goal: Goal, course: str, advice: Text) -> None:
    said = told(replace(IVAN, goal=goal), HIS)
    assert f"ккал в день, {course}\n" in said
    assert render(advice, Language.RU) in said


def test_too_little_fat_for_the_goal() -> None:
    said = told(replace(ANNA, sport=Sport.NONE, frequency=None), replace(HERS, weight_kg=55, waist_cm=62, hip_cm=88))
    assert render(Text.ADVICE_BELOW, Language.RU) in said
    assert "профицит 5 %" in said


def test_no_pace_for_whom_losing_weight_is_unsafe() -> None:
    # Underweight, and yet more fat than the goal means.
    profile, record = replace(ANNA, goal=Goal.LEAN), Record(DAY, 50, 75, 30, 95)
    assessment = assessed(profile, record)
    assert formulas.Limit.NO_DEFICIT_UNDERWEIGHT in assessment.target.limits
    said = told(profile, record)
    assert render(Text.ADVICE_ABOVE_NO_DEFICIT, Language.RU) in said
    assert render(Text.LIMIT_NO_DEFICIT_UNDERWEIGHT, Language.RU) in said
    assert "темп" not in said
    assert "поддержание" in said


def test_the_floor_of_calories() -> None:
    profile = replace(
        ANNA, birth_date=date(1955, 5, 1), height_cm=151, steps=Steps.UNDER_5000, sport=Sport.NONE, frequency=None
    )
    said = told(replace(profile, goal=Goal.LEAN), Record(DAY, 52, 100, 42, 121))
    # Two kilocalories less are less.
    assert "1200 ккал в день, дефицит 0,2 %" in said
    assert render(Text.LIMIT_CALORIE_FLOOR, Language.RU) in said


def test_girths_that_can_not_be_true() -> None:
    said = told(IVAN, replace(HIS, waist_cm=55, neck_cm=50))
    assert render(Text.BODY_FAT_IMPLAUSIBLE, Language.RU) in said
    assert render(Text.LIMIT_BODY_FAT_UNKNOWN, Language.RU) in said
    assert "Жир:" not in said
    assert "по формуле Миффлина" in said


def test_a_waist_not_above_the_neck() -> None:
    said = told(IVAN, replace(HIS, waist_cm=50, neck_cm=50))
    assert render(Text.BODY_FAT_GIRTHS, Language.RU) in said


def test_a_target_too_small_to_share_out() -> None:
    profile = replace(
        ANNA, birth_date=date(1926, 5, 1), height_cm=210, steps=Steps.UNDER_5000, sport=Sport.NONE, frequency=None
    )
    said = told(replace(profile, goal=Goal.LEAN), Record(DAY, 144, 95, 33, 180))
    assert render(Text.MACROS_NOT_FEASIBLE, Language.RU) in said
    assert "Белки" not in said


def test_missing_girths_are_said() -> None:
    assert "/measure" in told(IVAN, replace(HIS, neck_cm=None))
    assert "/measure" in told(ANNA, replace(HERS, hip_cm=None))
    assert "Жир" in told(IVAN, HIS)


def test_the_young_get_none() -> None:
    assert "18" in told(replace(IVAN, birth_date=date(2008, 3, 3)), HIS)
    assert "ккал" not in told(replace(IVAN, birth_date=date(2008, 3, 3)), HIS)
    assert "ккал" in told(replace(IVAN, birth_date=date(2008, 3, 2)), HIS)


def test_without_a_survey_it_is_asked_for() -> None:
    assert "/start" in describe(State(), DAY, Language.RU)
    assert "/start" in describe(State(profile=IVAN), DAY, Language.EN)


def tenths(accepted: Range) -> st.SearchStrategy[float]:
    """Draw an accepted value, as it is stored."""
    return st.integers(int(accepted.low * 10), int(accepted.high * 10)).map(lambda value: value / 10)


sports = st.tuples(st.just(Sport.NONE), st.none()) | st.tuples(
    st.sampled_from([sport for sport in Sport if sport is not Sport.NONE]), st.sampled_from(Frequency)
)


@st.composite
def profiles(draw: st.DrawFn) -> Profile:
    """Draw an adult."""
    born = draw(st.dates(date(1926, 3, 3), date(2008, 3, 2)))
    sex, steps, goal = draw(st.sampled_from(Sex)), draw(st.sampled_from(Steps)), draw(st.sampled_from(Goal))
    sport, frequency = draw(sports)
    return Profile("x", sex, born, draw(tenths(HEIGHT_CM)), steps, sport, frequency, goal)


records = st.builds(Record, st.just(DAY), tenths(WEIGHT_KG), tenths(WAIST_CM), tenths(NECK_CM), tenths(HIP_CM))


@settings(deadline=None, derandomize=True, max_examples=300)
@given(profile=profiles(), record=records, language=st.sampled_from(Language))
def test_every_body_gets_a_text(profile: Profile, record: Record, language: Language) -> None:
    said = told(profile, record, language)
    assessment = assessed(profile, record)
    assert f"{assessment.target.kcal} " in said
    assert render(Text.NO_MEDICAL_ADVICE, language) in said
    for limit, text in LIMITS.items():
        assert (render(text, language) in said) == (limit in assessment.target.limits)
    assert isinstance(assessment.body_fat, formulas.BodyFat) == bool(re.search(r"(Жир|Body fat): \d", said))
    # Changing more than nothing is never said to be a change of nothing.
    assert not re.search(r"(дефицит|профицит) 0 %|\b0% (deficit|surplus)", said)
    # With all the user's data, a name of sixty letters among it, it has to fit one message.
    assert len(said) < 2500
