"""Making sense of single values. Each function returns a value, or raises as core/parsing.py does; none guesses."""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache

from kbju_bot.core import parsing
from kbju_bot.core.parsing import NotUnderstoodError, OutOfRangeError
from kbju_bot.core.profile import HEIGHT_CM, Range, Sex
from kbju_bot.importer.rows import Value

LONGEST_TELEGRAM_NAME = 255
LONGEST_NAME = 60
LONGEST_FOOD = 1000
_HIGHEST_ID = 2**52 - 1  # Telegram: ids have at most 52 significant bits

_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4})"
    r"(?:[T ,]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<zone>Z|(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2}))?)?",
    re.ASCII,
)
_METRES = re.compile(r"([12][.,]\d{1,3})(?:\s*(?:м|m)\.?)?", re.IGNORECASE | re.ASCII)
_WORD = re.compile(r"[^\W\d_]+")
_FIFTH_DECIMAL = re.compile(r"([.,]\d{4})\d+", re.ASCII)

_SEXES: Mapping[str, Sex] = {
    word: sex
    for sex, words in {
        Sex.MALE: "male m man boy м муж мужской мужчина мужик парень",
        Sex.FEMALE: "female f w woman girl ж жен женский женщина девушка",
    }.items()
    for word in words.split()
}


def is_blank(value: Value) -> bool:
    """Tell whether there is nothing in the field."""
    return value is None or (isinstance(value, str) and not value.strip())


def telegram_id(value: Value) -> int:
    """Read the id of a Telegram user."""
    digits = isinstance(value, str) and re.fullmatch(r"\d{1,20}", value.strip(), re.ASCII)
    if not (digits or isinstance(value, int) or (isinstance(value, float) and value.is_integer())):
        raise NotUnderstoodError
    number = int(value)  # type: ignore[arg-type]  # one of the three, as was just asked
    if not 0 < number <= _HIGHEST_ID:
        raise OutOfRangeError
    return number


def measurement(value: Value, accepted: Range) -> float:
    """Read kilograms or centimetres, rounded to 0.1."""
    if isinstance(value, str):
        return parsing.measurement(_FIFTH_DECIMAL.sub(r"\1", value), accepted)
    if not isinstance(value, int | float):
        raise NotUnderstoodError
    rounded = round(float(value), 1)
    if not accepted.low <= rounded <= accepted.high:
        raise OutOfRangeError
    return rounded


@lru_cache(maxsize=65536)
def height(value: Value) -> float:
    """Read a height in centimetres, rounded to 0.1. What can only be metres, such as 1.83, counts as metres."""
    text = f"{value:g}" if isinstance(value, float) else value
    if isinstance(text, str) and (metres := _METRES.fullmatch(parsing.tidy(text))):
        value = float(metres[1].replace(",", ".")) * 100
    return measurement(value, HEIGHT_CM)


def day(value: Value) -> date:
    """Read a date; a time behind it does not count, nor does its time zone: the day is the one the user saw."""
    return parsing.calendar_date(_moment(value)["day"])


def moment(value: Value) -> datetime:
    """Read a date with or without a time; without a time zone it is UTC, as SQLite's CURRENT_TIMESTAMP."""
    found = _moment(value)
    on = parsing.calendar_date(found["day"])
    hour, minute, second, hours, minutes = (
        int(found[part] or 0) for part in ("hour", "minute", "second", "hours", "minutes")
    )
    east = timedelta(hours=hours, minutes=minutes) * (-1 if found["sign"] == "-" else 1)
    try:
        return datetime(on.year, on.month, on.day, hour, minute, second, tzinfo=timezone(east))
    except ValueError:
        raise NotUnderstoodError from None


def _moment(value: Value) -> re.Match[str]:
    found = _MOMENT.fullmatch(parsing.tidy(value)) if isinstance(value, str) else None
    if found is None:
        raise NotUnderstoodError
    return found


def sex(value: Value) -> Sex:
    """Read a sex, by a word or a letter in Russian or English."""
    words = _WORD.findall(value.casefold()) if isinstance(value, str) else []
    meant = {_SEXES[word] for word in words if word in _SEXES}
    if len(meant) != 1:
        raise NotUnderstoodError
    return meant.pop()


def telegram_name(value: Value) -> str:
    """Read a name as Telegram gave it, of any length but not empty."""
    if isinstance(value, int):
        value = str(value)
    if not isinstance(value, str):
        raise NotUnderstoodError
    # PostgreSQL's text takes neither NUL nor half a surrogate pair.
    name = value.replace("\0", "").encode(errors="replace").decode()
    if not name.strip():
        raise NotUnderstoodError
    return name


def name_from(first_name: str) -> str | None:
    """Return what to call a user with this first name; None where the survey would not take it either."""
    name = parsing.tidy(first_name)[:LONGEST_NAME].strip()
    return name if any(map(str.isalnum, name)) and not name.startswith("/") else None


def food(value: Value) -> str:
    """Read what somebody likes, or not, of any length."""
    if not isinstance(value, str):
        raise NotUnderstoodError
    text = parsing.tidy(value)
    if not any(map(str.isalnum, text)):
        raise NotUnderstoodError
    return text
