"""An echo bot on stock python-telegram-bot: its default HTTP client and its default settings."""

import argparse
import asyncio
import os
from typing import Any

from aiohttp import web
from telegram import Update
from telegram.ext import Application, ApplicationBuilder, ContextTypes, MessageHandler, filters

AnyApplication = Application[Any, Any, Any, Any, Any, Any]


async def echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Send the text back."""
    if update.message is not None and update.message.text is not None:
        await update.message.reply_text(update.message.text)


async def remember_and_echo(update: Update, context: ContextTypes.DEFAULT_TYPE) -> None:
    """Keep a dialogue's state in memory, as the library's examples do, and send the text back."""
    if update.message is not None and update.message.text is not None and context.user_data is not None:
        context.user_data["count"] = context.user_data.get("count", 0) + 1
        context.user_data.setdefault("texts", [])[:] = [update.message.text]
        await update.message.reply_text(update.message.text)


async def by_webhook(application: AnyApplication, port: int) -> None:
    """Receive by webhook as the library's example `customwebhookbot` does: queue the update, then answer 200."""

    async def take(request: web.Request) -> web.Response:
        await application.update_queue.put(Update.de_json(await request.json(), application.bot))
        return web.Response()

    receiver = web.Application()
    receiver.router.add_post("/", take)
    runner = web.AppRunner(receiver, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    async with application:
        await application.bot.set_webhook(f"http://127.0.0.1:{port}/")
        await application.start()
        await asyncio.Event().wait()


def main() -> None:
    """Run until a signal."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--api", required=True, help="the Bot API's address")
    parser.add_argument("--concurrent", type=int, default=0, help="concurrent_updates; 0: one after another")
    parser.add_argument("--memory", action="store_true", help="keep state in memory")
    parser.add_argument("--webhook", type=int, metavar="PORT", help="receive by webhook")
    options = parser.parse_args()
    builder = ApplicationBuilder().token(os.environ["BOT_TOKEN"]).base_url(f"{options.api}/bot")
    application = builder.concurrent_updates(options.concurrent or False).build()
    application.add_handler(MessageHandler(filters.TEXT, remember_and_echo if options.memory else echo))
    if options.webhook:
        asyncio.run(by_webhook(application, options.webhook))
    else:
        application.run_polling()


if __name__ == "__main__":
    main()
