"""Asking questions one after another: the engine behind the survey and every other dialogue.

A form is a sequence of questions, each with what it accepts and when it applies. Which answers are there decides which
question comes next, so that a form can be stored after each step and taken up again by any instance of the bot.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from kbju_bot.core.model import Button, Context, Effect, Keyboard, Reply
from kbju_bot.core.parsing import tidy
from kbju_bot.core.state import Form, State
from kbju_bot.texts import Language, Text, render

Answers = Mapping[str, str]
Step = tuple[State, tuple[Effect, ...]]

# No answer looks like these: each has a letter, a digit or is one of a form's own signs.
BACK = "<"
CANCEL = "!"


class RefusedError(Exception):
    """An answer is not accepted; the texts say why and what is accepted."""

    def __init__(self, text: Text, **values: str) -> None:
        super().__init__(text)
        self.text = text
        self.values = values


@dataclass(frozen=True, slots=True)
class Option:
    """An answer to press instead of typing."""

    value: str
    """What `accept` gets when it is pressed."""
    label: Text
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who is asked, and what is known of them."""

    state: State
    answers: Answers
    context: Context
    language: Language
    first_name: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question of a form."""

    key: str
    prompt: Text
    accept: Callable[[str, Asking], str]
    """Turn what was typed or pressed into the canonical answer, or raise RefusedError."""
    options: Callable[[Asking], tuple[tuple[Option, ...], ...]] = lambda _: ()
    applies: Callable[[Answers, State], bool] = lambda _answers, _state: True
    values: Callable[[Asking], Mapping[str, str]] = lambda _: {}
    """The placeholders of the prompt."""
    beside: Callable[[Language], Keyboard] = lambda _: ()
    """Buttons below the answers that answer nothing."""


@dataclass(frozen=True, slots=True)
class Definition:
    """A form: its questions and what its answers do."""

    name: str
    questions: tuple[Question, ...]
    finish: Callable[[Asking, int], Step]
    """Gets the answers, and the user's Telegram id; the form is closed already."""
    numbered: bool = False
    """Whether each question says which of how many it is."""
    cancellable: bool = True


def applicable(definition: Definition, answers: Answers, state: State) -> list[Question]:
    """Return the questions that apply, as far as the answers tell."""
    return [question for question in definition.questions if question.applies(answers, state)]


def current(definition: Definition, form: Form, state: State) -> Question:
    """Return the question that was asked last."""
    return next(one for one in applicable(definition, form.answers, state) if one.key == form.step)


def understood(definition: Definition, form: Form, asking: Asking) -> Form:
    """Return a stored form as far as this release would have taken its answers.

    Where the first question without one is not the one that was asked, the prompt is 0.
    """
    answers: dict[str, str] = {}
    while True:
        questions = applicable(definition, answers, asking.state)
        question = next((one for one in questions if one.key not in answers), None)
        if question is None:
            # Another release asked for more.
            question = questions[-1]
            del answers[question.key]
            break
        if not _accepted(question, form.answers, replace(asking, answers=answers)):
            break
        answers[question.key] = form.answers[question.key]
    return Form(form.name, question.key, answers, form.prompt if question.key == form.step else 0)


def _accepted(question: Question, answers: Answers, asking: Asking) -> bool:
    try:
        return question.key in answers and question.accept(answers[question.key], asking) == answers[question.key]
    except RefusedError:
        return False


def begin(definition: Definition, asking: Asking, telegram_id: int, intro: str = "") -> Step:
    """Open a form and ask its first question, behind `intro`."""
    first = applicable(definition, {}, asking.state)[0]
    return ask(definition, first, replace(asking, answers={}), telegram_id, intro)


def ask(definition: Definition, question: Question, asking: Asking, telegram_id: int, intro: str = "") -> Step:
    """Ask a question: its message, and the state that waits for the answer."""
    # Counting on from the clock keeps old buttons stale even after everything about the user was deleted.
    prompt = max(asking.state.prompts + 1, int(asking.context.now.timestamp()))
    questions = applicable(definition, asking.answers, asking.state)
    place = [one.key for one in questions].index(question.key)
    lines = [intro] if intro else []
    if definition.numbered:
        lines.append(render(Text.PLACE, asking.language, number=str(place + 1), total=str(len(questions))))
    lines.append(render(question.prompt, asking.language, **question.values(asking)))
    form = Form(definition.name, question.key, dict(asking.answers), prompt)
    state = replace(asking.state, form=form, prompts=prompt)
    keyboard = _keyboard(definition, question, asking, prompt, first=place == 0)
    return state, (Reply(telegram_id, "\n\n".join(lines), keyboard),)


