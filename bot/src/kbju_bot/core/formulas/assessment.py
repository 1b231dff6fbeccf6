"""Everything the bot tells of a body."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from kbju_bot.core.formulas.activity import activity_factor
from kbju_bot.core.formulas.body import (
    BodyFat,
    BodyFatRefusal,
    bmi,
    bmr_katch_mcardle,
    bmr_mifflin_st_jeor,
    girths_percent,
    judge,
)
from kbju_bot.core.formulas.macros import Macros, MacrosRefusal, protein_weight_kg, share_out
from kbju_bot.core.formulas.targets import Target, choose_target, goal_range
from kbju_bot.core.profile import AGE_YEARS, Body, age_on

# An equation counts as right for someone within 10 % of what is measured (Frankenfield and others 2005, J Am Diet Assoc
# 105:775). Two that are right are hardly more than 20 % apart; if they are, the girths are to be doubted first.
_BMR_TOLERANCE = 0.20


class BmrMethod(StrEnum):
    """Which equation the energy at rest comes from."""

    KATCH_MCARDLE = "katch_mcardle"
    """From the lean mass; used where body fat is known and Mifflin-St Jeor does not contradict."""
    MIFFLIN_ST_JEOR = "mifflin_st_jeor"
    """From weight, height and age."""


class Unsuitable(StrEnum):
    """Who gets no assessment."""

    UNDERAGE = "underage"
    """Under 18: the formulas were made for adults."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """What follows from a body on a day."""

    age_years: int
    bmi: float
    """kg/m²."""
    body_fat: BodyFat | BodyFatRefusal
    lean_mass_kg: float | None
    """Weight without fat; None where body fat was refused."""
    bmr_kcal: int
    """Energy at rest, a day."""
    bmr_method: BmrMethod
    activity_factor: float
    daily_kcal: int
    """Energy spent a day: `bmr_kcal` times `activity_factor`, rounded."""
    target: Target
    macros: Macros | MacrosRefusal
    goal_range: tuple[float, float]
    """Percent of body fat that the goal means."""


def assess(body: Body, on: date) -> Assessment | Unsuitable:
    """Return what follows from a body on a day, or why nothing does.

    The measurements are taken to be in the ranges of `profile`.

    Raises:
        ValueError: a woman without hip; sport without frequency or the other way round.

    """
    age_years = age_on(body.birth_date, on)
    if age_years < AGE_YEARS.low:
        return Unsuitable.UNDERAGE
    percent = girths_percent(
        body.sex, height_cm=body.height_cm, waist_cm=body.waist_cm, neck_cm=body.neck_cm, hip_cm=body.hip_cm
    )
    fat = judge(body.sex, percent)
    lean_mass_kg = body.weight_kg * (1 - fat.percent / 100) if isinstance(fat, BodyFat) else None
    index = bmi(body.weight_kg, body.height_cm)
    method, bmr_kcal = _bmr(body, age_years, lean_mass_kg)
    factor = activity_factor(body.steps, body.sport, body.frequency)
    daily_kcal = round(bmr_kcal * factor)
    target = choose_target(
        body.sex,
        body.goal,
        daily_kcal=daily_kcal,
        bmi=index,
        body_fat=fat,
        girths_percent=percent,
    )
    protein_kg = protein_weight_kg(
        body.sex, weight_kg=body.weight_kg, height_cm=body.height_cm, lean_mass_kg=lean_mass_kg
    )
    return Assessment(
        age_years=age_years,
        bmi=index,
        body_fat=fat,
        lean_mass_kg=lean_mass_kg,
        bmr_kcal=bmr_kcal,
        bmr_method=method,
        activity_factor=factor,
        daily_kcal=daily_kcal,
        target=target,
        macros=share_out(body.goal, target_kcal=target.kcal, weight_kg=body.weight_kg, protein_weight_kg=protein_kg),
        goal_range=goal_range(body.goal, body.sex),
    )


def _bmr(body: Body, age_years: int, lean_mass_kg: float | None) -> tuple[BmrMethod, int]:
    mifflin = bmr_mifflin_st_jeor(body.sex, weight_kg=body.weight_kg, height_cm=body.height_cm, age_years=age_years)
    if lean_mass_kg is not None:
        katch = bmr_katch_mcardle(lean_mass_kg)
        if abs(katch - mifflin) <= _BMR_TOLERANCE * mifflin:
            return BmrMethod.KATCH_MCARDLE, round(katch)
    return BmrMethod.MIFFLIN_ST_JEOR, round(mifflin)
