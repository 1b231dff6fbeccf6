"""The control API: tests play the users, and look at what came of it."""

from __future__ import annotations

import json
import logging
from typing import Any
from urllib.parse import quote

from aiohttp import web

from . import control_users
from .bot import UserError
from .handling import Handler, body_of, bot_of, id_of, wrapped
from .images import media_type
from .server import STATE, set_outage
from .updates import chat_of

log = logging.getLogger(__name__)


def add_routes(app: web.Application) -> None:
    """Put the control API under /control."""
    routes: list[tuple[str, str, Handler]] = [
        *control_users.ROUTES,
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
        app.router.add_route(method, f"/control{path}", wrapped(handler))


async def _raw_update(request: web.Request) -> Any:
    bot = bot_of(request)
    body = await body_of(request)
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
    return {"update_id": id_of(added)}


async def _list_faults(request: web.Request) -> Any:
    return bot_of(request).faults.view()


async def _add_faults(request: web.Request) -> Any:
    loaded = json.loads(await request.read())
    faults = bot_of(request).faults
    for rule in loaded if isinstance(loaded, list) else [loaded]:
        faults.add(rule)
        log.info("fault ordered: %s %s", rule.get("kind", "http"), rule.get("method", "*"))
    return faults.view()


async def _clear_faults(request: web.Request) -> Any:
    bot_of(request).faults.rules.clear()
    log.info("faults cleared")
    return []


async def _outage(request: web.Request) -> Any:
    active = bool((await body_of(request)).get("active"))
    set_outage(request.app, active)
    return {"active": active}


async def _counters(request: web.Request) -> Any:
    bot = bot_of(request)
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
    bots = [bot_of(request)] if "bot" in request.query else request.app[STATE].bots
    stored = next((found for bot in bots if (found := bot.files.by_id(file_id))), None)
    if stored is None:
        raise UserError(404, "there is no such file")
    # Only what is known to be a picture is shown: a document in HTML must not run as a part of the chat page.
    headers = {"X-Content-Type-Options": "nosniff"}
    if stored.kind == "photo":
        return web.Response(body=stored.content, content_type=media_type(stored.content), headers=headers)
    headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(stored.name, safe='')}"
    return web.Response(body=stored.content, content_type="application/octet-stream", headers=headers)


async def _reset(request: web.Request) -> Any:
    set_outage(request.app, False)
    bots = [bot_of(request)] if "bot" in request.query else request.app[STATE].bots
    for bot in bots:
        bot.reset()
    log.info("reset")
    return {"reset": [bot.id for bot in bots if bot.token]}
