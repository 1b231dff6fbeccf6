"""The form that is open, and the survey that it may have interrupted."""

from collections.abc import Mapping
from dataclasses import replace

from kbju_bot.core import forms
from kbju_bot.core.forms import Definition, Step
from kbju_bot.core.model import Effect
from kbju_bot.core.other_forms import BROADCAST, CONSENT, CONSENT_VERSION, DELETE, FOOD, REMINDER, ZONE
from kbju_bot.core.state import Form, State
from kbju_bot.core.survey import GOAL, MEASUREMENTS, SURVEY
from kbju_bot.core.talk import Talk

DEFINITIONS: Mapping[str, Definition] = {
    form.name: form for form in (CONSENT, SURVEY, MEASUREMENTS, GOAL, FOOD, REMINDER, ZONE, DELETE, BROADCAST)
}
# They ask for so much that leaving them must be said in so many words: /cancel.
_KEPT = frozenset({CONSENT.name, SURVEY.name})
# What may be answered without the newest consent.
_CONSENTLESS = frozenset({CONSENT.name, DELETE.name, BROADCAST.name})


def definition_of(state: State) -> Definition | None:
    """Return the definition of the open form, or None where none is open."""
    return DEFINITIONS.get(state.form.name) if state.form is not None else None


def kept(state: State) -> bool:
    """Tell whether a form is open that only /cancel leaves."""
    return state.form is not None and state.form.name in _KEPT


def restored(talk: Talk) -> Talk:
    """Return the conversation with no form open but one that this release knows and this user may answer.

    A form may have been stored by another release, before the consent changed or while the user was an admin. Where it
    is not what the user was asked last, its prompt is 0: it has to be asked again before an answer is taken.
    """
    state = talk.state
    form, paused = _understood(talk, state.form), _understood(talk, state.paused)
    if paused is not None and paused.name != SURVEY.name:
        paused = None
    if form is not None and form.name not in _CONSENTLESS and state.consent != CONSENT_VERSION:
        paused = form if form.name == SURVEY.name else paused
        form = None
    if (form, paused) == (state.form, state.paused):
        return talk
    return talk.with_state(replace(state, form=form, paused=paused))


def _understood(talk: Talk, form: Form | None) -> Form | None:
    definition = DEFINITIONS.get(form.name) if form is not None else None
    if form is None or definition is None or (definition is BROADCAST and not talk.admin):
        return None
    return forms.understood(definition, form, talk.asking)


def aside(talk: Talk, effect: Effect) -> Step:
    """Do something beside an open form, then ask its question again."""
    definition = definition_of(talk.state)
    if definition is None:
        return talk.state, (effect,)
    state, effects = forms.ask_again(definition, talk.asking, talk.telegram_id)
    return state, (effect, *effects)


def setting_aside(talk: Talk) -> Talk:
    """Close the open form; a survey goes on after the form that interrupts it."""
    state = talk.state
    survey = state.form is not None and state.form.name == SURVEY.name
    return talk.with_state(replace(state, form=None, paused=state.form if survey else state.paused))
