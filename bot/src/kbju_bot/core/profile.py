"""What is known of a user's body and way of life, and which values are accepted."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Sex(StrEnum):
    """The sex the formulas ask for."""

    MALE = "male"
    FEMALE = "female"


class Goal(StrEnum):
    """What the user wants to get to: a range of body fat, see `formulas.targets`."""

    HEALTHY = "healthy"
    ATHLETIC = "athletic"
    LEAN = "lean"


class Steps(StrEnum):
    """Steps on a usual day, in the brackets of Tudor-Locke and Bassett (2004)."""

    UNDER_5000 = "0-4999"
    UNDER_7500 = "5000-7499"
    UNDER_10000 = "7500-9999"
    UNDER_12500 = "10000-12499"
    OVER_12500 = "12500+"


class Sport(StrEnum):
    """The kind of training, where there is one."""

    NONE = "none"
    LIGHT = "light"
    """Yoga, stretching, pilates."""
    STRENGTH = "strength"
    CARDIO = "cardio"
    """Running, cycling, swimming, ball games."""
    MIXED = "mixed"
    """Strength and cardio."""


class Frequency(StrEnum):
    """Trainings a week."""

    ONE_TWO = "1-2"
    THREE_FOUR = "3-4"
    FIVE_SIX = "5-6"
    DAILY = "7+"


@dataclass(frozen=True, slots=True)
class Range:
    """Accepted values of a measurement, both ends included. The database has the same limits."""

    low: float
    high: float


WEIGHT_KG = Range(30, 300)
HEIGHT_CM = Range(120, 230)
WAIST_CM = Range(40, 200)
NECK_CM = Range(20, 70)
HIP_CM = Range(50, 200)
AGE_YEARS = Range(18, 100)


@dataclass(frozen=True, slots=True)
class Body:
    """Everything the formulas need."""

    sex: Sex
    birth_date: date
    height_cm: float
    weight_kg: float
    waist_cm: float
    neck_cm: float
    hip_cm: float | None
    """Measured for women only."""
    steps: Steps
    sport: Sport
    frequency: Frequency | None
    """None exactly where there is no sport."""
    goal: Goal


def age_on(birth_date: date, day: date) -> int:
    """Return the age in full years on `day`; someone born on 29 February has birthday on 1 March in other years."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))
