"""Which backups may go: the last good one never, and none that a day, a week or a month still needs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from kbju_backup.retention import BEFORE_RESTORE, Kept, superfluous

NOW = datetime(2026, 6, 30, 1, 0, tzinfo=UTC)


def taken(ago: timedelta, kind: str = "nightly") -> Kept:
    moment = NOW - ago
    return Kept(moment.strftime("%Y-%m-%dT%H%M%SZ"), moment, kind)


def nightly(days: int) -> list[Kept]:
    return [taken(timedelta(days=day)) for day in range(days)]


def kept_of(backups: list[Kept], daily: int, weekly: int, monthly: int) -> list[str]:
    gone = superfluous(backups, NOW, daily, weekly, monthly)
    return sorted((one.name[:10] for one in backups if one.name not in gone), reverse=True)


def test_a_year_of_nights_leaves_days_weeks_and_months() -> None:
    kept = kept_of(nightly(365), daily=7, weekly=4, monthly=6)

    # 30 June 2026 is a Tuesday; the newest of a week is its Sunday's.
    assert kept == [
        *("2026-06-30", "2026-06-29", "2026-06-28", "2026-06-27", "2026-06-26", "2026-06-25", "2026-06-24"),
        *("2026-06-21", "2026-06-14"),
        *("2026-05-31", "2026-04-30", "2026-03-31", "2026-02-28", "2026-01-31"),
    ]


def test_nights_without_a_backup_do_not_cost_older_ones() -> None:
    old = [taken(timedelta(days=100 + day)) for day in range(7)]

    assert superfluous(old, NOW, daily=7, weekly=0, monthly=0) == []


def test_of_several_on_a_past_day_the_newest_is_kept() -> None:
    morning, evening = taken(timedelta(days=2, hours=12)), taken(timedelta(days=2, hours=3))

    assert superfluous([morning, evening, taken(timedelta(0))], NOW, 7, 4, 6) == [morning.name]


def test_nothing_of_the_last_24_hours_goes() -> None:
    recent = [taken(timedelta(hours=hours)) for hours in range(24)]

    assert superfluous(recent, NOW, daily=1, weekly=0, monthly=0) == []


def test_what_was_saved_before_a_restore_stays_as_long_as_the_days() -> None:
    saved, later = taken(timedelta(days=6, hours=5), BEFORE_RESTORE), taken(timedelta(days=6, hours=2))

    assert superfluous([saved, later, taken(timedelta(0))], NOW, 7, 0, 0) == []
    assert superfluous([saved, later, taken(timedelta(0))], NOW, 6, 0, 0) == [saved.name]


ages = st.lists(st.integers(0, 400 * 86400).map(lambda seconds: timedelta(seconds=seconds)), min_size=1, unique=True)
counts = st.integers(0, 10)


@given(ages=ages, daily=counts, weekly=counts, monthly=counts)
def test_the_last_one_stays_whatever_the_settings(ages: list[timedelta], daily: int, weekly: int, monthly: int) -> None:
    backups = [taken(age) for age in ages]

    assert taken(min(ages)).name not in superfluous(backups, NOW, daily, weekly, monthly)


@given(ages=ages, daily=counts, weekly=counts, monthly=counts)
def test_rotating_again_deletes_nothing_more(ages: list[timedelta], daily: int, weekly: int, monthly: int) -> None:
    backups = [taken(age) for age in ages]
    gone = superfluous(backups, NOW, daily, weekly, monthly)
    left = [one for one in backups if one.name not in gone]

    assert superfluous(left, NOW, daily, weekly, monthly) == []
