"""Logs: format, rotation, and no secrets."""

import json
import logging
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kbju_bot import logs
from kbju_bot.settings import RunSettings, load

TOKEN = "123456:" + "B" * 35


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root, hook = logging.getLogger(), sys.excepthook
    handlers, level = list(root.handlers), root.level
    yield
    for handler in set(root.handlers) - set(handlers):
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    sys.excepthook = hook


def configure(file: Path, **more: str) -> logs.Redactor:
    environ = {"BOT_TOKEN": TOKEN, "DATABASE_URL": "postgresql://bot:hunter-two@db/kbju", "LOG_FILE": str(file)}
    return logs.configure(load(RunSettings, environ | more))


def fail(error: Exception) -> None:
    raise error


def test_text_goes_to_stdout_and_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(tmp_path / "bot.log")
    logging.getLogger("kbju_bot.x").info("hello %d", 1)
    out = capsys.readouterr().out
    assert out.endswith(" - kbju_bot.x - INFO - hello 1\n")
    assert (tmp_path / "bot.log").read_text() == out


def test_json_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(tmp_path / "bot.log", LOG_FORMAT="json")
    try:
        fail(ValueError(f"broken\n{TOKEN}"))
    except ValueError:
        logging.getLogger("kbju_bot.x").exception('a "quoted"\nline')
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1
    entry = json.loads(lines[0])
    assert entry["level"] == "ERROR"
    assert entry["message"] == 'a "quoted"\nline'
    assert "ValueError" in entry["exception"]
    assert TOKEN not in lines[0]


@pytest.mark.parametrize("form", ["text", "json"])
def test_secrets_are_hidden_everywhere(form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(tmp_path / "bot.log", LOG_FORMAT=form)
    log = logging.getLogger("any.library")
    log.warning("POST https://api.telegram.org/bot%s/getMe", TOKEN)
    log.warning("connecting to postgresql://bot:%s@db/kbju", "hunter-two")
    log.warning("another bot: %s", "654321:" + "C" * 35)
    try:
        fail(RuntimeError(f"https://api.telegram.org/bot{TOKEN}/sendMessage failed"))
    except RuntimeError:
        log.exception("it broke")
        sys.excepthook(*sys.exc_info())
    for text in (capsys.readouterr().out, (tmp_path / "bot.log").read_text()):
        assert text.count("[hidden]") >= 5
        for secret in (TOKEN, "B" * 35, "C" * 35, "hunter-two"):
            assert secret not in text


def test_libraries_that_log_addresses_are_quiet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(tmp_path / "bot.log", DEBUG_MODE="true")
    logging.getLogger("httpx").info("HTTP Request: POST")
    logging.getLogger("telegram.Bot").debug("text of a user")
    logging.getLogger("kbju_bot").debug("shown")
    out = capsys.readouterr().out
    assert "HTTP Request" not in out
    assert "text of a user" not in out
    assert "shown" in out


def test_no_log_directory_is_no_reason_to_stop(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(tmp_path / "missing" / "bot.log")
    logging.getLogger("kbju_bot").info("going on")
    out = capsys.readouterr().out
    assert "WARNING - no log file: " in out
    assert "going on" in out


def test_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (logs.FILE_SIZE, logs.FILE_COUNT) == (10 * 1024 * 1024, 5)
    monkeypatch.setattr(logs, "FILE_SIZE", 1000)
    configure(tmp_path / "bot.log")
    for number in range(200):
        logging.getLogger("kbju_bot").info("line %d", number)
    assert {file.name for file in tmp_path.iterdir()} == {"bot.log", *(f"bot.log.{n}" for n in range(1, 6))}
