"""From the DEV version's rows to PostgreSQL's, purely. docs/import.md tells the rules to those who run the import."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from kbju_bot.core.parsing import OutOfRangeError
from kbju_bot.core.profile import AGE_YEARS, Sex, Sport, age_on
from kbju_bot.importer import records, values
from kbju_bot.importer.ledger import Candidate, Fields, Ledger, UnusableError
from kbju_bot.importer.records import NO_USER, BodyFatOutcome
from kbju_bot.importer.rows import (
    PREFERENCES,
    TABLES,
    USERS,
    DevDatabase,
    Dropped,
    PreferenceRow,
    Preferences,
    Record,
    Rejected,
    User,
    UserRow,
    Value,
)

SAME_USER = "another row of the same user is newer"
NO_TEXT = "there is no text in it"
_EARLIEST_BIRTH = date(1900, 1, 1)
_EARLIEST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
# Nobody counts as active for being imported, neither today nor this week.
_UNSEEN = timedelta(days=7)
# The day is already tomorrow somewhere: as far as time zones go.
_EASTERNMOST = timedelta(hours=14)


class MiscountError(Exception):
    """Some row was neither accepted nor rejected, or both: the importer itself is wrong."""


@dataclass(frozen=True, slots=True)
class Conversion:
    """What is to be written, and the account of it. The mappings are by table."""

    users: Sequence[User]
    records: Sequence[Record]
    preferences: Sequence[Preferences]
    read: Mapping[str, int]
    accepted: Mapping[str, int]
    rejected: Sequence[Rejected]
    dropped: Sequence[Dropped]
    body_fat: Mapping[BodyFatOutcome, int]


class _Person(NamedTuple):
    telegram_id: int
    username: str | None
    first_name: str
    last_name: str | None
    sex: Sex | None
    birth_date: date | None
    created_at: datetime | None


def convert(dev: DevDatabase, now: datetime) -> Conversion:
    """Return what becomes of all rows at the moment `now`, which is aware of its time zone.

    Raises:
        MiscountError: accepted and rejected rows are not together the rows read.

    """
    ledger = Ledger()
    people = ledger.accept(
        ledger.newest(
            ledger.sift(USERS, dev.users, lambda row, fields: _person(row, fields, now)),
            lambda person: person.telegram_id,
            SAME_USER,
        )
    )
    sexes = {person.telegram_id: person.sex for person in people}
    last_day = (now.astimezone(UTC) + _EASTERNMOST).date()
    measured = ledger.accept(records.convert(dev.records, sexes, last_day, ledger))
    preferences = ledger.accept(_preferences(dev, sexes, now, ledger))
    for table in TABLES:
        rejected = sum(one.table == table for one in ledger.rejected)
        if ledger.accepted[table] + rejected != ledger.read[table]:
            raise MiscountError(
                f"{table}: {ledger.read[table]} rows read, {ledger.accepted[table]} accepted, {rejected} rejected"
            )
    fats = [records.body_fat(one, sexes[one.telegram_id]) for one in measured]
    diary = [one._replace(body_fat=percent) for one, (percent, _) in zip(measured, fats, strict=True)]
    of_user: dict[int, list[Record]] = defaultdict(list)
    for record in sorted(diary, key=lambda one: one.day):
        of_user[record.telegram_id].append(record)
    return Conversion(
        users=[_user(person, of_user[person.telegram_id], now) for person in people],
        records=diary,
        preferences=preferences,
        read=ledger.read,
        accepted=ledger.accepted,
        rejected=ledger.rejected,
        dropped=ledger.dropped,
        body_fat=Counter(outcome for _, outcome in fats),
    )


def _person(row: UserRow, fields: Fields, now: datetime) -> _Person:
    def name(column: str, value: Value) -> str | None:
        return fields.cut(column, fields.optional(column, value, values.telegram_name), values.LONGEST_TELEGRAM_NAME)

    return _Person(
        telegram_id=fields.required("telegram_id", row.telegram_id, values.telegram_id),
        username=name("username", row.username),
        # Telegram tells it anew when the user writes for the first time.
        first_name=name("first_name", row.first_name) or "",
        last_name=name("last_name", row.last_name),
        sex=fields.optional("sex", row.sex, values.sex),
        birth_date=fields.optional("date_of_birth", row.date_of_birth, lambda given: _birth_date(given, now)),
        created_at=fields.optional("created_at", row.created_at, lambda given: _past(given, now)),
    )


def _birth_date(value: Value, now: datetime) -> date:
    born = values.day(value)
    if born < _EARLIEST_BIRTH or not AGE_YEARS.low <= age_on(born, now.date()) <= AGE_YEARS.high:
        raise OutOfRangeError
    return born


def _past(value: Value, now: datetime) -> datetime:
    moment = values.moment(value)
    # Without a time zone it may be a few hours off.
    if not _EARLIEST_MOMENT <= moment <= now + _EASTERNMOST:
        raise OutOfRangeError
    return min(moment, now)


def _preferences(
    dev: DevDatabase, users: Mapping[int, object], now: datetime, ledger: Ledger
) -> list[Candidate[Preferences]]:
    def understand(row: PreferenceRow, fields: Fields) -> Preferences:
        telegram_id = fields.required("telegram_id", row.telegram_id, values.telegram_id)
        if telegram_id not in users:
            raise UnusableError(NO_USER)
        likes, dislikes = (
            fields.cut(column, fields.optional(column, value, values.food), values.LONGEST_FOOD)
            for column, value in (("likes_raw", row.likes_raw), ("dislikes_raw", row.dislikes_raw))
        )
        if likes is None and dislikes is None:
            raise UnusableError(NO_TEXT)
        written_at = fields.optional("created_at", row.created_at, lambda given: _past(given, now))
        return Preferences(telegram_id, likes, dislikes, written_at or now)

    return ledger.newest(ledger.sift(PREFERENCES, dev.preferences, understand), lambda one: one.telegram_id, SAME_USER)


def _user(person: _Person, diary: Sequence[Record], now: datetime) -> User:
    moments = [datetime.combine(record.day, time(), UTC) for record in diary]
    if person.created_at is not None:
        moments.append(person.created_at)
    return User(
        telegram_id=person.telegram_id,
        username=person.username,
        first_name=person.first_name,
        last_name=person.last_name,
        created_at=person.created_at or min([now, *moments]),
        last_seen_at=min(now - _UNSEEN, max(moments, default=now)),
        name=values.name_from(person.first_name),
        sex=person.sex,
        birth_date=person.birth_date,
        **_profile(diary),
    )


def _profile(diary: Sequence[Record]) -> dict[str, Any]:
    """Return the columns of the profile that records have: of each the newest known. `diary` is oldest first."""
    known: dict[str, Any] = {}
    for record in diary:
        known["height_cm"] = record.height_cm
        for column in ("steps", "goal"):
            known[column] = getattr(record, column) or known.get(column)
        # A training without a frequency is no use, and the database refuses it.
        if record.sport is Sport.NONE or record.frequency is not None:
            known |= {"sport": record.sport, "frequency": record.frequency}
    return known
