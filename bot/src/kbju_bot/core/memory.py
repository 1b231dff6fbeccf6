"""The part of the state that is stored as JSON: open forms. What another release stored is read as far as it goes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kbju_bot.core.state import Form, State

# Buttons have to carry a prompt back: see `forms.pressed`.
_HIGHEST_PROMPT = 10**17


def dump(state: State) -> dict[str, Any]:
    """Return the open forms for `json.dumps`."""
    return {"form": _dump_form(state.form), "paused": _dump_form(state.paused), "prompts": state.prompts}


def load(stored: object, state: State) -> State:
    """Return `state` with the forms that `dump` gave, or as much of them as can be read. Whatever is stored: no error.

    A form without a name is none; answers that are no text are not there; a form whose prompt can't be read has none.
    """
    content = stored if isinstance(stored, Mapping) else {}
    return replace(
        state,
        form=_load_form(content.get("form")),
        paused=_load_form(content.get("paused")),
        prompts=_prompt(content.get("prompts")),
    )


def _dump_form(form: Form | None) -> dict[str, Any] | None:
    if form is None:
        return None
    return {"name": form.name, "step": form.step, "answers": dict(form.answers), "prompt": form.prompt}


def _load_form(stored: object) -> Form | None:
    if not isinstance(stored, Mapping) or not isinstance(stored.get("name"), str):
        return None
    step, answers = stored.get("step"), stored.get("answers")
    kept = answers.items() if isinstance(answers, Mapping) else ()
    return Form(
        stored["name"],
        step if isinstance(step, str) else "",
        {key: value for key, value in kept if isinstance(key, str) and isinstance(value, str)},
        _prompt(stored.get("prompt")),
    )


def _prompt(stored: object) -> int:
    # JSON's true is an int too.
    if isinstance(stored, int) and not isinstance(stored, bool) and 0 <= stored < _HIGHEST_PROMPT:
        return stored
    return 0
