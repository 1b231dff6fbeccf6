"""A user's state: read in one statement, written where it changed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from kbju_bot.core import memory
from kbju_bot.core.model import Person
from kbju_bot.core.profile import Frequency, Goal, Sex, Sport, Steps
from kbju_bot.core.reminders import next_time
from kbju_bot.core.state import Preferences, Profile, Record, Reminder, State
from kbju_bot.texts import Language

MOST_WAITING = 500
"""How many replies to one user may wait. Telegram takes about one a second: who has more is flooding the bot, and each
row that waits costs everybody's sending a little."""
_SEEN_INTERVAL = timedelta(minutes=1)

_LOAD = """
WITH admitted AS (
    INSERT INTO inbox (update_id, telegram_id, received_at) VALUES ($1, $2, $3)
    ON CONFLICT (update_id) DO NOTHING RETURNING update_id
)
SELECT
    EXISTS (SELECT FROM admitted) AS admitted,
    users.*,
    users.height_cm::float8 AS height,
    (SELECT max(version) FROM consents WHERE consents.telegram_id = $2) AS consent,
    record.day, record.weight_kg::float8, record.waist_cm::float8, record.neck_cm::float8, record.hip_cm::float8,
    record.body_fat::float8,
    likes, dislikes, weekday, hour, dialogues.state,
    (
        SELECT count(*) FROM (
            SELECT FROM outbox
            WHERE outbox.telegram_id = $2 AND sent_at IS NULL AND failed_at IS NULL LIMIT $4
        ) AS waiting
    ) AS waiting
FROM (VALUES ($2::bigint)) AS asked (telegram_id)
LEFT JOIN users ON users.telegram_id = asked.telegram_id
LEFT JOIN LATERAL (
    SELECT * FROM user_records WHERE user_records.telegram_id = asked.telegram_id ORDER BY day DESC LIMIT 1
) AS record ON true
LEFT JOIN user_food_preferences AS food ON food.telegram_id = asked.telegram_id
LEFT JOIN reminders ON reminders.telegram_id = asked.telegram_id
LEFT JOIN dialogues ON dialogues.telegram_id = asked.telegram_id
"""


@dataclass(frozen=True, slots=True)
class Admitted:
    """An update that is handled now, and what is known of its sender."""

    state: State
    person: Person | None
    """The sender as last stored; None for somebody new."""
    stale: bool
    """Whether the time the sender was last seen at is old enough to be written anew."""
    flooded: bool = False
    """Whether so many replies wait for this user that no more are worth queueing."""


async def admit(
    connection: asyncpg.Connection, update_id: int, telegram_id: int, received_at: datetime
) -> Admitted | None:
    """Note the update as handled by this transaction and load its sender. None where it had been handled before."""
    row = await connection.fetchrow(_LOAD, update_id, telegram_id, received_at, MOST_WAITING)
    if not row["admitted"]:
        return None
    flooded = row["waiting"] >= MOST_WAITING
    if row["telegram_id"] is None:
        return Admitted(State(), None, stale=False, flooded=flooded)
    person = Person(telegram_id, row["first_name"], row["last_name"], row["username"], row["language_code"])
    stale = row["blocked_at"] is not None or row["last_seen_at"] < datetime.now(UTC) - _SEEN_INTERVAL
    return Admitted(_state(row), person, stale, flooded)


def _state(row: Mapping[str, Any]) -> State:
    state = State(
        registered=True,
        language=Language(row["language"]) if row["language"] else None,
        time_zone=row["time_zone"],
        consent=row["consent"],
        profile=_profile(row),
        record=record_of(row) if row["day"] is not None else None,
        preferences=Preferences(row["likes"], row["dislikes"]),
        reminder=Reminder(row["weekday"], row["hour"]) if row["weekday"] is not None else None,
    )
    return memory.load(json.loads(row["state"]), state) if row["state"] else state


def _profile(row: Mapping[str, Any]) -> Profile | None:
    if None in (row[key] for key in ("name", "sex", "birth_date", "height", "steps", "sport", "goal")):
        return None
    return Profile(
        name=row["name"],
        sex=Sex(row["sex"]),
        birth_date=row["birth_date"],
        height_cm=row["height"],
        steps=Steps(row["steps"]),
        sport=Sport(row["sport"]),
        frequency=Frequency(row["frequency"]) if row["frequency"] else None,
        goal=Goal(row["goal"]),
    )


def record_of(row: Mapping[str, Any]) -> Record:
    """Return the record in a row of `user_records` whose numbers were cast to float8."""
    return Record(
        row["day"], row["weight_kg"], row["waist_cm"], row["neck_cm"], row["hip_cm"], body_fat=row["body_fat"]
    )


