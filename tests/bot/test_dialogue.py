"""The dialogue: a pure function."""

import pytest

from kbju_bot.core.commands import command_label, command_name
from kbju_bot.core.dialogue import apology, step
from kbju_bot.core.model import (
    BotBlocked,
    BotUnblocked,
    MessageReceived,
    NoteBlocked,
    NoteSeen,
    Person,
    RegisterUser,
    Reply,
    State,
)
from kbju_bot.texts import Language, Text, render

ANNA = Person(7001, "Анна", language_code="ru")
JOHN = Person(7002, "John", language_code="en-GB")
KNOWN = State(registered=True)


def test_start_registers_and_greets_by_first_name() -> None:
    state, effects = step(State(), MessageReceived(ANNA, "/start"))
    assert state == KNOWN
    assert effects == (RegisterUser(ANNA), Reply(7001, render(Text.GREETING, Language.RU, name="Анна")))
    assert "Анна" in effects[1].text


@pytest.mark.parametrize(
    ("code", "language"),
    [
        ("ru", Language.RU),
        ("ru-RU", Language.RU),
        ("RU", Language.RU),
        (None, Language.RU),
        ("", Language.RU),
        ("en", Language.EN),
        ("de", Language.EN),
        ("run", Language.EN),
        ("pt_BR", Language.EN),
    ],
)
def test_language_follows_telegram(code: str | None, language: Language) -> None:
    _, effects = step(State(), MessageReceived(Person(1, "Kim", language_code=code), "/start"))
    assert effects[-1] == Reply(1, render(Text.GREETING, language, name="Kim"))


def test_blank_name_is_replaced() -> None:
    _, effects = step(State(), MessageReceived(Person(1, " ", language_code="en"), "/start"))
    assert effects[-1] == Reply(1, render(Text.GREETING, Language.EN, name="friend"))


def test_name_is_not_a_template() -> None:
    _, effects = step(State(), MessageReceived(Person(1, "{name} {x}", language_code="en"), "/start"))
    assert isinstance(effects[-1], Reply)
    assert "{name} {x}" in effects[-1].text


@pytest.mark.parametrize("text", ["hello", "/nonsense", "/", "/ start", None, "", "start"])
def test_anything_else_gets_a_polite_answer(text: str | None) -> None:
    state, effects = step(State(), MessageReceived(JOHN, text))
    assert state == State()
    assert effects == (Reply(7002, render(Text.FALLBACK, Language.EN)),)


def test_help() -> None:
    assert step(KNOWN, MessageReceived(JOHN, "/help")) == (
        KNOWN,
        (NoteSeen(JOHN), Reply(7002, render(Text.HELP, Language.EN))),
    )


def test_block_and_unblock_are_not_answered() -> None:
    assert step(KNOWN, BotBlocked(ANNA)) == (KNOWN, (NoteBlocked(7001),))
    assert step(KNOWN, BotUnblocked(ANNA)) == (KNOWN, (NoteSeen(ANNA),))
    assert step(State(), BotUnblocked(ANNA)) == (State(), ())


def test_apology_speaks_the_users_language() -> None:
    assert apology(JOHN) == Reply(7002, render(Text.FAILURE, Language.EN))


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("/start", "start", "start"),
        ("/START", "start", "start"),
        ("/start@KbjuBot deep-link", "start", "start"),
        ("/help", "help", "help"),
        ("/user_7001", "user_7001", "other"),
        ("/@KbjuBot", None, None),
        ("/", None, None),
        ("hello /start", None, None),
        (None, None, None),
    ],
)
def test_commands(text: str | None, name: str | None, label: str | None) -> None:
    assert command_name(text) == name
    assert command_label(text) == label
