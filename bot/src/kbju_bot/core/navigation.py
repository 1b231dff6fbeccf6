"""Where commands and menu buttons lead, and what comes after a form."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from kbju_bot.core import forms, results, screens
from kbju_bot.core.commands import ADMINS, Command
from kbju_bot.core.forms import Definition, Step
from kbju_bot.core.model import (
    DeleteUser,
    Effect,
    PreviewBroadcast,
    Reply,
    SendExport,
    SendProgress,
    SendStats,
    StopBroadcast,
)
from kbju_bot.core.open_forms import aside, definition_of, kept, setting_aside
from kbju_bot.core.other_forms import BROADCAST, CONSENT, CONSENT_VERSION, DELETE, FOOD, REMINDER, ZONE, declined
from kbju_bot.core.parsing import tidy
from kbju_bot.core.state import Preferences, State, today
from kbju_bot.core.survey import GOAL, MEASUREMENTS, SURVEY
from kbju_bot.core.talk import Talk
from kbju_bot.texts import Language, Text

_FORMS: Mapping[Command | None, Definition] = {
    Command.MEASURE: MEASUREMENTS,
    Command.GOAL: GOAL,
    Command.FOOD: FOOD,
    Command.ZONE: ZONE,
    Command.SURVEY: SURVEY,
}


def welcome(talk: Talk) -> Step:
    """Greet somebody new and ask for the consent."""
    name = tidy(talk.asking.first_name) or talk.say(Text.FRIEND)
    talk = talk.with_state(replace(talk.state, registered=True))
    return forms.begin(CONSENT, talk.asking, talk.telegram_id, talk.say(Text.GREETING, name=name))


def proceed(talk: Talk, *before: Effect) -> Step:
    """Lead on to what is missing: the consent, then the survey; else to the menu. `before` is sent first.

    No form is open, but the survey may have been set aside.
    """
    if talk.state.consent != CONSENT_VERSION:
        state, effects = forms.begin(CONSENT, talk.asking, talk.telegram_id)
    elif talk.state.paused is not None:
        talk = talk.with_state(replace(talk.state, form=talk.state.paused, paused=None))
        state, effects = forms.ask_again(SURVEY, talk.asking, talk.telegram_id)
    elif not _surveyed(talk.state):
        state, effects = forms.begin(SURVEY, talk.asking, talk.telegram_id, talk.say(Text.SURVEY_INTRO))
    else:
        state, effects = talk.state, (talk.menu(),)
    return state, (*before, *effects)


def go(talk: Talk, command: Command | None) -> Step:
    """Follow a command; None is one the bot does not know, or a text that answers no question."""
    state = talk.state
    if command in ADMINS and not talk.admin:
        command = None
    if not state.registered:
        return _go_unregistered(talk, command)
    if command in _ANYTIME:
        return _ANYTIME[command](talk)
    definition = definition_of(state)
    if definition is not None and kept(state):
        intro = Text.CONTINUE if command in {Command.START, Command.MENU} else Text.FINISH_FIRST
        return forms.ask_again(definition, talk.asking, talk.telegram_id, talk.say(intro))
    talk = talk.with_state(replace(state, form=None))
    if state.paused is not None or not _surveyed(state):
        return proceed(talk)
    return _open(talk, command)


def press(talk: Talk, data: str) -> Step | None:
    """Follow a button that is no form's; None where there is no such button."""
    kind, _, value = data.partition(":")
    if kind == "m" and value in set(Command):
        return go(talk, Command(value))
    if kind == "l" and value in set(Language):
        return _set_language(talk, Language(value))
    if data == "r:off" and talk.state.reminder is not None:
        talk = talk.with_state(replace(talk.state, reminder=None))
        return aside(talk, talk.reply(Text.REMINDER_IS_OFF))
    if data == "r:new" and _surveyed(talk.state) and not kept(talk.state):
        return forms.begin(REMINDER, talk.asking, talk.telegram_id)
    if kind == "b" and talk.admin and value.isascii() and value.isdecimal() and len(value) < 18:
        return talk.state, (StopBroadcast(talk.telegram_id, talk.asking.language, int(value)),)
    return None


def after_answer(talk: Talk, definition: Definition, state: State, effects: tuple[Effect, ...]) -> Step:
    """Return what follows an answer: most forms have said all, a few lead on."""
    if state.form is not None:
        if definition is BROADCAST and talk.state.form is not None and talk.state.form.step != state.form.step:
            return state, tuple(_preview(talk, state, effect) for effect in effects)
        return state, effects
    refused = definition is CONSENT and state.consent != CONSENT_VERSION
    if refused or any(isinstance(effect, DeleteUser) for effect in effects):
        return state, effects
    if definition is CONSENT or state.paused is not None:
        return proceed(talk.with_state(state), *effects)
    return state, effects


def _help(talk: Talk) -> Step:
    return aside(talk, Reply(talk.telegram_id, screens.help_text(talk.asking.language, admin=talk.admin)))


def _privacy(talk: Talk) -> Step:
    return aside(talk, talk.reply(Text.PRIVACY))


def _export(talk: Talk) -> Step:
    return aside(talk, SendExport(talk.telegram_id, talk.asking.language))


