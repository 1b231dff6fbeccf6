"""A user's life with the deployed bot: consent, survey, three days of measurements, chart, export, deletion."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from rehearsal import Stack
from telegram_emulator.client import User

PRESSED = {"Даю согласие", "Женский", "5000–7499", "силовые тренировки", "3–4 раза в неделю", "Здоровье"}
SURVEY = ["Даю согласие", "Ольга", "23.11.1990", "Женский", "170", "70,5", "5000–7499", "силовые тренировки"]
SURVEY += ["3–4 раза в неделю", "80.5", "34", "100", "Здоровье"]


def answer(user: User, *texts: str) -> str:
    """Write or press one after another, waiting for the reply to each, and return the last."""
    said = ""
    for text in texts:
        if text in PRESSED or text.startswith("Да, ") or text.startswith("Удалить "):
            user.press(text)
        else:
            user.send_text(text)
        said = user.wait_for_reply(timeout=20)["text"]
    return said


@pytest.fixture
def surveyed(stack: Stack, user_id: int) -> User:
    user = User(user_id, stack.telegram, first_name="Ольга", language_code="ru")
    results = answer(user, "/start", *SURVEY)
    assert "Жир: 30,3 %" in results
    return user


def test_from_consent_to_deletion(surveyed: User, user_id: int, sql: Callable[[str], str]) -> None:
    user = surveyed
    for days in (14, 7):
        # Time passes in the database: what was measured today was measured that many days ago.
        # Today is the newest day: the user's, which is not always the database's.
        newest = f"SELECT max(day) FROM user_records WHERE telegram_id = {user_id}"
        sql(f"UPDATE user_records SET day = day - {days} WHERE telegram_id = {user_id} AND day = ({newest})")
        assert "записаны" in answer(user, "/measure", "69", "80", "34", "100")
    assert "обновлены" in answer(user, "/measure", "68,9", "80", "34", "100")
    counted = sql(f"SELECT count(DISTINCT day) || ' ' || count(*) FROM user_records WHERE telegram_id = {user_id}")
    assert counted == "3 3"

    user.send_text("/progress")
    chart = user.wait_for_reply(timeout=30)
    assert chart["kind"] == "photo"
    assert "Вес: 68,9 кг (−1,6 кг)" in chart["text"]
    assert user.download(chart).startswith(b"\x89PNG")

    user.send_text("/export")
    exported = json.loads(user.download(user.wait_for_reply(timeout=20)))
    assert [record["weight_kg"] for record in exported["records"]] == [70.5, 69.0, 68.9]
    assert b"70,5" in user.download(user.wait_for_reply(timeout=20))

    assert "Всё удалено" in answer(user, "/delete_me", "Да, удалить", "Удалить навсегда")
    tables = ("users", "user_records", "consents", "dialogues", "inbox")
    left = " UNION ALL ".join(f"SELECT count(*) FROM {table} WHERE telegram_id = {user_id}" for table in tables)
    assert sql(left).split() == ["0"] * len(tables)


def test_no_health_value_in_logs_or_metrics(surveyed: User, user_id: int, docker: Callable[[str], str]) -> None:
    answer(surveyed, "/measure", "77,7", "80", "34", "100")
    written = docker("logs kbju-bot-prod 2>&1") + docker(
        "exec kbju-bot-prod python -c "
        "\"import urllib.request; print(urllib.request.urlopen('http://127.0.0.1:8000/metrics').read().decode())\""
    )
    assert "bot_messages_total" in written
    for canary in ("77,7", "77.7", "Ольга", "1990-11-23", str(user_id)):
        assert canary not in written


def test_the_charts_worker_draws_within_the_bots_limits(surveyed: User, docker: Callable[[str], str]) -> None:
    surveyed.send_text("/progress")
    assert surveyed.wait_for_reply(timeout=30)["kind"] == "photo"

    (bot,) = json.loads(docker("inspect kbju-bot-prod"))
    assert not bot["State"]["OOMKilled"]
    assert bot["RestartCount"] == 0
