"""When a weekly reminder comes next."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from kbju_bot.core.state import Reminder


def next_time(reminder: Reminder, time_zone: str, after: datetime) -> datetime:
    """Return the first moment (UTC) later than `after` (aware) when the user's calendar and clock show the reminder's.

    An hour that a change of the clocks skips counts as the hour behind it; one that comes twice, as the first.
    """
    zone = ZoneInfo(time_zone)
    day = after.astimezone(zone).date()
    day += timedelta(days=(reminder.weekday - day.isoweekday()) % 7)
    # Compared and returned in UTC: in one zone the clocks alone count, between two a skipped hour equals nothing.
    moment = datetime.combine(day, time(reminder.hour), zone).astimezone(UTC)
    if moment <= after:
        moment = datetime.combine(day + timedelta(days=7), time(reminder.hour), zone).astimezone(UTC)
    return moment
