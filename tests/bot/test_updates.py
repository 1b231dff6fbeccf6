"""From updates to events."""

import pytest

from kbju_bot.core.model import BotBlocked, BotUnblocked, MessageReceived, Person
from kbju_bot.telegram.updates import Incoming, MalformedUpdateError, parse

from .support import update

ANNA = Person(7001, "Анна", language_code="ru")


def member(status: str) -> dict[str, object]:
    user = {"id": 7001, "is_bot": False, "first_name": "Анна", "language_code": "ru"}
    bot = {"id": 123456, "is_bot": True, "first_name": "KBJU"}
    return {
        "update_id": 5,
        "my_chat_member": {
            "chat": {"id": 7001, "type": "private"},
            "from": user,
            "date": 1_700_000_000,
            "old_chat_member": {"user": bot, "status": "member"},
            "new_chat_member": {"user": bot, "status": status, "until_date": 0},
        },
    }


def test_message() -> None:
    assert parse(update(5, 7001, "/start", language_code="ru")) == Incoming(
        5, ANNA, MessageReceived(ANNA, "/start"), written_at=1_700_000_000
    )


def test_block_and_unblock() -> None:
    assert parse(member("kicked")) == Incoming(5, ANNA, BotBlocked(ANNA))
    assert parse(member("member")) == Incoming(5, ANNA, BotUnblocked(ANNA))


def test_not_text_is_a_message_too() -> None:
    raw = update(5, 7001, "x", language_code="ru")
    del raw["message"]["text"]
    assert parse(raw) == Incoming(5, ANNA, MessageReceived(ANNA, None), written_at=1_700_000_000)


def test_what_is_not_for_us_is_only_remembered() -> None:
    group = update(5, 7001, "/start")
    group["message"]["chat"] = {"id": -100, "type": "group", "title": "x"}
    assert parse(group) == Incoming(5)
    assert parse({"update_id": 6, "something_new": {"a": 1}}) == Incoming(6)


def test_text_the_database_can_hold() -> None:
    incoming = parse(update(5, 7001, "a\0b\ud800c", first_name="x" * 5000))
    assert isinstance(incoming.event, MessageReceived)
    assert incoming.event.text == "ab?c"
    assert len(incoming.event.person.first_name) == 255


def test_broken_updates_are_told_from_no_updates() -> None:
    broken = parse({"update_id": 7, "message": {"message_id": "text of a user"}})
    assert broken.update_id == 7
    assert broken.failure
    assert "text of a user" not in broken.failure
    nothings: tuple[object, ...] = (None, [], {}, {"update_id": "7"}, {"update_id": True}, {"update_id": -1})
    for nothing in nothings:
        with pytest.raises(MalformedUpdateError):
            parse(nothing)
