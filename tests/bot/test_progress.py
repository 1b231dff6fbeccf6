"""The words about progress, which stand under the chart."""

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbju_bot.core.progress import describe
from kbju_bot.core.state import Record
from kbju_bot.texts import Language

FIRST = date(2026, 1, 5)


def record(week: int, weight: float, fat: float | None = None) -> Record:
    """Return the measurements of a week."""
    return Record(FIRST + timedelta(weeks=week), weight, 80, 34, 100, body_fat=fat)


@pytest.mark.parametrize("language", Language)
def test_nothing_yet(language: Language) -> None:
    assert "/measure" in describe([], language)


def test_one_measurement() -> None:
    said = describe([record(0, 70.5, 30.3)], Language.RU)
    assert said == "Пока одно измерение: 70,5 кг, 05.01.2026. Добавьте ещё — и увидите изменения: /measure."


def test_two_measurements() -> None:
    assert describe([record(0, 70.5, 30.3), record(1, 69, 29.1)], Language.RU).splitlines() == [
        "С 05.01.2026 по 12.01.2026, измерений: 2",
        "Вес: 69 кг (−1,5 кг)",
        "Жир: 29,1 % (−1,2 п. п.)",
    ]


def test_several_measurements() -> None:
    records = [record(0, 70.5, 30.3), record(1, 69, 29.1), record(3, 69.6, 29.1)]
    assert describe(records, Language.EN).splitlines() == [
        "From 05.01.2026 to 26.01.2026, measurements: 3",
        "Weight: 69.6 kg (−0.9 kg)",
        "Body fat: 29.1% (−1.2 points)",
        "Since the last time (12.01.2026): +0.6 kg",
    ]


def test_nothing_has_changed() -> None:
    assert "70 кг (±0 кг)" in describe([record(0, 70), record(1, 70)], Language.RU)


def test_body_fat_counts_from_where_it_is_known() -> None:
    said = describe([record(0, 75), record(1, 70, 30), record(2, 69, 29.5)], Language.RU)
    assert "Жир: 29,5 % (−0,5 п. п.)" in said


def test_an_old_body_fat_is_not_told_as_todays() -> None:
    said = describe([record(0, 70, 30), record(1, 69, 29), record(2, 68)], Language.RU)
    assert "Жир" not in said


@settings(deadline=None, derandomize=True, max_examples=200)
@given(
    weights=st.lists(st.tuples(st.integers(300, 3000), st.none() | st.integers(20, 650)), min_size=1, max_size=40),
    language=st.sampled_from(Language),
)
def test_it_fits_under_a_picture(weights: list[tuple[int, int | None]], language: Language) -> None:
    records = [
        record(week, weight / 10, None if fat is None else fat / 10) for week, (weight, fat) in enumerate(weights)
    ]
    said = describe(records, language)
    assert len(said) <= 1024
    mark = "," if language is Language.RU else "."
    whole, tenth = divmod(weights[-1][0], 10)
    assert f" {whole}{mark}{tenth}".removesuffix(f"{mark}0") + (" кг" if language is Language.RU else " kg") in said
