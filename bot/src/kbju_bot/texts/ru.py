"""The Russian texts."""

from collections.abc import Mapping

from kbju_bot.texts.keys import Text

TEXTS: Mapping[Text, str] = {
    Text.GREETING: (
        "Здравствуйте, {name}! Я помогаю считать КБЖУ: калории, белки, жиры и углеводы.\n\nЧто я умею — в /help."
    ),
    Text.FRIEND: "друг",
    Text.HELP: "/start — начать\n/help — эта подсказка",
    Text.FALLBACK: "Простите, этого я пока не понимаю. Что я умею — в /help.",
    Text.FAILURE: "Простите, у меня что-то сломалось, и это сообщение я не обработал. Попробуйте, пожалуйста, позже.",
}
