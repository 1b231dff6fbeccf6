"""Text messages: sending, changing, deleting."""

from __future__ import annotations

import time
from typing import Any

from ..bot import check_text
from ..chats import Chat, Message
from ..errors import Json, bad_request
from ..formatting import parse, stripped
from ..markup import check as check_markup
from ..params import Params
from .registry import Call, method

_NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current "
    "content and reply markup of the message"
)
_ACTIONS = frozenset(
    {
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    }
)


def formatted(params: Params, field: str, entities_field: str) -> tuple[str, list[Json]]:
    """A text parameter with its formatting, whichever way that was given."""
    text = (params.text(field) or "").replace("\r", "")
    parse_mode = params.text("parse_mode")
    given = params.json(entities_field)
    if given and not parse_mode:
        if not isinstance(given, list) or not all(
            isinstance(one, dict) and isinstance(one.get("offset"), int) and isinstance(one.get("length"), int)
            for one in given
        ):
            raise bad_request("can't parse MessageEntity")
        entities: list[Json] = given
    else:
        text, entities = parse(text, parse_mode)
    return stripped(text, entities)


def reply_target(call: Call, chat: Chat) -> Message | None:
    """The message this one answers."""
    params = call.params
    given = params.json("reply_parameters")
    reply = given if isinstance(given, dict) else {}
    number = reply.get("message_id") or params.integer("reply_to_message_id")
    if not number:
        return None
    target = chat.messages.get(int(number))
    if target is None and not (reply.get("allow_sending_without_reply") or params.flag("allow_sending_without_reply")):
        raise bad_request("message to be replied not found")
    return target


@method("sendMessage")
async def send_message(call: Call) -> Any:
    """Send a text."""
    chat = call.chat()
    text, entities = formatted(call.params, "text", "entities")
    check_text(text, entities)
    message = call.bot.new_message(
        text=text,
        entities=entities,
        markup=check_markup(call.params.json("reply_markup")),
        reply_to=reply_target(call, chat),
        silent=call.params.flag("disable_notification"),
    )
    return call.bot.send(chat, message)


def _editable(call: Call) -> tuple[Chat, Message]:
    if call.params.text("inline_message_id"):
        raise bad_request("MESSAGE_ID_INVALID")
    chat = call.chat()
    message = chat.messages.get(call.params.integer("message_id") or 0)
    if message is None:
        raise bad_request("message to edit not found")
    if not message.from_bot:
        raise bad_request("message can't be edited")
    return chat, message


def _edited(call: Call, chat: Chat, message: Message, text: str, entities: list[Json]) -> Any:
    markup = check_markup(call.params.json("reply_markup"))
    if markup is not None and "inline_keyboard" not in markup:
        raise bad_request("inline keyboard expected")
    rows = markup["inline_keyboard"] if markup else []
    current = (message.markup or {}).get("inline_keyboard", [])
    if (text, entities, rows) == (message.text, message.entities, current):
        raise bad_request(_NOT_MODIFIED)
    message.text, message.entities = text, entities
    # An edit without a keyboard takes the old one away.
    message.markup = markup if rows else None
    message.edited = int(time.time())
    chat.changed()
    return message.api(chat.user.chat())


@method("editMessageText")
async def edit_message_text(call: Call) -> Any:
    """Change the text, and with it the keyboard."""
    chat, message = _editable(call)
    if message.kind != "text":
        raise bad_request("there is no text in the message to edit")
    text, entities = formatted(call.params, "text", "entities")
    check_text(text, entities)
    return _edited(call, chat, message, text, entities)


@method("editMessageCaption")
async def edit_message_caption(call: Call) -> Any:
    """Change what stands under a photo or a document."""
    chat, message = _editable(call)
    if message.kind == "text":
        raise bad_request("there is no caption in the message to edit")
    text, entities = formatted(call.params, "caption", "caption_entities")
    if len(text) > 1024:
        raise bad_request("message caption is too long")
    return _edited(call, chat, message, text, entities)


@method("editMessageReplyMarkup")
async def edit_message_reply_markup(call: Call) -> Any:
    """Change the keyboard only."""
    chat, message = _editable(call)
    return _edited(call, chat, message, message.text, message.entities)


@method("deleteMessage")
async def delete_message(call: Call) -> Any:
    """Take a message away, the bot's own or, as private chats allow, the user's."""
    chat = call.chat()
    if chat.messages.pop(call.params.integer("message_id") or 0, None) is None:
        raise bad_request("message to delete not found")
    chat.changed()
    return True


@method("sendChatAction")
async def send_chat_action(call: Call) -> Any:
    """Show that the bot is busy."""
    call.chat()
    if call.params.text("action") not in _ACTIONS:
        raise bad_request("wrong parameter action in request")
    return True
