"""The HTTP server: health, readiness, metrics and, in webhook mode, Telegram's deliveries."""

from aiohttp import web

from kbju_bot.health import Readiness
from kbju_bot.metrics import CONTENT_TYPE, Metrics
from kbju_bot.settings import WEBHOOK_PATH
from kbju_bot.telegram.webhook import SECRET_HEADER, Webhook

_LARGEST_UPDATE = 1024 * 1024


class HttpServer:
    """Listens on one port. Which paths are reachable from outside is up to the proxy in front."""

    def __init__(self, readiness: Readiness, metrics: Metrics | None, *, host: str, port: int) -> None:
        """Without `metrics` there is no /metrics."""
        self._readiness = readiness
        self._metrics = metrics
        self._host = host
        self._port = port
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self.webhook: Webhook | None = None
        """Who takes deliveries; None answers them with 503 while starting and 404 in polling mode."""
        self.expects_webhook = False

    async def start(self) -> None:
        """Start listening. Raises OSError where the port is taken."""
        app = web.Application(client_max_size=_LARGEST_UPDATE)
        app.router.add_get("/healthz", self._healthz)
        app.router.add_get("/readyz", self._readyz)
        if self._metrics is not None:
            app.router.add_get("/metrics", self._serve_metrics)
        if self.expects_webhook:
            app.router.add_post(WEBHOOK_PATH, self._deliver)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=2)
        await self._runner.setup()
        self._site = web.TCPSite(self._runner, self._host, self._port, backlog=1024)
        await self._site.start()

    async def stop_listening(self) -> None:
        """Take no new connections; those that are open are still answered."""
        if self._site is not None:
            await self._site.stop()
            self._site = None

    async def close(self) -> None:
        """Close everything."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _healthz(self, _request: web.Request) -> web.Response:
        # That this is answered at all is the point: the event loop turns.
        return web.json_response({"alive": True})

    async def _readyz(self, _request: web.Request) -> web.Response:
        ready, report = self._readiness.report()
        return web.json_response(report, status=200 if ready else 503)

    async def _serve_metrics(self, _request: web.Request) -> web.Response:
        body = self._metrics.exposition() if self._metrics is not None else b""
        return web.Response(body=body, headers={"Content-Type": CONTENT_TYPE})

    async def _deliver(self, request: web.Request) -> web.Response:
        if self.webhook is None:
            return web.Response(status=503)
        status = await self.webhook.deliver(request.headers.get(SECRET_HEADER), await request.read())
        return web.Response(status=status)
