"""Measurements: from the DEV version's rows to PostgreSQL's."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Sequence
from datetime import date
from enum import StrEnum
from functools import lru_cache, partial

from kbju_bot.core import formulas
from kbju_bot.core.parsing import OutOfRangeError
from kbju_bot.core.profile import HIP_CM, NECK_CM, WAIST_CM, WEIGHT_KG, Sex, Sport
from kbju_bot.importer import habits, values
from kbju_bot.importer.ledger import Candidate, Fields, Ledger, UnusableError
from kbju_bot.importer.rows import RECORDS, Record, RecordRow, Value

EARLIEST_DAY = date(2000, 1, 1)
SAME_DAY = "another row of the same day is newer"
NO_USER = "telegram_id: there is no such user"
NO_HEIGHT = "height: none that can be used in any row of the user"
BORROWED_HEIGHT = "taken from the user's nearest row"
_HEIGHTLESS = 0.0

# Hundreds of thousands of fields hold a few thousand different values.
_weight, _waist, _neck, _hip = (
    lru_cache(maxsize=65536)(partial(values.measurement, accepted=accepted))
    for accepted in (WEIGHT_KG, WAIST_CM, NECK_CM, HIP_CM)
)


class BodyFatOutcome(StrEnum):
    """What became of a record's body fat."""

    COMPUTED = "computed"
    REFUSED = "refused by the formula"
    IMPOSSIBLE = "not computable without the sex or a girth"


def convert(
    rows: Iterable[RecordRow], users: Container[int], last_day: date, ledger: Ledger
) -> list[Candidate[Record]]:
    """Return the records that can be taken over, without body fat.

    `users` are all that there are; a record after `last_day` is rejected.
    """

    read_day = lru_cache(maxsize=65536)(partial(_day, last=last_day))

    def understand(row: RecordRow, fields: Fields) -> Record:
        record = _record(row, fields, read_day)
        if record.telegram_id not in users:
            raise UnusableError(NO_USER)
        return record

    understood = _with_heights(ledger.sift(RECORDS, rows, understand), ledger)
    return ledger.newest(understood, lambda record: (record.telegram_id, record.day), SAME_DAY)


def _record(row: RecordRow, fields: Fields, read_day: Callable[[Value], date]) -> Record:
    telegram_id = fields.required("telegram_id", row.telegram_id, values.telegram_id)
    day = fields.required("date", row.date, read_day)
    weight_kg = fields.required("weight", row.weight, _weight)
    sport = fields.optional("sport_type", row.sport_type, habits.sport)
    frequency = fields.optional("sport_freq", row.sport_freq, habits.frequency)
    if frequency is not None and sport in {None, Sport.NONE}:
        fields.note("sport_freq", "without a sport")
        frequency = None
    return Record(
        telegram_id=telegram_id,
        day=day,
        weight_kg=weight_kg,
        waist_cm=fields.optional("waist", row.waist, _waist),
        neck_cm=fields.optional("neck", row.neck, _neck),
        hip_cm=fields.optional("hip", row.hip, _hip),
        height_cm=fields.optional("height", row.height, values.height) or _HEIGHTLESS,
        body_fat=None,
        steps=fields.optional("steps", row.steps, habits.steps),
        sport=sport,
        frequency=frequency,
        goal=fields.optional("goal", row.goal, habits.goal),
    )


def _day(value: Value, last: date) -> date:
    day = values.day(value)
    if not EARLIEST_DAY <= day <= last:
        raise OutOfRangeError
    return day


def _with_heights(candidates: Sequence[Candidate[Record]], ledger: Ledger) -> list[Candidate[Record]]:
    """Give records without a height the one of the user's last record before it, or else of the first after it."""
    known: dict[int, list[tuple[date, float]]] = defaultdict(list)
    for candidate in candidates:
        record = candidate.content
        if record.height_cm != _HEIGHTLESS:
            known[record.telegram_id].append((record.day, record.height_cm))
    for of_user in known.values():
        of_user.sort()
    complete = []
    for candidate in candidates:
        record, fields = candidate.content, candidate.fields
        if record.height_cm != _HEIGHTLESS:
            complete.append(candidate)
        elif heights := known.get(record.telegram_id):
            at = bisect_right(heights, record.day, key=lambda one: one[0])
            fields.note("height", BORROWED_HEIGHT)
            complete.append(Candidate(record._replace(height_cm=heights[max(at - 1, 0)][1]), fields))
        else:
            ledger.reject(fields, NO_HEIGHT)
    return complete


def body_fat(record: Record, sex: Sex | None) -> tuple[float | None, BodyFatOutcome]:
    """Return the body fat of a record in percent, or why there is none. The formulas: core/formulas."""
    waist, neck, hip = record.waist_cm, record.neck_cm, record.hip_cm
    if sex is None or waist is None or neck is None or (sex is Sex.FEMALE and hip is None):
        return None, BodyFatOutcome.IMPOSSIBLE
    fat = formulas.body_fat(sex, height_cm=record.height_cm, waist_cm=waist, neck_cm=neck, hip_cm=hip)
    if not isinstance(fat, formulas.BodyFat):
        return None, BodyFatOutcome.REFUSED
    return round(fat.percent, 1), BodyFatOutcome.COMPUTED
