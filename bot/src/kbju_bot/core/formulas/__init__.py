"""The formulas: from a body to what it is made of, what it spends and what to eat. No medical advice."""

from kbju_bot.core.formulas.activity import activity_factor
from kbju_bot.core.formulas.assessment import Assessment, BmrMethod, Unsuitable, assess
from kbju_bot.core.formulas.body import (
    BodyFat,
    BodyFatRefusal,
    bmi,
    bmr_katch_mcardle,
    bmr_mifflin_st_jeor,
    body_fat,
)
from kbju_bot.core.formulas.macros import Macros, MacrosRefusal
from kbju_bot.core.formulas.targets import Course, Limit, Region, Target, region

__all__ = [
    "Assessment",
    "BmrMethod",
    "BodyFat",
    "BodyFatRefusal",
    "Course",
    "Limit",
    "Macros",
    "MacrosRefusal",
    "Region",
    "Target",
    "Unsuitable",
    "activity_factor",
    "assess",
    "bmi",
    "bmr_katch_mcardle",
    "bmr_mifflin_st_jeor",
    "body_fat",
    "region",
]
