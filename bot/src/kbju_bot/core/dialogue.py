"""The dialogue: a pure function from what is known and what happened to what is known then and what to do."""

from dataclasses import replace
from typing import assert_never

from kbju_bot.core import forms, navigation, open_forms
from kbju_bot.core.commands import Command, command_name, command_of
from kbju_bot.core.forms import Asking, Step
from kbju_bot.core.model import (
    AnswerButton,
    BotBlocked,
    BotUnblocked,
    ButtonPressed,
    Context,
    Effect,
    Event,
    MessageReceived,
    NoteBlocked,
    NoteSeen,
    Person,
    RemoveButtons,
    Reply,
)
from kbju_bot.core.state import State
from kbju_bot.core.talk import Talk
from kbju_bot.texts import Language, Text, language_of, render


def step(state: State, event: Event, context: Context) -> Step:
    """Return the state after `event` and the effects to carry out, in their order."""
    match event:
        case BotBlocked(person):
            return replace(state, reminder=None), (NoteBlocked(person.telegram_id),)
        case BotUnblocked(person):
            return state, _seen(state, person)
        case MessageReceived(person, text):
            state, effects = _message(_talk(state, person, context), text)
        case ButtonPressed(person):
            state, effects = _press(_talk(state, person, context), event)
        case _:
            assert_never(event)
    return state, (*_seen(state, person), *effects)


def language_for(state: State, person: Person) -> Language:
    """Return the language to speak with someone: the chosen one, else Telegram's."""
    return state.language or language_of(person.language_code)


def apology(person: Person) -> Reply:
    """Return what a user is told whose update could not be handled."""
    return Reply(person.telegram_id, render(Text.FAILURE, language_of(person.language_code)))


def _talk(state: State, person: Person, context: Context) -> Talk:
    asking = Asking(state, {}, context, language_for(state, person), person.first_name)
    return open_forms.restored(Talk(asking, person.telegram_id))


def _message(talk: Talk, text: str | None) -> Step:
    state = talk.state
    if command_name(text) is not None:
        return navigation.go(talk, command_of(text))
    definition = open_forms.definition_of(state)
    if state.form is None or definition is None:
        return navigation.go(talk, None)
    if not state.form.prompt:
        return forms.ask_again(definition, talk.asking, talk.telegram_id, talk.say(Text.CONTINUE))
    if text is None or not text.strip():
        return forms.ask_again(definition, talk.asking, talk.telegram_id, talk.say(Text.PLEASE_TEXT))
    return _answer(talk, definition, text)


def _answer(talk: Talk, definition: forms.Definition, given: str) -> Step:
    try:
        state, effects = forms.answer(definition, talk.asking, talk.telegram_id, given)
    except forms.RefusedError as error:
        # The answers as a whole are refused: something they build upon is gone.
        reply = Reply(talk.telegram_id, render(error.text, talk.asking.language, **error.values))
        return navigation.proceed(talk.with_state(replace(talk.state, form=None)), reply)
    return navigation.after_answer(talk, definition, state, effects)


def _press(talk: Talk, event: ButtonPressed) -> Step:
    state = talk.state
    done = AnswerButton(talk.telegram_id, event.query_id)
    if (found := forms.pressed(event.data)) is not None:
        number, value = found
        definition = open_forms.definition_of(state)
        if state.form is None or definition is None or not number or number != state.form.prompt:
            return _stale(talk, event)
        if value == forms.CANCEL:
            after = navigation.go(talk, Command.CANCEL)
        elif value == forms.BACK:
            after = forms.back(definition, talk.asking, talk.telegram_id)
        else:
            after = _answer(talk, definition, value)
        return after[0], (done, *after[1])
    if not state.registered:
        return _stale(talk, event)
    after_or_none = navigation.press(talk, event.data)
    if after_or_none is None:
        return _stale(talk, event)
    return after_or_none[0], (done, *after_or_none[1])


def _stale(talk: Talk, event: ButtonPressed) -> Step:
    effects: list[Effect] = [AnswerButton(talk.telegram_id, event.query_id, talk.say(Text.STALE_BUTTON))]
    if event.message_id is not None:
        effects.append(RemoveButtons(talk.telegram_id, event.message_id))
    return talk.state, tuple(effects)


def _seen(state: State, person: Person) -> tuple[Effect, ...]:
    return (NoteSeen(person),) if state.registered else ()