async def save(
    connection: asyncpg.Connection, person: Person, before: State, after: State, *, now: datetime, default_zone: str
) -> None:
    """Write what differs between two states of a user."""
    telegram_id = person.telegram_id
    if not after.registered:
        return
    if not before.registered:
        await _register(connection, person)
    if (before.language, before.time_zone) != (after.language, after.time_zone):
        await _write_settings(connection, telegram_id, after)
    # A profile that is not complete yet, as an import may leave it, is None here and stays as it is there.
    if after.profile is not None and after.profile != before.profile:
        await _write_profile(connection, telegram_id, after.profile)
    if after.consent is not None and after.consent != before.consent:
        await connection.execute(
            "INSERT INTO consents (telegram_id, version) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            telegram_id,
            after.consent,
        )
    if after.record is not None and after.profile is not None and after.record != before.record:
        await _write_record(connection, telegram_id, after.record, after.profile)
    if after.preferences != before.preferences:
        await connection.execute(
            """
            INSERT INTO user_food_preferences (telegram_id, likes, dislikes) VALUES ($1, $2, $3)
            ON CONFLICT (telegram_id) DO UPDATE
            SET likes = EXCLUDED.likes, dislikes = EXCLUDED.dislikes, updated_at = now()
            """,
            telegram_id,
            after.preferences.likes,
            after.preferences.dislikes,
        )
    if (before.reminder, before.time_zone) != (after.reminder, after.time_zone):
        await _write_reminder(connection, telegram_id, after, now, default_zone)
    if (before.form, before.paused, before.prompts) != (after.form, after.paused, after.prompts):
        await _write_dialogue(connection, telegram_id, after)


async def _register(connection: asyncpg.Connection, person: Person) -> None:
    await connection.execute(
        """
        INSERT INTO users (telegram_id, username, first_name, last_name, language_code) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (telegram_id) DO NOTHING
        """,
        person.telegram_id,
        person.username,
        person.first_name,
        person.last_name,
        person.language_code,
    )


async def _write_settings(connection: asyncpg.Connection, telegram_id: int, state: State) -> None:
    await connection.execute(
        "UPDATE users SET language = $2, time_zone = $3 WHERE telegram_id = $1",
        telegram_id,
        state.language,
        state.time_zone,
    )


async def _write_profile(connection: asyncpg.Connection, telegram_id: int, profile: Profile) -> None:
    await connection.execute(
        """
        UPDATE users SET name = $2, sex = $3, birth_date = $4, height_cm = $5::float8, steps = $6, sport = $7,
            frequency = $8, goal = $9
        WHERE telegram_id = $1
        """,
        telegram_id,
        profile.name,
        profile.sex,
        profile.birth_date,
        profile.height_cm,
        profile.steps,
        profile.sport,
        profile.frequency,
        profile.goal,
    )


async def _write_record(connection: asyncpg.Connection, telegram_id: int, record: Record, profile: Profile) -> None:
    await connection.execute(
        """
        INSERT INTO user_records (
            telegram_id, day, weight_kg, waist_cm, neck_cm, hip_cm, body_fat, height_cm, steps, sport, frequency, goal
        )
        VALUES ($1, $2, $3::float8, $4::float8, $5::float8, $6::float8, $7::float8, $8::float8, $9, $10, $11, $12)
        ON CONFLICT (telegram_id, day) DO UPDATE SET
            weight_kg = EXCLUDED.weight_kg, waist_cm = EXCLUDED.waist_cm, neck_cm = EXCLUDED.neck_cm,
            hip_cm = EXCLUDED.hip_cm, body_fat = EXCLUDED.body_fat, height_cm = EXCLUDED.height_cm,
            steps = EXCLUDED.steps, sport = EXCLUDED.sport, frequency = EXCLUDED.frequency, goal = EXCLUDED.goal,
            updated_at = now()
        """,
        telegram_id,
        record.day,
        record.weight_kg,
        record.waist_cm,
        record.neck_cm,
        record.hip_cm,
        record.body_fat,
        profile.height_cm,
        profile.steps,
        profile.sport,
        profile.frequency,
        profile.goal,
    )


async def _write_reminder(
    connection: asyncpg.Connection, telegram_id: int, state: State, now: datetime, default_zone: str
) -> None:
    if state.reminder is None:
        await connection.execute("DELETE FROM reminders WHERE telegram_id = $1", telegram_id)
        return
    await connection.execute(
        """
        INSERT INTO reminders (telegram_id, weekday, hour, next_at) VALUES ($1, $2, $3, $4)
        ON CONFLICT (telegram_id) DO UPDATE
        SET weekday = EXCLUDED.weekday, hour = EXCLUDED.hour, next_at = EXCLUDED.next_at, updated_at = now()
        """,
        telegram_id,
        state.reminder.weekday,
        state.reminder.hour,
        next_time(state.reminder, state.time_zone or default_zone, now),
    )


async def _write_dialogue(connection: asyncpg.Connection, telegram_id: int, state: State) -> None:
    await connection.execute(
        """
        INSERT INTO dialogues (telegram_id, state) VALUES ($1, $2::jsonb)
        ON CONFLICT (telegram_id) DO UPDATE SET state = EXCLUDED.state, updated_at = now()
        """,
        telegram_id,
        json.dumps(memory.dump(state)),
    )


async def records(connection: asyncpg.Connection, telegram_id: int) -> list[Record]:
    """Return all records of a user, oldest first."""
    rows = await connection.fetch(
        """
        SELECT day, weight_kg::float8, waist_cm::float8, neck_cm::float8, hip_cm::float8, body_fat::float8
        FROM user_records WHERE telegram_id = $1 ORDER BY day
        """,
        telegram_id,
    )
    return [record_of(row) for row in rows]
