"""The control API below /users: what one user does, and what this user sees."""

from __future__ import annotations

import logging
from typing import Any

from aiohttp import web

from .errors import Json
from .handling import Handler, body_of, bot_of, id_of, json_answer, seconds_of, user_id_of
from .methods.profile import shown_to

log = logging.getLogger(__name__)


async def _write(request: web.Request) -> Any:
    body = await body_of(request)
    text = body.get("text")
    if not isinstance(text, str) or not text:
        raise ValueError("text is missing")
    update, message = bot_of(request).user_writes(user_id_of(request), text, body)
    return {"update_id": id_of(update), "message_id": message.id}


async def _press(request: web.Request) -> Any:
    body = await body_of(request)
    data = body.get("data")
    if not isinstance(data, str) or not data:
        raise ValueError("data is missing")
    message_id = body.get("message_id")
    update, query = bot_of(request).user_presses(
        user_id_of(request), data, int(message_id) if message_id is not None else None, bool(body.get("force"))
    )
    return {"update_id": id_of(update), "callback_query_id": query.id, "message_id": query.message_id}


async def _answers(request: web.Request) -> Any:
    chat = bot_of(request).chat(user_id_of(request))
    wanted = request.query.get("query")

    def answers() -> list[Json]:
        return [one.view() for one in chat.queries if one.answered and wanted in {None, one.id}]

    await chat.wait(lambda: bool(answers()), seconds_of(request))
    return answers()


async def _block(request: web.Request) -> Any:
    user_id = user_id_of(request)
    log.info("user %d blocks the bot", user_id)
    return {"update_id": id_of(bot_of(request).user_blocks(user_id, True))}


async def _unblock(request: web.Request) -> Any:
    user_id = user_id_of(request)
    log.info("user %d unblocks the bot", user_id)
    return {"update_id": id_of(bot_of(request).user_blocks(user_id, False))}


async def _chat(request: web.Request) -> Any:
    chat = bot_of(request).chat(user_id_of(request))
    after = int(request.query.get("after", "0"))
    known = request.query.get("revision")

    def worth_reporting() -> bool:
        if known is not None:
            return chat.revision != int(known)
        return any(message.from_bot for message in chat.after(after))

    await chat.wait(worth_reporting, seconds_of(request))
    # The answer is a plain list; who follows edits too takes the revision from this header.
    return json_answer([message.view() for message in chat.after(after)], 200, {"X-Chat-Revision": str(chat.revision)})


async def _bot(request: web.Request) -> Any:
    bot = bot_of(request)
    chat = bot.chat(user_id_of(request))
    return {**shown_to(bot, chat.user, request.query.get("language")), "blocked": chat.blocked}


ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/users/{id}/messages", _write),
    ("POST", "/users/{id}/callbacks", _press),
    ("GET", "/users/{id}/callbacks", _answers),
    ("POST", "/users/{id}/block", _block),
    ("POST", "/users/{id}/unblock", _unblock),
    ("GET", "/users/{id}/chat", _chat),
    ("GET", "/users/{id}/bot", _bot),
]
