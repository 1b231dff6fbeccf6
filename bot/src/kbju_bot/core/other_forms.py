"""The forms beside the survey: consent, food, reminder, time zone, deletion and broadcast."""

from collections.abc import Callable
from dataclasses import replace

from kbju_bot.core import parsing, screens
from kbju_bot.core.forms import (
    Answers,
    Asking,
    Definition,
    Option,
    Question,
    RefusedError,
    Step,
    choice,
    option_labels,
    rows,
)
from kbju_bot.core.model import DeleteUser, Keyboard, Reply, StartBroadcast
from kbju_bot.core.screens import language_button
from kbju_bot.core.state import Preferences, Reminder, State
from kbju_bot.texts import Language, Text, render

CONSENT_VERSION = 1
"""Raised with every change of what the consent says: everyone is asked anew."""
NOTHING = "-"
"""The answer of someone who has nothing to say to a question."""
LONGEST_BROADCAST = 4000
"""In UTF-16 code units, as Telegram counts; a message has room for 4,096."""
_LONGEST_FOOD = 1000
_KEEP = Option("=", Text.KEEP)
_CLEAR = Option(NOTHING, Text.CLEAR)
_SKIP = Option(NOTHING, Text.SKIP)
_food_buttons = choice(_KEEP, _CLEAR, _SKIP)

_AGREE = Option("yes", Text.AGREE)
_DECLINE = Option("no", Text.DECLINE)


def _finish_consent(asking: Asking, telegram_id: int) -> Step:
    if asking.answers["consent"] == _AGREE.value:
        return replace(asking.state, consent=CONSENT_VERSION), ()
    return declined(asking.state, telegram_id, asking.language)


def declined(state: State, telegram_id: int, language: Language) -> Step:
    """Return what follows a refused consent: of somebody who never gave one and has no data yet, nothing is kept."""
    if replace(state, registered=True, language=None, time_zone=None, prompts=0) == State(registered=True):
        return State(prompts=state.prompts), (DeleteUser(telegram_id, render(Text.CONSENT_DECLINED, language)),)
    return state, (Reply(telegram_id, render(Text.CONSENT_NOT_RENEWED, language)),)


def _other_language(language: Language) -> Keyboard:
    return (tuple(language_button(other) for other in Language if other is not language),)


CONSENT = Definition(
    "consent",
    (Question("consent", Text.CONSENT, choice(_AGREE, _DECLINE), rows(_AGREE, _DECLINE), beside=_other_language),),
    _finish_consent,
    cancellable=False,
)


def _food(given: str, asking: Asking) -> str:
    try:
        return _food_buttons(given, asking)
    except RefusedError:
        pass
    try:
        return parsing.free_text(given, _LONGEST_FOOD)
    except parsing.NotUnderstoodError:
        raise RefusedError(Text.PLEASE_TEXT) from None
    except parsing.OutOfRangeError:
        raise RefusedError(Text.TEXT_TOO_LONG, longest=str(_LONGEST_FOOD)) from None


def _food_options(stored: Callable[[Preferences], str | None]) -> Callable[[Asking], tuple[tuple[Option, ...], ...]]:
    return lambda asking: ((_KEEP, _CLEAR),) if stored(asking.state.preferences) else ((_SKIP,),)


def _finish_food(asking: Asking, telegram_id: int) -> Step:
    def stored(answer: str, before: str | None) -> str | None:
        if answer == _KEEP.value:
            return before
        return None if answer == NOTHING else answer

    before, answers = asking.state.preferences, asking.answers
    preferences = Preferences(stored(answers["likes"], before.likes), stored(answers["dislikes"], before.dislikes))
    text = render(Text.SAVED, asking.language) + "\n\n" + screens.food(preferences, asking.language)
    state = replace(asking.state, preferences=preferences)
    return state, (screens.menu(telegram_id, asking.context, asking.language, text),)


FOOD = Definition(
    "food",
    (
        Question("likes", Text.ASK_LIKES, _food, _food_options(lambda stored: stored.likes)),
        Question("dislikes", Text.ASK_DISLIKES, _food, _food_options(lambda stored: stored.dislikes)),
    ),
    _finish_food,
    numbered=True,
)

