"""What has changed since the first measurement, in words."""

from collections.abc import Sequence

from kbju_bot.core.state import Record
from kbju_bot.texts import Language, Text, number, render


def describe(records: Sequence[Record], language: Language) -> str:
    """Return the change of weight and body fat over `records`, oldest first."""
    if not records:
        return render(Text.PROGRESS_NONE, language)
    first, last = records[0], records[-1]
    if len(records) == 1:
        weight = number(last.weight_kg, language)
        return render(Text.PROGRESS_ONE, language, weight=weight, day=f"{last.day:%d.%m.%Y}")
    lines = [
        render(
            Text.PROGRESS_SINCE,
            language,
            first=f"{first.day:%d.%m.%Y}",
            last=f"{last.day:%d.%m.%Y}",
            count=str(len(records)),
        ),
        render(
            Text.PROGRESS_WEIGHT,
            language,
            now=number(last.weight_kg, language),
            change=_signed(last.weight_kg - first.weight_kg, language),
        ),
    ]
    if last.body_fat is not None:
        first_known = next(record.body_fat for record in records if record.body_fat is not None)
        change = _signed(last.body_fat - first_known, language)
        lines.append(render(Text.PROGRESS_BODY_FAT, language, now=number(last.body_fat, language), change=change))
    if len(records) > 2:
        before = records[-2]
        change = _signed(last.weight_kg - before.weight_kg, language)
        lines.append(render(Text.PROGRESS_LATELY, language, day=f"{before.day:%d.%m.%Y}", change=change))
    return "\n".join(lines)


def _signed(value: float, language: Language) -> str:
    size = number(abs(value), language)
    if size == "0":
        return "±0"
    return ("−" if value < 0 else "+") + size
