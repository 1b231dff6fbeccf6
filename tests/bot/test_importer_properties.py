"""What must hold for whatever stands in the DEV version's rows."""

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from kbju_bot.core.profile import HEIGHT_CM, HIP_CM, NECK_CM, WAIST_CM, WEIGHT_KG, Sport
from kbju_bot.importer.conversion import convert
from kbju_bot.importer.rows import (
    PREFERENCES,
    RECORDS,
    USERS,
    DevDatabase,
    PreferenceRow,
    RecordRow,
    UserRow,
    Value,
)

from .importing import NOW

ANYTHING: st.SearchStrategy[Value] = (
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.binary(max_size=4)
    | st.sampled_from(
        ["70,5", "1.8", 70, 180, 90.0, "2025-01-01", "01.01.1990", "male", "ж", "бег", "3", "lean", "x\0"]
    )
)
LIKELY_WEIGHTS: st.SearchStrategy[Value] = st.sampled_from([70, "70,5"])
LIKELY_HEIGHTS: st.SearchStrategy[Value] = st.sampled_from([170, None])
IDS: st.SearchStrategy[Value] = st.sampled_from([1, 2, "2", 3, None, -1]) | ANYTHING


def rows(kind: type[Any], **certain: st.SearchStrategy[Value]) -> st.SearchStrategy[list[Any]]:
    """Draw rows of a table in any order, their numbers as SQLite gives them."""
    columns = {name: certain.get(name, ANYTHING) for name in kind._fields[1:]}
    row = st.fixed_dictionaries(columns)
    return st.lists(row, max_size=12).flatmap(
        lambda drawn: st.permutations([kind(row=number, **fields) for number, fields in enumerate(drawn, start=1)])
    )


@settings(deadline=None, derandomize=True, max_examples=300)
@given(
    rows(UserRow, telegram_id=IDS),
    rows(
        RecordRow,
        telegram_id=st.sampled_from([1, 2, 3]),
        date=st.sampled_from(["2025-01-01", "02.01.2025", None]) | ANYTHING,
        weight=LIKELY_WEIGHTS | ANYTHING,
        height=LIKELY_HEIGHTS | ANYTHING,
    ),
    rows(PreferenceRow, telegram_id=IDS),
)
def test_whatever_the_rows_hold_each_is_accepted_or_rejected(
    users: list[UserRow], records: list[RecordRow], food: list[PreferenceRow]
) -> None:
    conversion = convert(DevDatabase(users, records, food), NOW)

    rejected = Counter(one.table for one in conversion.rejected)
    assert len({one[:2] for one in conversion.rejected}) == len(conversion.rejected)
    for table, given_rows, accepted in (
        (USERS, users, conversion.users),
        (RECORDS, records, conversion.records),
        (PREFERENCES, food, conversion.preferences),
    ):
        assert len(accepted) + rejected[table] == len(given_rows) == conversion.read[table]
        assert conversion.accepted[table] == len(accepted)
    ids = {one.telegram_id for one in conversion.users}
    assert len(ids) == len(conversion.users)
    assert len({(one.telegram_id, one.day) for one in conversion.records}) == len(conversion.records)
    assert {one.telegram_id for one in conversion.records} <= ids
    assert {one.telegram_id for one in conversion.preferences} <= ids
    assert sum(conversion.body_fat.values()) == len(conversion.records)
    for one in conversion.records:
        assert WEIGHT_KG.low <= one.weight_kg <= WEIGHT_KG.high
        assert HEIGHT_CM.low <= one.height_cm <= HEIGHT_CM.high
        for value, accepted_range in ((one.waist_cm, WAIST_CM), (one.neck_cm, NECK_CM), (one.hip_cm, HIP_CM)):
            assert value is None or accepted_range.low <= value <= accepted_range.high
    for person in conversion.users:
        assert (person.frequency is None) == (person.sport in {None, Sport.NONE})
        assert "\0" not in person.first_name
        assert person.last_seen_at < NOW
