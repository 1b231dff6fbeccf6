"""The formulas, by what must hold for every accepted body."""

import itertools
import math
from dataclasses import replace
from datetime import date

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kbju_bot.core.formulas import (
    BmrMethod,
    BodyFat,
    BodyFatRefusal,
    Course,
    Limit,
    Macros,
    MacrosRefusal,
    Region,
    Unsuitable,
    assess,
    body_fat,
    region,
)
from kbju_bot.core.profile import Body, Frequency, Goal, Sex, Sport, Steps

from .bodies import adults, assessed, likely, people

FEMALE = Sex.FEMALE
SAFE_PERCENT = {Sex.MALE: 8.0, Sex.FEMALE: 16.0}
STANDARD_ERROR = {Sex.MALE: 3.52, Sex.FEMALE: 3.72}
PLAUSIBLE = {Sex.MALE: (2, 60), Sex.FEMALE: (8, 65)}
FLOOR = {Sex.MALE: 1500, Sex.FEMALE: 1200}

checked = settings(deadline=None, derandomize=True, max_examples=120)


def percent_of(body: Body) -> float:
    fat = body_fat(body.sex, height_cm=body.height_cm, waist_cm=body.waist_cm, neck_cm=body.neck_cm, hip_cm=body.hip_cm)
    assume(isinstance(fat, BodyFat))
    assert isinstance(fat, BodyFat)
    return fat.percent


def percent_by_the_book(body: Body) -> float:
    """Return the formula's value whatever it is, as low as can be where it has none."""
    girths = body.waist_cm - body.neck_cm + (body.hip_cm or 0.0)
    if girths <= 0:
        return -math.inf
    if body.sex is FEMALE:
        return 495 / (1.29579 - 0.35004 * math.log10(girths) + 0.22100 * math.log10(body.height_cm)) - 450
    return 495 / (1.0324 - 0.19077 * math.log10(girths) + 0.15456 * math.log10(body.height_cm)) - 450


@checked
@given(likely, st.floats(0.1, 10))
def test_more_waist_means_more_fat(body: Body, more: float) -> None:
    assert percent_of(replace(body, waist_cm=body.waist_cm + more)) > percent_of(body)


@checked
@given(people(st.just(FEMALE)), st.floats(0.1, 10))
def test_more_hip_means_more_fat_of_a_woman(body: Body, more: float) -> None:
    assert body.hip_cm is not None
    assert percent_of(replace(body, hip_cm=body.hip_cm + more)) > percent_of(body)


@checked
@given(likely, st.floats(0.1, 5))
def test_more_neck_means_less_fat(body: Body, more: float) -> None:
    assert percent_of(replace(body, neck_cm=body.neck_cm + more)) < percent_of(body)


@checked
@given(likely, st.floats(0.1, 10))
def test_more_height_with_the_same_girths_means_less_fat(body: Body, more: float) -> None:
    assert percent_of(replace(body, height_cm=body.height_cm + more)) < percent_of(body)


@checked
@given(adults)
def test_body_fat_is_the_formula_or_a_refusal_with_cause(body: Body) -> None:
    expected = percent_by_the_book(body)
    low, high = PLAUSIBLE[body.sex]
    fat = assessed(body).body_fat
    if isinstance(fat, BodyFat):
        assert math.isclose(fat.percent, expected)
        assert low <= fat.percent <= high
        assert 0 <= fat.low < fat.percent < fat.high < 100
    elif fat is BodyFatRefusal.GIRTHS:
        assert expected == -math.inf
    else:
        assert not low <= expected <= high


@checked
@given(adults)
def test_every_accepted_body_is_assessed(body: Body) -> None:
    result = assessed(body)
    assert 18 <= result.age_years <= 100
    assert math.isclose(result.bmi, body.weight_kg / body.height_cm**2 * 10_000)
    assert 1.2 <= result.activity_factor <= 2.0
    assert 250 <= result.bmr_kcal <= 8000
    assert result.daily_kcal == round(result.bmr_kcal * result.activity_factor)
    if isinstance(result.body_fat, BodyFat):
        assert result.lean_mass_kg is not None
        assert 0 < result.lean_mass_kg < body.weight_kg
    else:
        assert result.lean_mass_kg is None
        assert result.bmr_method is BmrMethod.MIFFLIN_ST_JEOR


@checked
@given(adults)
def test_energy_at_rest_is_near_mifflin_st_jeor(body: Body) -> None:
    result = assessed(body)
    constant = 5 if body.sex is Sex.MALE else -161
    mifflin = 10 * body.weight_kg + 6.25 * body.height_cm - 5 * result.age_years + constant
    near = mifflin * (0.2 if result.bmr_method is BmrMethod.KATCH_MCARDLE else 0)
    assert abs(result.bmr_kcal - mifflin) <= near + 0.5


@checked
@given(adults)
def test_target_agrees_with_itself(body: Body) -> None:
    result = assessed(body)
    target = result.target
    assert -0.20 <= target.change <= 0.10
    assert abs(target.kcal - result.daily_kcal * (1 + target.change)) <= 0.5 + 1e-6
    match target.course:
        case Course.DEFICIT:
            assert target.kcal < result.daily_kcal
            assert target.change < 0
        case Course.MAINTAIN:
            assert target.kcal == result.daily_kcal
            assert target.change == 0
        case Course.SURPLUS:
            assert target.kcal > result.daily_kcal
            assert target.change > 0
    assert len(set(target.limits)) == len(target.limits)
    assert (Limit.BODY_FAT_UNKNOWN in target.limits) == isinstance(result.body_fat, BodyFatRefusal)


