"""What the survey accepts. Each function returns an answer in its canonical form or raises RefusedError."""

from collections.abc import Callable
from datetime import date

from kbju_bot.core import parsing
from kbju_bot.core.forms import Asking, RefusedError
from kbju_bot.core.profile import AGE_YEARS, NECK_CM, Range, age_on
from kbju_bot.core.results import word
from kbju_bot.core.state import today
from kbju_bot.texts import Text, number

_LONGEST_NAME = 60
_EARLIEST_BIRTH = date(1900, 1, 1)


def name(given: str, _asking: Asking) -> str:
    """Take a name: up to 60 characters, a letter among them."""
    try:
        given = parsing.free_text(given, _LONGEST_NAME)
    except parsing.NotUnderstoodError:
        raise RefusedError(Text.NAME_NOT_UNDERSTOOD) from None
    except parsing.OutOfRangeError:
        raise RefusedError(Text.NAME_TOO_LONG, longest=str(_LONGEST_NAME)) from None
    if given.startswith("/") or not any(character.isalpha() for character in given):
        raise RefusedError(Text.NAME_NOT_UNDERSTOOD)
    return given


def birth_date(given: str, asking: Asking) -> str:
    """Take the birth date of an adult, as `1990-11-23`."""
    try:
        born = parsing.calendar_date(given)
    except parsing.NotUnderstoodError:
        raise RefusedError(Text.DATE_NOT_UNDERSTOOD) from None
    day = today(asking.state, asking.context.now, asking.context.time_zone)
    age, youngest = age_on(born, day), str(int(AGE_YEARS.low))
    if born > day or born < _EARLIEST_BIRTH or age > AGE_YEARS.high:
        raise RefusedError(Text.DATE_IMPLAUSIBLE, youngest=youngest, oldest=str(int(AGE_YEARS.high)))
    if age < AGE_YEARS.low:
        raise RefusedError(Text.ADULTS_ONLY, youngest=youngest)
    return born.isoformat()


def measured(accepted: Range, unit: Text, example: float) -> Callable[[str, Asking], str]:
    """Return what takes a number of the range; `example` is one, shown to who typed something else."""

    def accept(given: str, asking: Asking) -> str:
        language = asking.language
        values = {
            "low": number(accepted.low, language),
            "high": number(accepted.high, language),
            "unit": word(unit, language),
        }
        try:
            return str(parsing.measurement(given, accepted))
        except parsing.NotUnderstoodError:
            raise RefusedError(Text.NUMBER_NOT_UNDERSTOOD, example=number(example, language), **values) from None
        except parsing.OutOfRangeError:
            raise RefusedError(Text.NUMBER_OUT_OF_RANGE, **values) from None

    return accept


_any_neck = measured(NECK_CM, Text.CM, 38.5)


def neck(given: str, asking: Asking) -> str:
    """Take a neck that is smaller than the waist."""
    centimetres = _any_neck(given, asking)
    if float(centimetres) >= float(asking.answers["waist"]):
        raise RefusedError(Text.NECK_NOT_BELOW_WAIST)
    return centimetres
