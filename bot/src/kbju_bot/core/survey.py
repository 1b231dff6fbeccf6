"""The survey, and the shorter forms that renew a part of it: measurements and goal."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta

from kbju_bot.core import answers, formulas, results
from kbju_bot.core.forms import Answers, Asking, Definition, Option, Question, RefusedError, Step, choice, rows
from kbju_bot.core.model import Reply
from kbju_bot.core.profile import (
    HEIGHT_CM,
    HIP_CM,
    WAIST_CM,
    WEIGHT_KG,
    Frequency,
    Goal,
    Sex,
    Sport,
    Steps,
)
from kbju_bot.core.screens import menu_keyboard
from kbju_bot.core.state import Profile, Record, State, body_of, today
from kbju_bot.texts import Text, number

_SEXES = (Option(Sex.MALE, Text.SEX_MALE), Option(Sex.FEMALE, Text.SEX_FEMALE))
_STEPS = tuple(Option(one, results.STEPS[one]) for one in Steps)
_SPORTS = tuple(Option(one, results.SPORTS[one]) for one in Sport)
_FREQUENCIES = tuple(Option(one, results.FREQUENCIES[one]) for one in Frequency)
_GOALS = tuple(Option(one, results.GOALS[one]) for one in Goal)
_ZERO = timedelta(0)
# Clocks differ by up to 26 hours.
_FARTHEST_WEST = timedelta(days=2)


def _name_options(asking: Asking) -> tuple[tuple[Option, ...], ...]:
    profile = asking.state.profile
    try:
        name = answers.name(profile.name if profile is not None else asking.first_name, asking)
    except RefusedError:
        return ()
    # Telegram carries at most 64 bytes back; a longer name has to be typed.
    return ((Option(name, Text.AS_IS, {"value": name}),),) if len(name.encode()) <= 40 else ()


def _sex(given: Answers, state: State) -> Sex | None:
    if "sex" in given:
        return Sex(given["sex"])
    return state.profile.sex if state.profile else None


def _female(given: Answers, state: State) -> bool:
    return _sex(given, state) is Sex.FEMALE


def _not_female(given: Answers, state: State) -> bool:
    return _sex(given, state) is not Sex.FEMALE


def _not_male(given: Answers, state: State) -> bool:
    return _sex(given, state) is not Sex.MALE


def _trains(given: Answers, _state: State) -> bool:
    return given.get("sport") != Sport.NONE


def _as_before(known: Callable[[State], float | date | None]) -> Callable[[Asking], tuple[tuple[Option, ...], ...]]:
    def options(asking: Asking) -> tuple[tuple[Option, ...], ...]:
        value = known(asking.state)
        if value is None:
            return ()
        shown = f"{value:%d.%m.%Y}" if isinstance(value, date) else number(value, asking.language)
        return ((Option(str(value), Text.AS_BEFORE, {"value": shown}),),)

    return options


def _measured_before(known: Callable[[Record], float | None]) -> Callable[[Asking], tuple[tuple[Option, ...], ...]]:
    return _as_before(lambda state: known(state.record) if state.record else None)


_waist = answers.measured(WAIST_CM, Text.CM, 80.5)
_waist_before = _measured_before(lambda record: record.waist_cm)
_WEIGHT = Question(
    "weight",
    Text.ASK_WEIGHT,
    answers.measured(WEIGHT_KG, Text.KG, 70.5),
    options=_measured_before(lambda record: record.weight_kg),
)
_GIRTHS = (
    Question("waist", Text.ASK_WAIST_MALE, _waist, applies=_not_female, options=_waist_before),
    Question("waist", Text.ASK_WAIST_FEMALE, _waist, applies=_female, options=_waist_before),
    Question("neck", Text.ASK_NECK, answers.neck, options=_measured_before(lambda record: record.neck_cm)),
    Question(
        "hip",
        Text.ASK_HIP,
        answers.measured(HIP_CM, Text.CM, 98.5),
        applies=_not_male,
        options=_measured_before(lambda record: record.hip_cm),
    ),
)
_GOAL = Question("goal", Text.ASK_GOAL, choice(*_GOALS), rows(*_GOALS))


def _day(asking: Asking) -> date:
    day, before = today(asking.state, asking.context.now, asking.context.time_zone), asking.state.record
    # Who travels west comes to the same day again: what is measured last must be of the newest day.
    return before.day if before is not None and _ZERO < before.day - day <= _FARTHEST_WEST else day


def _record(asking: Asking, profile: Profile) -> Record:
    given = asking.answers
    record = Record(
        day=_day(asking),
        weight_kg=float(given["weight"]),
        waist_cm=float(given["waist"]),
        neck_cm=float(given["neck"]),
        hip_cm=float(given["hip"]) if profile.sex is Sex.FEMALE else None,
    )
    return with_body_fat(record, profile)


def with_body_fat(record: Record, profile: Profile) -> Record:
    """Return the record with its body fat computed, or without one where the formula refuses."""
    body = body_of(profile, record)
    if body is None:
        return replace(record, body_fat=None)
    fat = formulas.body_fat(
        body.sex, height_cm=body.height_cm, waist_cm=body.waist_cm, neck_cm=body.neck_cm, hip_cm=body.hip_cm
    )
    return replace(record, body_fat=round(fat.percent, 1) if isinstance(fat, formulas.BodyFat) else None)


def _finish_survey(asking: Asking, telegram_id: int) -> Step:
    given = asking.answers
    sport = Sport(given["sport"])
    profile = Profile(
        name=given["name"],
        sex=Sex(given["sex"]),
        birth_date=date.fromisoformat(given["birth_date"]),
        height_cm=float(given["height"]),
        steps=Steps(given["steps"]),
        sport=sport,
        frequency=None if sport is Sport.NONE else Frequency(given["frequency"]),
        goal=Goal(given["goal"]),
    )
    state = replace(asking.state, profile=profile, record=_record(asking, profile))
    return _with_results(state, asking, telegram_id, Text.SURVEY_DONE)


def _finish_measurements(asking: Asking, telegram_id: int) -> Step:
    profile, before = asking.state.profile, asking.state.record
    if profile is None or before is None:
        raise RefusedError(Text.SURVEY_FIRST)
    record = _record(asking, profile)
    done = Text.MEASUREMENTS_UPDATED if before.day == record.day else Text.MEASUREMENTS_ADDED
    return _with_results(replace(asking.state, record=record), asking, telegram_id, done)


def _finish_goal(asking: Asking, telegram_id: int) -> Step:
    if asking.state.profile is None:
        raise RefusedError(Text.SURVEY_FIRST)
    profile = replace(asking.state.profile, goal=Goal(asking.answers["goal"]))
    return _with_results(replace(asking.state, profile=profile), asking, telegram_id, Text.GOAL_SAVED)


def _with_results(state: State, asking: Asking, telegram_id: int, intro: Text) -> Step:
    day = today(state, asking.context.now, asking.context.time_zone)
    text = f"{results.word(intro, asking.language)}\n\n{results.describe(state, day, asking.language)}"
    return state, (Reply(telegram_id, text, menu_keyboard(asking.context, asking.language)),)


SURVEY = Definition(
    "survey",
    (
        Question("name", Text.ASK_NAME, answers.name, _name_options),
        Question(
            "birth_date",
            Text.ASK_BIRTH_DATE,
            answers.birth_date,
            options=_as_before(lambda state: state.profile.birth_date if state.profile else None),
        ),
        Question("sex", Text.ASK_SEX, choice(*_SEXES), rows(*_SEXES, width=2)),
        Question(
            "height",
            Text.ASK_HEIGHT,
            answers.measured(HEIGHT_CM, Text.CM, 172.5),
            options=_as_before(lambda state: state.profile.height_cm if state.profile else None),
        ),
        _WEIGHT,
        Question("steps", Text.ASK_STEPS, choice(*_STEPS), rows(*_STEPS)),
        Question("sport", Text.ASK_SPORT, choice(*_SPORTS), rows(*_SPORTS)),
        Question("frequency", Text.ASK_FREQUENCY, choice(*_FREQUENCIES), rows(*_FREQUENCIES, width=2), applies=_trains),
        *_GIRTHS,
        _GOAL,
    ),
    _finish_survey,
    numbered=True,
)
MEASUREMENTS = Definition("measurements", (_WEIGHT, *_GIRTHS), _finish_measurements, numbered=True)
GOAL = Definition("goal", (_GOAL,), _finish_goal)