def _delete_me(talk: Talk) -> Step:
    return forms.begin(DELETE, setting_aside(talk).asking, talk.telegram_id)


def _stats(talk: Talk) -> Step:
    return aside(talk, SendStats(talk.telegram_id, talk.asking.language))


def _broadcast(talk: Talk) -> Step:
    return forms.begin(BROADCAST, setting_aside(talk).asking, talk.telegram_id)


def _go_unregistered(talk: Talk, command: Command | None) -> Step:
    match command:
        case Command.HELP:
            text = screens.help_text(talk.asking.language, admin=talk.admin)
            return talk.state, (Reply(talk.telegram_id, text),)
        case Command.PRIVACY:
            return talk.state, (talk.reply(Text.PRIVACY),)
        case Command.EXPORT | Command.DELETE_ME:
            return talk.state, (talk.reply(Text.NOTHING_STORED),)
        case _:
            return welcome(talk)


def _open(talk: Talk, command: Command | None) -> Step:
    if command in _FORMS:
        return forms.begin(_FORMS[command], talk.asking, talk.telegram_id, _stored(talk, command))
    if command in _SCREENS:
        return _SCREENS[command](talk)
    return talk.state, (talk.menu(talk.say(Text.FALLBACK)),)


def _stored(talk: Talk, command: Command | None) -> str:
    """Return what a form will change."""
    state, language = talk.state, talk.asking.language
    if command is Command.GOAL and state.profile is not None:
        return f"{talk.say(Text.FIELD_GOAL)}: {results.word(results.GOALS[state.profile.goal], language)}"
    if command is Command.FOOD and state.preferences != Preferences():
        return screens.food(state.preferences, language)
    return ""


def _menu(talk: Talk) -> Step:
    return talk.state, (talk.menu(),)


def _data(talk: Talk) -> Step:
    state, context, language = talk.state, talk.asking.context, talk.asking.language
    if state.profile is None or state.record is None:
        return proceed(talk)
    shown = screens.data(state, state.profile, state.record, language)
    described = results.describe(state, today(state, context.now, context.time_zone), language)
    return state, (talk.menu(f"{shown}\n\n{described}"),)


def _progress(talk: Talk) -> Step:
    return talk.state, (SendProgress(talk.telegram_id, talk.asking.language),)


def _reminder(talk: Talk) -> Step:
    state, language = talk.state, talk.asking.language
    if state.reminder is None:
        return forms.begin(REMINDER, talk.asking, talk.telegram_id)
    text = screens.reminder(state.reminder, state.time_zone or talk.asking.context.time_zone, language)
    return state, (Reply(talk.telegram_id, text, screens.reminder_keyboard(language)),)


def _settings(talk: Talk) -> Step:
    zone = screens.zone_name(talk.state.time_zone or talk.asking.context.time_zone, talk.asking.language)
    keyboard = screens.settings_keyboard(talk.asking.language)
    return talk.state, (Reply(talk.telegram_id, talk.say(Text.SETTINGS, zone=zone), keyboard),)


def _set_language(talk: Talk, language: Language) -> Step:
    state = replace(talk.state, language=language)
    talk = Talk(replace(talk.asking, state=state, language=language), talk.telegram_id)
    return aside(talk, talk.reply(Text.LANGUAGE_SAVED))


def _cancel(talk: Talk) -> Step:
    definition = definition_of(talk.state)
    if definition is None:
        return talk.state, (talk.reply(Text.NOTHING_TO_CANCEL),)
    talk = talk.with_state(replace(talk.state, form=None))
    if definition is CONSENT:
        return declined(talk.state, talk.telegram_id, talk.asking.language)
    if _surveyed(talk.state) and talk.state.paused is None:
        return talk.state, (talk.menu(talk.say(Text.CANCELLED)),)
    if definition is SURVEY:
        return talk.state, (talk.reply(Text.SURVEY_CANCELLED),)
    return proceed(talk, talk.reply(Text.CANCELLED))


def _back(talk: Talk) -> Step:
    definition = definition_of(talk.state)
    if definition is None:
        return go(talk, Command.MENU)
    return forms.back(definition, talk.asking, talk.telegram_id)


def _preview(talk: Talk, state: State, effect: Effect) -> Effect:
    if isinstance(effect, Reply) and state.form is not None and "body" in state.form.answers:
        return PreviewBroadcast(talk.telegram_id, talk.asking.language, state.form.answers["body"], effect.keyboard)
    return effect


def _surveyed(state: State) -> bool:
    return state.consent == CONSENT_VERSION and state.profile is not None and state.record is not None


_ANYTIME: Mapping[Command | None, Callable[[Talk], Step]] = {
    Command.HELP: _help,
    Command.PRIVACY: _privacy,
    Command.EXPORT: _export,
    Command.DELETE_ME: _delete_me,
    Command.STATS: _stats,
    Command.BROADCAST: _broadcast,
    Command.CANCEL: _cancel,
    Command.BACK: _back,
}
"""What can be done in the middle of a form, and without having taken the survey."""
_SCREENS: Mapping[Command | None, Callable[[Talk], Step]] = {
    Command.START: _menu,
    Command.MENU: _menu,
    Command.DATA: _data,
    Command.PROGRESS: _progress,
    Command.REMIND: _reminder,
    Command.SETTINGS: _settings,
}
