"""Receiving by webhook."""

import asyncio
import hmac
import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from telegram import WebhookInfo
from telegram.error import RetryAfter, TelegramError

from kbju_bot.handling import Handler
from kbju_bot.metrics import Metrics
from kbju_bot.storage.errors import StorageUnavailableError
from kbju_bot.telegram.api import ALLOWED_UPDATES, MAX_CONNECTIONS, Api, pause_of
from kbju_bot.telegram.updates import MalformedUpdateError, parse

log = logging.getLogger(__name__)

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - the name of a header
CHECK_INTERVAL = 60.0
"""How often Telegram is asked whether the webhook is still set, in seconds."""
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0


class Webhook:
    """Answers Telegram's deliveries and keeps the webhook set."""

    def __init__(
        self,
        api: Api,
        handler: Handler,
        metrics: Metrics,
        *,
        url: str,
        secret: str,
        certificate: Path | None,
        registered: Callable[[], None],
    ) -> None:
        """`registered` is called once Telegram knows the webhook."""
        self._api = api
        self._handler = handler
        self._metrics = metrics
        self._url = url
        self._secret = secret
        self._certificate = certificate
        self._registered = registered
        self._stopped = False

    def stop(self) -> None:
        """Take no more updates: Telegram will deliver them again."""
        self._stopped = True

    async def deliver(self, secret: str | None, body: bytes) -> HTTPStatus:
        """Handle one delivery and return the status to answer. 200 means that it is committed."""
        if not hmac.compare_digest((secret or "").encode(errors="replace"), self._secret.encode()):
            log.warning("a delivery without the right secret was refused")
            return HTTPStatus.UNAUTHORIZED
        if self._stopped:
            return HTTPStatus.SERVICE_UNAVAILABLE
        try:
            incoming = parse(json.loads(body))
        except (ValueError, RecursionError, MalformedUpdateError):
            log.warning("a delivery held no update")
            return HTTPStatus.BAD_REQUEST
        try:
            await self._handler.handle(incoming, datetime.now(UTC))
        except StorageUnavailableError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.OK

    async def keep(self) -> None:
        """Set the webhook and set it again whenever Telegram knows another one, for ever."""
        known = False
        pause = _FIRST_PAUSE
        while True:
            try:
                # The first time always: Telegram does not tell which secret and which certificate it has.
                if not known or not self._is_ours(await self._api.get_webhook_info()):
                    await self._api.set_webhook(self._url, self._secret, self._certificate)
                    log.info("Telegram delivers to the webhook")
                    if not known:
                        known = True
                        self._registered()
            except TelegramError as error:
                self._metrics.errors.labels("telegram").inc()
                log.warning("the webhook can't be set or checked: %s: %s", type(error).__name__, error)
                await asyncio.sleep(pause_of(error) if isinstance(error, RetryAfter) else pause)
                pause = min(pause * 2, _LONGEST_PAUSE)
            else:
                pause = _FIRST_PAUSE
                await asyncio.sleep(CHECK_INTERVAL)

    def _is_ours(self, info: WebhookInfo) -> bool:
        self._metrics.pending_updates.set(info.pending_update_count)
        return (
            info.url == self._url
            and set(info.allowed_updates or ()) == set(ALLOWED_UPDATES)
            and info.max_connections == MAX_CONNECTIONS
            and info.has_custom_certificate == (self._certificate is not None)
        )
