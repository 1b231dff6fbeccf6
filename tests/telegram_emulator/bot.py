"""One bot: its token, its chats, its updates, and what users do in them."""

from __future__ import annotations

import secrets
import time
from collections import OrderedDict

from .chats import CallbackQuery, Chat, Message, User
from .config import Config
from .counters import Counters
from .errors import ApiError, Json, bad_request, blocked
from .faults import Faults
from .files import Files
from .formatting import commands_in, utf16_length
from .limits import Limits
from .markup import has_data
from .polling import Polling
from .updates import Update, UpdateQueue
from .webhook import WebhookDelivery

_MAX_OPEN_QUERIES = 100_000
_PROFILE = ("first_name", "last_name", "username", "language_code")


class UserError(Exception):
    """A user can't do this; the status says why in HTTP's terms."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class Bot:
    """State of one bot."""

    def __init__(self, token: str | None, config: Config) -> None:
        self.config = config
        self.token = token
        self.user: Json = {}
        self.texts: dict[tuple[str, str], str] = {}
        self.commands: dict[tuple[str, str], list[Json]] = {}
        self._clear()
        self.counters = Counters()
        self.queue = UpdateQueue(self.counters, config.first_update_id, config.max_pending)
        self.polling = Polling(self.queue, self.counters)
        self.delivery = WebhookDelivery(self.queue, self.counters, config)
        self.queue.on_update = self._on_update
        self._last_message_id = 0
        self.adopt(token)

    def adopt(self, token: str | None) -> None:
        """Become the bot of this token. What refers to the bot already, refers to its new name."""
        self.token = token
        number = int(token.partition(":")[0]) if token else 0
        self.user.update(id=number, is_bot=True, first_name=f"Emulator bot {number}", username=f"emulator_{number}_bot")

    @property
    def id(self) -> int:
        """The bot's own user id: the number its token begins with."""
        return int(self.user["id"])

    def reset(self) -> None:
        """Forget chats, updates, faults, files and numbers; the webhook and the commands stay."""
        forgotten = list(self.chats.values())
        self._clear()
        for chat in forgotten:
            # Who waits for news of it asks again, and finds the new one.
            chat.changed()
        self.queue.forget_history()
        self.delivery.forget()
        # The other parts hold on to this object, so it is emptied in place.
        fresh = Counters()
        for name in Counters.__slots__:
            setattr(self.counters, name, getattr(fresh, name))

    def _clear(self) -> None:
        self.chats: dict[int, Chat] = {}
        self.files = Files(self.config.max_file_bytes)
        self.faults = Faults()
        self.limits = Limits(self.config.total_limit, self.config.chat_limit)
        self._queries: OrderedDict[str, CallbackQuery] = OrderedDict()

    def _on_update(self, update: Update) -> bool:
        if self.delivery.settings is None:
            self.polling.wake()
            return False
        self.delivery.push(update)
        return True

    # What the bot does.

    def open_chat(self, chat_id: int | None) -> Chat:
        """The chat the bot may write to, or the error Telegram has for it."""
        chat = self.chats.get(chat_id) if chat_id is not None else None
        if chat is None or not chat.started:
            raise bad_request("chat not found")
        if chat.blocked:
            raise blocked()
        return chat

    def send(self, chat: Chat, message: Message) -> Json:
        """Put a message of the bot's into the chat."""
        self.limits.check(chat.user.id)
        self.counters.messages.tick()
        self.counters.chat_rate = max(self.counters.chat_rate, chat.rate.tick())
        message.id = self._next_message_id()
        chat.add(message)
        return message.api(chat.user.chat())

    def answer(self, query_id: str) -> CallbackQuery:
        """The button press the bot may still answer."""
        query = self._queries.get(query_id)
        if query is None:
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        return query

    def new_message(self, **fields: object) -> Message:
        """A message of the bot's, not sent yet."""
        return Message(0, int(time.time()), self.user, **fields)  # type: ignore[arg-type]  # fields by name

    # What users do.

    def chat(self, user_id: int) -> Chat:
        """The chat with this user, who is made up when there is none."""
        chat = self.chats.get(user_id)
        if chat is None:
            chat = self.chats[user_id] = Chat(User(user_id, f"User {user_id}"), self.config.max_messages)
        return chat

    def user_writes(self, user_id: int, text: str, profile: Json) -> tuple[Update | None, Message]:
        """The user sends a text."""
        chat = self.chat(user_id)
        if chat.blocked:
            raise UserError(409, "this user has blocked the bot: unblock first")
        for name in _PROFILE:
            if profile.get(name) is not None:
                setattr(chat.user, name, str(profile[name]))
        chat.started = True
        message = Message(
            self._next_message_id(), int(time.time()), chat.user.api(), text=text, entities=commands_in(text)
        )
        update = self.queue.add({"message": message.api(chat.user.chat())}, user_id)
        chat.add(message)
        return update, message

    def user_presses(
        self, user_id: int, data: str, message_id: int | None, force: bool
    ) -> tuple[Update | None, CallbackQuery]:
        """The user presses a button; one that is not there only by force."""
        chat = self.chat(user_id)
        if chat.blocked:
            raise UserError(409, "this user has blocked the bot: unblock first")
        if message_id is None:
            message = next((one for one in reversed(chat.messages.values()) if has_data(one.markup, data)), None)
            if message is None:
                raise UserError(404, f"no message in this chat has a button with the data {data!r}")
        else:
            message = chat.messages.get(message_id)
            if message is None and not force:
                raise UserError(404, f"there is no message {message_id} in this chat")
            if message is not None and not force and not has_data(message.markup, data):
                raise UserError(400, f"message {message_id} has no button with the data {data!r}")
        # A forced press may refer to a message that is gone: Telegram then sends only its number, dated 0.
        number = message.id if message else message_id or 0
        shown = (
            message.api(chat.user.chat())
            if message
            else {
                "message_id": number,
                "chat": chat.user.chat(),
                "date": 0,
            }
        )
        query = CallbackQuery(str(secrets.randbits(62)), user_id, number, data)
        body: Json = {
            "id": query.id,
            "from": chat.user.api(),
            "message": shown,
            "chat_instance": str(user_id * 1_000_003),
            "data": data,
        }
        update = self.queue.add({"callback_query": body}, user_id)
        self._queries[query.id] = query
        if len(self._queries) > _MAX_OPEN_QUERIES:
            self._queries.popitem(last=False)
        chat.queries.append(query)
        return update, query

    def user_blocks(self, user_id: int, blocked_now: bool) -> Update | None:
        """The user blocks the bot, or lets it in again."""
        chat = self.chat(user_id)
        chat.started = True
        if chat.blocked == blocked_now:
            return None
        chat.blocked = blocked_now
        chat.changed()
        member: Json = {"user": self.user, "status": "member"}
        kicked: Json = {"user": self.user, "status": "kicked", "until_date": 0}
        body: Json = {
            "chat": chat.user.chat(),
            "from": chat.user.api(),
            "date": int(time.time()),
            "old_chat_member": member if blocked_now else kicked,
            "new_chat_member": kicked if blocked_now else member,
        }
        return self.queue.add({"my_chat_member": body}, user_id)

    def _next_message_id(self) -> int:
        # One sequence for all chats, as private chats have; it survives a reset, for the bot may remember ids.
        self._last_message_id += 1
        return self._last_message_id


def check_text(text: str, entities: list[Json]) -> None:
    """Raise 400 when a text is empty or too long."""
    if not text:
        raise bad_request("message text is empty")
    if len(text) > 4096:
        raise bad_request("message is too long")
    limit = utf16_length(text)
    for entity in entities:
        if entity["offset"] < 0 or entity["offset"] + entity["length"] > limit:
            raise ApiError(400, "Bad Request: ENTITY_BOUNDS_INVALID")
