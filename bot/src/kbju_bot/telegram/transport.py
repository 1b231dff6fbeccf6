"""The HTTP client below python-telegram-bot, on aiohttp: several times faster than the library's own on httpx."""

import asyncio
import json
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import IO, Any, NamedTuple, cast
from urllib.request import getproxies, proxy_bypass

import aiohttp
from telegram.error import NetworkError, TimedOut
from telegram.request import BaseRequest, RequestData
from yarl import URL

KEEP_ALIVE = 30.0
"""How long an idle connection is kept, in seconds. Shorter than servers do: what they close may be closing just now."""
_PIECE = 64 * 1024
# Telegram takes a file's name as it stands, ends it at a semicolon even between quotes, and undoes no escapes
# (HttpReader.cpp of tdlib). So names are neither escaped nor percent-encoded.
_UNSAFE_IN_NAMES = str.maketrans({'"': "'", ";": ",", "\\": "_", "\r": " ", "\n": " "})

_Timeout = object
"""float | None | BaseRequest.DEFAULT_NONE: the library keeps the name of the last one's type to itself."""


class Body(NamedTuple):
    """What a request carries."""

    content: bytes
    content_type: str


class AiohttpRequest(BaseRequest):
    """Makes the library's calls over at most `connections` kept-alive connections. Nothing is tried twice.

    Timeouts are in seconds, None for never: `read` for silence of the server, `write` for each piece of an upload
    (`media_write` where files are sent), `connect` for look-up, TCP and TLS together, `pool` for a free connection.
    Raises TimedOut and NetworkError, whose texts never hold an address: the token is a part of it.
    Proxies come from the environment, and certificates from the system or SSL_CERT_FILE.
    """

    __slots__ = ("_closed", "_connections", "_places", "_proxies", "_session", "_timeouts")

    def __init__(
        self,
        *,
        connections: int,
        read_timeout: float | None = 5.0,
        write_timeout: float | None = 5.0,
        media_write_timeout: float | None = 20.0,
        connect_timeout: float | None = 5.0,
        pool_timeout: float | None = 1.0,
    ) -> None:
        self._connections = connections
        self._timeouts = {
            "read": read_timeout,
            "write": write_timeout,
            "media_write": media_write_timeout,
            "connect": connect_timeout,
            "pool": pool_timeout,
        }
        self._session: aiohttp.ClientSession | None = None
        self._places = asyncio.Semaphore(connections)
        self._proxies: dict[tuple[str, str | None], str | None] = {}
        self._closed = False

    @property
    def read_timeout(self) -> float | None:
        """How long the server may be silent where a call does not say, in seconds."""
        return self._timeouts["read"]

    async def initialize(self) -> None:
        """Get ready, also after `shutdown`."""
        self._closed = False
        self._open()

    async def shutdown(self) -> None:
        """Close all connections; calls under way fail with NetworkError."""
        self._closed = True
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def do_request(  # noqa: PLR0917 - the library's signature
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
        write_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
        connect_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
        pool_timeout: _Timeout = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Make one call and return the status and the body of the answer."""
        if self._closed:
            raise RuntimeError("this AiohttpRequest is shut down")
        self._open()
        body = encode(request_data)
        media = request_data is not None and request_data.contains_files
        patience = self._seconds("media_write" if media else "write", write_timeout)
        timeout = aiohttp.ClientTimeout(
            connect=self._seconds("connect", connect_timeout), sock_read=self._seconds("read", read_timeout)
        )
        places = self._places
        try:
            async with asyncio.timeout(self._seconds("pool", pool_timeout)):
                await places.acquire()
        except TimeoutError:
            raise TimedOut("Pool timeout: all connections are in use, the request was not sent") from None
        try:
            return await self._exchange(method, URL(url), body, timeout, patience)
        except aiohttp.ConnectionTimeoutError:
            raise TimedOut("Connect timeout: the request was not sent") from None
        except aiohttp.SocketTimeoutError:
            raise TimedOut("Read timeout: the server is silent") from None
        except TimeoutError:
            raise TimedOut("Write timeout: the server does not take the request") from None
        except (aiohttp.ClientError, OSError) as error:
            raise NetworkError(_reason(error)) from None
        finally:
            places.release()

    async def _exchange(
        self,
        method: str,
        url: URL,
        body: Body | None,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's own, which tells connecting from reading
        patience: float | None,
    ) -> tuple[int, bytes]:
        content: bytes | AsyncIterator[bytes] | None = None
        headers = {}
        session = self._session
        if session is None:
            raise NetworkError("shut down before the request was sent")
        async with asyncio.timeout(None) as deadline:
            if body is not None:
                headers = {"Content-Type": body.content_type, "Content-Length": str(len(body.content))}
                # The socket takes one piece at once, so there is nothing to wait for.
                small = len(body.content) <= _PIECE
                content = body.content if small else _pieces(body.content, deadline, patience)
            async with session.request(
                method,
                url,
                data=content,
                headers=headers,
                timeout=timeout,
                proxy=self._proxy_for(url),
                allow_redirects=False,
            ) as response:
                return response.status, await response.read()

    def _open(self) -> None:
        # Needs a running loop, and the library makes calls before it initializes.
        if self._session is None:
            self._places = asyncio.Semaphore(self._connections)
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=self._connections, keepalive_timeout=KEEP_ALIVE),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": self.USER_AGENT},
            )

    def _proxy_for(self, url: URL) -> str | None:
        # What aiohttp's `trust_env` does, but once instead of in two threads for every call.
        key = url.scheme, url.host
        if key not in self._proxies:
            bypassed = url.host is None or proxy_bypass(url.host)
            self._proxies[key] = None if bypassed else getproxies().get(url.scheme)
        return self._proxies[key]

    def _seconds(self, kind: str, given: object) -> float | None:
        return self._timeouts[kind] if given is BaseRequest.DEFAULT_NONE else cast("float | None", given)


def encode(data: RequestData | None) -> Body | None:
    """Return a request's body: JSON, or multipart where there are files; None without parameters."""
    if data is None or not (data.contains_files or data.parameters):
        return None
    if data.contains_files:
        return _multipart(data.json_parameters, data.multipart_data)
    text = json.dumps(data.parameters, ensure_ascii=False, separators=(",", ":"))
    # Half a surrogate pair, which users can produce, is no valid UTF-8: better a question mark than no message.
    return Body(text.encode(errors="replace"), "application/json")


def _multipart(fields: Mapping[str, str], files: Mapping[str, tuple[Any, ...]]) -> Body:
    boundary = uuid.uuid4().hex
    parts: list[bytes] = []
    for name, value in fields.items():
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
        parts += [head.encode(), value.encode(errors="replace"), b"\r\n"]
    for name, (filename, content, content_type) in files.items():
        safe = filename.translate(_UNSAFE_IN_NAMES)
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="{safe}"\r\n'
            f"Content-Type: {content_type}\r\n\r\n"
        )
        whole = content if isinstance(content, bytes) else cast("IO[bytes]", content).read()
        parts += [head.encode(errors="replace"), whole, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode())
    return Body(b"".join(parts), f"multipart/form-data; boundary={boundary}")


async def _pieces(body: bytes, deadline: asyncio.Timeout, patience: float | None) -> AsyncIterator[bytes]:
    """Yield the body in pieces, moving the deadline on with each that the server has taken."""
    loop = asyncio.get_running_loop()
    for start in range(0, len(body), _PIECE):
        deadline.reschedule(None if patience is None else loop.time() + patience)
        yield body[start : start + _PIECE]
    deadline.reschedule(None)


def _reason(error: aiohttp.ClientError | OSError) -> str:
    # aiohttp's own texts quote addresses, and with them the token.
    kind = type(error).__name__
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return f"{kind}: {getattr(error.certificate_error, 'verify_message', '') or 'not trusted'}"
    if isinstance(error, aiohttp.ClientResponseError):
        return f"{kind}: status {error.status}"
    number = getattr(error, "errno", None)
    return f"{kind}: {os.strerror(number)}" if isinstance(number, int) and number > 0 else kind
