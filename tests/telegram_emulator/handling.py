"""How a request of the control API is read, and how it is answered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .bot import Bot, UserError
from .errors import Json
from .server import STATE
from .updates import QueueFullError, Update

Handler = Callable[[web.Request], Awaitable[Any]]
_MAX_WAIT = 120.0


def wrapped(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """The handler with its result as JSON, and its errors as `{"error": …}` with a status."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            result = await handler(request)
        except UserError as error:
            return json_answer({"error": str(error)}, error.status)
        except QueueFullError as error:
            return json_answer({"error": str(error)}, 507)
        except (ValueError, TypeError, KeyError) as error:
            return json_answer({"error": str(error) or type(error).__name__}, 400)
        return result if isinstance(result, web.StreamResponse) else json_answer(result, 200)

    return handle


def json_answer(body: Any, status: int, headers: dict[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=data, status=status, content_type="application/json", headers=headers)


async def body_of(request: web.Request) -> Json:
    """The request's JSON object; an empty body is an empty object."""
    raw = await request.read()
    body = json.loads(raw) if raw.strip() else {}
    if not isinstance(body, dict):
        raise UserError(400, "a JSON object is expected")
    return body


def bot_of(request: web.Request) -> Bot:
    """The bot that the request speaks of."""
    wanted = request.query.get("bot")
    bot = request.app[STATE].by_id(int(wanted) if wanted else None)
    if bot is None:
        raise UserError(404, f"there is no bot {wanted}")
    return bot


def user_id_of(request: web.Request) -> int:
    """The user in the request's path."""
    user_id = int(request.match_info["id"])
    if user_id <= 0:
        raise ValueError("a user's id is a positive number")
    return user_id


def seconds_of(request: web.Request) -> float:
    """How long the answer may wait."""
    return min(float(request.query.get("wait", "0")), _MAX_WAIT)


def id_of(update: Update | None) -> int | None:
    """The update's number; there is none when the bot does not want such updates."""
    return update.id if update is not None else None
