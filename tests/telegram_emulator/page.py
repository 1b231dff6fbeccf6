"""The chat page: a person talks to the bot in a browser. It needs nothing but the control API."""

from __future__ import annotations

from pathlib import Path

from aiohttp import web

_TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FILES = {path.name: path for path in Path(__file__).with_name("page").iterdir() if path.suffix in _TYPES}
# Whatever a bot or a user writes, the browser takes no script from anywhere else, and no markup from a string.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)


def add_routes(app: web.Application) -> None:
    """Put the page under / and its parts under /page."""
    app.router.add_get("/", _index)
    app.router.add_get("/page/{name}", _part)


async def _index(_request: web.Request) -> web.StreamResponse:
    return _served(_FILES["index.html"])


async def _part(request: web.Request) -> web.StreamResponse:
    path = _FILES.get(request.match_info["name"])
    if path is None:
        raise web.HTTPNotFound
    return _served(path)


def _served(path: Path) -> web.FileResponse:
    headers = {
        "Content-Type": f"{_TYPES[path.suffix]}; charset=utf-8",
        "Content-Security-Policy": _POLICY,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        # Asked again each time: whoever works on the page sees what is there now.
        "Cache-Control": "no-cache",
    }
    return web.FileResponse(path, headers=headers)
