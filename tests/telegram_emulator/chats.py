"""Users, and what each of them sees of the chat with the bot."""

from __future__ import annotations

import asyncio
import itertools
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from .counters import Rate
from .errors import Json
from .files import StoredFile
from .markup import inline_rows

_MAX_QUERIES = 1_000
# Shared by all chats: after a reset nobody takes the new chat for the one seen before.
_revisions = itertools.count(1)


@dataclass(slots=True)
class User:
    """A person who talks to the bot."""

    id: int
    first_name: str
    last_name: str | None = None
    username: str | None = None
    language_code: str | None = None

    def api(self) -> Json:
        """As ``User``."""
        return {"id": self.id, "is_bot": False, "first_name": self.first_name, **self._optional("language_code")}

    def chat(self) -> Json:
        """As the private ``Chat`` with this user."""
        return {"id": self.id, "type": "private", "first_name": self.first_name, **self._optional()}

    def _optional(self, *more: str) -> Json:
        values = {name: getattr(self, name) for name in ("last_name", "username", *more)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(slots=True)
class Message:
    """One message of a chat. The text of a photo or a document is its caption."""

    id: int
    date: int
    sender: Json
    kind: str = "text"
    text: str = ""
    entities: list[Json] = field(default_factory=list)
    markup: Json | None = None
    photo: list[StoredFile] = field(default_factory=list)
    document: StoredFile | None = None
    reply_to: Message | None = None
    edited: int | None = None
    silent: bool = False
    """Whether the user's phone makes no sound of it."""

    @property
    def from_bot(self) -> bool:
        """Whether the bot has sent it."""
        return bool(self.sender["is_bot"])

    def api(self, chat: Json) -> Json:
        """As ``Message``."""
        body: Json = {"message_id": self.id, "from": self.sender, "chat": chat, "date": self.date}
        if self.edited is not None:
            body["edit_date"] = self.edited
        if self.reply_to is not None:
            body["reply_to_message"] = self.reply_to.without_reply().api(chat)
        if self.photo:
            body["photo"] = [size.photo_size() for size in self.photo]
        elif self.document is not None:
            body["document"] = self.document.document()
        caption = self.kind != "text"
        if self.text or not caption:
            body["caption" if caption else "text"] = self.text
        if self.entities:
            body["caption_entities" if caption else "entities"] = self.entities
        if inline_rows(self.markup):
            body["reply_markup"] = self.markup
        return body

    def without_reply(self) -> Message:
        """Telegram shows only one level of replies."""
        if self.reply_to is None:
            return self
        return Message(
            self.id, self.date, self.sender, self.kind, self.text, self.entities, self.markup, self.photo, self.document
        )

    def view(self) -> Json:
        """What the user sees."""
        stored = self.photo[-1] if self.photo else self.document
        markup = self.markup or {}
        return {
            "id": self.id,
            "kind": self.kind,
            "text": self.text,
            "entities": self.entities,
            "buttons": [[_button(button) for button in row] for row in inline_rows(self.markup)],
            "keyboard": [[button["text"] for button in row] for row in markup.get("keyboard", [])],
            "one_time_keyboard": bool(markup.get("one_time_keyboard")),
            "removes_keyboard": bool(markup.get("remove_keyboard")),
            "file": stored.view() if stored is not None else None,
            "reply_to": self.reply_to.id if self.reply_to else None,
            "from": "bot" if self.from_bot else "user",
            "date": self.date,
            "edited": self.edited is not None,
            "silent": self.silent,
        }


def _button(button: Json) -> Json:
    shown = {"text": button["text"]}
    if "callback_data" in button:
        shown["data"] = button["callback_data"]
    if "url" in button:
        shown["url"] = button["url"]
    return shown


@dataclass(slots=True)
class CallbackQuery:
    """A button press, and the bot's answer to it."""

    id: str
    chat_id: int
    message_id: int
    data: str
    answered: bool = False
    text: str | None = None
    show_alert: bool = False
    url: str | None = None

    def view(self) -> Json:
        """What the user sees."""
        return {
            "id": self.id,
            "message_id": self.message_id,
            "data": self.data,
            "answered": self.answered,
            "text": self.text,
            "show_alert": self.show_alert,
            "url": self.url,
        }


class Chat:
    """A private chat: the user, the messages, the buttons pressed."""

    def __init__(self, user: User, max_messages: int) -> None:
        self.user = user
        self.started = False
        self.blocked = False
        self.revision = next(_revisions)
        self.rate = Rate()
        self.messages: OrderedDict[int, Message] = OrderedDict()
        self.queries: deque[CallbackQuery] = deque(maxlen=_MAX_QUERIES)
        self._max_messages = max_messages
        self._waiters: set[asyncio.Future[None]] = set()

    def add(self, message: Message) -> None:
        """A message has been written; the oldest one makes room for it."""
        self.messages[message.id] = message
        if len(self.messages) > self._max_messages:
            self.messages.popitem(last=False)
        self.changed()

    def changed(self) -> None:
        """Something in the chat looks different now."""
        self.revision = next(_revisions)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def wait(self, condition: Callable[[], bool], seconds: float) -> None:
        """Return when the condition holds, or the time is up."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while not condition() and (left := end - loop.time()) > 0:
            waiter = loop.create_future()
            self._waiters.add(waiter)
            try:
                await asyncio.wait({waiter}, timeout=left)
            finally:
                self._waiters.discard(waiter)

    def after(self, message_id: int) -> list[Message]:
        """Messages newer than this one, the oldest first."""
        found = []
        # From the end: a reader asks for the last few of perhaps two thousand.
        for message in reversed(self.messages.values()):
            if message.id <= message_id:
                break
            found.append(message)
        return found[::-1]
