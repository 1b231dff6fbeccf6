"""The chat page: a person takes the whole survey in a real browser, with the bot on the NAS answering."""

from __future__ import annotations

from browser import ChatPage, chromium
from rehearsal import Stack

# Each answer, and a word of what comes after it.
ANSWERS = [
    ("press", "Даю согласие", "Шаг 1 из 12"),
    ("say", "Олег", "Шаг 2 из 12"),
    ("say", "31.02.1990", "дат"),
    ("say", "23.11.1990", "Шаг 3 из 12"),
    ("press", "Мужской", "Шаг 4 из 11"),
    ("say", "сто восемьдесят", "от 120 до 230 см"),
    ("say", "180", "Шаг 5 из 11"),
    ("say", "90,5", "Шаг 6 из 11"),
    ("press", "меньше 5000", "Шаг 7 из 11"),
    ("press", "бег, плавание, велосипед, игры", "Шаг 8 из 11"),
    ("press", "← Назад", "Шаг 7 из 11"),
    ("press", "не занимаюсь", "Шаг 8 из 10"),
    ("say", "90", "Шаг 9 из 10"),
    ("say", "40", "Шаг 10 из 10"),
    ("press", "Атлетичность", "Жир: 18,4 %"),
]


def test_a_whole_survey_in_the_browser(stack: Stack, user_id: int) -> None:
    with chromium() as browser, ChatPage(browser, stack.telegram, user_id=user_id, first_name="Олег") as chat:
        chat.say("/start")
        chat.wait_for_text("Здравствуйте, Олег!", timeout=20)
        chat.screenshot("bot-consent")
        for number, (how, answer, expected) in enumerate(ANSWERS):
            getattr(chat, how)(answer)
            chat.wait_for_text(expected, timeout=20)
            if number in {0, 8, 10}:
                chat.screenshot(f"bot-survey-{number}")
        chat.screenshot("bot-results")
        chat.press("Прогресс")
        chat.wait_for_text("90,5 кг", timeout=30)
        assert chat.last_bot_message().kind == "photo"
        chat.screenshot("bot-progress")
