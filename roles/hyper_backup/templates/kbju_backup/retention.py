"""Which backups are kept: a pure function of their ages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Sequence

BEFORE_RESTORE = "before-restore"


@dataclass(frozen=True)
class Kept:
    """What retention needs to know of a backup that is complete and proven."""

    name: str
    taken: datetime
    kind: str


def superfluous(backups: Sequence[Kept], now: datetime, daily: int, weekly: int, monthly: int) -> list[str]:
    """Return the names of the backups that may go, oldest first.

    Kept are the newest of each of the last `daily` days, `weekly` weeks and `monthly` months that have any, everything
    of the last 24 hours, what was saved before a restore for `daily` days, and always the last one.
    """
    newest_first = sorted(backups, key=lambda one: (one.taken, one.name), reverse=True)
    kept = {one.name for one in newest_first[:1]}
    kept |= {one.name for one in newest_first if one.taken > now - timedelta(days=1)}
    kept |= {one.name for one in newest_first if one.kind == BEFORE_RESTORE and one.taken > now - timedelta(days=daily)}
    for period, slots in (("%Y-%m-%d", daily), ("%G-%V", weekly), ("%Y-%m", monthly)):
        kept |= set(_newest_of_each(newest_first, period, slots))
    return [one.name for one in reversed(newest_first) if one.name not in kept]


def _newest_of_each(newest_first: Sequence[Kept], period: str, slots: int) -> list[str]:
    chosen: dict[str, str] = {}
    for one in newest_first:
        chosen.setdefault(one.taken.strftime(period), one.name)
    return list(chosen.values())[:slots]
