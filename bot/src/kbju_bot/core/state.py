"""What the bot remembers of one user: loaded before a step, stored where it differs after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from kbju_bot.core.profile import Body, Frequency, Goal, Sex, Sport, Steps
from kbju_bot.texts import Language


@dataclass(frozen=True, slots=True)
class Form:
    """Questions that are being asked. Survives restarts, so it holds nothing but strings and a number."""

    name: str
    step: str
    """The key of the question that was asked last."""
    answers: Mapping[str, str] = field(default_factory=dict)
    """Accepted answers in their canonical form, by the question's key."""
    prompt: int = 0
    """Tells this asking from all others: buttons of other askings are stale. 0 where nothing was asked yet."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What stays the same from one measurement to the next."""

    name: str
    sex: Sex
    birth_date: date
    height_cm: float
    steps: Steps
    sport: Sport
    frequency: Frequency | None
    goal: Goal


@dataclass(frozen=True, slots=True)
class Record:
    """The measurements of one day. What was imported may lack girths."""

    day: date
    weight_kg: float
    waist_cm: float | None
    neck_cm: float | None
    hip_cm: float | None
    body_fat: float | None = None
    """Percent, as computed from these."""


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the user likes to eat and what not, in the user's words."""

    likes: str | None = None
    dislikes: str | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """A weekly reminder in the user's time zone."""

    weekday: int
    """1 is Monday, 7 is Sunday."""
    hour: int


@dataclass(frozen=True, slots=True)
class State:
    """Everything a step may look at. The default is somebody the bot has never met, or has forgotten."""

    registered: bool = False
    language: Language | None = None
    """Chosen by the user; None follows Telegram's."""
    time_zone: str | None = None
    consent: int | None = None
    """The newest version of the consent that the user gave."""
    profile: Profile | None = None
    """None until the survey is finished."""
    record: Record | None = None
    """The newest measurements."""
    preferences: Preferences = Preferences()
    reminder: Reminder | None = None
    form: Form | None = None
    paused: Form | None = None
    """A survey that was interrupted by another form and will go on after it."""
    prompts: int = 0
    """The highest number any prompt had."""


def today(state: State, now: datetime, default_zone: str) -> date:
    """Return the date that the user's calendar shows."""
    return now.astimezone(ZoneInfo(state.time_zone or default_zone)).date()


def body_of(profile: Profile, record: Record) -> Body | None:
    """Return what the formulas need, or None where girths are missing."""
    if record.waist_cm is None or record.neck_cm is None or (profile.sex is Sex.FEMALE and record.hip_cm is None):
        return None
    return Body(
        sex=profile.sex,
        birth_date=profile.birth_date,
        height_cm=profile.height_cm,
        weight_kg=record.weight_kg,
        waist_cm=record.waist_cm,
        neck_cm=record.neck_cm,
        hip_cm=record.hip_cm,
        steps=profile.steps,
        sport=profile.sport,
        frequency=profile.frequency,
        goal=profile.goal,
    )
