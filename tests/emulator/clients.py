"""The two stock clients behind one face, as far as they differ."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import aiogram
import telegram
from aiogram import exceptions as aiogram_errors
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import BotCommand as AiogramCommand
from aiogram.types import BufferedInputFile, InlineKeyboardButton, InlineKeyboardMarkup
from telegram import error as ptb_errors
from telegram.request import HTTPXRequest

from telegram_emulator.testing import EmulatorServer

# Reading the system's certificates anew for every client takes longer than most of the tests.
_TLS = ssl.create_default_context()

PTB_ERRORS: Mapping[str, type[Exception]] = {
    "bad request": ptb_errors.BadRequest,
    "forbidden": ptb_errors.Forbidden,
    "retry after": ptb_errors.RetryAfter,
    "unauthorized": ptb_errors.InvalidToken,
    "not found": ptb_errors.InvalidToken,
    "conflict": ptb_errors.Conflict,
    "server": ptb_errors.NetworkError,
    "network": ptb_errors.NetworkError,
}
AIOGRAM_ERRORS: Mapping[str, type[Exception]] = {
    "bad request": aiogram_errors.TelegramBadRequest,
    "forbidden": aiogram_errors.TelegramForbiddenError,
    "retry after": aiogram_errors.TelegramRetryAfter,
    "unauthorized": aiogram_errors.TelegramUnauthorizedError,
    "not found": aiogram_errors.TelegramNotFound,
    "conflict": aiogram_errors.TelegramConflictError,
    "server": aiogram_errors.TelegramServerError,
    "network": aiogram_errors.TelegramNetworkError,
}


@dataclass
class Client:
    """A client library's bot. Its methods have the same names and keywords in both."""

    name: str
    bot: Any
    errors: Mapping[str, type[Exception]]

    @property
    def is_ptb(self) -> bool:
        return self.name == "ptb"

    def file(self, content: bytes, name: str) -> Any:
        return telegram.InputFile(content, name) if self.is_ptb else BufferedInputFile(content, name)

    def command(self, name: str, description: str) -> Any:
        if self.is_ptb:
            return telegram.BotCommand(name, description)
        return AiogramCommand(command=name, description=description)

    def keyboard(self, *rows: list[tuple[str, str]]) -> Any:
        if self.is_ptb:
            return telegram.InlineKeyboardMarkup(
                [[telegram.InlineKeyboardButton(text, callback_data=data) for text, data in row] for row in rows]
            )
        return InlineKeyboardMarkup(
            inline_keyboard=[
                [InlineKeyboardButton(text=text, callback_data=data) for text, data in row] for row in rows
            ]
        )

    async def download(self, file_id: str) -> bytes:
        file = await self.bot.get_file(file_id)
        if self.is_ptb:
            return bytes(await file.download_as_bytearray())
        stream = await self.bot.download_file(file.file_path)
        return bytes(stream.read())

    async def close(self) -> None:
        if self.is_ptb:
            await self.bot.shutdown()
        else:
            # Its own close() sleeps for a quarter of a second, which adds up over the tests.
            session = self.bot.session._session
            if session is not None:
                await session.close()


def says(text: str) -> re.Pattern[str]:
    """A pattern for an error's text: the libraries keep Telegram's words, but not its capitals."""
    return re.compile(re.escape(text), re.IGNORECASE)


async def connect(name: str, server: EmulatorServer, token: str) -> Client:
    """A client of the emulator, given nothing but the address."""
    if name == "ptb":
        bot = telegram.Bot(
            token,
            base_url=server.base_url,
            base_file_url=server.base_file_url,
            get_updates_request=HTTPXRequest(httpx_kwargs={"verify": _TLS}),
            request=HTTPXRequest(connection_pool_size=256, httpx_kwargs={"verify": _TLS}),
        )
        return Client(name, bot, PTB_ERRORS)
    session = AiohttpSession(api=TelegramAPIServer.from_base(server.url))
    return Client(name, aiogram.Bot(token, session=session), AIOGRAM_ERRORS)


async def eventually(condition: Callable[[], bool], seconds: float = 5.0) -> None:
    """Return as soon as the condition holds; for state inside the emulator, which announces nothing."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - the clients announce nothing
            await asyncio.sleep(0.005)
