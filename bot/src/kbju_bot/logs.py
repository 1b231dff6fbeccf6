"""Logging to stdout and to a rotating file, with every secret hidden in whatever is written."""

import json
import logging
import re
import sys
from collections.abc import Iterable
from logging.handlers import RotatingFileHandler
from types import TracebackType

from kbju_bot.settings import LogSettings, secrets_of

FILE_SIZE = 10 * 1024 * 1024
"""Size at which the log file is rotated, in bytes."""
FILE_COUNT = 5
"""How many rotated files are kept."""
TEXT_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"

_TOKEN = re.compile(r"[0-9]{3,}(:|%3A)[A-Za-z0-9_-]{20,}", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)([^/\s:@]+):[^/\s@]+(?=@)")
_HIDDEN = "[hidden]"
# These log every request with its address, or what it carries: texts of users do not belong in a log.
_QUIET = {"httpx": logging.WARNING, "httpcore": logging.WARNING, "telegram": logging.INFO, "asyncio": logging.INFO}


class Redactor:
    """Hides secrets in a text: the given ones, anything shaped like a bot token, and passwords in URLs."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # Longest first, so that a secret containing another one leaves no rest.
        self._secrets = sorted({secret for secret in secrets if secret}, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return _LOGIN.sub(rf"\1:{_HIDDEN}", _TOKEN.sub(_HIDDEN, text))


# The text is rewritten after formatting, not in a logging filter: only then are arguments, exception texts and
# tracebacks all in it.
class TextFormatter(logging.Formatter):
    """`time - name - level - message`, one record after another."""

    def __init__(self, redact: Redactor) -> None:
        super().__init__(TEXT_FORMAT)
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text without secrets."""
        return self._redact(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (ISO 8601, UTC offset), name, level, message and, where there is one, exception."""

    default_time_format = "%Y-%m-%dT%H:%M:%S%z"
    default_msec_format = ""

    def __init__(self, redact: Redactor) -> None:
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON without secrets."""
        entry = {
            "time": self.formatTime(record),
            "name": record.name,
            "level": record.levelname,
            "message": self._redact(record.getMessage()),
        }
        if record.exc_info:
            entry["exception"] = self._redact(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)


def configure(settings: LogSettings) -> Redactor:
    """Set logging up for the whole process and return what hides the settings' secrets.

    A log file that can't be written is no reason not to run: it is reported on stdout and left out.
    """
    redact = Redactor(secrets_of(settings))
    formatter = JsonFormatter(redact) if settings.log_format == "json" else TextFormatter(redact)
    root = logging.getLogger()
    for handler in list(root.handlers):
        root.removeHandler(handler)
        handler.close()
    root.setLevel(logging.DEBUG if settings.debug_mode else settings.log_level)
    for name, level in _QUIET.items():
        logging.getLogger(name).setLevel(max(level, root.level))
    stdout = logging.StreamHandler(sys.stdout)
    stdout.setFormatter(formatter)
    root.addHandler(stdout)
    try:
        file = RotatingFileHandler(
            settings.log_file, maxBytes=FILE_SIZE, backupCount=FILE_COUNT, encoding="utf-8", errors="replace"
        )
    except OSError as error:
        logging.getLogger(__name__).warning(
            "no log file: %s can't be written (%s); logging to stdout only", settings.log_file, error.strerror
        )
    else:
        file.setFormatter(formatter)
        root.addHandler(file)
    sys.excepthook = _log_uncaught
    logging.captureWarnings(capture=True)
    return redact


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    logging.getLogger("kbju_bot").critical("uncaught exception", exc_info=(kind, error, trace))
