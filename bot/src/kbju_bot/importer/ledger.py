"""The account of every row that was read: taken over or rejected, and what was left out of it."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from kbju_bot.core.parsing import NotUnderstoodError, OutOfRangeError
from kbju_bot.importer.rows import Dropped, PreferenceRow, RecordRow, Rejected, UserRow, Value
from kbju_bot.importer.values import is_blank

T = TypeVar("T")
RowT = TypeVar("RowT", UserRow, RecordRow, PreferenceRow)

NOT_UNDERSTOOD: Final = "not understood"
OUT_OF_RANGE: Final = "out of range"


class UnusableError(Exception):
    """A row can't be taken over; the text is the reason and quotes nothing of it."""


class Fields:
    """The fields of one row. `dropped` collects what was left out of it."""

    __slots__ = ("dropped", "row", "table")

    def __init__(self, table: str, row: int) -> None:
        self.table = table
        self.row = row
        self.dropped: list[Dropped] = []

    def required(self, name: str, value: Value, read: Callable[[Value], T]) -> T:
        """Return what `read` makes of the value. Raise UnusableError where that is nothing."""
        if is_blank(value):
            raise UnusableError(f"{name}: missing")
        try:
            return read(value)
        except NotUnderstoodError:
            raise UnusableError(f"{name}: {NOT_UNDERSTOOD}") from None
        except OutOfRangeError:
            raise UnusableError(f"{name}: {OUT_OF_RANGE}") from None

    def optional(self, name: str, value: Value, read: Callable[[Value], T]) -> T | None:
        """Return what `read` makes of the value, or None, which is noted where there was a value."""
        if is_blank(value):
            return None
        try:
            return read(value)
        except NotUnderstoodError:
            self.note(name, NOT_UNDERSTOOD)
        except OutOfRangeError:
            self.note(name, OUT_OF_RANGE)
        return None

    def cut(self, name: str, text: str | None, longest: int) -> str | None:
        """Return the text's first `longest` characters; that there were more is noted."""
        if text is None or len(text) <= longest:
            return text
        self.note(name, f"cut to {longest} characters")
        return text[:longest]

    def note(self, name: str, reason: str) -> None:
        """Note what happened to a field."""
        self.dropped.append(Dropped(self.table, self.row, name, reason))


@dataclass(frozen=True, slots=True)
class Candidate(Generic[T]):
    """What was understood of a row."""

    content: T
    fields: Fields


class Ledger:
    """Every row is read once, and in the end either accepted once or rejected once."""

    def __init__(self) -> None:
        self.read: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.rejected: list[Rejected] = []
        self.dropped: list[Dropped] = []

    def sift(self, table: str, rows: Iterable[RowT], understand: Callable[[RowT, Fields], T]) -> list[Candidate[T]]:
        """Return what `understand` made of the rows, without those for which it raised UnusableError."""
        candidates = []
        for row in rows:
            self.read[table] += 1
            fields = Fields(table, row.row)
            try:
                candidates.append(Candidate(understand(row, fields), fields))
            except UnusableError as error:
                self.reject(fields, str(error))
        return candidates

    def newest(
        self, candidates: Iterable[Candidate[T]], key: Callable[[T], Hashable], reason: str
    ) -> list[Candidate[T]]:
        """Return the candidate with the highest row number for each key; the others are rejected."""
        chosen: dict[Hashable, Candidate[T]] = {}
        for candidate in sorted(candidates, key=lambda one: one.fields.row):
            older = chosen.get(key(candidate.content))
            if older is not None:
                self.reject(older.fields, reason)
            chosen[key(candidate.content)] = candidate
        return list(chosen.values())

    def reject(self, fields: Fields, reason: str) -> None:
        """Note why a row is not taken over."""
        self.rejected.append(Rejected(fields.table, fields.row, reason))

    def accept(self, candidates: Iterable[Candidate[T]]) -> list[T]:
        """Note that the candidates are taken over, and return their content."""
        contents = []
        for candidate in candidates:
            self.accepted[candidate.fields.table] += 1
            self.dropped += candidate.fields.dropped
            contents.append(candidate.content)
        return contents
