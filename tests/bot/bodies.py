"""Bodies for the tests of the formulas: two to reckon with by hand, and any."""

from dataclasses import replace
from datetime import date

from hypothesis import strategies as st

from kbju_bot.core.formulas import Assessment, assess
from kbju_bot.core.profile import (
    HEIGHT_CM,
    HIP_CM,
    NECK_CM,
    WAIST_CM,
    WEIGHT_KG,
    Body,
    Frequency,
    Goal,
    Range,
    Sex,
    Sport,
    Steps,
)

DAY = date(2026, 3, 1)
IVAN = Body(
    sex=Sex.MALE,
    birth_date=date(1990, 5, 1),
    height_cm=180,
    weight_kg=80,
    waist_cm=90,
    neck_cm=40,
    hip_cm=None,
    steps=Steps.UNDER_10000,
    sport=Sport.STRENGTH,
    frequency=Frequency.THREE_FOUR,
    goal=Goal.ATHLETIC,
)
ANNA = Body(
    sex=Sex.FEMALE,
    birth_date=date(1990, 5, 1),
    height_cm=165,
    weight_kg=62,
    waist_cm=75,
    neck_cm=33,
    hip_cm=98,
    steps=Steps.UNDER_10000,
    sport=Sport.NONE,
    frequency=None,
    goal=Goal.HEALTHY,
)


def assessed(body: Body) -> Assessment:
    assessment = assess(body, DAY)
    assert isinstance(assessment, Assessment)
    return assessment


def within(accepted: Range) -> st.SearchStrategy[float]:
    """Draw any accepted value, its ends often."""
    return st.sampled_from([accepted.low, accepted.high]) | st.floats(accepted.low, accepted.high)


ADULT_BIRTHS = (date(1925, 3, 2), date(2008, 3, 1))
births = st.sampled_from(ADULT_BIRTHS) | st.dates(*ADULT_BIRTHS)


@st.composite
def extremes(draw: st.DrawFn, sexes: st.SearchStrategy[Sex]) -> Body:
    """Draw an adult whose measurements are accepted, each for itself."""
    sex = draw(sexes)
    sport = draw(st.sampled_from(Sport))
    return Body(
        sex=sex,
        birth_date=draw(births),
        height_cm=draw(within(HEIGHT_CM)),
        weight_kg=draw(within(WEIGHT_KG)),
        waist_cm=draw(within(WAIST_CM)),
        neck_cm=draw(within(NECK_CM)),
        hip_cm=draw(within(HIP_CM)) if sex is Sex.FEMALE else None,
        steps=draw(st.sampled_from(Steps)),
        sport=sport,
        frequency=None if sport is Sport.NONE else draw(st.sampled_from(Frequency)),
        goal=draw(st.sampled_from(Goal)),
    )


@st.composite
def people(draw: st.DrawFn, sexes: st.SearchStrategy[Sex]) -> Body:
    """Draw an adult whose measurements go together, more or less."""
    body = draw(extremes(sexes))
    height = draw(st.floats(145, 205))
    waist = height * draw(st.floats(0.38, 0.75))
    return replace(
        body,
        height_cm=height,
        weight_kg=max(WEIGHT_KG.low, draw(st.floats(16, 45)) * (height / 100) ** 2),
        waist_cm=waist,
        neck_cm=height * draw(st.floats(0.18, 0.24)),
        hip_cm=min(HIP_CM.high, waist * draw(st.floats(1.1, 1.4))) if body.sex is Sex.FEMALE else None,
    )


either = st.sampled_from(Sex)
likely = people(either)
adults = likely | extremes(either)
