"""Recognising commands in a message."""

from enum import StrEnum


class Command(StrEnum):
    """The commands the bot knows. Metrics use them as labels, so the set is closed."""

    START = "start"
    MENU = "menu"
    DATA = "data"
    PROGRESS = "progress"
    MEASURE = "measure"
    GOAL = "goal"
    FOOD = "food"
    REMIND = "remind"
    SETTINGS = "settings"
    ZONE = "zone"
    SURVEY = "survey"
    BACK = "back"
    CANCEL = "cancel"
    HELP = "help"
    PRIVACY = "privacy"
    EXPORT = "export"
    DELETE_ME = "delete_me"
    STATS = "stats"
    BROADCAST = "broadcast"


ADMINS = frozenset({Command.STATS, Command.BROADCAST})
"""Commands that others than admins are told nothing about."""
LISTED = (
    Command.MENU,
    Command.MEASURE,
    Command.PROGRESS,
    Command.DATA,
    Command.GOAL,
    Command.FOOD,
    Command.REMIND,
    Command.SETTINGS,
    Command.CANCEL,
    Command.HELP,
    Command.PRIVACY,
    Command.EXPORT,
    Command.DELETE_ME,
)
"""The commands that Telegram shows to users."""
OTHER = "other"
"""What a command the bot does not know is called in the metrics."""
_NAMES = {command.value: command for command in Command}


def command_name(text: str | None) -> str | None:
    """Return the command `text` begins with, in lower case and without the slash, or None.

    `/Start@SomeBot payload` is `start`.
    """
    if text is None or not text.startswith("/"):
        return None
    word = text.split(maxsplit=1)[0]
    return word[1:].partition("@")[0].lower() or None


def command_of(text: str | None) -> Command | None:
    """Return the command in `text` where the bot knows it."""
    return _NAMES.get(command_name(text) or "")


def command_label(text: str | None) -> str | None:
    """Return the metric label for the command in `text`: a known name, `other`, or None where there is no command."""
    name = command_name(text)
    if name is None:
        return None
    return name if name in _NAMES else OTHER
