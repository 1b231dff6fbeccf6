"""Keyboards under messages."""

from __future__ import annotations

from typing import Any

from .errors import Json, bad_request

_ACTIONS = (
    "callback_data",
    "url",
    "web_app",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
    "copy_text",
    "callback_game",
    "pay",
)
_MAX_BUTTONS = 100


def check(markup: Any) -> Json | None:
    """The reply markup of a call, refused when Telegram would refuse it; ``None`` when there is none."""
    if markup is None:
        return None
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        return _inline(markup["inline_keyboard"])
    if "keyboard" in markup:
        rows = _rows(markup["keyboard"], "keyboard")
        keyboard = [[{"text": one} if isinstance(one, str) else one for one in row] for row in rows]
        for row in keyboard:
            for button in row:
                if not isinstance(button, dict) or not button.get("text"):
                    raise bad_request('can\'t parse keyboard button: Field "text" must be of type String')
        return {**markup, "keyboard": keyboard}
    if "remove_keyboard" in markup or "force_reply" in markup or not markup:
        return markup
    raise bad_request("object expected as reply markup")


def _rows(value: Any, name: str) -> list[list[Any]]:
    if not isinstance(value, list) or not all(isinstance(row, list) for row in value):
        raise bad_request(f'field "{name}" of the reply markup must be an array of arrays')
    return value


def _inline(value: Any) -> Json:
    rows = [row for row in _rows(value, "inline_keyboard") if row]
    if sum(map(len, rows)) > _MAX_BUTTONS:
        raise bad_request("reply markup is too long")
    for row in rows:
        for button in row:
            if not isinstance(button, dict) or not button.get("text"):
                raise bad_request('can\'t parse inline keyboard button: Field "text" must be of type String')
            if not any(action in button for action in _ACTIONS):
                raise bad_request(
                    "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
                )
            data = button.get("callback_data")
            if data is not None and not 1 <= len(str(data).encode()) <= 64:
                raise bad_request("BUTTON_DATA_INVALID")
    return {"inline_keyboard": rows}


def inline_rows(markup: Json | None) -> list[list[Json]]:
    """Rows of buttons under the message; none for the other kinds of markup."""
    return markup.get("inline_keyboard", []) if markup else []


def has_data(markup: Json | None, data: str) -> bool:
    """Whether a button with this callback data is there to be pressed."""
    return any(button.get("callback_data") == data for row in inline_rows(markup) for button in row)
