"""What goes into the dialogue beside the state (events, context) and what comes out (effects)."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum

from kbju_bot.texts import Language


@dataclass(frozen=True, slots=True)
class Person:
    """A Telegram user, as an update describes the sender."""

    telegram_id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


@dataclass(frozen=True, slots=True)
class Context:
    """What a step may know beside the user's state."""

    now: datetime
    """When the update came; aware."""
    admins: frozenset[int] = frozenset()
    consultation_url: str | None = None
    time_zone: str = "Europe/Moscow"
    """The time zone of users who have not said theirs."""


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The user sent a message in the private chat; `text` is None for anything that is not text."""

    person: Person
    text: str | None


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """The user pressed a button under one of the bot's messages."""

    person: Person
    query_id: str
    """Telegram waits for an answer to this."""
    data: str
    message_id: int | None
    """The message with the button, where Telegram still knows it."""


@dataclass(frozen=True, slots=True)
class BotBlocked:
    """The user blocked the bot: nothing can be sent any more."""

    person: Person


@dataclass(frozen=True, slots=True)
class BotUnblocked:
    """The user unblocked the bot."""

    person: Person


Event = MessageReceived | ButtonPressed | BotBlocked | BotUnblocked


@dataclass(frozen=True, slots=True)
class Button:
    """A button under a message: sends `data` back, or opens `url`."""

    text: str
    data: str | None = None
    url: str | None = None


Keyboard = tuple[tuple[Button, ...], ...]


class Priority(IntEnum):
    """Whose turn it is when Telegram's limits make messages wait."""

    REPLY = 0
    REMINDER = 1
    BROADCAST = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """Send `text` to the private chat of the user."""

    telegram_id: int
    text: str
    keyboard: Keyboard = field(default=())


@dataclass(frozen=True, slots=True)
class AnswerButton:
    """End the waiting of a pressed button, with a short notice where there is something to say."""

    telegram_id: int
    query_id: str
    text: str = ""


@dataclass(frozen=True, slots=True)
class RemoveButtons:
    """Take the buttons away from a message of the bot."""

    telegram_id: int
    message_id: int


@dataclass(frozen=True, slots=True)
class NoteSeen:
    """A registered user showed up: refresh the names and the time, and forget an earlier block."""

    person: Person


@dataclass(frozen=True, slots=True)
class NoteBlocked:
    """Remember that the user can't be reached."""

    telegram_id: int


@dataclass(frozen=True, slots=True)
class SendProgress:
    """Send the chart of all measurements and what changed."""

    telegram_id: int
    language: Language


@dataclass(frozen=True, slots=True)
class SendExport:
    """Send everything that is stored about the user as files."""

    telegram_id: int
    language: Language


@dataclass(frozen=True, slots=True)
class DeleteUser:
    """Delete everything about the user, then say goodbye with `text`."""

    telegram_id: int
    text: str


@dataclass(frozen=True, slots=True)
class SendStats:
    """Send an admin the numbers of the service."""

    telegram_id: int
    language: Language


@dataclass(frozen=True, slots=True)
class PreviewBroadcast:
    """Show an admin a broadcast and its number of recipients, with the buttons of `keyboard`."""

    telegram_id: int
    language: Language
    body: str
    keyboard: Keyboard


@dataclass(frozen=True, slots=True)
class StartBroadcast:
    """Send `body` to every user who can be reached."""

    telegram_id: int
    language: Language
    body: str


@dataclass(frozen=True, slots=True)
class StopBroadcast:
    """Send a broadcast to nobody else."""

    telegram_id: int
    language: Language
    broadcast_id: int


Effect = (
    Reply
    | AnswerButton
    | RemoveButtons
    | NoteSeen
    | NoteBlocked
    | SendProgress
    | SendExport
    | DeleteUser
    | SendStats
    | PreviewBroadcast
    | StartBroadcast
    | StopBroadcast
)
