"""Carrying out what the dialogue decided: changes in the database, and calls for the outbox."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, assert_never

import asyncpg

from kbju_bot import attachments
from kbju_bot.core import broadcasts as wording
from kbju_bot.core import progress
from kbju_bot.core.model import (
    AnswerButton,
    DeleteUser,
    Effect,
    Keyboard,
    NoteBlocked,
    NoteSeen,
    PreviewBroadcast,
    RemoveButtons,
    Reply,
    SendExport,
    SendProgress,
    SendStats,
    StartBroadcast,
    StopBroadcast,
)
from kbju_bot.storage import broadcasts, states, stats, users
from kbju_bot.storage.outbox import Call
from kbju_bot.texts import Language, Text, render


async def carry_out(connection: asyncpg.Connection, effects: Iterable[Effect]) -> list[Call]:
    """Make the effects' changes and return the calls they want, in their order."""
    calls: list[Call] = []
    for effect in effects:
        calls += await _carry_out(connection, effect)
    return _merged(calls)


async def _carry_out(connection: asyncpg.Connection, effect: Effect) -> Sequence[Call]:  # noqa: PLR0911, PLR0912 - one case for each effect
    match effect:
        case Reply(telegram_id, text, keyboard):
            return [message(telegram_id, text, keyboard)]
        case AnswerButton(telegram_id, query_id, text):
            payload = {"callback_query_id": query_id} | ({"text": text} if text else {})
            return [Call(telegram_id, "answerCallbackQuery", payload)]
        case RemoveButtons(telegram_id, message_id):
            return [Call(telegram_id, "editMessageReplyMarkup", {"chat_id": telegram_id, "message_id": message_id})]
        case NoteSeen(person):
            await users.note_seen(connection, person)
        case NoteBlocked(telegram_id):
            await users.note_blocked(connection, telegram_id)
        case SendProgress(telegram_id, language):
            return [await _progress(connection, telegram_id, language)]
        case SendExport(telegram_id, language):
            return [
                _document(telegram_id, attachments.EXPORT_JSON, Text.EXPORT_JSON, language),
                _document(telegram_id, attachments.EXPORT_CSV, Text.EXPORT_CSV, language),
            ]
        case DeleteUser(telegram_id, text):
            await users.delete(connection, telegram_id)
            return [message(telegram_id, text)]
        case SendStats(telegram_id, language):
            return [message(telegram_id, render(Text.STATS, language, **await stats.collect(connection)))]
        case PreviewBroadcast(telegram_id, language, body, keyboard):
            count = await broadcasts.count_recipients(connection)
            text = render(Text.BROADCAST_PREVIEW, language, recipients=str(count), body=body)
            return [message(telegram_id, text, keyboard)]
        case StartBroadcast(telegram_id, language, body):
            started = await broadcasts.start(connection, telegram_id, language, body)
            call = message(telegram_id, *wording.report(started))
            return [replace(call, attachment={"kind": "progress", "broadcast": started.id})]
        case StopBroadcast(telegram_id, language, broadcast_id):
            stopped = await broadcasts.stop(connection, broadcast_id)
            if stopped is None:
                return [message(telegram_id, render(Text.BROADCAST_NOT_RUNNING, language))]
            return [message(telegram_id, *wording.report(stopped))]
        case _:
            assert_never(effect)
    return []


def message(telegram_id: int, text: str, keyboard: Keyboard = ()) -> Call:
    """Return the call that sends a text."""
    payload: dict[str, Any] = {"chat_id": telegram_id, "text": text}
    return Call(telegram_id, "sendMessage", payload | markup(keyboard))


def markup(keyboard: Keyboard) -> dict[str, Any]:
    """Return the parameter for buttons, where there are any."""
    if not keyboard:
        return {}
    rows = [
        [
            {"text": one.text, "url": one.url} if one.url else {"text": one.text, "callback_data": one.data}
            for one in row
        ]
        for row in keyboard
    ]
    return {"reply_markup": {"inline_keyboard": rows}}


async def _progress(connection: asyncpg.Connection, telegram_id: int, language: Language) -> Call:
    records = await states.records(connection, telegram_id)
    text = progress.describe(records, language)
    if not records:
        return message(telegram_id, text)
    wanted = {"kind": attachments.CHART, "language": language}
    return Call(telegram_id, "sendPhoto", {"chat_id": telegram_id, "caption": text}, attachment=wanted)


def _document(telegram_id: int, kind: str, caption: Text, language: Language) -> Call:
    payload = {"chat_id": telegram_id, "caption": render(caption, language)}
    return Call(telegram_id, "sendDocument", payload, attachment={"kind": kind, "language": language})


def _merged(calls: list[Call]) -> list[Call]:
    """Let a button's answer that says nothing go along with the message that follows, instead of before it."""
    silent = [one for one in calls if one.method == "answerCallbackQuery" and "text" not in one.payload]
    rest = [one for one in calls if one not in silent]
    for answer in silent:
        for place, call in enumerate(rest):
            if call.method != "answerCallbackQuery" and call.callback_query_id is None:
                rest[place] = replace(call, callback_query_id=answer.payload["callback_query_id"])
                break
        else:
            rest.append(answer)
    return rest
