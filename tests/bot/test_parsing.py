"""What people type, and what is read from it."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbju_bot.core.parsing import (
    NotUnderstoodError,
    OutOfRangeError,
    calendar_date,
    free_text,
    hour,
    measurement,
    tidy,
    time_zone,
)
from kbju_bot.core.profile import WEIGHT_KG, Range

READERS = [lambda text: measurement(text, WEIGHT_KG), calendar_date, hour, time_zone, free_text]
checked = settings(deadline=None, derandomize=True, max_examples=300)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("70", 70),
        ("70,5", 70.5),
        ("70.5", 70.5),
        ("070.50", 70.5),
        ("70,55", 70.5),
        ("70,56", 70.6),
        ("70.123456", 70.1),
        (" 70,5 кг", 70.5),
        ("70,5КГ.", 70.5),
        ("70 kg", 70),
        ("70Kg", 70),
        ("７０，５", 70.5),
        ("+70", 70),
        ("30", 30),
        ("300.04", 300),
    ],
)
def test_measurements(text: str, value: float) -> None:
    assert measurement(text, WEIGHT_KG) == value


@pytest.mark.parametrize("text", ["29.9", "300,1", "0", "-70", "−70", "1000000000000", "9" * 20])
def test_measurements_out_of_range(text: str) -> None:
    with pytest.raises(OutOfRangeError):
        measurement(text, WEIGHT_KG)


@pytest.mark.parametrize(
    "text", ["", "вес", "70,", ",5", "70,5,1", "70 5", "7e1", "70%", "nan", "inf", "0x46", "٧٠", "70 м", "кг", "70-71"]
)
def test_no_measurements(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        measurement(text, WEIGHT_KG)


@checked
@given(value=st.integers(300, 3000), mark=st.sampled_from(",."), unit=st.sampled_from(["", "кг", " КГ", " kg."]))
def test_every_tenth_is_read_as_it_was_written(value: int, mark: str, unit: str) -> None:
    assert measurement(f"{value // 10}{mark}{value % 10}{unit}", WEIGHT_KG) == value / 10


@checked
@given(low=st.integers(0, 200), width=st.integers(0, 100), value=st.integers(0, 400))
def test_both_ends_belong_to_a_range(low: int, width: int, value: int) -> None:
    accepted = Range(low, low + width)
    if low <= value <= low + width:
        assert measurement(str(value), accepted) == value
    else:
        with pytest.raises(OutOfRangeError):
            measurement(str(value), accepted)


@pytest.mark.parametrize(
    "text",
    [
        "23.11.1990",
        "23/11/1990",
        "23 11 1990",
        "23-11-1990",
        "23,11,1990",
        "1990-11-23",
        "23. 11. 1990",
        "23.11.1990 г.",
    ],
)
def test_dates(text: str) -> None:
    assert calendar_date(text) == date(1990, 11, 23)


@pytest.mark.parametrize("text", ["", "23.11.90", "23.11", "1990", "23 ноября 1990", "1990.11.23", "23.11.19900"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        calendar_date(text)


@pytest.mark.parametrize(
    "text", ["31.02.1990", "29.02.2023", "00.01.1990", "01.13.1990", "11/23/1990", "01.01.0000", "٢٣.11.1990"]
)
def test_days_that_never_were(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        calendar_date(text)


@checked
@given(
    day=st.dates(date(1000, 1, 1)), text=st.sampled_from(["{0:%d.%m.%Y}", "{0.day}/{0.month}/{0.year}", "{0:%Y-%m-%d}"])
)
def test_every_day_is_read_as_it_was_written(day: date, text: str) -> None:
    assert calendar_date(text.format(day)) == day


@pytest.mark.parametrize(
    ("text", "value"),
    [("9", 9), ("09", 9), ("9:00", 9), ("9.00", 9), ("21 ч", 21), ("21Ч.", 21), ("0", 0), ("23h", 23)],
)
def test_hours(text: str, value: int) -> None:
    assert hour(text) == value


@pytest.mark.parametrize("text", ["24", "99:00"])
def test_hours_no_day_has(text: str) -> None:
    with pytest.raises(OutOfRangeError):
        hour(text)


@pytest.mark.parametrize("text", ["", "9:30", "утро", "-1", "9 9", "9 pm"])
def test_no_hours(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        hour(text)


@pytest.mark.parametrize(
    ("text", "zone"),
    [
        ("Europe/Berlin", "Europe/Berlin"),
        ("europe/berlin", "Europe/Berlin"),
        ("America/New York", "America/New_York"),
        ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("UTC", "UTC"),
        ("gmt", "UTC"),
        ("+3", "Etc/GMT-3"),
        ("-3", "Etc/GMT+3"),
        ("−3", "Etc/GMT+3"),
        ("UTC+3", "Etc/GMT-3"),
        ("gmt +03:00", "Etc/GMT-3"),
        ("МСК+2", "Etc/GMT-5"),
        ("мск -1", "Etc/GMT-2"),
        ("МСК-3", "Etc/GMT"),
        ("UTC+0", "Etc/GMT"),
        ("UTC+14", "Etc/GMT-14"),
        ("UTC-12", "Etc/GMT+12"),
    ],
)
def test_zones(text: str, zone: str) -> None:
    assert time_zone(text) == zone


@checked
@given(offset=st.integers(-12, 14), prefix=st.sampled_from(["", "UTC", "GMT "]))
def test_an_offset_is_the_zones_offset(offset: int, prefix: str) -> None:
    zone = ZoneInfo(time_zone(f"{prefix}{offset:+d}"))
    assert datetime(2026, 1, 1, tzinfo=UTC).astimezone(zone).utcoffset() == timedelta(hours=offset)


@pytest.mark.parametrize("text", ["UTC+15", "UTC-13", "+99", "МСК+12"])
def test_offsets_nobody_has(text: str) -> None:
    with pytest.raises(OutOfRangeError):
        time_zone(text)


@pytest.mark.parametrize(
    "text", ["", "3", "Europe", "Europe/", "Europe/Atlantis", "MSK", "UTC+5:30", "Europe/Ber\nlin"]
)
def test_no_zones(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        time_zone(text)


@pytest.mark.parametrize(
    "text", ["../UTC", "/etc/passwd", "right/Europe/Moscow", "posix/UTC", "localtime", "Factory", "EST", "tzdata.zi"]
)
def test_files_that_are_no_zones(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        time_zone(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("  Анна \n Мария ", "Анна Мария"),
        ("Анна\u200b", "Анна"),
        ("А\u202eнна", "Анна"),
        ("\u3164a\uffa0", "a"),
        ("Ａｎｎａ", "Anna"),
        ("и\u0306", "й"),
        ("a\tb\x00", "a b"),
    ],
)
def test_free_text_is_tidied(text: str, value: str) -> None:
    assert free_text(text) == value


@pytest.mark.parametrize("text", ["", "   ", "\u3164", "?!", "🙂", "\u200b"])
def test_nothing_to_read(text: str) -> None:
    with pytest.raises(NotUnderstoodError):
        free_text(text)


def test_the_longest_text() -> None:
    assert free_text("я" * 10, 10) == "я" * 10
    with pytest.raises(OutOfRangeError):
        free_text("я" * 11, 10)
    # What is counted is what is stored: one character here becomes eighteen.
    with pytest.raises(OutOfRangeError):
        free_text("\ufdfa", 10)


@checked
@given(st.text("0123456789.,:/+- кгсмчutcмск", max_size=12) | st.text())
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    for read in READERS:
        try:
            value = read(text)
        except (NotUnderstoodError, OutOfRangeError):
            continue
        # What was read and stored is read again as the same.
        assert read(str(value)) == value


@checked
@given(st.text())
def test_tidying_twice_changes_nothing_more(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)
    assert "\0" not in tidy(text)
