"""Making sense of steps, sports, frequencies and goals: the DEV version kept words of several generations."""

import re
from collections.abc import Mapping
from functools import lru_cache

from kbju_bot.core.parsing import NotUnderstoodError, OutOfRangeError, tidy
from kbju_bot.core.profile import Frequency, Goal, Sport, Steps
from kbju_bot.importer.rows import Value

_FEWEST_STEPS, _MOST_STEPS = 100, 100_000
_MOST_TRAININGS = 21

_GOALS: Mapping[str, Goal] = {
    **{goal.value: goal for goal in Goal},
    # Older rows. Weight is lost to get lean and gained to get athletic.
    "maintain": Goal.HEALTHY,
    "weight_loss": Goal.LEAN,
    "weight_gain": Goal.ATHLETIC,
}

# Beginnings of words; where several fit, the longest counts.
_SPORTS: Mapping[str, Sport] = {
    stem: sport
    for sport, stems in {
        Sport.LIGHT: "йог yoga пилат pilat растяж стретч stretch гимнаст gymnast лёгк легк light",
        Sport.STRENGTH: "сил strength power weight gym зал тренаж штанг гант бодиб bodyb пауэр",
        Sport.CARDIO: """кардио cardio аэроб aerob бег run jog плав бассейн swim вел cycl bik футбол footb soccer
            баскет basketb волей volley теннис tennis хоккей hockey лыж ski танц danc бокс box""",
        Sport.MIXED: "смеш комбин mix combin кроссф crossf",
    }.items()
    for stem in stems.split()
}
_LONGEST_STEM_FIRST = sorted(_SPORTS, key=len, reverse=True)
_NO_SPORT = frozenset({"нет", "не", "без", "ничего", "никакой", "no", "not", "none", "nothing", "never"})

_WORD = re.compile(r"[^\W\d_]+")
_AMOUNT = re.compile(r"([0-9]+(?:[.,][0-9]+)?)\s*([кk]\b|тыс|thousand)?")
# `10 000`, `10,000`, `5.000`; but 1.375 is a multiplier.
_GROUPED = re.compile(r"(?<![\d.,])(?:(\d{1,3})[ '](?=\d{3}(?!\d))|(\d{2,3}|[3-9])[.,](?=\d{3}(?!\d)))", re.ASCII)
_AT_LEAST = re.compile(r"не м|no less|not less|at least")
_BELOW = re.compile(r"<|\b(?:до|меньше|менее|ниже|не более|не больше|less|under|below|up to|fewer)\b")


@lru_cache(maxsize=4096)
def _text(value: Value) -> str:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if value is None or isinstance(value, bytes):
        raise NotUnderstoodError
    return re.sub("[‐‑‒–—−]", "-", tidy(str(value)).casefold())


def _amount(text: str) -> float:
    """Return the number a text means: of two the middle, of "less than" just below it."""
    found = _AMOUNT.findall(_GROUPED.sub(r"\1\2", text))
    if not 1 <= len(found) <= 2:
        raise NotUnderstoodError
    if any(len(digits) > 12 for digits, _ in found):
        raise OutOfRangeError
    thousands = any(unit for _, unit in found)
    numbers = [float(digits.replace(",", ".")) for digits, _ in found]
    numbers = [number * 1000 if thousands and number < 100 else number for number in numbers]
    if len(numbers) == 1 and _BELOW.search(text) and not _AT_LEAST.search(text):
        return numbers[0] - 1
    return sum(numbers) / len(numbers)


@lru_cache(maxsize=4096)
def steps(value: Value) -> Steps:
    """Read steps a day: a number, or a bracket of any edges, of which the middle counts.

    A multiplier of the energy at rest, which the DEV version wrote here too, is too small to be steps.
    """
    amount = _amount(_text(value))
    if not _FEWEST_STEPS <= amount <= _MOST_STEPS:
        raise OutOfRangeError
    edges = ((5000, Steps.UNDER_5000), (7500, Steps.UNDER_7500), (10000, Steps.UNDER_10000), (12500, Steps.UNDER_12500))
    return next((bracket for edge, bracket in edges if amount < edge), Steps.OVER_12500)


@lru_cache(maxsize=4096)
def sport(value: Value) -> Sport:
    """Read a kind of training; strength with cardio is mixed, and stretching beside another kind does not count."""
    words = _WORD.findall(_text(value))
    kinds = {_SPORTS[stem] for word in words if (stem := _stem(word))}
    refuses = not _NO_SPORT.isdisjoint(words)
    if bool(kinds) == refuses:
        raise NotUnderstoodError
    if refuses:
        return Sport.NONE
    if Sport.MIXED in kinds or {Sport.STRENGTH, Sport.CARDIO} <= kinds:
        return Sport.MIXED
    return min(kinds, key=(Sport.STRENGTH, Sport.CARDIO, Sport.LIGHT).index)


def _stem(word: str) -> str | None:
    return next((stem for stem in _LONGEST_STEM_FIRST if word.startswith(stem)), None)


@lru_cache(maxsize=4096)
def frequency(value: Value) -> Frequency:
    """Read trainings a week: a number, or a bracket of any edges, of which the middle counts; or "every day"."""
    text = _text(value)
    words = set(_WORD.findall(text))
    if any(word.startswith(("месяц", "month")) for word in words):
        raise NotUnderstoodError
    if words & {"день", "day", "daily", "everyday", "ежедневно", "ежедневный"}:
        return Frequency.THREE_FOUR if words & {"через", "other", "second"} else Frequency.DAILY
    amount = int(_amount(text))
    if not 1 <= amount <= _MOST_TRAININGS:
        raise OutOfRangeError
    brackets = ((3, Frequency.ONE_TWO), (5, Frequency.THREE_FOUR), (7, Frequency.FIVE_SIX))
    return next((bracket for edge, bracket in brackets if amount < edge), Frequency.DAILY)


@lru_cache(maxsize=4096)
def goal(value: Value) -> Goal:
    """Read a goal, also by the names that older rows have."""
    word = re.sub(r"[\s-]+", "_", _text(value))
    if word not in _GOALS:
        raise NotUnderstoodError
    return _GOALS[word]
