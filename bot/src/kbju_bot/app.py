"""The bot's life: starting, running and stopping without losing anything."""

import asyncio
import logging
import os
import signal
from collections.abc import Coroutine
from datetime import datetime
from typing import Any

import uvloop
from telegram.error import RetryAfter, TelegramError

from kbju_bot import __version__, exits, logs, reporting
from kbju_bot.aio import unless, whereabouts
from kbju_bot.attachments import Attachments
from kbju_bot.charts.worker import ChartPainter
from kbju_bot.core.model import Context
from kbju_bot.core.screens import menu_commands
from kbju_bot.handling import Handler
from kbju_bot.health import Readiness, keep_asking
from kbju_bot.housekeeping import keep_clean, keep_gauges
from kbju_bot.http import HttpServer
from kbju_bot.metrics import Metrics
from kbju_bot.schedules import keep_broadcasting, keep_reminding
from kbju_bot.settings import RunSettings
from kbju_bot.storage import schema
from kbju_bot.storage.database import Database
from kbju_bot.storage.errors import StorageUnavailableError
from kbju_bot.storage.leadership import Leadership
from kbju_bot.storage.locks import POLLER_LOCK
from kbju_bot.telegram.api import Api, build_bot, pause_of
from kbju_bot.telegram.limits import Limits
from kbju_bot.telegram.polling import Poller
from kbju_bot.telegram.sending import Sender
from kbju_bot.telegram.webhook import Webhook

log = logging.getLogger(__name__)

# Connections that handling updates leaves to the sender (claiming, settling, files) and to what is done now and then.
_RESERVED_CONNECTIONS = 4
_PENDING_INTERVAL = 60.0
_COMMANDS_PAUSE = 60.0
_CHAT_BURST = 5


