"""An echo bot on stock aiogram 3."""

import argparse
import asyncio
import os

from aiogram import Bot, Dispatcher
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.types import Message
from aiogram.webhook.aiohttp_server import SimpleRequestHandler
from aiohttp import web


async def echo(message: Message) -> None:
    """Send the text back."""
    if message.text is not None:
        await message.answer(message.text)


async def run(api: str, webhook: int | None) -> None:
    """Receive by long polling, or by webhook on a port, until a signal."""
    dispatcher = Dispatcher()
    dispatcher.message.register(echo)
    bot = Bot(os.environ["BOT_TOKEN"], session=AiohttpSession(api=TelegramAPIServer.from_base(api)))
    if webhook is None:
        await dispatcher.start_polling(bot)
        return
    receiver = web.Application()
    SimpleRequestHandler(dispatcher, bot).register(receiver, path="/")
    runner = web.AppRunner(receiver, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", webhook).start()
    await bot.set_webhook(f"http://127.0.0.1:{webhook}/")
    await asyncio.Event().wait()


def main() -> None:
    """Run until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True, help="the Bot API's address")
    parser.add_argument("--webhook", type=int, metavar="PORT", help="receive by webhook")
    options = parser.parse_args()
    asyncio.run(run(options.api, options.webhook))


if __name__ == "__main__":
    main()
