"""How the bot gets its updates: polling or a webhook."""

from __future__ import annotations

import ipaddress
import logging
import re
import ssl
from typing import Any
from urllib.parse import urlsplit

from ..bot import Bot
from ..errors import bad_request, conflict
from ..webhook import Settings
from .registry import Call, Described, method

log = logging.getLogger(__name__)

_PORTS = frozenset({443, 80, 88, 8443})
_SECRET = re.compile(r"[A-Za-z0-9_-]*")


@method("getUpdates")
async def get_updates(call: Call) -> Any:
    """Long polling."""
    bot, params = call.bot, call.params
    if bot.delivery.settings is not None:
        bot.counters.conflicts += 1
        raise conflict(
            "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
        )
    bot.queue.allow(_allowed(call))
    limit = params.integer("limit")
    batch = await bot.polling.get(
        offset=params.integer("offset") or 0,
        limit=limit if limit is not None and 1 <= limit <= 100 else 100,
        timeout=params.integer("timeout") or 0,
    )
    return [update.api() for update in batch]


@method("setWebhook")
async def set_webhook(call: Call) -> Any:
    """Have updates posted to an address."""
    bot, params = call.bot, call.params
    url = params.text("url") or ""
    if not url:
        return await delete_webhook(call)
    settings = Settings(
        url=_checked_url(url, bot.config.any_webhook),
        secret=_secret(params.text("secret_token")),
        certificate=_certificate(call),
        ip_address=_ip_address(params.text("ip_address")),
        max_connections=min(max(params.integer("max_connections") or 40, 1), 100),
    )
    try:
        settings.tls()
    except ssl.SSLError:
        raise bad_request("bad webhook: can't parse the certificate") from None
    bot.queue.allow(_allowed(call))
    if params.flag("drop_pending_updates"):
        _drop(bot)
    if settings == bot.delivery.settings:
        return Described(True, "Webhook is already set")
    bot.polling.terminate(conflict("terminated by setWebhook request"))
    bot.delivery.configure(settings)
    log.info("bot %d: webhook set, host %s", bot.id, urlsplit(url).hostname)
    return Described(True, "Webhook was set")


@method("deleteWebhook")
async def delete_webhook(call: Call) -> Any:
    """Go back to polling."""
    bot = call.bot
    if call.params.flag("drop_pending_updates"):
        _drop(bot)
    if bot.delivery.settings is None:
        return Described(True, "Webhook is already deleted")
    bot.delivery.configure(None)
    log.info("bot %d: webhook deleted", bot.id)
    return Described(True, "Webhook was deleted")


@method("getWebhookInfo")
async def get_webhook_info(call: Call) -> Any:
    """Where updates go, and how that has been going."""
    bot = call.bot
    settings = bot.delivery.settings
    info: dict[str, Any] = {
        "url": settings.url if settings else "",
        "has_custom_certificate": bool(settings and settings.certificate),
        "pending_update_count": len(bot.queue),
    }
    if settings is not None:
        info["max_connections"] = settings.max_connections
        if settings.ip_address:
            info["ip_address"] = settings.ip_address
        if bot.delivery.last_error is not None:
            info["last_error_date"], info["last_error_message"] = bot.delivery.last_error
    if bot.queue.allowed:
        info["allowed_updates"] = list(bot.queue.allowed)
    return info


def _drop(bot: Bot) -> None:
    bot.queue.clear()
    bot.delivery.forget()


def _allowed(call: Call) -> list[str] | None:
    allowed = call.params.json("allowed_updates")
    if allowed is None:
        return None
    if not isinstance(allowed, list):
        raise bad_request("can't parse allowed_updates: expected an array of String")
    return [str(kind).lower() for kind in allowed]


def _checked_url(url: str, anything_goes: bool) -> str:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise bad_request("bad webhook: invalid URL specified") from None
    if not parts.hostname or parts.scheme not in {"http", "https"}:
        raise bad_request("bad webhook: invalid URL specified")
    if not anything_goes:
        if parts.scheme != "https":
            raise bad_request("bad webhook: An HTTPS URL must be provided for webhook")
        if (port or 443) not in _PORTS:
            raise bad_request("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
    return url


def _secret(secret: str | None) -> str | None:
    if secret and len(secret) > 256:
        raise bad_request("secret token is too long")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters")
    return secret or None


def _ip_address(address: str | None) -> str | None:
    if not address:
        return None
    try:
        return str(ipaddress.ip_address(address))
    except ValueError:
        raise bad_request("bad webhook: Invalid IP address specified") from None


def _certificate(call: Call) -> str | None:
    upload = call.params.files.get("certificate")
    reference = call.params.text("certificate")
    if upload is None and reference:
        upload = call.params.files.get(reference.removeprefix("attach://"))
        if upload is None:
            raise bad_request("bad webhook: the certificate must be uploaded as a file")
    if upload is None:
        return None
    try:
        return upload.content.decode("ascii")
    except UnicodeDecodeError:
        raise bad_request("bad webhook: the certificate must be in PEM format") from None
