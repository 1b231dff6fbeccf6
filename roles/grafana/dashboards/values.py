"""How a panel wants its values written and coloured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Units with a factor between their names, the smallest first.
_SCALES: Mapping[str, tuple[float, tuple[str, ...]]] = {
    "bytes": (1024, ("B", "KiB", "MiB", "GiB", "TiB")),
    "decbytes": (1000, ("B", "kB", "MB", "GB", "TB")),
    "binBps": (1024, ("B/s", "KiB/s", "MiB/s", "GiB/s")),
    "bps": (1000, ("b/s", "kb/s", "Mb/s", "Gb/s")),
    "short": (1000, ("", " K", " Mil", " Bil")),
}
_TIMES = ((86400, "days"), (3600, "hours"), (60, "min"))
_AFTER = {"eps": " /s", "reqps": " /s"}


@dataclass(frozen=True)
class Shown:
    """What a panel says about the values that it shows."""

    unit: str
    decimals: int | None
    low: float | None
    high: float | None
    steps: Sequence[tuple[float | None, str]]
    words: Mapping[float, str]
    stacked: bool
    columns: Sequence[str]

    @classmethod
    def of(cls, panel: Mapping[str, Any]) -> Shown:
        """Read a panel."""
        field = panel["fieldConfig"]["defaults"]
        mapped = [options for one in field.get("mappings", []) for options in one["options"].items()]
        only = [
            one["options"]["include"]["names"]
            for one in panel.get("transformations", [])
            if "include" in one["options"]
        ]
        return cls(
            field["unit"],
            field.get("decimals"),
            field.get("min"),
            field.get("max"),
            [(step["value"], step["color"]) for step in field.get("thresholds", {}).get("steps", [])],
            {float(value): word["text"] for value, word in mapped},
            field.get("custom", {}).get("stacking", {}).get("mode") == "normal",
            only[0] if only else [],
        )


def shown(how: Shown, value: float) -> str:
    """Return `value` with its unit, as short as it can be read."""
    if how.unit == "percentunit":
        return f"{100 * value:.{_places(how, 100 * value)}f} %"
    if how.unit == "s":
        return _time(how, value)
    if how.unit in _SCALES:
        factor, names = _SCALES[how.unit]
        power = 0
        while abs(value) >= factor and power < len(names) - 1:
            value, power = value / factor, power + 1
        return f"{value:.{_places(how, value)}f} {names[power]}".replace("  ", " ").strip()
    return f"{value:.{_places(how, value)}f}{_AFTER.get(how.unit, '')}"


def word_of(how: Shown, value: float) -> str:
    """Return the word that a panel has for `value`, or the value with its unit."""
    return how.words.get(value) or shown(how, value)


def color_of(how: Shown, value: float | None) -> str:
    """Return the name of the colour of the highest threshold that `value` has reached; empty for none."""
    if value is None:
        return ""
    return next((color for step, color in reversed(how.steps) if step is None or value >= step), "")


def _time(how: Shown, seconds: float) -> str:
    for unit, name in _TIMES:
        if abs(seconds) >= unit:
            return f"{seconds / unit:.{_places(how, seconds / unit)}f} {name}"
    if abs(seconds) >= 1 or seconds == 0:
        return f"{seconds:.{_places(how, seconds)}f} s"
    return f"{seconds * 1000:.{_places(how, seconds * 1000)}f} ms"


def _places(how: Shown, value: float) -> int:
    """Return how many digits follow the point: as many as the panel wants, else so many that three can be read."""
    if how.decimals is not None:
        return how.decimals
    if value == int(value) or abs(value) >= 100:
        return 0
    return 1 if abs(value) >= 10 else 2
