"""What the bot is, and what it says about itself."""

from __future__ import annotations

import json
import re
from typing import Any

from ..bot import Bot
from ..chats import User
from ..errors import Json, bad_request
from .registry import METHODS, Call, Method, method

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_TEXTS = {"Name": 64, "Description": 512, "ShortDescription": 120}
_FIELDS = {"Name": "name", "Description": "description", "ShortDescription": "short_description"}


@method("getMe")
async def get_me(call: Call) -> Any:
    """Tell the bot who it is."""
    return {
        **call.bot.user,
        "can_join_groups": True,
        "can_read_all_group_messages": False,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }


@method("getChat")
async def get_chat(call: Call) -> Any:
    """Describe the chat, as far as clients insist on it."""
    chat = call.chat()
    return {
        **chat.user.chat(),
        "accent_color_id": chat.user.id % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": False,
            "limited_gifts": False,
            "unique_gifts": False,
            "premium_subscription": False,
            "gifts_from_channels": False,
        },
    }


def _command_key(call: Call) -> tuple[str, str]:
    scope = call.params.json("scope") or {"type": "default"}
    if not isinstance(scope, dict) or "type" not in scope:
        raise bad_request("can't parse BotCommandScope")
    return json.dumps(scope, sort_keys=True), call.params.text("language_code") or ""


@method("setMyCommands")
async def set_my_commands(call: Call) -> Any:
    """Set the list of commands clients offer."""
    commands = call.params.json("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise bad_request("can't parse commands: expected an array of at most 100 BotCommand")
    cleaned = []
    for command in commands:
        name = str(command.get("command", "")).removeprefix("/") if isinstance(command, dict) else ""
        if not _COMMAND.fullmatch(name):
            raise bad_request("BOT_COMMAND_INVALID")
        description = str(command.get("description", ""))
        if not 1 <= len(description) <= 256:
            raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
        cleaned.append({"command": name, "description": description})
    call.bot.commands[_command_key(call)] = cleaned
    return True


@method("getMyCommands")
async def get_my_commands(call: Call) -> Any:
    """Read the list of commands for exactly this scope and language."""
    return call.bot.commands.get(_command_key(call), [])


@method("deleteMyCommands")
async def delete_my_commands(call: Call) -> Any:
    """Remove the list of commands for this scope and language."""
    call.bot.commands.pop(_command_key(call), None)
    return True


def shown_to(bot: Bot, user: User, language: str | None = None) -> Json:
    """What a client shows of the bot in the private chat with this user; `id` is None before the bot has called.

    Of several lists of commands that with the narrowest scope counts, and of one scope that in the user's language.
    """
    spoken = (language or user.language_code or "").partition("-")[0]
    scopes: list[Json] = [{"type": "chat", "chat_id": user.id}, {"type": "all_private_chats"}, {"type": "default"}]
    keys = [(json.dumps(scope, sort_keys=True), code) for scope in scopes for code in (spoken, "")]

    def text(name: str) -> str | None:
        return bot.texts.get((name, spoken)) or bot.texts.get((name, ""))

    return {
        "id": bot.id if bot.token else None,
        "username": bot.user["username"],
        "name": text("Name") or bot.user["first_name"],
        "description": text("Description") or "",
        "commands": next((found for key in keys if (found := bot.commands.get(key))), []),
    }


def _setter(name: str, limit: int) -> Method:
    async def set_text(call: Call) -> Any:
        text = call.params.text(_FIELDS[name]) or ""
        if len(text) > limit:
            raise bad_request(f"BOT_{_FIELDS[name].upper()}_TOO_LONG")
        call.bot.texts[name, call.params.text("language_code") or ""] = text
        return True

    return set_text


def _getter(name: str) -> Method:
    async def get_text(call: Call) -> Any:
        default = str(call.bot.user["first_name"]) if name == "Name" else ""
        texts = call.bot.texts
        language = call.params.text("language_code") or ""
        return {_FIELDS[name]: texts.get((name, language)) or texts.get((name, "")) or default}

    return get_text


for _name, _limit in _TEXTS.items():
    METHODS[f"setmy{_name.lower()}"] = _setter(_name, _limit)
    METHODS[f"getmy{_name.lower()}"] = _getter(_name)


@method("setChatMenuButton")
async def set_chat_menu_button(call: Call) -> Any:
    """Accept any menu button: nobody here looks at it."""
    return bool(call)
