"""What becomes of the DEV version's rows."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest

from kbju_bot.core.profile import Frequency, Goal, Sex, Sport, Steps
from kbju_bot.importer.conversion import NO_TEXT, SAME_USER
from kbju_bot.importer.records import BORROWED_HEIGHT, NO_HEIGHT, NO_USER, SAME_DAY, BodyFatOutcome
from kbju_bot.importer.rows import (
    PREFERENCES,
    RECORDS,
    USERS,
    User,
    Value,
)

from .importing import NOW, converted, notes, only_user, preferences, reasons, record, user

# ---- users -------------------------------------------------------------------------------------------------------


def test_a_user_is_taken_over() -> None:
    one = only_user(
        user(
            username="ivan",
            first_name="Иван",
            last_name="Петров",
            sex="муж",
            date_of_birth="17.05.1990",
            created_at="2025-01-01 10:00:00",
        ),
        record(date="2025-02-01", height=181, goal="weight_loss", steps=8000, sport_type="бег", sport_freq="3-4"),
    )
    assert one == User(
        telegram_id=7,
        username="ivan",
        first_name="Иван",
        last_name="Петров",
        created_at=datetime(2025, 1, 1, 10, tzinfo=UTC),
        last_seen_at=datetime(2025, 2, 1, tzinfo=UTC),
        name="Иван",
        sex=Sex.MALE,
        birth_date=date(1990, 5, 17),
        height_cm=181,
        steps=Steps.UNDER_10000,
        sport=Sport.CARDIO,
        frequency=Frequency.THREE_FOUR,
        goal=Goal.LEAN,
    )


def test_a_user_with_nothing_but_an_id_is_taken_over() -> None:
    conversion = converted(user())
    (one,) = conversion.users
    assert (one.first_name, one.username, one.name, one.sex, one.birth_date, one.goal) == (
        "",
        None,
        None,
        None,
        None,
        None,
    )
    assert (conversion.rejected, conversion.dropped) == ([], [])


@pytest.mark.parametrize("born", ["2008-03-02", "1925-02-28", "1899-12-31", "2027-01-01"])
def test_who_is_not_of_age_is_kept_without_the_birth_date(born: str) -> None:
    conversion = converted(user(date_of_birth=born))
    assert conversion.users[0].birth_date is None
    assert notes(conversion) == {"date_of_birth": "out of range"}


def test_the_eighteenth_birthday_counts() -> None:
    assert only_user(user(date_of_birth="2008-03-01")).birth_date == date(2008, 3, 1)


def test_fields_that_make_no_sense_do_not_lose_the_user() -> None:
    conversion = converted(
        user(username=b"\xff", first_name="я" * 300, sex="?", date_of_birth="в мае", created_at="давно")
    )
    (one,) = conversion.users
    assert (one.username, one.first_name, one.sex, one.birth_date) == (None, "я" * 255, None, None)
    assert notes(conversion) == {
        "username": "not understood",
        "first_name": "cut to 255 characters",
        "sex": "not understood",
        "date_of_birth": "not understood",
        "created_at": "not understood",
    }


def test_of_two_rows_of_a_user_the_newer_counts() -> None:
    conversion = converted(user(2, first_name="Новый"), user(1, first_name="Старый"))
    assert [one.first_name for one in conversion.users] == ["Новый"]
    assert reasons(conversion) == {(USERS, 1): SAME_USER}


@pytest.mark.parametrize(
    ("created_at", "created", "seen"),
    [
        (None, NOW, datetime(2026, 2, 22, 12, tzinfo=UTC)),
        ("2024-01-01", datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 1, tzinfo=UTC)),
        # Of Moscow, without saying so.
        ("2026-03-01 14:59:00", NOW, datetime(2026, 2, 22, 12, tzinfo=UTC)),
        ("2030-01-01", NOW, datetime(2026, 2, 22, 12, tzinfo=UTC)),
    ],
)
def test_nobody_was_seen_lately(created_at: Value, created: datetime, seen: datetime) -> None:
    one = only_user(user(created_at=created_at))
    assert (one.created_at, one.last_seen_at) == (created, seen)


def test_who_has_only_records_was_there_since_the_first() -> None:
    one = only_user(user(), record(1, date="2026-02-28"), record(2, date="2024-05-01"))
    assert one.created_at == datetime(2024, 5, 1, tzinfo=UTC)
    assert one.last_seen_at == datetime(2026, 2, 22, 12, tzinfo=UTC)


# ---- records -----------------------------------------------------------------------------------------------------


def test_the_dev_versions_body_fat_is_computed_anew() -> None:
    """It fed centimetres into the formula for inches and got 24.9 % for this man."""
    conversion = converted(user(sex="male"), record(waist="90", neck=40, height="1,8"))
    assert conversion.records[0].body_fat == 18.4
    assert conversion.body_fat == {BodyFatOutcome.COMPUTED: 1}


@pytest.mark.parametrize(
    ("sex", "girths", "outcome"),
    [
        ("male", {"waist": 60, "neck": 40}, BodyFatOutcome.REFUSED),
        ("male", {"waist": 60, "neck": 60}, BodyFatOutcome.REFUSED),
        ("male", {"waist": 90}, BodyFatOutcome.IMPOSSIBLE),
        ("female", {"waist": 70, "neck": 33}, BodyFatOutcome.IMPOSSIBLE),
        (None, {"waist": 90, "neck": 40, "hip": 100}, BodyFatOutcome.IMPOSSIBLE),
    ],
)
def test_without_a_right_body_fat_there_is_none(sex: Value, girths: dict[str, Value], outcome: BodyFatOutcome) -> None:
    conversion = converted(user(sex=sex), record(1, **girths))
    assert conversion.records[0].body_fat is None
    assert conversion.body_fat == {outcome: 1}


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"telegram_id": None}, "telegram_id: missing"),
        ({"telegram_id": 8}, NO_USER),
        ({"date": " "}, "date: missing"),
        ({"date": "вчера"}, "date: not understood"),
        ({"date": "1999-12-31"}, "date: out of range"),
        ({"date": "2026-03-03"}, "date: out of range"),
        ({"weight": None}, "weight: missing"),
        ({"weight": "много"}, "weight: not understood"),
        ({"weight": b"\xff"}, "weight: not understood"),
        ({"weight": 7}, "weight: out of range"),
        ({"height": None}, NO_HEIGHT),
        ({"height": 18}, NO_HEIGHT),
    ],
)
def test_a_record_is_rejected_for(fields: dict[str, Value], reason: str) -> None:
    conversion = converted(record(row=5, **fields))
    assert reasons(conversion) == {(RECORDS, 5): reason}
    assert (conversion.records, conversion.dropped) == ([], [])


def test_where_it_is_tomorrow_already_a_record_may_be_of_tomorrow() -> None:
    assert [one.day for one in converted(record(date="2026-03-02")).records] == [date(2026, 3, 2)]


def test_fields_that_make_no_sense_do_not_lose_the_record() -> None:
    conversion = converted(
        record(waist="не мерил", neck=7, hip=b"", goal="?", steps=1.375, sport_type="шахматы", sport_freq="3")
    )
    (one,) = conversion.records
    assert (one.weight_kg, one.waist_cm, one.neck_cm, one.hip_cm) == (82, None, None, None)
    assert (one.goal, one.steps, one.sport, one.frequency) == (None, None, None, None)
    assert notes(conversion) == {
        "waist": "not understood",
        "neck": "out of range",
        "hip": "not understood",
        "goal": "not understood",
        "steps": "out of range",
        "sport_type": "not understood",
        "sport_freq": "without a sport",
    }


def test_of_two_rows_of_a_day_the_newer_counts() -> None:
    conversion = converted(
        record(3, weight=83),
        record(9, date="01.01.2025 20:00", weight=84),
        record(4, weight=85),
        record(5, date="2025-01-02"),
    )
    assert [(one.day.day, one.weight_kg) for one in conversion.records] == [(1, 84), (2, 82)]
    assert reasons(conversion) == {(RECORDS, 3): SAME_DAY, (RECORDS, 4): SAME_DAY}


def test_a_newer_row_that_is_no_use_does_not_cost_the_older_one() -> None:
    conversion = converted(record(1, weight=83), record(2, weight="?"))
    assert [one.weight_kg for one in conversion.records] == [83]
    assert reasons(conversion) == {(RECORDS, 2): "weight: not understood"}


def test_a_missing_height_is_that_of_the_nearest_record() -> None:
    conversion = converted(
        record(1, date="2025-01-01", height=None),
        record(2, date="2025-02-01", height=170),
        record(3, date="2025-03-01", height="?"),
        record(4, date="2025-04-01", height=171),
    )
    assert [one.height_cm for one in conversion.records] == [170, 170, 170, 171]
    assert Counter((one.row, one.reason) for one in conversion.dropped) == {
        (1, BORROWED_HEIGHT): 1,
        (3, "not understood"): 1,
        (3, BORROWED_HEIGHT): 1,
    }


def test_the_profile_is_the_newest_that_is_known() -> None:
    one = only_user(
        user(),
        record(1, date="2025-01-01", height=170, goal="lean", steps=3000, sport_type="бег", sport_freq=3),
        record(3, date="2025-02-01", height=171, goal="?", steps=9000, sport_type="силовые"),
        record(2, date="2024-01-01", height=172, goal="athletic"),
    )
    assert (one.height_cm, one.goal, one.steps) == (171, Goal.LEAN, Steps.UNDER_10000)
    # A sport without its frequency would be half of an answer.
    assert (one.sport, one.frequency) == (Sport.CARDIO, Frequency.THREE_FOUR)


def test_who_stopped_training_has_no_sport() -> None:
    one = only_user(
        user(),
        record(1, sport_type="бег", sport_freq=3),
        record(2, date="2025-02-01", sport_type="нет", sport_freq="3"),
    )
    assert (one.sport, one.frequency) == (Sport.NONE, None)


# ---- food --------------------------------------------------------------------------------------------------------


def test_food_preferences_are_taken_over() -> None:
    conversion = converted(preferences(likes_raw="рыба", dislikes_raw="х" * 1001, created_at="2025-01-01"))
    (one,) = conversion.preferences
    assert (one.telegram_id, one.likes, one.dislikes) == (7, "рыба", "х" * 1000)
    assert one.updated_at == datetime(2025, 1, 1, tzinfo=UTC)
    assert notes(conversion) == {"dislikes_raw": "cut to 1000 characters"}


def test_of_food_preferences_the_newest_with_a_text_count() -> None:
    conversion = converted(
        preferences(1, likes_raw="рыба"),
        preferences(2, dislikes_raw="лук"),
        preferences(3, likes_raw="-", dislikes_raw=" "),
        preferences(4, telegram_id=8, likes_raw="рис"),
    )
    assert [(one.likes, one.dislikes) for one in conversion.preferences] == [(None, "лук")]
    assert reasons(conversion) == {(PREFERENCES, 1): SAME_USER, (PREFERENCES, 3): NO_TEXT, (PREFERENCES, 4): NO_USER}
