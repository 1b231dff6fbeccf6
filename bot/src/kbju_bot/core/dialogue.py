"""The dialogue: a pure function from what is known and what happened to what is known then and what to do."""

from typing import assert_never

from kbju_bot.core.commands import Command, command_name
from kbju_bot.core.model import (
    BotBlocked,
    BotUnblocked,
    Effect,
    Event,
    MessageReceived,
    NoteBlocked,
    NoteSeen,
    Person,
    RegisterUser,
    Reply,
    State,
)
from kbju_bot.texts import Text, language_of, render

Step = tuple[State, tuple[Effect, ...]]


def step(state: State, event: Event) -> Step:
    """Return the state after `event` and the effects to carry out, in their order."""
    match event:
        case BotBlocked(person):
            return state, (NoteBlocked(person.telegram_id),)
        case BotUnblocked(person):
            return state, _seen(state, person)
        case MessageReceived(person, text):
            return _message(state, person, text)
        case _:
            assert_never(event)


def apology(person: Person) -> Reply:
    """Return what a user is told whose update could not be handled."""
    return Reply(person.telegram_id, render(Text.FAILURE, language_of(person.language_code)))


def _message(state: State, person: Person, text: str | None) -> Step:
    language = language_of(person.language_code)
    match command_name(text):
        case Command.START:
            name = person.first_name.strip() or render(Text.FRIEND, language)
            greeting = Reply(person.telegram_id, render(Text.GREETING, language, name=name))
            return State(registered=True), (RegisterUser(person), greeting)
        case Command.HELP:
            answer = Text.HELP
        case _:
            answer = Text.FALLBACK
    return state, (*_seen(state, person), Reply(person.telegram_id, render(answer, language)))


def _seen(state: State, person: Person) -> tuple[Effect, ...]:
    return (NoteSeen(person),) if state.registered else ()
