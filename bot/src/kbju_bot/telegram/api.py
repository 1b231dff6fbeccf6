"""The Bot API through python-telegram-bot's `Bot`."""

import asyncio
import os
import time
import warnings
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from telegram import Bot, BotCommand, InputFile, User, WebhookInfo
from telegram.error import EndPointNotFound, InvalidToken, RetryAfter

from kbju_bot.attachments import File
from kbju_bot.settings import RunSettings
from kbju_bot.telegram.transport import AiohttpRequest

ALLOWED_UPDATES = ("message", "callback_query", "my_chat_member")
"""The kinds of updates the bot asks Telegram for."""
MAX_CONNECTIONS = 40
"""How many webhook requests Telegram may have under way at once."""

# The outbox stores the name of the API's method; going through `Bot.send_message` would only wrap and unwrap it again.
warnings.filterwarnings("ignore", message=r"Please use 'Bot\.")
# The library's next major version has it so, and warns those who have not.
os.environ.setdefault("PTB_TIMEDELTA", "true")


def pause_of(error: RetryAfter) -> float:
    """Return how long Telegram wants to be left alone, in seconds."""
    pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def build_bot(settings: RunSettings) -> Bot:
    """Build the library's bot. This is the only place that chooses its HTTP client."""
    connections = settings.send_concurrency + 4
    return Bot(
        settings.bot_token.get_secret_value(),
        base_url=f"{settings.telegram_api_url}/bot",
        base_file_url=f"{settings.telegram_api_url}/file/bot",
        request=AiohttpRequest(connections=connections, read_timeout=15, connect_timeout=5, pool_timeout=15),
        get_updates_request=AiohttpRequest(connections=1, read_timeout=15, connect_timeout=5, pool_timeout=5),
    )


class Api:
    """The calls the bot makes. All raise telegram.error.TelegramError."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._ready = False
        self.answered_at: float | None = None
        """When Telegram last accepted a call, by time.monotonic()."""

    async def call(self, method: str, parameters: Mapping[str, Any], *, read_timeout: float | None = None) -> Any:
        """Call any method of the API with parameters in JSON and return its result as it came."""
        more: dict[str, Any] = {} if read_timeout is None else {"read_timeout": read_timeout}
        try:
            result = await self._bot.do_api_request(method, api_kwargs=dict(parameters), **more)
        except EndPointNotFound as error:
            # The library can't tell a revoked token from an unknown method; every method here exists.
            raise InvalidToken("Telegram refused the bot's token") from error
        self.answered_at = time.monotonic()
        return result

    async def upload(self, method: str, parameters: Mapping[str, Any], file: File) -> Any:
        """Call a method of the API with a file."""
        upload = InputFile(file.content, filename=file.name, attach=False)
        return await self.call(method, {**parameters, file.field: upload})

    async def set_commands(self, commands: Mapping[str | None, Sequence[tuple[str, str]]]) -> None:
        """Show the commands, name and description each, in Telegram's menu, by language; None is everyone else's."""
        for language_code, listed in commands.items():
            await self._bot.set_my_commands(
                [BotCommand(name, description) for name, description in listed], language_code=language_code
            )
        self.answered_at = time.monotonic()

    async def get_me(self) -> User:
        """Ask Telegram who the bot is."""
        if not self._ready:
            try:
                await self._bot.initialize()
            except InvalidToken:
                # The library's own text quotes the token.
                raise InvalidToken("Telegram refused the bot's token") from None
            self._ready = True
            self.answered_at = time.monotonic()
            return self._bot.bot
        me = await self._bot.get_me()
        self.answered_at = time.monotonic()
        return me

    async def get_updates(self, offset: int | None, *, hold: int) -> list[dict[str, Any]]:
        """Poll for updates from `offset` on, letting Telegram hold the request for up to `hold` seconds.

        They are returned unparsed, so that one the library can't parse does not take the others with it.
        """
        parameters: dict[str, Any] = {"timeout": hold, "limit": 100, "allowed_updates": list(ALLOWED_UPDATES)}
        if offset is not None:
            parameters["offset"] = offset
        return cast("list[dict[str, Any]]", await self.call("getUpdates", parameters, read_timeout=hold + 10))

    async def get_webhook_info(self) -> WebhookInfo:
        """Ask what webhook Telegram knows."""
        info = await self._bot.get_webhook_info()
        self.answered_at = time.monotonic()
        return info

    async def set_webhook(self, url: str, secret: str, certificate: Path | None) -> None:
        """Tell Telegram where to deliver updates. Pending ones are kept."""
        await self._bot.set_webhook(
            url,
            certificate=await asyncio.to_thread(certificate.read_bytes) if certificate else None,
            max_connections=MAX_CONNECTIONS,
            allowed_updates=ALLOWED_UPDATES,
            drop_pending_updates=False,
            secret_token=secret,
        )
        self.answered_at = time.monotonic()

    async def delete_webhook(self) -> None:
        """Tell Telegram that the bot polls. Pending updates are kept."""
        await self._bot.delete_webhook(drop_pending_updates=False)
        self.answered_at = time.monotonic()

    async def close(self) -> None:
        """Close the connections."""
        await self._bot.shutdown()
