"""What the bot says, in each of its languages. Texts are plain: no markup, so a name in them can't break anything."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from kbju_bot.texts import en, ru
from kbju_bot.texts.keys import Text

__all__ = ["CATALOGUES", "Language", "Text", "language_of", "number", "render"]


class Language(StrEnum):
    """A language the bot speaks."""

    RU = "ru"
    EN = "en"


CATALOGUES: Mapping[Language, Mapping[Text, str]] = MappingProxyType({Language.RU: ru.TEXTS, Language.EN: en.TEXTS})


def language_of(code: str | None) -> Language:
    """Choose the language for the IETF tag `code` that Telegram reports: Russian also where it reports none."""
    if not code:
        return Language.RU
    return Language.RU if code.replace("_", "-").split("-")[0].lower() == "ru" else Language.EN


def render(text: Text, language: Language, **values: str) -> str:
    """Return `text` in `language` with its placeholders filled. Raise KeyError where a placeholder has no value."""
    return CATALOGUES[language][text].format_map(values)


def number(value: float, language: Language, digits: int = 1) -> str:
    """Return a number with at most `digits` decimals, and the language's decimal mark: `70,5`, `70.5`, `1742`."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return text.replace(".", ",") if language is Language.RU else text
