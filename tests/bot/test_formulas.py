"""What a body is and spends, by worked examples: published ones where there are any, else reckoned by hand."""

import math
from dataclasses import replace
from datetime import date

import pytest

from kbju_bot.core.formulas import (
    Assessment,
    BmrMethod,
    BodyFat,
    BodyFatRefusal,
    Course,
    Macros,
    Target,
    Unsuitable,
    activity_factor,
    assess,
    bmi,
    bmr_katch_mcardle,
    bmr_mifflin_st_jeor,
    body_fat,
)
from kbju_bot.core.profile import Frequency, Sex, Sport, Steps

from .bodies import ANNA, DAY, IVAN, assessed


def man_percent(height_cm: float, waist_cm: float, neck_cm: float) -> float:
    fat = body_fat(Sex.MALE, height_cm=height_cm, waist_cm=waist_cm, neck_cm=neck_cm, hip_cm=None)
    assert isinstance(fat, BodyFat)
    return fat.percent


def test_body_fat_takes_centimetres() -> None:
    # 18.4 % for a man of 180 cm, waist 90, neck 40: costcalculator.calculator.city, "Body Fat Percentage Calculator".
    # The DEV version fed these centimetres to the formula for inches and got 24.9 %.
    assert man_percent(180, 90, 40) == pytest.approx(18.37, abs=0.005)
    inches = 86.010 * math.log10(90 - 40) - 70.041 * math.log10(180) + 36.76
    assert inches == pytest.approx(24.9, abs=0.05)


# The DoD's formula for inches is another regression on the same data, published with other coefficients (Hodgdon and
# Friedl 1999, NHRC 99-2B). The two are not the same but agree within half a percent for ordinary bodies.
@pytest.mark.parametrize(
    ("height", "waist", "neck"), [(70, 34, 15), (75.98, 32.87, 14.17), (66, 40, 16), (72, 31, 15.5), (68, 48, 18)]
)
def test_body_fat_of_men_agrees_with_the_formula_for_inches(height: float, waist: float, neck: float) -> None:
    dod = 86.010 * math.log10(waist - neck) - 70.041 * math.log10(height) + 36.76
    assert man_percent(height * 2.54, waist * 2.54, neck * 2.54) == pytest.approx(dod, abs=0.5)


@pytest.mark.parametrize(
    ("height", "waist", "hip", "neck"),
    [(65, 29.5, 38.5, 13), (63, 26, 36, 12), (67, 36, 44, 14), (70, 30, 40, 13.5), (62, 36, 44, 14)],
)
def test_body_fat_of_women_agrees_with_the_formula_for_inches(
    height: float, waist: float, hip: float, neck: float
) -> None:
    dod = 163.205 * math.log10(waist + hip - neck) - 97.684 * math.log10(height) - 78.387
    fat = body_fat(Sex.FEMALE, height_cm=height * 2.54, waist_cm=waist * 2.54, neck_cm=neck * 2.54, hip_cm=hip * 2.54)
    assert isinstance(fat, BodyFat)
    assert fat.percent == pytest.approx(dod, abs=0.5)


def test_published_example_in_inches() -> None:
    # qcalculator.pages.dev/health/body-fat-calculator: 70 in, waist 34, neck 15 make about 17.5 %.
    assert man_percent(70 * 2.54, 34 * 2.54, 15 * 2.54) == pytest.approx(17.5, abs=0.1)


def test_error_of_the_method() -> None:
    # Hodgdon and Beckett (1984): standard error of estimate 3.52 % for men, 3.72 % for women.
    man = body_fat(Sex.MALE, height_cm=180, waist_cm=90, neck_cm=40, hip_cm=None)
    woman = body_fat(Sex.FEMALE, height_cm=165, waist_cm=75, neck_cm=33, hip_cm=98)
    assert isinstance(man, BodyFat)
    assert isinstance(woman, BodyFat)
    assert [man.low, man.high] == pytest.approx([man.percent - 3.52, man.percent + 3.52])
    assert [woman.low, woman.high] == pytest.approx([woman.percent - 3.72, woman.percent + 3.72])


def test_error_does_not_reach_below_nothing() -> None:
    fat = body_fat(Sex.MALE, height_cm=180, waist_cm=72, neck_cm=40, hip_cm=None)
    assert isinstance(fat, BodyFat)
    assert 2 < fat.percent < 3.52
    assert fat.low == 0