class App:
    """One instance of the bot."""

    def __init__(self, settings: RunSettings) -> None:
        self._settings = settings
        self._mode = "webhook" if settings.webhook_url else "polling"
        self.metrics = Metrics(mode=self._mode, synology=settings.synology_mode)
        self.readiness = Readiness(self.metrics)
        self._stop = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()
        self._broken = False
        self._database = Database(
            settings.database,
            pool_min=settings.db_pool_min,
            pool_max=settings.db_pool_max,
            timeout=settings.db_timeout,
        )
        self._api = Api(build_bot(settings))
        self._painter = ChartPainter()
        self._sender = Sender(
            self._database,
            self._api,
            self.metrics,
            concurrency=settings.send_concurrency,
            limits=Limits(rate=settings.send_rate, chat_rate=settings.send_rate_chat, chat_burst=_CHAT_BURST),
            files=Attachments(self._database, self._painter),
        )
        self._handler = Handler(
            self._database,
            self.metrics,
            slots=settings.db_pool_max - _RESERVED_CONNECTIONS,
            replied=self._sender.wake,
            context=self._context,
        )
        self._http = HttpServer(
            self.readiness,
            self.metrics if settings.prometheus_enabled else None,
            host=settings.http_host,
            port=settings.http_port,
        )
        self._http.expects_webhook = self._mode == "webhook"
        self._receiver: Poller | Webhook | None = None
        self._receiving: asyncio.Task[None] | None = None
        self._sending: asyncio.Task[None] | None = None

    def stop(self) -> None:
        """Let `run` finish what is in flight and return."""
        self._stop.set()

    async def run(self) -> int:
        """Run until `stop` and return the exit code."""
        settings = self._settings
        log.info("kbju-bot %s starts, mode %s, synology %s", __version__, self._mode, settings.synology_mode)
        logging.getLogger().addHandler(self.metrics.log_counter())
        patience = settings.probe_interval * 2.5
        self.readiness.expect("database", 0)
        self.readiness.expect("telegram", patience)
        try:
            await self._http.start()
        except OSError as error:
            log.critical("port %d can't be listened on: %s", settings.http_port, error.strerror)
            return exits.UNAVAILABLE
        try:
            interval = settings.probe_interval
            self._in_background(
                "probe-database", keep_asking(self.readiness, "database", self._ping, interval=interval)
            )
            self._in_background(
                "probe-telegram", keep_asking(self.readiness, "telegram", self._hail, interval=interval)
            )
            try:
                await unless(self._stop, self._await_schema())
            except schema.SchemaTooOldError as error:
                log.critical("%s", error)
                return exits.SCHEMA_TOO_OLD
            if not self._stop.is_set():
                self._start_working()
                await self._stop.wait()
            return exits.SOFTWARE if self._broken else exits.OK
        finally:
            await self._shut_down()

    def _context(self, now: datetime) -> Context:
        settings = self._settings
        return Context(now, settings.admin_ids, settings.consultation_url, settings.time_zone)

    async def _ping(self) -> None:
        await self._database.ping()

    async def _hail(self) -> None:
        # Any call Telegram accepted since the last probe says as much as asking again.
        answered = self._api.answered_at
        if answered is None or asyncio.get_running_loop().time() - answered > self._settings.probe_interval:
            await self._api.get_me()

    async def _await_schema(self) -> None:
        await self._database.connect()
        while True:
            try:
                revision = await schema.check(self._database)
            except StorageUnavailableError as error:
                log.warning("the schema can't be checked yet: %s", error)
                await asyncio.sleep(1)
            else:
                log.info("the database's schema is at %s", revision)
                # It has just answered: readiness need not wait for the next probe.
                self.readiness.succeeded("database")
                return

    def _start_working(self) -> None:
        settings = self._settings
        self._in_background("gauges", keep_gauges(self._database, self.metrics))
        self._in_background("clean", keep_clean(self._database))
        self._in_background("commands", self._show_commands())
        wake = self._sender.wake
        self._in_background("reminders", keep_reminding(self._database, wake, time_zone=settings.time_zone))
        self._in_background("broadcasts", keep_broadcasting(self._database, wake, rate=settings.broadcast_rate))
        self._sending = self._in_background("sender", self._sender.run())
        if settings.webhook_url and settings.webhook_secret:
            webhook = Webhook(
                self._api,
                self._handler,
                self.metrics,
                url=settings.webhook_url,
                secret=settings.webhook_secret.get_secret_value(),
                certificate=settings.webhook_certificate,
                registered=self._note_webhook,
            )
            self._http.webhook = self._receiver = webhook
            self._in_background("webhook", webhook.keep())
        else:
            leadership = Leadership(settings.database, POLLER_LOCK, timeout=settings.db_timeout)
            poller = Poller(
                self._api,
                self._handler,
                leadership,
                self.metrics,
                hold=settings.poll_timeout,
                leads=self._note_leading,
            )
            self._receiver = poller
            self._receiving = self._in_background("poller", poller.run())
            self._in_background("pending", self._watch_pending())

    async def _show_commands(self) -> None:
        """Show the commands in Telegram's menu, as soon as Telegram takes them."""
        while True:
            try:
                await self._api.set_commands(menu_commands())
            except TelegramError as error:
                log.warning("the commands can't be shown in Telegram's menu yet: %s", type(error).__name__)
                await asyncio.sleep(pause_of(error) if isinstance(error, RetryAfter) else _COMMANDS_PAUSE)
            else:
                return

    async def _watch_pending(self) -> None:
        """Ask Telegram how many updates wait, while this instance polls. In webhook mode the webhook's keeper asks."""
        while True:
            if self.readiness.state == "polling":
                try:
                    self.metrics.pending_updates.set((await self._api.get_webhook_info()).pending_update_count)
                except TelegramError as error:
                    log.debug("how many updates wait is not known: %s", type(error).__name__)
            await asyncio.sleep(_PENDING_INTERVAL)

    def _note_webhook(self) -> None:
        if not self._stop.is_set():
            self.readiness.state = "webhook"

    def _note_leading(self, leads: bool) -> None:
        self.metrics.poller_leader.set(int(leads))
        if not self._stop.is_set():
            self.readiness.state = "polling" if leads else "standby"

    def _in_background(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work, name=name)
        self._background.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        # A part that died silently would leave a bot that looks well and does nothing: better start anew.
        log.critical("%s broke down, the bot stops: %s", task.get_name(), whereabouts(error))
        self._broken = True
        self._stop.set()

    async def _shut_down(self) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._settings.shutdown_timeout
        self.readiness.state = "stopping"
        log.info("stopping")
        await self._http.stop_listening()
        if self._receiver is not None:
            self._receiver.stop()
        try:
            async with asyncio.timeout_at(deadline):
                await self._handler.idle()
                if self._receiving is not None:
                    await asyncio.wait({self._receiving})
                self._sender.finish()
                if self._sending is not None:
                    await asyncio.wait({self._sending})
        except TimeoutError:
            log.warning("not everything was sent within %g s; it stays queued", self._settings.shutdown_timeout)
        rest = list(self._background)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        await self._http.close()
        await self._painter.close()
        await self._api.close()
        await self._database.close()
        log.info("stopped")


async def run(settings: RunSettings) -> int:
    """Run the bot until SIGTERM or SIGINT and return the exit code. A second signal ends the process at once."""
    app = App(settings)
    loop = asyncio.get_running_loop()
    loop.set_debug(settings.debug_mode)

    def on_signal(number: signal.Signals) -> None:
        loop.remove_signal_handler(signal.SIGTERM)
        loop.remove_signal_handler(signal.SIGINT)
        for again in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(again, os._exit, 128 + again)
        log.info("got %s", number.name)
        app.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal, number)
    return await app.run()


def main(settings: RunSettings) -> int:
    """Set logging up, run the bot and return the exit code."""
    redact = logs.configure(settings)
    if settings.sentry_dsn is not None:
        reporting.start(settings.sentry_dsn.get_secret_value(), redact)
    # An eighth less CPU an update than on asyncio's own loop, by the benchmark.
    return uvloop.run(run(settings))
