"""What an admin is told about a broadcast."""

from typing import Protocol

from kbju_bot.core.model import Button, Keyboard
from kbju_bot.texts import Language, Text, render

_TEXTS = {"running": Text.BROADCAST_PROGRESS, "stopped": Text.BROADCAST_STOPPED, "done": Text.BROADCAST_DONE}


class Progress(Protocol):
    """How far a broadcast is."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def language(self) -> Language:
        """The admin's language."""

    @property
    def status(self) -> str:
        """Running, stopped or done."""

    @property
    def recipients(self) -> int:
        """How many users it was meant for when it started."""

    @property
    def sent(self) -> int:
        """How many have it."""

    @property
    def failed(self) -> int:
        """How many could not be reached."""


def report(broadcast: Progress) -> tuple[str, Keyboard]:
    """Return the text about a broadcast and, while it runs, the button that stops it."""
    text = render(
        _TEXTS[broadcast.status],
        broadcast.language,
        id=str(broadcast.id),
        sent=str(broadcast.sent),
        total=str(broadcast.recipients),
        failed=str(broadcast.failed),
    )
    if broadcast.status != "running":
        return text, ()
    return text, ((Button(render(Text.BROADCAST_STOP, broadcast.language), f"b:{broadcast.id}"),),)
