"""Recognising commands in a message."""

from enum import StrEnum


class Command(StrEnum):
    """The commands the bot knows. Metrics use them as labels, so the set is closed."""

    START = "start"
    HELP = "help"


OTHER = "other"
"""What a command the bot does not know is called in the metrics."""


def command_name(text: str | None) -> str | None:
    """Return the command `text` begins with, in lower case and without the slash, or None.

    `/Start@SomeBot payload` is `start`.
    """
    if text is None or not text.startswith("/"):
        return None
    word = text.split(maxsplit=1)[0]
    return word[1:].partition("@")[0].lower() or None


def command_label(text: str | None) -> str | None:
    """Return the metric label for the command in `text`: a known name, `other`, or None where there is no command."""
    name = command_name(text)
    if name is None:
        return None
    return name if name in {command.value for command in Command} else OTHER
