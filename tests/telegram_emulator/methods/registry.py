"""How methods are found by name, and what they are given."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from ..bot import Bot
from ..chats import Chat
from ..errors import bad_request
from ..params import Params


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a method."""

    bot: Bot
    params: Params

    @property
    def chat_id(self) -> int | None:
        """The chat the call is about, if it names one by number."""
        value = self.params.values.get("chat_id")
        try:
            return int(value) if value is not None else None
        except (TypeError, ValueError):
            return None

    def chat(self) -> Chat:
        """The chat the call writes to."""
        if self.params.values.get("chat_id") in {None, ""}:
            raise bad_request("chat_id is empty")
        return self.bot.open_chat(self.chat_id)


@dataclass(frozen=True, slots=True)
class Described:
    """A result with the remark Telegram adds to it."""

    result: Any
    description: str


Method = Callable[[Call], Awaitable[Any]]
METHODS: dict[str, Method] = {}


def method(name: str) -> Callable[[Method], Method]:
    """Register a method. Telegram does not mind the case of its name."""

    def register(function: Method) -> Method:
        METHODS[name.lower()] = function
        return function

    return register
