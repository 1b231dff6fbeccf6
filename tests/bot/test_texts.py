"""The catalogues say the same things, all of it, and within Telegram's limits."""

import re
from pathlib import Path
from string import Formatter

import pytest

import kbju_bot
from kbju_bot.core import screens
from kbju_bot.core.forms import Asking
from kbju_bot.core.model import Button, Context, Keyboard
from kbju_bot.core.open_forms import DEFINITIONS
from kbju_bot.core.results import LIMITS
from kbju_bot.core.state import Preferences, State
from kbju_bot.texts import CATALOGUES, Language, Text, number, render

from .dialogue.people import settled
from .dialogue.talking import NOON

SOURCES = Path(kbju_bot.__file__).parent
# Longer than anything that is put into a text, but for what users write.
FILLER = "1234567890" * 2
KNOWN = settled().state
STATES = [State(), KNOWN]
BOTH = pytest.mark.parametrize("language", Language)


def placeholders(text: Text, language: Language) -> set[str]:
    """Return the names of a text's placeholders."""
    return {name for _, name, _, _ in Formatter().parse(CATALOGUES[language][text]) if name is not None}


def filled(text: Text, language: Language) -> str:
    """Return a text with something in all of its placeholders."""
    return render(text, language, **dict.fromkeys(placeholders(text, language), FILLER))


@BOTH
def test_a_catalogue_is_complete(language: Language) -> None:
    assert set(CATALOGUES[language]) == set(Text)


@pytest.mark.parametrize("text", Text)
def test_placeholders_agree(text: Text) -> None:
    assert placeholders(text, Language.RU) == placeholders(text, Language.EN)


@BOTH
@pytest.mark.parametrize("text", Text)
def test_every_text_can_be_said(text: Text, language: Language) -> None:
    said = filled(text, language)
    assert said == said.strip() != ""
    assert "{" not in said
    assert "}" not in said
    assert "  " not in said


def test_a_missing_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        render(Text.GREETING, Language.RU)


def test_a_value_is_no_template() -> None:
    assert "{0.__class__}" in render(Text.GREETING, Language.EN, name="{0.__class__}")


@BOTH
def test_notices_are_short(language: Language) -> None:
    assert len(filled(Text.STALE_BUTTON, language)) <= 200


@BOTH
@pytest.mark.parametrize("text", [Text.EXPORT_JSON, Text.EXPORT_CSV])
def test_captions_are_short(text: Text, language: Language) -> None:
    assert len(filled(text, language)) <= 1024


def keyboards(language: Language) -> list[Keyboard]:
    """Return every keyboard there is, of everything that does not depend on what the user wrote."""
    shown: list[Keyboard] = [
        screens.menu_keyboard(Context(NOON, consultation_url="https://example.org"), language),
        screens.reminder_keyboard(language),
        screens.settings_keyboard(language),
    ]
    for state in STATES:
        asking = Asking(state, {}, Context(NOON), language, "Анна")
        for definition in DEFINITIONS.values():
            for question in definition.questions:
                options = [option for row in question.options(asking) for option in row]
                labels = [render(option.label, language, **option.values) for option in options]
                shown.append((tuple(Button(label, "x") for label in labels),))
    return shown


@BOTH
def test_labels_are_short(language: Language) -> None:
    labels = [button.text for keyboard in keyboards(language) for row in keyboard for button in row]
    assert len(labels) > 80
    # Telegram cuts them to the width of the screen.
    assert max(map(len, labels)) <= 40


@BOTH
@pytest.mark.parametrize("name", DEFINITIONS)
def test_what_a_button_says_can_be_typed(name: str, language: Language) -> None:
    state = KNOWN
    assert state.profile is not None
    for question in DEFINITIONS[name].questions:
        answers = {"waist": "80"}
        asking = Asking(state, answers, Context(NOON), language, "Анна")
        for row in question.options(asking):
            for option in row:
                label = render(option.label, language, **option.values)
                if option.label is Text.AS_BEFORE:
                    continue
                assert question.accept(label, asking) == question.accept(option.value, asking)


def test_no_text_is_unused() -> None:
    sources = [path.read_text() for path in SOURCES.rglob("*.py") if path.parent.name != "texts"]
    used = {Text[name] for source in sources for name in re.findall(r"\bText\.([A-Z0-9_]+)", source)}
    # These are found by their values.
    used |= {*screens.DESCRIPTIONS.values(), *screens.WEEKDAYS, *LIMITS.values()}
    assert set(Text) - used == set()


@pytest.mark.parametrize(
    ("value", "digits", "russian", "english"),
    [
        (70.5, 1, "70,5", "70.5"),
        (70.0, 1, "70", "70"),
        (1742, 1, "1742", "1742"),
        (100, 0, "100", "100"),
        (0.04, 1, "0", "0"),
        (14.96, 1, "15", "15"),
        (0.25, 2, "0,25", "0.25"),
    ],
)
def test_numbers(value: float, digits: int, russian: str, english: str) -> None:
    assert number(value, Language.RU, digits) == russian
    assert number(value, Language.EN, digits) == english


@BOTH
@pytest.mark.parametrize("preferences", [Preferences(), Preferences("рыба", None), Preferences(None, "{likes}")])
def test_food_says_what_is_not_known(preferences: Preferences, language: Language) -> None:
    said = screens.food(preferences, language)
    unknown = render(Text.NOT_STATED, language)
    assert said.count(unknown) == [preferences.likes, preferences.dislikes].count(None)
