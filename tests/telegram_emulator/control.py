"""The control API: tests play the users, and look at what came of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from .bot import Bot, UserError
from .errors import Json
from .server import STATE, set_outage
from .updates import QueueFullError, Update, chat_of

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[Any]]
_MAX_WAIT = 120.0


def add_routes(app: web.Application) -> None:
    """Put the control API under /control."""
    routes: list[tuple[str, str, Handler]] = [
        ("POST", "/users/{id}/messages", _write),
        ("POST", "/users/{id}/callbacks", _press),
        ("GET", "/users/{id}/callbacks", _answers),
        ("POST", "/users/{id}/block", _block),
        ("POST", "/users/{id}/unblock", _unblock),
        ("GET", "/users/{id}/chat", _chat),
        ("POST", "/updates", _raw_update),
        ("GET", "/faults", _list_faults),
        ("POST", "/faults", _add_faults),
        ("DELETE", "/faults", _clear_faults),
        ("POST", "/outage", _outage),
        ("GET", "/counters", _counters),
        ("GET", "/bots", _bots),
        ("GET", "/files/{file_id}", _file),
        ("POST", "/reset", _reset),
    ]
    for method, path, handler in routes:
        app.router.add_route(method, f"/control{path}", _wrapped(handler))


def _wrapped(handler: Handler) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            result = await handler(request)
        except UserError as error:
            return _json({"error": str(error)}, error.status)
        except QueueFullError as error:
            return _json({"error": str(error)}, 507)
        except (ValueError, TypeError, KeyError) as error:
            return _json({"error": str(error) or type(error).__name__}, 400)
        return result if isinstance(result, web.StreamResponse) else _json(result, 200)

    return handle


def _json(body: Any, status: int, headers: dict[str, str] | None = None) -> web.Response:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=data, status=status, content_type="application/json", headers=headers)


async def _body(request: web.Request) -> Json:
    raw = await request.read()
    body = json.loads(raw) if raw.strip() else {}
    if not isinstance(body, dict):
        raise UserError(400, "a JSON object is expected")
    return body


def _bot(request: web.Request) -> Bot:
    wanted = request.query.get("bot")
    bot = request.app[STATE].by_id(int(wanted) if wanted else None)
    if bot is None:
        raise UserError(404, f"there is no bot {wanted}")
    return bot


def _user_id(request: web.Request) -> int:
    user_id = int(request.match_info["id"])
    if user_id <= 0:
        raise ValueError("a user's id is a positive number")
    return user_id


def _seconds(request: web.Request) -> float:
    return min(float(request.query.get("wait", "0")), _MAX_WAIT)


def _id_of(update: Update | None) -> int | None:
    return update.id if update is not None else None


async def _write(request: web.Request) -> Any:
    body = await _body(request)
    text = body.get("text")
    if not isinstance(text, str) or not text:
        raise ValueError("text is missing")
    update, message = _bot(request).user_writes(_user_id(request), text, body)
    return {"update_id": _id_of(update), "message_id": message.id}


async def _press(request: web.Request) -> Any:
    body = await _body(request)
    data = body.get("data")
    if not isinstance(data, str) or not data:
        raise ValueError("data is missing")
    message_id = body.get("message_id")
    update, query = _bot(request).user_presses(
        _user_id(request), data, int(message_id) if message_id is not None else None, bool(body.get("force"))
    )
    return {"update_id": _id_of(update), "callback_query_id": query.id, "message_id": query.message_id}


async def _answers(request: web.Request) -> Any:
    chat = _bot(request).chat(_user_id(request))
    wanted = request.query.get("query")

    def answers() -> list[Json]:
        return [one.view() for one in chat.queries if one.answered and wanted in {None, one.id}]

    await chat.wait(lambda: bool(answers()), _seconds(request))
    return answers()


async def _block(request: web.Request) -> Any:
    user_id = _user_id(request)
    log.info("user %d blocks the bot", user_id)
    return {"update_id": _id_of(_bot(request).user_blocks(user_id, True))}


async def _unblock(request: web.Request) -> Any:
    user_id = _user_id(request)
    log.info("user %d unblocks the bot", user_id)
    return {"update_id": _id_of(_bot(request).user_blocks(user_id, False))}


async def _chat(request: web.Request) -> Any:
    chat = _bot(request).chat(_user_id(request))
    after = int(request.query.get("after", "0"))
    known = request.query.get("revision")

    def worth_reporting() -> bool:
        if known is not None:
            return chat.revision != int(known)
        return any(message.from_bot for message in chat.after(after))

    await chat.wait(worth_reporting, _seconds(request))
    # The answer is a plain list; who follows edits too takes the revision from this header.
    return _json([message.view() for message in chat.after(after)], 200, {"X-Chat-Revision": str(chat.revision)})


async def _raw_update(request: web.Request) -> Any:
    bot = _bot(request)
    body = await _body(request)
    if "repeat" in body:
        update = bot.queue.find(int(body["repeat"]))
        if update is None:
            raise UserError(404, f"update {body['repeat']} is not among the recent ones")
        bot.queue.repeat(update)
        return {"update_id": update.id}
    raw = body.get("update")
    if not isinstance(raw, dict):
        raise UserError(400, 'either "update" or "repeat" is expected')
    content = {name: value for name, value in raw.items() if name != "update_id"}
    if not content:
        raise ValueError("the update is empty")
    number = raw.get("update_id")
    added = bot.queue.add(content, chat_of(content), int(number) if number is not None else None)
    return {"update_id": _id_of(added)}


async def _list_faults(request: web.Request) -> Any:
    return _bot(request).faults.view()


async def _add_faults(request: web.Request) -> Any:
    loaded = json.loads(await request.read())
    faults = _bot(request).faults
    for rule in loaded if isinstance(loaded, list) else [loaded]:
        faults.add(rule)
        log.info("fault ordered: %s %s", rule.get("kind", "http"), rule.get("method", "*"))
    return faults.view()


async def _clear_faults(request: web.Request) -> Any:
    _bot(request).faults.rules.clear()
    log.info("faults cleared")
    return []


async def _outage(request: web.Request) -> Any:
    active = bool((await _body(request)).get("active"))
    set_outage(request.app, active)
    return {"active": active}


async def _counters(request: web.Request) -> Any:
    bot = _bot(request)
    state = request.app[STATE]
    return {
        "bot": bot.id if bot.token else None,
        **bot.counters.view(len(bot.queue)),
        "unauthorized_401": state.unauthorized,
        "outage": state.outage,
    }


async def _bots(request: web.Request) -> Any:
    return [
        {
            "id": bot.id,
            "username": bot.user["username"],
            "webhook": bot.delivery.settings.url if bot.delivery.settings else None,
        }
        for bot in request.app[STATE].bots
        if bot.token
    ]


async def _file(request: web.Request) -> Any:
    file_id = request.match_info["file_id"]
    bots = [_bot(request)] if "bot" in request.query else request.app[STATE].bots
    stored = next((found for bot in bots if (found := bot.files.by_id(file_id))), None)
    if stored is None:
        raise UserError(404, "there is no such file")
    return web.Response(body=stored.content, content_type="application/octet-stream")


async def _reset(request: web.Request) -> Any:
    set_outage(request.app, False)
    bots = [_bot(request)] if "bot" in request.query else request.app[STATE].bots
    for bot in bots:
        bot.reset()
    log.info("reset")
    return {"reset": [bot.id for bot in bots if bot.token]}
