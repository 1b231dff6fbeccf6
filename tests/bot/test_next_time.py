"""When a reminder comes: by the user's calendar and clock, also where the clocks change."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbju_bot.core.reminders import next_time
from kbju_bot.core.state import Reminder

MONDAY, FRIDAY, SUNDAY = 1, 5, 7
ZONES = sorted(zone for zone in available_timezones() if "/" in zone)


def at(text: str) -> datetime:
    """Read a moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("reminder", "zone", "after", "expected"),
    [
        # 2026-03-02 is a Monday.
        (Reminder(FRIDAY, 9), "Europe/Moscow", "2026-03-02T12:00", "2026-03-06T06:00"),
        (Reminder(MONDAY, 9), "Europe/Moscow", "2026-03-02T05:59", "2026-03-02T06:00"),
        (Reminder(MONDAY, 9), "Europe/Moscow", "2026-03-02T06:00", "2026-03-09T06:00"),
        (Reminder(MONDAY, 9), "Europe/Moscow", "2026-03-02T06:01", "2026-03-09T06:00"),
        (Reminder(SUNDAY, 9), "UTC", "2026-03-02T12:00", "2026-03-08T09:00"),
        # Sunday evening in London is Monday in Kamchatka already.
        (Reminder(MONDAY, 9), "Asia/Kamchatka", "2026-03-01T20:00", "2026-03-01T21:00"),
        (Reminder(SUNDAY, 20), "Pacific/Honolulu", "2026-03-02T05:00", "2026-03-02T06:00"),
        # Over the end of a year.
        (Reminder(FRIDAY, 0), "UTC", "2026-12-30T12:00", "2027-01-01T00:00"),
        # Over a change of the clocks the hour stays.
        (Reminder(MONDAY, 9), "Europe/Berlin", "2026-03-24T12:00", "2026-03-30T07:00"),
        (Reminder(MONDAY, 9), "Europe/Berlin", "2026-10-20T12:00", "2026-10-26T08:00"),
        # Berlin skips the hour from 2 to 3 on 29 March and has it twice on 25 October.
        (Reminder(SUNDAY, 2), "Europe/Berlin", "2026-03-23T12:00", "2026-03-29T01:00"),
        (Reminder(SUNDAY, 2), "Europe/Berlin", "2026-10-20T12:00", "2026-10-25T00:00"),
        (Reminder(SUNDAY, 2), "Europe/Berlin", "2026-10-25T00:00", "2026-11-01T01:00"),
        (Reminder(SUNDAY, 2), "Europe/Berlin", "2026-10-25T00:30", "2026-11-01T01:00"),
        (Reminder(SUNDAY, 3), "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T02:00"),
        # Beirut skips midnight itself.
        (Reminder(SUNDAY, 0), "Asia/Beirut", "2026-03-28T12:00", "2026-03-28T22:00"),
    ],
)
def test_examples(reminder: Reminder, zone: str, after: str, expected: str) -> None:
    assert next_time(reminder, zone, at(after)) == at(expected)


@settings(deadline=None, derandomize=True, max_examples=500)
@given(
    reminder=st.builds(Reminder, st.integers(1, 7), st.integers(0, 23)),
    zone=st.sampled_from(ZONES),
    after=st.datetimes(datetime(2026, 1, 1), datetime(2036, 1, 1)),
)
def test_it_comes_within_a_week_at_the_hour_that_was_asked_for(reminder: Reminder, zone: str, after: datetime) -> None:
    moment = after.replace(tzinfo=UTC)
    found = next_time(reminder, zone, moment)
    assert moment < found <= moment + timedelta(days=7, hours=1)
    local = found.astimezone(ZoneInfo(zone))
    assert local.isoweekday() == reminder.weekday
    hour_before = (found - timedelta(hours=1)).astimezone(ZoneInfo(zone))
    skipped = local.utcoffset() != hour_before.utcoffset() and local.hour != reminder.hour
    # A skipped hour counts as the one behind it (Lord Howe's clocks change by half an hour).
    assert (local.hour, local.minute) == (reminder.hour, 0) or (skipped and local.hour - reminder.hour in {0, 1})


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    reminder=st.builds(Reminder, st.integers(1, 7), st.integers(0, 23)),
    zone=st.sampled_from(ZONES),
    start=st.datetimes(datetime(2026, 1, 1), datetime(2030, 1, 1)),
)
def test_each_week_has_one(reminder: Reminder, zone: str, start: datetime) -> None:
    moment = start.replace(tzinfo=UTC)
    days = []
    for _ in range(60):
        moment = next_time(reminder, zone, moment)
        days.append(moment.astimezone(ZoneInfo(zone)).date())
    assert {later - earlier for earlier, later in pairwise(days)} == {timedelta(days=7)}
