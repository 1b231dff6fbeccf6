"""Answers to button presses."""

from __future__ import annotations

from typing import Any

from ..errors import bad_request
from .registry import Call, method


@method("answerCallbackQuery")
async def answer_callback_query(call: Call) -> Any:
    """Stop the button's spinner, perhaps with a word to the user."""
    params = call.params
    query = call.bot.answer(params.text("callback_query_id") or "")
    text = params.text("text")
    if text is not None and len(text) > 200:
        raise bad_request("MESSAGE_TOO_LONG")
    query.answered = True
    query.text = text
    query.show_alert = params.flag("show_alert")
    query.url = params.text("url")
    call.bot.chat(query.chat_id).changed()
    return True
