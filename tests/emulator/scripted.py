"""A small bot for the chat page: stock python-telegram-bot, and an answer for everything that the page can show."""

from __future__ import annotations

import asyncio
import contextlib
from concurrent.futures import Future
from types import TracebackType
from typing import Self

import telegram
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, ReplyKeyboardMarkup, ReplyKeyboardRemove

from emulator.background import Background
from emulator.clients import connect
from emulator.test_emulator_media import png
from telegram_emulator.config import Config
from telegram_emulator.testing import EmulatorServer

TOKEN = "4200001:AAtest-token_of-thirty-five-letters0"
DOCUMENT = "дата;ккал\n2026-01-01;2000\n".encode()
FORMATTED = (
    '<b>Жирный <i>и курсив</i></b>, <code>код</code>, <a href="https://example.org/">ссылка</a>, '
    '<a href="javascript:alert(1)">ловушка</a>\nвторая строка 🙂 <s>зачёркнуто</s> <tg-spoiler>тайна</tg-spoiler>'
)
BUTTONS = [[("👨 Мужской", "toast"), ("👩 Женский", "edit")], [("Важно", "alert"), ("Молча", "silent")]]
START = InlineKeyboardMarkup(
    [
        *([InlineKeyboardButton(label, callback_data=data) for label, data in row] for row in BUTTONS),
        [InlineKeyboardButton("Сайт", url="https://example.org/")],
    ]
)


class Scene:
    """Context manager: an emulator and the bot on it, both in a thread of their own.

    A `silent` bot does not call before `introduce`.
    """

    def __init__(self, port: int = 0, *, silent: bool = False) -> None:
        self.background = Background()
        self.server = EmulatorServer(Config(), port)
        self._silent = silent
        self._running = False
        self._receiving: Future[None] | None = None

    @property
    def url(self) -> str:
        return self.server.url

    def __enter__(self) -> Self:
        self.background.__enter__()
        self.background.run(self.server.__aenter__())
        self._running = True
        self.bot: telegram.Bot = self.background.run(connect("ptb", self.server, TOKEN)).bot
        if not self._silent:
            self.introduce()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def introduce(self) -> None:
        """The bot says who it is, and begins to answer."""
        self.background.run(self._introduce())
        self._receiving = asyncio.run_coroutine_threadsafe(self._receive(), self.background.loop)

    def stop(self) -> None:
        """End both; once is enough."""
        if not self._running:
            return
        self._running = False
        if self._receiving is not None:
            self._receiving.cancel()
        self.background.run(self.server.__aexit__(None, None, None))
        self.background.run(self.bot.shutdown())
        self.background.__exit__(None, None, None)

    async def _introduce(self) -> None:
        await self.bot.set_my_name("КБЖУ-бот")
        await self.bot.set_my_description("Считаю калории, белки, жиры и углеводы.")
        await self.bot.set_my_commands([("start", "Начать сначала"), ("help", "Что я умею")])

    async def _receive(self) -> None:
        offset = 0
        while True:
            for update in await self.bot.get_updates(offset, timeout=10):
                offset = update.update_id + 1
                with contextlib.suppress(telegram.error.Forbidden):
                    await self._answer(update)

    async def _answer(self, update: telegram.Update) -> None:
        bot = self.bot
        if update.callback_query is not None:
            await self._answer_press(update.callback_query)
            return
        message = update.message
        if message is None or message.from_user is None:
            return
        user = message.from_user.id
        match message.text:
            case "/start":
                name = message.from_user.first_name
                await bot.send_message(user, f"Здравствуйте, {name}!\nВаш пол?", reply_markup=START)
            case "/formatted":
                reply = telegram.ReplyParameters(message.message_id)
                await bot.send_message(user, FORMATTED, parse_mode="HTML", reply_parameters=reply)
            case "/keyboard":
                labels = ReplyKeyboardMarkup([["Низкая", "Средняя"], ["Высокая"]])
                await bot.send_message(user, "Активность?", reply_markup=labels)
            case "/once":
                labels = ReplyKeyboardMarkup([["Один раз"]], one_time_keyboard=True)
                await bot.send_message(user, "Нажмите", reply_markup=labels)
            case "/remove":
                await bot.send_message(user, "Убрано", reply_markup=ReplyKeyboardRemove())
            case "/photo":
                await bot.send_photo(user, telegram.InputFile(png(640, 320), "chart.png"), caption="Вес за неделю")
            case "/document":
                await bot.send_document(user, telegram.InputFile(DOCUMENT, "отчёт.csv"), caption="Ваши данные")
            case text:
                await bot.send_message(user, f"Вы написали: {text}")

    async def _answer_press(self, query: telegram.CallbackQuery) -> None:
        match query.data:
            case "toast":
                await self.bot.answer_callback_query(query.id, "Записано")
            case "alert":
                await self.bot.answer_callback_query(query.id, "Только для взрослых\nсовсем", show_alert=True)
            case "edit":
                await self.bot.answer_callback_query(query.id)
                again = InlineKeyboardMarkup([[InlineKeyboardButton("Изменить", callback_data="toast")]])
                assert query.message is not None
                await self.bot.edit_message_text(
                    "Пол: женский", query.from_user.id, query.message.message_id, reply_markup=again
                )
