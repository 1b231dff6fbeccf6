"""The names of the texts."""

from enum import StrEnum


class Text(StrEnum):
    """A text every catalogue holds."""

    GREETING = "greeting"
    """Answer to /start; `{name}` is the user's first name."""
    FRIEND = "friend"
    """How to address a user whose first name is blank."""
    HELP = "help"
    FALLBACK = "fallback"
    """Answer to anything the bot does not understand."""
    FAILURE = "failure"
    """An internal failure: the message was not handled."""
