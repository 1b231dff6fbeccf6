"""How much to eat: more, less or as much as is spent, by the goal and within what is safe."""

from dataclasses import dataclass
from enum import StrEnum

from kbju_bot.core.formulas.body import STANDARD_ERROR, BodyFat, BodyFatRefusal
from kbju_bot.core.profile import Goal, Sex


class Limit(StrEnum):
    """Why the target is not what the goal alone would give."""

    BODY_FAT_UNKNOWN = "body_fat_unknown"
    """There is no body fat to compare with the goal: the BMI class decides instead."""
    NO_DEFICIT_LOW_BODY_FAT = "no_deficit_low_body_fat"
    """The girths do not show body fat above the safe limit of 8 % (men) or 16 % (women), error included."""
    NO_DEFICIT_UNDERWEIGHT = "no_deficit_underweight"
    """The BMI is below 18.5."""
    NO_SURPLUS_OBESE = "no_surplus_obese"
    """The BMI is 30 or more: with so little fat that is more muscle than a body grows, so a girth is likely wrong."""
    CALORIE_FLOOR = "calorie_floor"
    """The deficit ends at 1500 kcal (men) or 1200 kcal (women) a day; there is none for who spends less."""


class Course(StrEnum):
    """How the target compares with what is spent."""

    DEFICIT = "deficit"
    MAINTAIN = "maintain"
    SURPLUS = "surplus"


class Region(StrEnum):
    """Where a value lies, seen from a range."""

    BELOW = "below"
    WITHIN = "within"
    ABOVE = "above"


@dataclass(frozen=True, slots=True)
class Target:
    """What to eat a day: `kcal`, which is `change` (-0.15: 15 % less) away from what is spent a day."""

    kcal: int
    course: Course
    change: float
    limits: tuple[Limit, ...]


# American Council on Exercise: athletes 6-13 % (women 14-20), fitness 14-17 (21-24), average 18-24 (25-31). The classes
# are in whole percents; here each reaches to the beginning of the next. Healthy is fitness and average, as both are: a
# man of 16 % must not be told to gain fat. Lean is athletes, but not below the safe limits.
_GOAL_RANGES = {
    (Goal.HEALTHY, Sex.MALE): (14.0, 25.0),
    (Goal.HEALTHY, Sex.FEMALE): (21.0, 32.0),
    (Goal.ATHLETIC, Sex.MALE): (14.0, 18.0),
    (Goal.ATHLETIC, Sex.FEMALE): (21.0, 25.0),
    (Goal.LEAN, Sex.MALE): (8.0, 14.0),
    (Goal.LEAN, Sex.FEMALE): (16.0, 21.0),
}

# Shares of the day's energy. A fifth less kept the lean mass of training athletes, 30 % less did not build any (Garthe
# and others 2011, Int J Sport Nutr Exerc Metab 21:97). 10 % more is the lower end of what Iraki and others (2019),
# Sports 7:154, give those who want muscle; half of it for those who don't.
_DEFICIT = {Goal.HEALTHY: 0.15, Goal.ATHLETIC: 0.15, Goal.LEAN: 0.20}
_SURPLUS = {Goal.HEALTHY: 0.05, Goal.ATHLETIC: 0.10, Goal.LEAN: 0.05}

SAFE_PERCENT = {Sex.MALE: 8.0, Sex.FEMALE: 16.0}

# The least that AHA/ACC/TOS (2013), Circulation 129:S102, let anyone be prescribed.
FLOOR_KCAL = {Sex.MALE: 1500, Sex.FEMALE: 1200}

# WHO (2000), Technical Report Series 894: under 18.5 is underweight, from 25 overweight, from 30 obesity.
NORMAL_BMI = (18.5, 25.0)
OBESE_BMI = 30.0


def goal_range(goal: Goal, sex: Sex) -> tuple[float, float]:
    """Return the range of body fat, in percent, that a goal means."""
    return _GOAL_RANGES[goal, sex]


def region(percent: float, goal_range: tuple[float, float]) -> Region:
    """Tell where a percentage lies; both ends of the range are within it."""
    low, high = goal_range
    if percent < low:
        return Region.BELOW
    return Region.ABOVE if percent > high else Region.WITHIN


def choose_target(
    sex: Sex,
    goal: Goal,
    *,
    daily_kcal: int,
    bmi: float,
    body_fat: BodyFat | BodyFatRefusal,
    girths_percent: float | None,
) -> Target:
    """Return what to eat for a goal, given what is spent a day.

    Above the goal's range of body fat there is a deficit, below it a small surplus. Where body fat was refused the
    normal BMI takes the range's place. A deficit needs `girths_percent`, the formula's value even where it was refused,
    to be above the safe limit by at least the method's standard error: girths that show too little fat to be true
    allow no deficit either.
    """
    if isinstance(body_fat, BodyFat):
        limits: list[Limit] = []
        place = region(body_fat.percent, goal_range(goal, sex))
    else:
        limits = [Limit.BODY_FAT_UNKNOWN]
        place = region(bmi, NORMAL_BMI)
    match place:
        case Region.ABOVE:
            if girths_percent is None or girths_percent - STANDARD_ERROR[sex] < SAFE_PERCENT[sex]:
                limits.append(Limit.NO_DEFICIT_LOW_BODY_FAT)
            if bmi < NORMAL_BMI[0]:
                limits.append(Limit.NO_DEFICIT_UNDERWEIGHT)
            if {Limit.NO_DEFICIT_LOW_BODY_FAT, Limit.NO_DEFICIT_UNDERWEIGHT}.isdisjoint(limits):
                return _deficit(daily_kcal, _DEFICIT[goal], FLOOR_KCAL[sex], limits)
        case Region.BELOW if bmi < OBESE_BMI:
            change = _SURPLUS[goal]
            return Target(round(daily_kcal * (1 + change)), Course.SURPLUS, change, tuple(limits))
        case Region.BELOW:
            limits.append(Limit.NO_SURPLUS_OBESE)
        case Region.WITHIN:
            pass
    return Target(daily_kcal, Course.MAINTAIN, 0.0, tuple(limits))


def _deficit(daily_kcal: int, share: float, floor_kcal: int, limits: list[Limit]) -> Target:
    kcal = round(daily_kcal * (1 - share))
    if kcal >= floor_kcal:
        return Target(kcal, Course.DEFICIT, -share, tuple(limits))
    limits = [*limits, Limit.CALORIE_FLOOR]
    if daily_kcal <= floor_kcal:
        return Target(daily_kcal, Course.MAINTAIN, 0.0, tuple(limits))
    return Target(floor_kcal, Course.DEFICIT, floor_kcal / daily_kcal - 1, tuple(limits))
