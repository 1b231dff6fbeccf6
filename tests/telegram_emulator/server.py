"""The HTTP server: Bot API calls, file downloads, and beside them the control API and the chat page."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

from aiohttp import web

from .bot import Bot
from .config import Config
from .errors import ApiError, Drop, not_found
from .methods import METHODS, Call, Described
from .params import Params
from .state import State

log = logging.getLogger(__name__)


class OpenCalls(set[asyncio.Transport]):
    """Connections with a call under way, for an outage to cut."""


STATE: web.AppKey[State] = web.AppKey("state", State)
OPEN_CALLS: web.AppKey[OpenCalls] = web.AppKey("open_calls", OpenCalls)

_STATUS_DROPPED = "dropped"


def create_app(config: Config | None = None) -> web.Application:
    """The emulator as an aiohttp application."""
    from . import control, page  # noqa: PLC0415  control needs this module's keys

    config = config or Config()
    app = web.Application(client_max_size=config.max_body_bytes)
    state = app[STATE] = State(config)
    app[OPEN_CALLS] = OpenCalls()
    state.on_new_bot = _new_bot
    state.start()
    app.router.add_route("*", "/bot{token}/{method}", _bot_api)
    app.router.add_get("/file/bot{token}/{path:.+}", _download)
    app.router.add_get("/healthz", _health)
    control.add_routes(app)
    page.add_routes(app)
    app.on_shutdown.append(_shut_down)
    app.on_cleanup.append(_clean_up)
    return app


def set_outage(app: web.Application, active: bool) -> None:
    """Cut every Bot API connection and keep cutting them, or stop doing so."""
    app[STATE].set_outage(active)
    if active:
        open_calls = app[OPEN_CALLS]
        for transport in list(open_calls):
            transport.abort()
    log.info("outage %s", "begins" if active else "is over")


def _new_bot(bot: Bot) -> None:
    async def carry_out(content_type: str, body: bytes) -> None:
        # A webhook may answer an update with a call, whose result nobody learns.
        try:
            params = Params.parse(content_type, body)
            method = params.values.get("method")
            if isinstance(method, str):
                await _call(bot, method, params)
        except (ApiError, Drop) as error:
            log.warning("bot %d: call in a webhook's answer failed: %s", bot.id, error)
        except Exception:
            # The update has been accepted all the same.
            log.exception("bot %d: call in a webhook's answer failed", bot.id)

    bot.delivery.on_answer = carry_out


async def _bot_api(request: web.Request) -> web.StreamResponse:
    app = request.app
    state = app[STATE]
    if state.outage:
        return _abort(request)
    transport, open_calls = request.transport, app[OPEN_CALLS]
    if transport is not None:
        open_calls.add(transport)
    bot: Bot | None = None
    try:
        bot = state.by_token(request.match_info["token"])
        body = await request.read() if request.can_read_body else b""
        params = Params.parse(request.headers.get("Content-Type", ""), body, request.rel_url.raw_query_string)
        answer = await _call(bot, request.match_info["method"], params)
        status = 200
    except ApiError as error:
        status, answer = error.code, error.body()
    except Drop:
        return _abort(request)
    except web.HTTPRequestEntityTooLarge:
        status, answer = 413, ApiError(413, "Request Entity Too Large").body()
    except Exception:
        log.exception("bot %s: %s", bot.id if bot else "?", request.match_info["method"])
        status, answer = 500, ApiError(500, "Internal Server Error").body()
    finally:
        if transport is not None:
            open_calls.discard(transport)
    if status != 200:
        log.info(
            "bot %s: %s: %d %s", bot.id if bot else "?", request.match_info["method"], status, answer["description"]
        )
    return _json(answer, status)


async def _call(bot: Bot, name: str, params: Params) -> dict[str, Any]:
    key = name.lower()
    counters = bot.counters
    method = METHODS.get(key)
    status = _STATUS_DROPPED
    try:
        if method is None:
            raise not_found()
        counters.methods[key] += 1
        call = Call(bot, params)
        latency = bot.config.latency_of(key)
        if latency:
            await asyncio.sleep(latency)
        if not bot.faults.rules:
            result = await method(call)
        else:
            rules = bot.faults.matching(key, call.chat_id)
            for rule in rules:
                if rule.when == "before":
                    await rule.strike()
            result = await method(call)
            for rule in rules:
                if rule.when == "after":
                    await rule.strike()
        status = "200"
    except ApiError as error:
        status = str(error.code)
        raise
    finally:
        counters.statuses[status] += 1
    if isinstance(result, Described):
        return {"ok": True, "result": result.result, "description": result.description}
    return {"ok": True, "result": result}


async def _download(request: web.Request) -> web.StreamResponse:
    state = request.app[STATE]
    if state.outage:
        return _abort(request)
    try:
        bot = state.by_token(request.match_info["token"])
        stored = bot.files.by_path(request.match_info["path"])
        if stored is None:
            raise not_found()
    except ApiError as error:
        return _json(error.body(), error.code)
    return web.Response(body=stored.content, content_type="application/octet-stream")


async def _health(request: web.Request) -> web.StreamResponse:
    return _json({"status": "ok", "bots": len(request.app[STATE].bots)}, 200)


def _json(body: Any, status: int) -> web.Response:
    data = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return web.Response(body=data, status=status, content_type="application/json")


def _abort(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=503)  # goes nowhere: the connection is gone


async def _shut_down(app: web.Application) -> None:
    for bot in app[STATE].bots:
        bot.polling.terminate(ApiError(502, "Bad Gateway"))


async def _clean_up(app: web.Application) -> None:
    for bot in app[STATE].bots:
        await bot.delivery.close()
