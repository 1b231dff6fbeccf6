"""What an import tells: counts, reasons and row numbers, but nothing that stands in a row."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator

from kbju_bot.importer.conversion import Conversion
from kbju_bot.importer.records import BodyFatOutcome
from kbju_bot.importer.rows import TABLES
from kbju_bot.importer.writing import Outcome

NOTHING_TO_IMPORT = "nothing to import"
_SHOWN = 20


def text(conversion: Conversion, outcome: Outcome, *, dry_run: bool, complete: bool) -> str:
    """Return the report; with `complete` it has the numbers of all rejected rows, else of the first of each reason."""
    return "\n".join(
        [
            *_tables(conversion, outcome),
            "",
            *_body_fat(conversion),
            *_dropped(conversion),
            *_rejected(conversion, complete=complete),
            "",
            _result(outcome, dry_run=dry_run),
        ]
    )


def json_lines(conversion: Conversion) -> Iterator[str]:
    """Yield a JSON object, with its line end, for each rejected row and each dropped field."""
    for rejected in conversion.rejected:
        yield json.dumps({"kind": "rejected", **rejected._asdict()}) + "\n"
    for dropped in conversion.dropped:
        yield json.dumps({"kind": "dropped", **dropped._asdict()}) + "\n"


def _tables(conversion: Conversion, outcome: Outcome) -> Iterator[str]:
    # Without single spaces: there Ansible breaks what it takes for a paragraph.
    heads = ("table", "read", "accepted", "rejected", "added", "already-there", "fields-dropped")
    rejected = Counter(one.table for one in conversion.rejected)
    dropped = Counter(one.table for one in conversion.dropped)
    rows = [
        (
            table,
            conversion.read[table],
            conversion.accepted[table],
            rejected[table],
            outcome.added[table],
            conversion.accepted[table] - outcome.added[table],
            dropped[table],
        )
        for table in TABLES
    ]
    for row in (heads, *rows):
        yield f"{row[0]:<22}" + "".join(f"{cell:>16}" for cell in row[1:])


def _body_fat(conversion: Conversion) -> Iterator[str]:
    yield "body fat, computed anew:"
    for outcome in BodyFatOutcome:
        yield f"  {outcome}: {conversion.body_fat.get(outcome, 0)}"


def _dropped(conversion: Conversion) -> Iterator[str]:
    counts = Counter((one.table, one.field, one.reason) for one in conversion.dropped)
    if counts:
        yield "fields dropped from rows that are taken over:"
    for (table, field, reason), count in sorted(counts.items()):
        yield f"  {table}.{field}: {reason}: {count}"


def _rejected(conversion: Conversion, *, complete: bool) -> Iterator[str]:
    numbers: dict[tuple[str, str], list[int]] = defaultdict(list)
    for one in conversion.rejected:
        numbers[one.table, one.reason].append(one.row)
    if numbers:
        yield "rejected rows:"
    for (table, reason), rows in sorted(numbers.items()):
        shown = sorted(rows) if complete else sorted(rows)[:_SHOWN]
        more = f" and {len(rows) - len(shown)} more" if len(rows) > len(shown) else ""
        yield f"  {table}: {reason}: {len(rows)}; rows {', '.join(map(str, shown))}{more}"


def _result(outcome: Outcome, *, dry_run: bool) -> str:
    if not outcome.changes:
        return f"{NOTHING_TO_IMPORT}: the database has everything that can be taken over"
    what = ", ".join(f"{outcome.added[table]} rows of {table}" for table in TABLES)
    filled = f", and the profiles of {outcome.filled} known users completed" if outcome.filled else ""
    return f"{'dry run, nothing was changed; it would be imported' if dry_run else 'imported'}: {what}{filled}"
