"""From Telegram's updates to the dialogue's events."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from telegram import CallbackQuery, Update, User
from telegram.constants import ChatMemberStatus, ChatType

from kbju_bot.aio import whereabouts
from kbju_bot.core.model import BotBlocked, BotUnblocked, ButtonPressed, Event, MessageReceived, Person

_LONGEST = 255


class MalformedUpdateError(Exception):
    """What came is no update: it has not even a number."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An update, ready to be handled. Without an event there is nothing to do but remember it."""

    update_id: int
    person: Person | None = None
    event: Event | None = None
    failure: str | None = None
    """Why the update could not be understood; holds no data of users."""
    written_at: float | None = None
    """When Telegram took the message in, as a timestamp. Unknown for what is no message."""


def parse(raw: object) -> Incoming:
    """Understand an update in JSON. Raise MalformedUpdateError where it has no number."""
    update_id = raw.get("update_id") if isinstance(raw, Mapping) else None
    if not isinstance(raw, Mapping) or type(update_id) is not int or not 0 <= update_id < 2**63:
        raise MalformedUpdateError
    try:
        return _understand(update_id, raw)
    except Exception as error:
        return Incoming(update_id, failure=whereabouts(error))


def _understand(update_id: int, raw: Mapping[str, Any]) -> Incoming:
    update = Update.de_json(dict(raw), None)
    if (message := update.message) is not None and message.chat.type == ChatType.PRIVATE and message.from_user:
        person = _person(message.from_user)
        event = MessageReceived(person, _clean(message.text))
        return Incoming(update_id, person, event, written_at=message.date.timestamp())
    if (query := update.callback_query) is not None:
        return _press(update_id, query)
    if (change := update.my_chat_member) is not None and change.chat.type == ChatType.PRIVATE:
        person = _person(change.from_user)
        blocked = change.new_chat_member.status in {ChatMemberStatus.BANNED, ChatMemberStatus.LEFT}
        return Incoming(update_id, person, BotBlocked(person) if blocked else BotUnblocked(person))
    return Incoming(update_id)


def _press(update_id: int, query: CallbackQuery) -> Incoming:
    # A message that is too old for Telegram to show has no content, but it still has its number and its chat.
    if query.message is None or query.message.chat.type != ChatType.PRIVATE:
        return Incoming(update_id)
    person = _person(query.from_user)
    return Incoming(
        update_id, person, ButtonPressed(person, query.id, _clean(query.data) or "", query.message.message_id)
    )


def _person(user: User) -> Person:
    return Person(
        telegram_id=user.id,
        first_name=_clip(user.first_name) or "",
        last_name=_clip(user.last_name),
        username=_clip(user.username),
        language_code=_clip(user.language_code),
    )


def _clip(text: str | None) -> str | None:
    cleaned = _clean(text)
    return cleaned[:_LONGEST] if cleaned else None


def _clean(text: str | None) -> str | None:
    # PostgreSQL's text takes neither NUL nor half a surrogate pair.
    return None if text is None else text.replace("\0", "").encode(errors="replace").decode()
