"""How much more than at rest a body spends in a day: our heuristic, as no source maps steps to a factor.

The factor is a level by the steps of a usual day plus a share by the training. The lowest level, 1.30, is what the
Institute of Medicine (2005) calls sedentary (1.0-1.39) and a little below FAO/WHO/UNU's (2001) sedentary way of life
(1.40-1.69). In a calorimeter 1,000 steps more a day raised the level by 0.02 (BMC Research Notes 2011, 4:512: 1.42 at
8,973 steps, 1.82 at 29,588). Who walks more also stands and moves more in ways that make no step, so a bracket of
2,500 steps counts 0.08 here and not 0.05.

A training counts as one hour of what it takes beyond rest (METs less 1, after the Compendium of Physical Activities
2011), spread over a week's 168 hours. Steps made while training are in the day's steps already. So of cardio, half of
which (running, ball games) is steps and half of which (cycling, swimming) is none, only half is counted, and nothing
of a training is walked twice.
"""

from kbju_bot.core.profile import Frequency, Sport, Steps

_HOURS_A_WEEK = 168

_BY_STEPS = {
    Steps.UNDER_5000: 1.30,
    Steps.UNDER_7500: 1.38,
    Steps.UNDER_10000: 1.46,
    Steps.UNDER_12500: 1.54,
    Steps.OVER_12500: 1.62,
}

# METs beyond rest of one training that no step counter sees.
_NET_METS = {
    Sport.LIGHT: 1.5,
    Sport.STRENGTH: 3.0,
    Sport.MIXED: 3.25,
    Sport.CARDIO: 3.5,
}

_TRAININGS_A_WEEK = {
    Frequency.ONE_TWO: 1.5,
    Frequency.THREE_FOUR: 3.5,
    Frequency.FIVE_SIX: 5.5,
    Frequency.DAILY: 7.0,
}


def activity_factor(steps: Steps, sport: Sport, frequency: Frequency | None) -> float:
    """Return a day's energy as a multiple of the energy at rest, with two decimals: 1.30 to 1.77.

    Raises:
        ValueError: sport without frequency or the other way round.

    """
    if (sport is Sport.NONE) != (frequency is None):
        raise ValueError("a frequency belongs to a sport")
    training = 0.0 if frequency is None else _NET_METS[sport] * _TRAININGS_A_WEEK[frequency] / _HOURS_A_WEEK
    return round(_BY_STEPS[steps] + training, 2)
