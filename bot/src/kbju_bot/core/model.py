"""What goes into the dialogue (state and events) and what comes out (effects)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Person:
    """A Telegram user, as an update describes the sender."""

    telegram_id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None


@dataclass(frozen=True, slots=True)
class State:
    """What the bot remembers of one user. Loaded before a step and the same for every instance of the bot."""

    registered: bool = False


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """The user sent a message in the private chat; `text` is None for anything that is not text."""

    person: Person
    text: str | None


@dataclass(frozen=True, slots=True)
class BotBlocked:
    """The user blocked the bot: nothing can be sent any more."""

    person: Person


@dataclass(frozen=True, slots=True)
class BotUnblocked:
    """The user unblocked the bot."""

    person: Person


Event = MessageReceived | BotBlocked | BotUnblocked


@dataclass(frozen=True, slots=True)
class RegisterUser:
    """Create the user, or bring the row up to date."""

    person: Person


@dataclass(frozen=True, slots=True)
class NoteSeen:
    """A registered user showed up: refresh the names and the time, and forget an earlier block."""

    person: Person


@dataclass(frozen=True, slots=True)
class NoteBlocked:
    """Remember that the user can't be reached."""

    telegram_id: int


@dataclass(frozen=True, slots=True)
class Reply:
    """Send `text` to the private chat of the user."""

    telegram_id: int
    text: str


Effect = RegisterUser | NoteSeen | NoteBlocked | Reply
