"""Open forms in the database: what this release stored, and what another did."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kbju_bot.core import memory
from kbju_bot.core.open_forms import DEFINITIONS
from kbju_bot.core.state import Form, State

from .people import WOMAN, finish_survey, settled, surveyed_up_to
from .talking import Talk


def reload(talk: Talk, change: Callable[[dict[str, Any]], object]) -> None:
    """Let another release store the open form in its own way."""
    content = json.loads(json.dumps(memory.dump(talk.state)))
    change(content["form"])
    talk.state = memory.load(content, talk.state)


@pytest.mark.parametrize("question", list(WOMAN))
def test_buttons_and_answers_of_before_a_restart_count(question: str) -> None:
    before = surveyed_up_to(question)
    # Nothing goes over to the new process but what is stored.
    stored = json.dumps(memory.dump(before.state))
    after = Talk(before.person, before.context, memory.load(json.loads(stored), replace(before.state, form=None)))
    after.messages = before.messages
    if "← Назад" in after.last.labels:
        after.press("← Назад")
        after.say(WOMAN[after.form.step])
    assert after.asked == f"survey {question}"
    finish_survey(after)
    assert after.state.record is not None


def test_what_is_stored_is_plain() -> None:
    talk = surveyed_up_to("sex")
    talk.say("/delete_me")
    stored = memory.dump(talk.state)
    assert stored["form"]["name"] == "delete"
    assert stored["paused"]["answers"] == {"name": "Анна", "birth_date": "1990-11-23"}
    assert memory.load(json.loads(json.dumps(stored)), State()) == State(
        form=talk.state.form, paused=talk.state.paused, prompts=talk.state.prompts
    )


def test_a_form_that_is_no_more_is_dropped() -> None:
    talk = settled()
    talk.say("/food")
    reload(talk, lambda form: form.update(name="poetry"))
    assert "не понимаю" in talk.say("рыба")
    assert talk.in_menu
    assert talk.asked is None


def test_a_form_that_interrupted_the_survey_and_is_no_more() -> None:
    talk = surveyed_up_to("height")
    talk.say("/delete_me")
    reload(talk, lambda form: form.update(name="poetry"))
    assert "Шаг 4 из 12" in talk.say("роза")
    assert talk.asked == "survey height"


@pytest.mark.parametrize(
    ("change", "asked"),
    [
        (lambda form: form.update(step="eye_colour"), "weight"),
        (lambda form: form.pop("step"), "weight"),
        (lambda form: form["answers"].pop("sex"), "sex"),
        (lambda form: form["answers"].update(sex="yes"), "sex"),
        (lambda form: form["answers"].update(height="1.7"), "height"),
        (lambda form: form["answers"].update(height=170), "height"),
        (lambda form: form.pop("answers"), "name"),
        (lambda form: form.update(answers=None), "name"),
        (lambda form: form.update(answers=["Анна"]), "name"),
        (lambda form: form.update(step="goal"), "weight"),
    ],
)
def test_the_first_open_question_is_asked_before_an_answer_counts(
    change: Callable[[dict[str, Any]], object], asked: str
) -> None:
    talk = surveyed_up_to("weight")
    reload(talk, change)
    said = talk.say("70")
    assert "Продолжим" in said
    assert talk.asked == f"survey {asked}"
    assert asked not in talk.form.answers
    finish_survey(talk)
    assert talk.state.record is not None


def test_buttons_do_not_answer_another_question() -> None:
    talk = surveyed_up_to("goal")
    reload(talk, lambda form: form["answers"].pop("name"))
    assert talk.press("Рельеф") == ""
    assert "уже не действует" in talk.notice
    assert "Шаг 1 из 12" in talk.say("/menu")


def test_answers_to_questions_that_are_no_more_are_dropped() -> None:
    talk = surveyed_up_to("weight")
    reload(talk, lambda form: form["answers"].update(eye_colour="green"))
    assert "Шаг 6 из 12" in talk.say("70")
    assert "eye_colour" not in talk.form.answers


def test_a_form_without_open_questions_asks_the_last_again() -> None:
    talk = surveyed_up_to("goal")
    reload(talk, lambda form: (form["answers"].update(goal="lean"), form.update(step="eye_colour")))
    assert "Продолжим" in talk.say("Рельеф")
    assert talk.asked == "survey goal"
    talk.press("Рельеф")
    assert talk.in_menu


@pytest.mark.parametrize("prompt", [None, True, -1, 1.5, "7", 10**30])
def test_a_prompt_that_is_none_is_asked_again(prompt: object) -> None:
    talk = surveyed_up_to("sex")
    reload(talk, lambda form: form.update(prompt=prompt))
    for data in ("f:0:female", f"f:{prompt}:female"):
        assert talk.press_data(data) == ""
    assert "Продолжим" in talk.say("привет")
    talk.press("Женский")
    assert talk.asked == "survey height"


ACCEPTED = {
    "consent": "yes",
    "name": "Анна",
    "birth_date": "1990-11-23",
    "sex": "female",
    "height": "170.0",
    "weight": "70.5",
    "steps": "5000-7499",
    "sport": "strength",
    "frequency": "3-4",
    "waist": "80.5",
    "neck": "34.0",
    "hip": "100.0",
    "goal": "healthy",
    "likes": "рыба",
    "dislikes": "-",
    "weekday": "5",
    "hour": "9",
    "zone": "Etc/GMT-3",
    "sure": "delete",
    "forever": "forever",
    "body": "Привет",
    "confirm": "send",
}
keys = st.sampled_from([*ACCEPTED, "eye_colour"])
values = st.sampled_from([*ACCEPTED.values(), *WOMAN.values(), "male", "none"]) | st.text(max_size=5)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | keys, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def forms(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a form as some release may have stored it: like ours, but for a few things."""
    definition = draw(st.sampled_from(list(DEFINITIONS.values())))
    questions = list(dict.fromkeys(question.key for question in definition.questions))
    answers: dict[str, Any] = {key: ACCEPTED[key] for key in questions[: draw(st.integers(0, len(questions)))]}
    for key in draw(st.lists(keys, max_size=2)):
        answers[key] = draw(values | anything)
    form = {
        "name": definition.name,
        "step": draw(st.sampled_from([*questions, "eye_colour"])),
        "answers": answers,
        "prompt": draw(st.integers(0, 2 * 10**9)),
    }
    for key in draw(st.lists(st.sampled_from([*form, "colour"]), max_size=1)):
        form[key] = draw(anything)
    return form


