"""Reading what people type. Every function returns the value or raises NotUnderstoodError; none guesses."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from functools import cache
from zoneinfo import available_timezones

from kbju_bot.core.profile import Range

# No re.ASCII: with it, capital Cyrillic letters would differ from small ones. So digits are written [0-9].
_NUMBER = re.compile(r"([-−+]?[0-9]{1,20})(?:[.,]([0-9]{1,20}))?(?:\s*(?:кг|см|kg|cm)\.?)?", re.IGNORECASE)
_DATE = re.compile(r"([0-9]{1,2})[\s.,/-]+([0-9]{1,2})[\s.,/-]+([0-9]{4})(?:\s*г\.?)?", re.IGNORECASE)
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})")
_HOUR = re.compile(r"([0-9]{1,2})(?:[:.]00)?(?:\s*(?:ч|h)\.?)?", re.IGNORECASE)
_OFFSET = re.compile(r"(?:utc|gmt|мск)?\s*([-−+])\s*([0-9]{1,2})(?::00)?", re.IGNORECASE)
_MOSCOW = 3
_LONGEST_TEXT = 1000
# Control and formatting characters, half a surrogate pair, private and unassigned ones.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
# Hangul letters that show nothing; people have names of them.
_FILLERS = frozenset("\u115f\u1160")


class NotUnderstoodError(ValueError):
    """The text is not of the asked kind."""


class OutOfRangeError(ValueError):
    """The text was understood, but the value is not accepted."""


def tidy(text: str) -> str:
    """Return the text in one Unicode form and with single spaces, without characters that nobody sees."""
    normal = unicodedata.normalize("NFKC", text)
    visible = "".join(
        " " if character.isspace() else character
        for character in normal
        if character.isspace() or not (character in _FILLERS or unicodedata.category(character) in _INVISIBLE)
    )
    return " ".join(visible.split())


def measurement(text: str, accepted: Range) -> float:
    """Read kilograms or centimetres, rounded to 0.1: `70,5`, `70.5`, `70,5 кг`. What is out of range raises as such."""
    match = _NUMBER.fullmatch(tidy(text))
    if match is None:
        raise NotUnderstoodError
    value = round(float(f"{match[1].replace('−', '-')}.{match[2] or '0'}"), 1)
    if not accepted.low <= value <= accepted.high:
        raise OutOfRangeError
    return value


def calendar_date(text: str) -> date:
    """Read a day: `23.11.1990`, `23/11/1990`, `23 11 1990`, `1990-11-23`."""
    text = tidy(text)
    if match := _DATE.fullmatch(text):
        day, month, year = match.groups()
    elif match := _ISO_DATE.fullmatch(text):
        year, month, day = match.groups()
    else:
        raise NotUnderstoodError
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise NotUnderstoodError from None


def hour(text: str) -> int:
    """Read a full hour: `9`, `9:00`, `21 ч`."""
    match = _HOUR.fullmatch(tidy(text))
    if match is None:
        raise NotUnderstoodError
    value = int(match[1])
    if value > 23:
        raise OutOfRangeError
    return value


def time_zone(text: str) -> str:
    """Read a time zone: a name of the IANA database such as `Europe/Berlin`, `+3`, `UTC-5`, `МСК+2`.

    Returns a name of the database.
    """
    text = tidy(text)
    if match := _OFFSET.fullmatch(text):
        hours = int(match[2]) * (1 if match[1] == "+" else -1)
        if text.casefold().startswith("мск"):
            hours += _MOSCOW
        if not -12 <= hours <= 14:
            raise OutOfRangeError
        # The database's own names count westwards, so the sign is the other way round.
        return f"Etc/GMT{-hours:+d}" if hours else "Etc/GMT"
    try:
        return _zones()[text.casefold().replace(" ", "_")]
    except KeyError:
        raise NotUnderstoodError from None


@cache
def _zones() -> Mapping[str, str]:
    """Return the database's names by the same in small letters. Those without a slash are outdated, but for UTC."""
    return {name.casefold(): name for name in available_timezones() if "/" in name} | {"utc": "UTC", "gmt": "UTC"}


def free_text(text: str, longest: int = _LONGEST_TEXT) -> str:
    """Read a text of at most `longest` characters with something to read in it."""
    text = tidy(text)
    if not any(character.isalnum() for character in text):
        raise NotUnderstoodError
    if len(text) > longest:
        raise OutOfRangeError
    return text
