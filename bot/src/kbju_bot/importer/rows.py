"""What stands in the DEV version's file, and what becomes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from kbju_bot.core.profile import Frequency, Goal, Sex, Sport, Steps

USERS = "users"
RECORDS = "user_records"
PREFERENCES = "user_food_preferences"
TABLES = (USERS, RECORDS, PREFERENCES)
"""The same names in the DEV version's file and in PostgreSQL."""

Value = str | int | float | bytes | None
"""SQLite lets anything stand in any column."""


class UserRow(NamedTuple):
    """A row of `users`. `row` is its rowid."""

    row: int
    telegram_id: Value
    username: Value
    first_name: Value
    last_name: Value
    sex: Value
    date_of_birth: Value
    created_at: Value


class RecordRow(NamedTuple):
    """A row of `user_records`; `row` is its id. The columns step_multiplier and bodyfat are computed and not read."""

    row: int
    telegram_id: Value
    date: Value
    weight: Value
    waist: Value
    neck: Value
    hip: Value
    height: Value
    goal: Value
    steps: Value
    sport_type: Value
    sport_freq: Value


class PreferenceRow(NamedTuple):
    """A row of `user_food_preferences`; `row` is its id."""

    row: int
    telegram_id: Value
    likes_raw: Value
    dislikes_raw: Value
    created_at: Value


@dataclass(frozen=True, slots=True)
class DevDatabase:
    """All rows of the file, in the order in which they were written."""

    users: Iterable[UserRow]
    records: Iterable[RecordRow]
    preferences: Iterable[PreferenceRow]


class User(NamedTuple):
    """A row for PostgreSQL's `users`; the fields are its columns."""

    telegram_id: int
    username: str | None
    first_name: str
    last_name: str | None
    created_at: datetime
    last_seen_at: datetime
    name: str | None
    sex: Sex | None
    birth_date: date | None
    height_cm: float | None = None
    steps: Steps | None = None
    sport: Sport | None = None
    frequency: Frequency | None = None
    goal: Goal | None = None


class Record(NamedTuple):
    """A row for PostgreSQL's `user_records`; the fields are its columns."""

    telegram_id: int
    day: date
    weight_kg: float
    waist_cm: float | None
    neck_cm: float | None
    hip_cm: float | None
    height_cm: float
    body_fat: float | None
    steps: Steps | None
    sport: Sport | None
    frequency: Frequency | None
    goal: Goal | None


class Preferences(NamedTuple):
    """A row for PostgreSQL's `user_food_preferences`; the fields are its columns."""

    telegram_id: int
    likes: str | None
    dislikes: str | None
    updated_at: datetime


class Rejected(NamedTuple):
    """A row that is not taken over. The reason quotes nothing of it."""

    table: str
    row: int
    reason: str


class Dropped(NamedTuple):
    """A field that was left out, or changed, of a row that is taken over. The reason quotes nothing of it."""

    table: str
    row: int
    field: str
    reason: str
