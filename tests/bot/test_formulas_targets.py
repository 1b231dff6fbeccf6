"""What to eat, by worked examples."""

import math
from dataclasses import replace
from datetime import date

import pytest

from kbju_bot.core.formulas import BodyFat, BodyFatRefusal, Course, Limit, Macros, MacrosRefusal, Region, Target, region
from kbju_bot.core.formulas.macros import share_out
from kbju_bot.core.profile import Goal, Sport, Steps

from .bodies import ANNA, IVAN, assessed


def test_region_includes_both_ends() -> None:
    assert [region(percent, (14, 18)) for percent in (13.99, 14, 16, 18, 18.01)] == [
        Region.BELOW,
        Region.WITHIN,
        Region.WITHIN,
        Region.WITHIN,
        Region.ABOVE,
    ]


@pytest.mark.parametrize(
    ("goal", "men", "women"),
    [(Goal.HEALTHY, (14, 25), (21, 32)), (Goal.ATHLETIC, (14, 18), (21, 25)), (Goal.LEAN, (8, 14), (16, 21))],
)
def test_goal_ranges(goal: Goal, men: tuple[float, float], women: tuple[float, float]) -> None:
    # American Council on Exercise: athletes 6-13 (14-20), fitness 14-17 (21-24), average 18-24 (25-31); the leanest
    # goal ends at the safe limits of 8 and 16 %.
    assert assessed(replace(IVAN, goal=goal)).goal_range == men
    assert assessed(replace(ANNA, goal=goal)).goal_range == women


@pytest.mark.parametrize(
    ("goal", "waist", "course", "change"),
    [
        (Goal.HEALTHY, 80, Course.SURPLUS, 0.05),  # 10.8 %
        (Goal.HEALTHY, 86, Course.MAINTAIN, 0.0),  # 15.6 %: no one with a healthy body is told to gain fat
        (Goal.HEALTHY, 108, Course.DEFICIT, -0.15),  # 28.8 %
        (Goal.ATHLETIC, 80, Course.SURPLUS, 0.10),
        (Goal.ATHLETIC, 86, Course.MAINTAIN, 0.0),
        (Goal.ATHLETIC, 90, Course.DEFICIT, -0.15),  # 18.4 %
        (Goal.LEAN, 76, Course.SURPLUS, 0.05),  # 6.9 %, below the safe limit
        (Goal.LEAN, 80, Course.MAINTAIN, 0.0),
        (Goal.LEAN, 86, Course.DEFICIT, -0.20),
    ],
)
def test_course_by_goal(goal: Goal, waist: float, course: Course, change: float) -> None:
    result = assessed(replace(IVAN, goal=goal, waist_cm=waist))
    assert result.target.course is course
    assert result.target.change == change
    assert result.target.limits == ()
    assert result.target.kcal == round(result.daily_kcal * (1 + change))


def test_no_deficit_for_the_underweight() -> None:
    # BMI 18.0 and 26 % fat, for a goal of at most 21 %.
    result = assessed(replace(ANNA, height_cm=170, weight_kg=52, goal=Goal.LEAN))
    assert isinstance(result.body_fat, BodyFat)
    assert result.body_fat.percent > 21
    assert result.target == Target(result.daily_kcal, Course.MAINTAIN, 0.0, (Limit.NO_DEFICIT_UNDERWEIGHT,))


def test_no_deficit_on_girths_that_show_no_fat() -> None:
    # BMI 27.8, which by its class would mean a deficit; but the tape says less than 2 %.
    result = assessed(replace(IVAN, weight_kg=90, waist_cm=70))
    assert result.body_fat is BodyFatRefusal.IMPLAUSIBLE
    assert result.target == Target(
        result.daily_kcal, Course.MAINTAIN, 0.0, (Limit.BODY_FAT_UNKNOWN, Limit.NO_DEFICIT_LOW_BODY_FAT)
    )


def test_no_deficit_on_impossible_girths() -> None:
    result = assessed(replace(IVAN, weight_kg=130, waist_cm=40))
    assert result.body_fat is BodyFatRefusal.GIRTHS
    assert result.target.course is Course.MAINTAIN
    assert result.target.limits == (Limit.BODY_FAT_UNKNOWN, Limit.NO_DEFICIT_LOW_BODY_FAT)


def test_too_fat_for_the_formula_is_judged_by_bmi() -> None:
    # 70 %, refused, at a BMI of 51: the girths do show that there is fat enough.
    result = assessed(replace(ANNA, weight_kg=140, waist_cm=140, neck_cm=40, hip_cm=150))
    assert result.body_fat is BodyFatRefusal.IMPLAUSIBLE
    assert result.target.course is Course.DEFICIT
    assert result.target.change == -0.15
    assert result.target.limits == (Limit.BODY_FAT_UNKNOWN,)


@pytest.mark.parametrize(
    ("weight", "course"), [(59.9, Course.SURPLUS), (59.95, Course.MAINTAIN), (81, Course.MAINTAIN)]
)
def test_bmi_classes_where_body_fat_is_unknown(weight: float, course: Course) -> None:
    # At 180 cm: BMI 18.49, 18.50 and 25.
    result = assessed(replace(IVAN, weight_kg=weight, waist_cm=60))
    assert result.target.course is course
    assert result.target.limits == (Limit.BODY_FAT_UNKNOWN,)


