"""The main job: a user writes to the bot, gets an answer, and is known from then on."""

from __future__ import annotations

from collections.abc import Callable

from rehearsal import Stack
from telegram_emulator.client import Emulator, User


def test_start_is_answered_and_the_user_is_stored(stack: Stack, user_id: int, sql: Callable[[str], str]) -> None:
    user = User(user_id, stack.telegram, first_name="Анна", language_code="ru")
    user.send_text("/start")

    answer = user.wait_for_reply(timeout=15)

    assert "Анна" in answer["text"]
    assert sql(f"SELECT first_name, language_code FROM users WHERE telegram_id = {user_id}") == "Анна|ru"


def test_the_webhook_comes_through_nginx(stack: Stack, user_id: int, docker: Callable[[str], str]) -> None:
    user = User(user_id, stack.telegram, first_name="Boris", language_code="en")
    user.send_text("/start")
    user.wait_for_reply(timeout=15)

    assert "POST /telegram/webhook" in docker("logs --tail 20 kbju-nginx 2>&1")


def test_an_update_twice_has_one_effect(stack: Stack, user_id: int, sql: Callable[[str], str]) -> None:
    user = User(user_id, stack.telegram, first_name="Vera", language_code="en")
    sent = user.send_text("/start")
    user.wait_for_reply(timeout=15)

    # Behind the second delivery, and so answered after it.
    Emulator(stack.telegram).repeat(sent["update_id"])
    user.send_text("/help")
    user.wait_for_reply(timeout=15, contains="/help —")

    # The help is followed by the question that is still open.
    user.wait_for_reply(timeout=15)
    answers = [message["text"] for message in user.chat() if message["from"] == "bot"]
    assert ["Vera" in answer for answer in answers] == [True, False, False]
    assert sql(f"SELECT count(*) FROM outbox WHERE telegram_id = {user_id}") == "3"