contents = st.fixed_dictionaries({"form": forms(), "paused": st.none() | forms(), "prompts": st.integers()}) | anything
SETTLED = settled().state


@settings(deadline=None, derandomize=True, max_examples=200)
@given(content=contents, newcomer=st.booleans(), texts=st.lists(values, min_size=1, max_size=3))
def test_whatever_is_stored_nobody_is_stuck(content: object, newcomer: bool, texts: list[str]) -> None:
    talk = Talk(state=memory.load(content, State(registered=True) if newcomer else SETTLED))
    for form in filter(None, (talk.state.form, talk.state.paused)):
        strings = [form.name, form.step, *form.answers.keys(), *form.answers.values()]
        assert {type(string) for string in strings} == {str}
        assert type(form.prompt) is int
    for text in texts:
        talk.say(text)
    talk.say("/cancel")
    talk.say("/menu")
    if not talk.in_menu:
        if talk.asked == "consent consent":
            talk.press("Даю согласие")
        finish_survey(talk)
    assert talk.in_menu


@settings(deadline=None, derandomize=True, max_examples=200)
@given(name=st.text(max_size=9), step=st.text(max_size=9), prompt=st.integers(0, 10**16), text=st.text(max_size=20))
def test_a_form_comes_back_as_it_was(name: str, step: str, prompt: int, text: str) -> None:
    form = Form(name, step, {step: text, text: name}, prompt)
    state = State(form=form, paused=replace(form, name=text), prompts=prompt)
    assert memory.load(json.loads(json.dumps(memory.dump(state))), State()) == state