_WEEKDAYS = tuple(Option(str(number), label) for number, label in enumerate(screens.WEEKDAYS, start=1))
_HOURS = tuple(Option(f"{hour}:00", Text.AS_IS, {"value": f"{hour}:00"}) for hour in (7, 9, 12, 18, 20, 22))
_ZONES = tuple(Option(zone, label) for zone, label in screens.ZONES.items())


def _hour(given: str, _asking: Asking) -> str:
    try:
        return str(parsing.hour(given))
    except ValueError:
        raise RefusedError(Text.HOUR_NOT_UNDERSTOOD) from None


def _zone(given: str, _asking: Asking) -> str:
    wanted = parsing.tidy(given).casefold()
    for option in _ZONES:
        for label in option_labels(option):
            if wanted in {label, label.partition(",")[0]}:
                return option.value
    try:
        return parsing.time_zone(given)
    except ValueError:
        raise RefusedError(Text.ZONE_NOT_UNDERSTOOD) from None


def _zone_unknown(_answers: Answers, state: State) -> bool:
    return state.time_zone is None


def _finish_reminder(asking: Asking, telegram_id: int) -> Step:
    zone = asking.answers.get("zone") or asking.state.time_zone
    if zone is None:
        raise RefusedError(Text.ZONE_NOT_UNDERSTOOD)
    reminder = Reminder(weekday=int(asking.answers["weekday"]), hour=int(asking.answers["hour"]))
    state = replace(asking.state, reminder=reminder, time_zone=zone)
    text = screens.reminder(reminder, zone, asking.language)
    return state, (screens.menu(telegram_id, asking.context, asking.language, text),)


_ZONE = Question("zone", Text.ASK_ZONE, _zone, rows(*_ZONES, width=2))
REMINDER = Definition(
    "reminder",
    (
        Question("weekday", Text.ASK_WEEKDAY, choice(*_WEEKDAYS), rows(*_WEEKDAYS, width=2)),
        Question("hour", Text.ASK_HOUR, _hour, rows(*_HOURS, width=3)),
        replace(_ZONE, applies=_zone_unknown),
    ),
    _finish_reminder,
    numbered=True,
)


def _finish_zone(asking: Asking, telegram_id: int) -> Step:
    zone = asking.answers["zone"]
    text = render(Text.ZONE_SAVED, asking.language, zone=screens.zone_name(zone, asking.language))
    return replace(asking.state, time_zone=zone), (screens.menu(telegram_id, asking.context, asking.language, text),)


ZONE = Definition("zone", (_ZONE,), _finish_zone)

_DELETE = Option("delete", Text.DELETE_BUTTON)
_DELETE_FOREVER = Option("forever", Text.DELETE_FOREVER_BUTTON)


def _finish_delete(asking: Asking, telegram_id: int) -> Step:
    # Nothing is left but the promise that old buttons stay stale.
    return State(prompts=asking.state.prompts), (DeleteUser(telegram_id, render(Text.DELETED, asking.language)),)


DELETE = Definition(
    "delete",
    (
        Question("sure", Text.ASK_DELETE, choice(_DELETE), rows(_DELETE)),
        Question("forever", Text.ASK_DELETE_FOREVER, choice(_DELETE_FOREVER), rows(_DELETE_FOREVER)),
    ),
    _finish_delete,
)

_SEND = Option("send", Text.BROADCAST_SEND)


def _body(given: str, _asking: Asking) -> str:
    body = given.strip()
    if not parsing.tidy(body):
        raise RefusedError(Text.PLEASE_TEXT)
    if len(body.encode("utf-16-le")) // 2 > LONGEST_BROADCAST:
        raise RefusedError(Text.TEXT_TOO_LONG, longest=str(LONGEST_BROADCAST))
    return body


def _finish_broadcast(asking: Asking, telegram_id: int) -> Step:
    return asking.state, (StartBroadcast(telegram_id, asking.language, asking.answers["body"]),)


BROADCAST = Definition(
    "broadcast",
    (
        Question("body", Text.ASK_BROADCAST, _body),
        Question("confirm", Text.BROADCAST_CONFIRM, choice(_SEND), rows(_SEND)),
    ),
    _finish_broadcast,
)
