"""The English texts."""

from collections.abc import Mapping

from kbju_bot.texts.keys import Text

TEXTS: Mapping[Text, str] = {
    Text.GREETING: (
        "Hello, {name}! I help you count calories, protein, fat and carbohydrates.\n\nSee /help for what I can do."
    ),
    Text.FRIEND: "friend",
    Text.HELP: "/start — begin\n/help — this message",
    Text.FALLBACK: "Sorry, I don't understand that yet. See /help for what I can do.",
    Text.FAILURE: "Sorry, something broke on my side and this message was not handled. Please try again later.",
}