def test_no_surplus_for_the_obese() -> None:
    # 10.8 % fat at a BMI of 31 would be 89 kg of lean mass at 180 cm: the waist is rather wrong.
    result = assessed(replace(IVAN, weight_kg=100, waist_cm=80))
    assert result.target == Target(result.daily_kcal, Course.MAINTAIN, 0.0, (Limit.NO_SURPLUS_OBESE,))


def test_deficit_ends_at_the_floor() -> None:
    # A small woman who spends little: a fifth less would be below 1200 kcal.
    small = replace(ANNA, height_cm=152, weight_kg=48, waist_cm=70, hip_cm=92, neck_cm=31)
    result = assessed(replace(small, steps=Steps.UNDER_5000, goal=Goal.LEAN))
    assert result.daily_kcal > 1200 > result.daily_kcal * 0.8
    assert result.target.kcal == 1200
    assert result.target.course is Course.DEFICIT
    assert result.target.change == pytest.approx(1200 / result.daily_kcal - 1)
    assert result.target.limits == (Limit.CALORIE_FLOOR,)


def test_no_deficit_for_who_spends_less_than_the_floor() -> None:
    body = replace(ANNA, birth_date=date(1940, 5, 1), height_cm=140, weight_kg=38, steps=Steps.UNDER_5000)
    result = assessed(replace(body, goal=Goal.LEAN))
    assert result.daily_kcal < 1200
    assert result.target == Target(result.daily_kcal, Course.MAINTAIN, 0.0, (Limit.CALORIE_FLOOR,))


def test_floor_of_men() -> None:
    body = replace(IVAN, birth_date=date(1945, 5, 1), height_cm=160, weight_kg=60, sport=Sport.NONE, frequency=None)
    result = assessed(replace(body, steps=Steps.UNDER_5000, goal=Goal.LEAN))
    assert result.target.kcal == 1500
    assert result.target.limits == (Limit.CALORIE_FLOOR,)


@pytest.mark.parametrize(
    ("weight", "waist", "grams"),
    [
        # 32.15 % of 100 kg leave 67.85 kg lean, which with 25 % fat would weigh 90.5 kg: 1.6 · 90.5 = 144.7.
        (100, 112, 145),
        # 44.5 % of 100 kg leave 55.5 kg lean, 74.1 kg with 25 % fat, less than a BMI of 25 (81 kg): 1.6 · 81 = 129.6.
        (100, 138, 130),
        # 44.5 % of 140 kg leave 77.8 kg lean, 103.7 kg with 25 % fat, more than a BMI of 30 (97.2 kg): 155.5.
        (140, 138, 156),
    ],
)
def test_protein_of_a_fat_body_goes_by_a_reference_weight(weight: float, waist: float, grams: int) -> None:
    result = assessed(replace(IVAN, weight_kg=weight, waist_cm=waist, goal=Goal.HEALTHY))
    assert isinstance(result.macros, Macros)
    assert result.macros.protein_g == grams
    assert result.macros.fat_g >= 0.8 * weight


def test_protein_without_body_fat_goes_by_normal_weight() -> None:
    # BMI 25 at 165 cm is 68.06 kg: 1.6 · 68.06 = 108.9, at least.
    result = assessed(replace(ANNA, weight_kg=140, waist_cm=140, neck_cm=40, hip_cm=150))
    assert isinstance(result.macros, Macros)
    assert result.macros.protein_g == 109


def test_protein_of_normal_weight_goes_by_body_weight() -> None:
    # 38 % fat, but a BMI of 24: protein is not cut.
    result = assessed(replace(ANNA, weight_kg=66, waist_cm=90, hip_cm=106))
    assert isinstance(result.body_fat, BodyFat)
    assert result.body_fat.percent > 35
    assert isinstance(result.macros, Macros)
    assert result.macros.protein_g == math.ceil(1.6 * 66)


def test_protein_gives_way_to_the_least_fat() -> None:
    # The goal asks for 2.2 · 70 = 154 g (616 kcal), the least fat, 64 g, for 576: together more than 1150.
    assert share_out(Goal.LEAN, target_kcal=1150, weight_kg=80, protein_weight_kg=70) == Macros(143, 64, 0)


def test_not_feasible() -> None:
    # The least: 1.6 · 70 = 112 g (448 kcal) and 0.8 · 80 = 64 g (576 kcal), together 1024.
    least = share_out(Goal.LEAN, target_kcal=1024, weight_kg=80, protein_weight_kg=70)
    assert least == Macros(112, 64, 0)
    refused = share_out(Goal.LEAN, target_kcal=1023, weight_kg=80, protein_weight_kg=70)
    assert refused is MacrosRefusal.NOT_FEASIBLE


def test_not_feasible_for_an_accepted_body() -> None:
    body = replace(ANNA, birth_date=date(1930, 5, 1), height_cm=230, weight_kg=260, steps=Steps.UNDER_5000)
    result = assessed(replace(body, waist_cm=150, neck_cm=45, hip_cm=150, goal=Goal.LEAN))
    assert result.macros is MacrosRefusal.NOT_FEASIBLE
