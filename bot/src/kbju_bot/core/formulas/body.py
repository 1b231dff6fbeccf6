"""What a scale and a tape tell of a body: body mass index, body fat, energy at rest."""

import math
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from kbju_bot.core.profile import Range, Sex


class BodyFatRefusal(StrEnum):
    """Why there is no percentage."""

    GIRTHS = "girths"
    """The waist (women: waist and hip together) is not above the neck, or the formula has no value for the girths."""
    IMPLAUSIBLE = "implausible"
    """The formula's value is outside `PLAUSIBLE_PERCENT`: measured or typed wrongly, or a body it is not made for."""


@dataclass(frozen=True, slots=True)
class BodyFat:
    """Body fat in percent of the body weight; `low` and `high` are one standard error of estimate away from it."""

    percent: float
    low: float
    high: float


class _Regression(NamedTuple):
    """Body density in g/cm³ = constant - girths · log10(girths in cm) + height · log10(height in cm)."""

    constant: float
    girths: float
    height: float


# Hodgdon and Beckett (1984), Naval Health Research Center, reports 84-11 (men) and 84-29 (women). These are the forms
# for centimetres. The ones with 86.010 and 70.041, 163.205 and 97.684 are for inches and give nonsense here.
_DENSITY = {
    Sex.MALE: _Regression(1.0324, 0.19077, 0.15456),
    Sex.FEMALE: _Regression(1.29579, 0.35004, 0.22100),
}

# The same reports. The 3.61 often quoted for women belongs to the form for inches (Hodgdon and Friedl 1999, 99-2B).
STANDARD_ERROR = {Sex.MALE: 3.52, Sex.FEMALE: 3.72}

# Low: the least fat a living body needs, 2-5 % for men (American Council on Exercise), 8-12 % for women (NASM).
# High: body fat measured by DXA in NHANES, regressed on 1/BMI (Heo and others 2012, Am J Clin Nutr 95:594), tends to
# about 53 % (men) and 64 % (women) as BMI grows without bound; some room above that for the method's error.
PLAUSIBLE_PERCENT = {Sex.MALE: Range(2, 60), Sex.FEMALE: Range(8, 65)}


def girths_percent(
    sex: Sex, *, height_cm: float, waist_cm: float, neck_cm: float, hip_cm: float | None
) -> float | None:
    """Return what the formula gives, in percent, be it plausible or not; None where it has no value.

    Density by Hodgdon and Beckett, fat by Siri (1961): 495 / density - 450. Men measure the waist at the navel, women
    at its narrowest point and the hip at its widest; the hip of a man does not count.

    Raises:
        ValueError: a woman without hip.

    """
    girths = waist_cm - neck_cm
    if sex is Sex.FEMALE:
        if hip_cm is None:
            raise ValueError("the formula for women needs the hip")
        girths += hip_cm
    if not (girths > 0 and height_cm > 0):
        return None
    regression = _DENSITY[sex]
    density = regression.constant - regression.girths * math.log10(girths) + regression.height * math.log10(height_cm)
    return 495 / density - 450 if density > 0 else None


def body_fat(
    sex: Sex, *, height_cm: float, waist_cm: float, neck_cm: float, hip_cm: float | None
) -> BodyFat | BodyFatRefusal:
    """Return the body fat by `girths_percent` with its uncertainty, or why there is none.

    Raises:
        ValueError: a woman without hip.

    """
    return judge(sex, girths_percent(sex, height_cm=height_cm, waist_cm=waist_cm, neck_cm=neck_cm, hip_cm=hip_cm))


def judge(sex: Sex, percent: float | None) -> BodyFat | BodyFatRefusal:
    """Return the value of `girths_percent` with its uncertainty, or why it is no body fat."""
    if percent is None:
        return BodyFatRefusal.GIRTHS
    plausible = PLAUSIBLE_PERCENT[sex]
    if not plausible.low <= percent <= plausible.high:
        return BodyFatRefusal.IMPLAUSIBLE
    error = STANDARD_ERROR[sex]
    return BodyFat(percent, max(0.0, percent - error), percent + error)


def bmi(weight_kg: float, height_cm: float) -> float:
    """Return the body mass index in kg/m²."""
    return weight_kg / (height_cm / 100) ** 2


def bmr_katch_mcardle(lean_mass_kg: float) -> float:
    """Return the basal metabolic rate in kcal a day by Katch and McArdle: 370 + 21.6 · lean mass."""
    return 370 + 21.6 * lean_mass_kg


def bmr_mifflin_st_jeor(sex: Sex, *, weight_kg: float, height_cm: float, age_years: int) -> float:
    """Return the resting metabolic rate in kcal a day by Mifflin, St Jeor and others (1990), Am J Clin Nutr 51:241."""
    return 10 * weight_kg + 6.25 * height_cm - 5 * age_years + (5 if sex is Sex.MALE else -161)
