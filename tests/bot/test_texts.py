"""The catalogues say the same things."""

from string import Formatter

import pytest

from kbju_bot.texts import CATALOGUES, Language, Text, render


@pytest.mark.parametrize("language", Language)
def test_catalogue_is_complete(language: Language) -> None:
    assert set(CATALOGUES[language]) == set(Text)
    assert all(text.strip() for text in CATALOGUES[language].values())


@pytest.mark.parametrize("text", Text)
def test_placeholders_agree(text: Text) -> None:
    def placeholders(language: Language) -> set[str | None]:
        return {name for _, name, _, _ in Formatter().parse(CATALOGUES[language][text]) if name is not None}

    assert placeholders(Language.RU) == placeholders(Language.EN)


def test_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        render(Text.GREETING, Language.RU)