@pytest.mark.parametrize(
    ("waist", "neck", "height", "refusal"),
    [
        (60, 40, 190, BodyFatRefusal.IMPLAUSIBLE),  # the formula says -14 %
        (40, 40, 180, BodyFatRefusal.GIRTHS),
        (40, 41, 180, BodyFatRefusal.GIRTHS),
        (200, 20, 120, BodyFatRefusal.IMPLAUSIBLE),  # 69 %
        (90, 40, 0, BodyFatRefusal.GIRTHS),
        (1e9, 40, 1, BodyFatRefusal.GIRTHS),  # a negative density
        (math.nan, 40, 180, BodyFatRefusal.GIRTHS),
        (math.inf, 40, 180, BodyFatRefusal.GIRTHS),
    ],
)
def test_refused_girths_of_men(waist: float, neck: float, height: float, refusal: BodyFatRefusal) -> None:
    assert body_fat(Sex.MALE, height_cm=height, waist_cm=waist, neck_cm=neck, hip_cm=None) is refusal


@pytest.mark.parametrize(
    ("waist", "hip", "neck", "refusal"),
    [
        (40, 50, 20, BodyFatRefusal.IMPLAUSIBLE),
        (20, 30, 50, BodyFatRefusal.GIRTHS),
        (140, 160, 40, BodyFatRefusal.IMPLAUSIBLE),
    ],
)
def test_refused_girths_of_women(waist: float, hip: float, neck: float, refusal: BodyFatRefusal) -> None:
    assert body_fat(Sex.FEMALE, height_cm=165, waist_cm=waist, neck_cm=neck, hip_cm=hip) is refusal


def test_plausibility_depends_on_the_sex() -> None:
    # 5 % is rare but possible for a man, impossible for a woman; 62 % the other way round.
    assert man_percent(180, 74, 40) == pytest.approx(4.6, abs=0.05)
    assert body_fat(Sex.FEMALE, height_cm=180, waist_cm=60, neck_cm=40, hip_cm=80) is BodyFatRefusal.IMPLAUSIBLE
    assert body_fat(Sex.MALE, height_cm=165, waist_cm=180, neck_cm=40, hip_cm=None) is BodyFatRefusal.IMPLAUSIBLE
    woman = body_fat(Sex.FEMALE, height_cm=165, waist_cm=125, neck_cm=40, hip_cm=135)
    assert isinstance(woman, BodyFat)
    assert woman.percent > 60


def test_woman_needs_a_hip() -> None:
    with pytest.raises(ValueError, match="hip"):
        body_fat(Sex.FEMALE, height_cm=165, waist_cm=75, neck_cm=33, hip_cm=None)


def test_hip_of_a_man_does_not_count() -> None:
    assert body_fat(Sex.MALE, height_cm=180, waist_cm=90, neck_cm=40, hip_cm=100) == body_fat(
        Sex.MALE, height_cm=180, waist_cm=90, neck_cm=40, hip_cm=None
    )


def test_bmi() -> None:
    assert bmi(80, 180) == pytest.approx(24.69, abs=0.005)
    assert bmi(59.94, 180) == pytest.approx(18.5)


@pytest.mark.parametrize(
    ("lean_mass", "kcal", "error"),
    [
        (64, 1752.4, 0.001),  # calculatorlib.com/katch-mcardle-bmr-calculator: 80 kg with 20 % fat
        (47.7, 1400, 0.5),  # weight-loss-i.com: a woman of 63.6 kg with 25 % fat
        (120 * 0.45359, 1546, 0.5),  # math.andyou.com/461: 120 pounds of lean mass
    ],
)
def test_katch_mcardle(lean_mass: float, kcal: float, error: float) -> None:
    assert bmr_katch_mcardle(lean_mass) == pytest.approx(kcal, abs=error)


def test_mifflin_st_jeor() -> None:
    # readitnowonline.com (2020): a woman of 30, 170 cm, 65 kg makes 1401.5. The man is the same with +5 for -161.
    assert bmr_mifflin_st_jeor(Sex.FEMALE, weight_kg=65, height_cm=170, age_years=30) == 1401.5
    assert bmr_mifflin_st_jeor(Sex.MALE, weight_kg=65, height_cm=170, age_years=30) == 1567.5


def test_activity_factor_of_who_does_no_sport() -> None:
    assert [activity_factor(steps, Sport.NONE, None) for steps in Steps] == [1.30, 1.38, 1.46, 1.54, 1.62]


def test_activity_factor_with_sport() -> None:
    # Strength 3-4 times a week: 3 METs · 3.5 hours of 168 = 0.0625. Yoga every day: 1.5 · 7 / 168 = 0.0625.
    assert activity_factor(Steps.UNDER_10000, Sport.STRENGTH, Frequency.THREE_FOUR) == 1.52
    assert activity_factor(Steps.UNDER_5000, Sport.LIGHT, Frequency.DAILY) == 1.36
    assert activity_factor(Steps.OVER_12500, Sport.CARDIO, Frequency.DAILY) == 1.77