@checked
@given(adults)
def test_deficit_is_safe(body: Body) -> None:
    result = assessed(body)
    safe_fat = percent_by_the_book(body) - STANDARD_ERROR[body.sex] >= SAFE_PERCENT[body.sex]
    if not safe_fat or result.bmi < 18.5:
        assert result.target.course is not Course.DEFICIT
    if result.target.course is Course.DEFICIT:
        assert result.target.kcal >= FLOOR[body.sex]
        assert {Limit.NO_DEFICIT_LOW_BODY_FAT, Limit.NO_DEFICIT_UNDERWEIGHT}.isdisjoint(result.target.limits)
    if result.bmi >= 30:
        assert result.target.course is not Course.SURPLUS


@checked
@given(adults)
def test_course_follows_the_goal_unless_a_limit_says_why(body: Body) -> None:
    result = assessed(body)
    assume(isinstance(result.body_fat, BodyFat))
    assert isinstance(result.body_fat, BodyFat)
    wanted = {Region.BELOW: Course.SURPLUS, Region.WITHIN: Course.MAINTAIN, Region.ABOVE: Course.DEFICIT}
    if not result.target.limits:
        assert result.target.course is wanted[region(result.body_fat.percent, result.goal_range)]
    elif result.target.limits != (Limit.CALORIE_FLOOR,):
        assert result.target.course is Course.MAINTAIN


@checked
@given(adults)
def test_goal_is_never_below_the_safe_limit(body: Body) -> None:
    low, high = assessed(body).goal_range
    assert SAFE_PERCENT[body.sex] <= low < high


@checked
@given(adults)
def test_grams_fit_the_target(body: Body) -> None:
    result = assessed(body)
    if isinstance(result.macros, MacrosRefusal):
        # Even with protein for the whole body weight, and a gram of each lost to rounding, it must be too much.
        assert 4 * (1.6 * body.weight_kg + 1) + 9 * (0.8 * body.weight_kg + 1) > result.target.kcal
        return
    grams = result.macros
    assert result.target.kcal - 4 < grams.kcal <= result.target.kcal
    assert grams.kcal == 4 * grams.protein_g + 9 * grams.fat_g + 4 * grams.carbs_g
    assert grams.carbs_g >= 0
    assert grams.fat_g >= 0.8 * body.weight_kg
    assert grams.protein_g <= 2.2 * body.weight_kg + 1
    # Who is not overweight gets protein by the whole body weight, who is by not less than a BMI of 25.
    assert grams.protein_g >= 1.6 * min(body.weight_kg, 25 * (body.height_cm / 100) ** 2)
    assert grams.protein_g <= 2.2 * 30 * (body.height_cm / 100) ** 2 + 1


@checked
@given(likely)
def test_leaner_goals_ask_for_more_protein(body: Body) -> None:
    grams = [assessed(replace(body, goal=goal)).macros for goal in (Goal.HEALTHY, Goal.ATHLETIC, Goal.LEAN)]
    assume(all(isinstance(macros, Macros) and macros.carbs_g > 1 for macros in grams))
    protein = [macros.protein_g for macros in grams if isinstance(macros, Macros)]
    assert protein == sorted(protein)
    assert protein[0] < protein[2]


@checked
@given(adults)
def test_more_steps_spend_more(body: Body) -> None:
    spent = [assessed(replace(body, steps=steps)).daily_kcal for steps in Steps]
    assert all(less < more for less, more in itertools.pairwise(spent))


@checked
@given(adults, st.sampled_from([sport for sport in Sport if sport is not Sport.NONE]))
def test_more_trainings_spend_more(body: Body, sport: Sport) -> None:
    without = assessed(replace(body, sport=Sport.NONE, frequency=None)).daily_kcal
    spent = [without] + [assessed(replace(body, sport=sport, frequency=often)).daily_kcal for often in Frequency]
    assert all(less < more for less, more in itertools.pairwise(spent))


@checked
@given(adults)
def test_goal_changes_nothing_of_what_is_measured(body: Body) -> None:
    results = [assessed(replace(body, goal=goal)) for goal in Goal]
    assert len({(result.body_fat, result.bmr_kcal, result.daily_kcal, result.bmr_method) for result in results}) == 1


@checked
@given(adults, st.dates(date(2026, 3, 1), date(2028, 3, 1)))
def test_only_the_age_depends_on_the_day(body: Body, day: date) -> None:
    # Born on the same day of the year a year later and seen a year later, the result is the same.
    assume((body.birth_date.month, body.birth_date.day) != (2, 29) and (day.month, day.day) != (2, 29))
    later = replace(body, birth_date=body.birth_date.replace(year=body.birth_date.year + 1))
    assert assess(body, day) == assess(body, day) == assess(later, day.replace(year=day.year + 1))


@checked
@given(adults, st.dates(date(1950, 1, 1), date(2040, 1, 1)))
def test_minors_are_not_assessed(body: Body, day: date) -> None:
    born = (body.birth_date.year + 18, body.birth_date.month, body.birth_date.day)
    assert (assess(body, day) is Unsuitable.UNDERAGE) == ((day.year, day.month, day.day) < born)
