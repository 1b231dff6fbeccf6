"""People who are somewhere in the dialogue already."""

from kbju_bot.core.model import Context, Person
from kbju_bot.texts import Text, render

from .talking import ANNA, NOON, Talk

WOMAN = {
    "name": "Анна",
    "birth_date": "23.11.1990",
    "sex": "Женский",
    "height": "170",
    "weight": "70,5",
    "steps": "5000–7499",
    "sport": "силовые тренировки",
    "frequency": "3–4 раза в неделю",
    "waist": "80.5",
    "neck": "34",
    "hip": "100",
    "goal": "Здоровье",
}
MAN = WOMAN | {
    "name": "Иван",
    "sex": "Мужской",
    "height": "180",
    "weight": "90",
    "sport": "не занимаюсь",
    "waist": "90",
    "neck": "40",
}


def settled(answers: dict[str, str] = WOMAN, person: Person = ANNA, context: Context | None = None) -> Talk:
    """Return somebody who has given the consent and finished the survey."""
    talk = Talk(person, context or Context(NOON))
    talk.say("/start")
    talk.press(render(Text.AGREE, talk.language))
    finish_survey(talk, answers)
    assert talk.in_menu
    return talk


def finish_survey(talk: Talk, answers: dict[str, str] = WOMAN, up_to: str | None = None) -> str:
    """Answer the survey's questions from the current one on, and return what the bot says at the end.

    With `up_to`, stop where this question is asked.
    """
    said = ""
    for _ in range(len(answers) + 1):
        if talk.state.form is None or talk.form.step == up_to:
            return said
        question = talk.form.step
        assert talk.asked == f"survey {question}"
        said = talk.say(answers[question])
        assert talk.asked != f"survey {question}", f"{answers[question]} is refused"
    raise AssertionError("the survey does not end")


def surveyed_up_to(question: str, answers: dict[str, str] = WOMAN, person: Person = ANNA) -> Talk:
    """Return somebody who is asked this question of the survey."""
    talk = Talk(person)
    talk.say("/start")
    talk.say("Даю согласие")
    finish_survey(talk, answers, up_to=question)
    return talk
