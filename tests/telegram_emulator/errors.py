"""The errors a Bot API call can end with, in Telegram's words."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """An answer with ``"ok": false``."""

    def __init__(self, code: int, description: str, parameters: Json | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.parameters = parameters

    def body(self) -> Json:
        """The JSON object Telegram sends for this error."""
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.parameters:
            body["parameters"] = self.parameters
        return body


class Drop(Exception):
    """The connection is to be cut without an answer."""


def bad_request(text: str) -> ApiError:
    """400 in the form every refusal of Telegram's has."""
    return ApiError(400, f"Bad Request: {text}")


def unauthorized() -> ApiError:
    """The token belongs to no bot."""
    return ApiError(401, "Unauthorized")


def blocked() -> ApiError:
    """The user has blocked the bot."""
    return ApiError(403, "Forbidden: bot was blocked by the user")


def not_found() -> ApiError:
    """No such method, or a token that does not even look like one."""
    return ApiError(404, "Not Found")


def conflict(text: str) -> ApiError:
    """Two receivers want the same bot's updates."""
    return ApiError(409, f"Conflict: {text}")


def too_many_requests(seconds: int) -> ApiError:
    """The bot sends faster than it may."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", {"retry_after": seconds})