def answer(definition: Definition, asking: Asking, telegram_id: int, given: str) -> Step:
    """Take an answer to the current question: ask the next, finish, or say what is wrong with it and ask again.

    Raises RefusedError only where `finish` does not accept the answers as a whole.
    """
    form = asking.state.form
    if form is None:
        raise ValueError("no form is open")
    question = current(definition, form, asking.state)
    try:
        accepted = question.accept(given, replace(asking, answers=form.answers))
    except RefusedError as error:
        reason = render(error.text, asking.language, **error.values)
        return ask(definition, question, replace(asking, answers=form.answers), telegram_id, reason)
    answers = {**form.answers, question.key: accepted}
    asking = replace(asking, answers=answers)
    following = next((one for one in applicable(definition, answers, asking.state) if one.key not in answers), None)
    if following is not None:
        return ask(definition, following, asking, telegram_id)
    return definition.finish(replace(asking, state=replace(asking.state, form=None)), telegram_id)


def back(definition: Definition, asking: Asking, telegram_id: int) -> Step:
    """Ask the question before the current one again, forgetting its answer; the first one has none before it."""
    form = asking.state.form
    if form is None:
        raise ValueError("no form is open")
    questions = applicable(definition, form.answers, asking.state)
    place = questions.index(current(definition, form, asking.state))
    if place == 0:
        intro = render(Text.NO_STEP_BACK, asking.language)
        return ask(definition, questions[0], replace(asking, answers=form.answers), telegram_id, intro)
    kept = {one.key for one in questions[: place - 1]}
    answers = {key: value for key, value in form.answers.items() if key in kept}
    return ask(definition, questions[place - 1], replace(asking, answers=answers), telegram_id)


def ask_again(definition: Definition, asking: Asking, telegram_id: int, intro: str = "") -> Step:
    """Repeat the current question."""
    form = asking.state.form
    if form is None:
        raise ValueError("no form is open")
    question = current(definition, form, asking.state)
    return ask(definition, question, replace(asking, answers=form.answers), telegram_id, intro)


def pressed(data: str) -> tuple[int, str] | None:
    """Return prompt number and value of a form's button, or None where `data` is no such button."""
    kind, _, rest = data.partition(":")
    number, _, value = rest.partition(":")
    if kind != "f" or not (number.isascii() and number.isdecimal()) or len(number) > 18 or not value:
        return None
    return int(number), value


def choice(*options: Option) -> Callable[[str, Asking], str]:
    """Accept one of the options by its value, or by its label typed in any language."""

    def accept(given: str, asking: Asking) -> str:
        wanted = tidy(given).casefold()
        for option in options:
            if given == option.value or wanted in option_labels(option):
                return option.value
        raise RefusedError(Text.CHOOSE_A_BUTTON)

    return accept


def option_labels(option: Option) -> set[str]:
    """Return the option's labels in all languages, case-folded."""
    return {tidy(render(option.label, language, **option.values)).casefold() for language in Language}


def rows(*options: Option, width: int = 1) -> Callable[[Asking], tuple[tuple[Option, ...], ...]]:
    """Lay options out, `width` to a row."""
    layout = tuple(options[start : start + width] for start in range(0, len(options), width))
    return lambda _: layout


def _keyboard(definition: Definition, question: Question, asking: Asking, prompt: int, *, first: bool) -> Keyboard:
    language = asking.language
    keyboard = [
        tuple(
            Button(render(option.label, language, **option.values), f"f:{prompt}:{option.value}") for option in options
        )
        for options in question.options(asking)
    ]
    moves = [] if first else [Button(render(Text.BACK, language), f"f:{prompt}:{BACK}")]
    if definition.cancellable:
        moves.append(Button(render(Text.CANCEL, language), f"f:{prompt}:{CANCEL}"))
    if moves:
        keyboard.append(tuple(moves))
    return (*keyboard, *question.beside(language))
