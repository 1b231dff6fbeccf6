"""Reporting errors to Sentry, without anything about anybody."""

import logging
from typing import Any

from kbju_bot import __version__
from kbju_bot.logs import Redactor


def start(dsn: str, redact: Redactor) -> None:
    """Report what is logged as an error from now on."""
    import sentry_sdk  # noqa: PLC0415 - costs memory, which only who reports should pay
    from sentry_sdk.integrations.logging import LoggingIntegration  # noqa: PLC0415

    def scrub(event: Any, _hint: Any) -> Any:
        return scrubbed(event, redact)

    sentry_sdk.init(
        dsn=dsn,
        release=__version__,
        before_send=scrub,
        send_default_pii=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        traces_sample_rate=None,
        server_name="",
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
    )


def scrubbed(event: dict[str, Any], redact: Redactor) -> dict[str, Any]:
    """Return only what tells where in the code something broke: no texts of errors, no variables, no arguments.

    The text of an exception and the arguments of a log line may quote a user's message.
    """
    kept: dict[str, Any] = {
        key: event[key]
        for key in ("event_id", "timestamp", "level", "platform", "release", "logger", "sdk")
        if key in event
    }
    entry = event.get("logentry") or {}
    # The template, never what was filled in.
    if isinstance(entry.get("message"), str) and entry.get("params") is not None:
        kept["logentry"] = {"message": redact(entry["message"])}
    values = (event.get("exception") or {}).get("values") or []
    if values:
        kept["exception"] = {"values": [_where(value) for value in values]}
    return kept


def _where(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    names = ("filename", "function", "module", "lineno", "in_app")
    return {
        "type": value.get("type"),
        "module": value.get("module"),
        "stacktrace": {"frames": [{name: frame[name] for name in names if name in frame} for frame in frames]},
    }