def test_sport_is_not_counted_twice() -> None:
    # An hour of running a day is about 9,000 steps: who goes from few steps to many by it gets the steps and, for the
    # training, at most half of what an hour at 8 METs would add by itself.
    alone = (8 - 1) * 7 / 168
    runner = activity_factor(Steps.OVER_12500, Sport.CARDIO, Frequency.DAILY)
    assert runner - activity_factor(Steps.OVER_12500, Sport.NONE, None) <= alone / 2 + 0.005


@pytest.mark.parametrize(("sport", "frequency"), [(Sport.NONE, Frequency.DAILY), (Sport.CARDIO, None)])
def test_sport_and_frequency_belong_together(sport: Sport, frequency: Frequency | None) -> None:
    with pytest.raises(ValueError, match="frequency"):
        activity_factor(Steps.UNDER_5000, sport, frequency)


def test_whole_assessment_of_a_man() -> None:
    # 18.367 % of 80 kg leave 65.306 kg lean: 370 + 21.6 · 65.306 = 1780.6. Mifflin-St Jeor says 1755, so no doubt.
    # 1781 · 1.52 = 2707.1. Above 14-18 %: 15 % less is 2301. Protein 1.8 · 80 = 144 g, fat a quarter of the energy
    # (575 kcal, 63.9 g, the least being 64), carbohydrates (2301 - 576 - 576) / 4 = 287.25.
    result = assessed(IVAN)
    assert result.age_years == 35
    assert result.bmi == pytest.approx(24.69, abs=0.005)
    assert result.lean_mass_kg == pytest.approx(65.306, abs=0.001)
    assert (result.bmr_method, result.bmr_kcal) == (BmrMethod.KATCH_MCARDLE, 1781)
    assert (result.activity_factor, result.daily_kcal) == (1.52, 2707)
    assert result.target == Target(2301, Course.DEFICIT, -0.15, ())
    assert result.macros == Macros(144, 64, 287)
    assert result.macros.kcal == 4 * 144 + 9 * 64 + 4 * 287 == 2300


def test_whole_assessment_of_a_woman() -> None:
    # 28.435 % of 62 kg leave 44.370 kg lean: 1328.4 kcal at rest, · 1.46 = 1938.9. Within 21-32 %: as much as spent.
    # Protein 1.6 · 62 = 99.2, at least: 100 g; fat a quarter: 53 g; carbohydrates (1939 - 400 - 477) / 4 = 265.5.
    result = assessed(ANNA)
    assert (result.bmr_method, result.bmr_kcal) == (BmrMethod.KATCH_MCARDLE, 1328)
    assert (result.activity_factor, result.daily_kcal) == (1.46, 1939)
    assert result.target == Target(1939, Course.MAINTAIN, 0.0, ())
    assert result.macros == Macros(100, 53, 265)


def test_birthday() -> None:
    body = replace(IVAN, birth_date=date(2008, 3, 2))
    assert assess(body, date(2026, 3, 1)) is Unsuitable.UNDERAGE
    grown = assess(body, date(2026, 3, 2))
    assert isinstance(grown, Assessment)
    assert grown.age_years == 18


def test_not_yet_born() -> None:
    assert assess(replace(IVAN, birth_date=date(2026, 3, 2)), DAY) is Unsuitable.UNDERAGE


def test_energy_at_rest_without_body_fat() -> None:
    # 10 · 80 + 6.25 · 190 - 5 · 35 + 5 = 1817.5, rounded to even.
    result = assessed(replace(IVAN, height_cm=190, waist_cm=60))
    assert result.body_fat is BodyFatRefusal.IMPLAUSIBLE
    assert result.lean_mass_kg is None
    assert (result.bmr_method, result.bmr_kcal) == (BmrMethod.MIFFLIN_ST_JEOR, 1818)


def test_doubtful_lean_mass_gives_way_to_mifflin_st_jeor() -> None:
    # 130 kg with the girths of 80: 106.1 kg lean would be 2662 kcal, more than 1.2 times the 2205 of weight and age.
    heavy = assessed(replace(IVAN, weight_kg=130, birth_date=date(1980, 5, 1)))
    assert heavy.lean_mass_kg == pytest.approx(106.1, abs=0.05)
    assert (heavy.bmr_method, heavy.bmr_kcal) == (BmrMethod.MIFFLIN_ST_JEOR, 2205)
    # A waist of 93 cm makes it 103.3 kg and 2602 kcal, 1.18 times: believable.
    believed = assessed(replace(IVAN, weight_kg=130, waist_cm=93, birth_date=date(1980, 5, 1)))
    assert (believed.bmr_method, believed.bmr_kcal) == (BmrMethod.KATCH_MCARDLE, 2602)
