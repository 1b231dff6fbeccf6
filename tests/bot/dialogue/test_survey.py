"""The survey: from the name to the results."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from kbju_bot.core.model import Person
from kbju_bot.core.profile import Frequency, Goal, Sex, Sport, Steps
from kbju_bot.core.state import Profile, Record

from .people import MAN, WOMAN, finish_survey, surveyed_up_to
from .talking import Talk

LAZY_WOMAN = WOMAN | {"sport": "не занимаюсь"}
ATHLETE = MAN | {"sport": "силовые и кардио"}
PATHS = [(WOMAN, 12), (LAZY_WOMAN, 11), (ATHLETE, 11), (MAN, 10)]


def test_a_woman_answers_twelve_questions() -> None:
    talk = Talk()
    talk.say("/start")
    said = talk.press("Даю согласие")
    for number, (question, asked) in enumerate(
        [
            ("name", "Как вас зовут?"),
            ("birth_date", "Когда вы родились?"),
            ("sex", "Ваш пол?"),
            ("height", "Рост в сантиметрах?"),
            ("weight", "Вес в килограммах?"),
            ("steps", "Сколько шагов"),
            ("sport", "Занимаетесь спортом?"),
            ("frequency", "Сколько тренировок"),
            ("waist", "в самом узком месте"),
            ("neck", "под гортанью"),
            ("hip", "по самому широкому месту"),
            ("goal", "К чему вы стремитесь?"),
        ],
        start=1,
    ):
        assert f"Шаг {number} из 12" in said
        assert asked in said
        said = talk.say(WOMAN[question])
    assert "Готово!" in said
    assert talk.in_menu
    assert talk.state.profile == Profile(
        name="Анна",
        sex=Sex.FEMALE,
        birth_date=date(1990, 11, 23),
        height_cm=170,
        steps=Steps.UNDER_7500,
        sport=Sport.STRENGTH,
        frequency=Frequency.THREE_FOUR,
        goal=Goal.HEALTHY,
    )
    assert talk.state.record == Record(date(2026, 3, 2), 70.5, 80.5, 34, 100, body_fat=30.3)


@pytest.mark.parametrize(("answers", "total"), PATHS)
def test_only_what_matters_is_asked_and_counted(answers: dict[str, str], total: int) -> None:
    talk = surveyed_up_to("goal", answers)
    assert f"Шаг {total} из {total}" in talk.last.text
    assert ("hip" in talk.form.answers) == (answers["sex"] == "Женский")
    assert ("frequency" in talk.form.answers) == (answers["sport"] != "не занимаюсь")
    finish_survey(talk, answers)
    assert talk.state.profile is not None
    assert (talk.state.profile.frequency is None) == (answers["sport"] == "не занимаюсь")


def test_men_measure_the_waist_elsewhere() -> None:
    assert "на уровне пупка" in surveyed_up_to("waist", MAN).last.text


@pytest.mark.parametrize("typed", ["70,5", "70.5", "70,5 кг", "70,5КГ", " 70.50 "])
def test_numbers_as_people_write_them(typed: str) -> None:
    talk = surveyed_up_to("weight")
    talk.say(typed)
    assert talk.form.answers["weight"] == "70.5"


@pytest.mark.parametrize(
    ("question", "given", "reasons"),
    [
        ("name", "...", ["буквы"]),
        ("name", "12345", ["буквы"]),
        ("name", "я" * 61, ["до 60 знаков"]),
        ("birth_date", "вчера", ["23.11.1990"]),
        ("birth_date", "31.02.1990", ["23.11.1990"]),
        ("birth_date", "23.11.90", ["четырьмя цифрами"]),
        ("birth_date", "03.03.2026", ["от 18 до 100 лет"]),
        ("birth_date", "01.03.1925", ["от 18 до 100 лет"]),
        ("birth_date", "03.03.2008", ["с 18 лет"]),
        ("sex", "да", ["на кнопках"]),
        ("height", "высокий", ["от 120 до 230 см", "172,5"]),
        ("height", "119,9", ["от 120 до 230 см"]),
        ("height", "1.70", ["от 120 до 230 см"]),
        ("weight", "семьдесят", ["от 30 до 300 кг", "70,5"]),
        ("weight", "300.1", ["Не подходит", "от 30 до 300 кг"]),
        ("weight", "-70", ["Не подходит", "от 30 до 300 кг"]),
        ("weight", "100000", ["Не подходит", "от 30 до 300 кг"]),
        ("steps", "6000", ["на кнопках"]),
        ("sport", "футбол", ["на кнопках"]),
        ("frequency", "8", ["на кнопках"]),
        ("waist", "39", ["от 40 до 200 см"]),
        ("neck", "71", ["от 20 до 70 см"]),
        ("hip", "50 см 5 мм", ["от 50 до 200 см", "98,5"]),
        ("goal", "похудеть", ["на кнопках"]),
        ("weight", None, ["обычным текстом"]),
    ],
)
def test_nonsense_is_refused_with_the_reason(question: str, given: str | None, reasons: list[str]) -> None:
    talk = surveyed_up_to(question)
    asked = talk.last
    said = talk.say(given)
    for reason in reasons:
        assert reason in said
    # The same question again, with its place and its buttons.
    assert asked.text.partition("Шаг")[2] == said.partition("Шаг")[2]
    assert talk.last.labels == asked.labels
    assert talk.asked == f"survey {question}"


@pytest.mark.parametrize("born", ["02.03.2008", "03.03.1925"])
def test_the_youngest_and_the_oldest(born: str) -> None:
    talk = surveyed_up_to("birth_date")
    assert "Ваш пол?" in talk.say(born)


def test_a_neck_is_smaller_than_a_waist() -> None:
    talk = surveyed_up_to("waist")
    talk.say("50")
    assert "меньше обхвата талии" in talk.say("50")
    talk.press("← Назад")
    assert "талии" in talk.last.text
    talk.say("50.1")
    talk.say("50")
    assert talk.asked == "survey hip"


def test_the_name_is_offered() -> None:
    talk = surveyed_up_to("name")
    assert talk.last.labels == ["Анна", "Отменить"]
    talk.press("Анна")
    assert talk.form.answers["name"] == "Анна"


@pytest.mark.parametrize("name", ["back", "cancel", "Отменить", "b:1", "<b>", "!a"])
def test_a_name_like_a_button_is_a_name(name: str) -> None:
    talk = surveyed_up_to("name", person=Person(1, name, language_code="ru"))
    [button] = talk.last.keyboard[0]
    assert button.data is not None
    talk.press_data(button.data)
    assert talk.form.answers["name"] == name


@pytest.mark.parametrize("name", ["🙂", "Я" * 21, "\u3164"])
def test_a_name_that_can_not_be_offered_is_typed(name: str) -> None:
    talk = surveyed_up_to("name", person=Person(1, name, language_code="ru"))
    assert talk.last.labels == ["Отменить"]


@pytest.mark.parametrize("typed", ["женский", "FEMALE", "Female"])
def test_a_button_can_be_typed_in_any_language(typed: str) -> None:
    talk = surveyed_up_to("sex")
    talk.say(typed)
    assert talk.form.answers["sex"] == "female"


@pytest.mark.parametrize("typed", ["10 000–12 499", "10\u00a0000–12\u00a0499", "10,000–12,499"])
def test_a_number_in_a_button_can_be_typed_with_any_space(typed: str) -> None:
    talk = surveyed_up_to("steps")
    talk.say(typed)
    assert talk.form.answers["steps"] == Steps.UNDER_12500


def test_the_last_birthday_counts_where_the_user_is() -> None:
    # In Kamchatka it is the second of March already, so someone of that day is of age.
    talk = surveyed_up_to("birth_date")
    talk.at(datetime(2026, 3, 1, 12, 30, tzinfo=UTC))
    assert "с 18 лет" in talk.say("02.03.2008")
    talk.state = replace(talk.state, time_zone="Asia/Kamchatka")
    assert "Ваш пол?" in talk.say("02.03.2008")


def test_results_follow_at_once() -> None:
    said = finish_survey(surveyed_up_to("goal", MAN), MAN)
    assert "Жир: 18,4 % (с учётом точности метода — от 14,8 до 21,9 %)" in said
    for words in ("Основной обмен", "Расход", "Норма для цели «Здоровье»", "Белки", "не медицинский совет"):
        assert words in said
    [target] = re.findall(r"«Здоровье»: (\d+) ккал", said)
    [macros] = re.findall(r"Белки (\d+) г · жиры (\d+) г · углеводы (\d+) г", said)
    protein, fat, carbs = map(int, macros)
    assert 0 <= int(target) - (4 * protein + 9 * fat + 4 * carbs) < 4
