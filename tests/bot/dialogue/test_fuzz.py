"""Any text, any button, in any order: never an error, never silence, never stuck.

`Talk` checks each step: that it is answered, repeatable, storable and within Telegram's limits. Here the steps are
drawn, and what is stored is held against what the formulas and the database accept.
"""

from dataclasses import replace
from datetime import date, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from kbju_bot.core.commands import Command
from kbju_bot.core.model import Context, Person
from kbju_bot.core.parsing import tidy
from kbju_bot.core.profile import HEIGHT_CM, HIP_CM, NECK_CM, WAIST_CM, WEIGHT_KG, Range, Sex, Sport, age_on
from kbju_bot.core.state import Preferences, State, today
from kbju_bot.texts import CATALOGUES, Language, Text, render

from .people import MAN, WOMAN, finish_survey, settled
from .talking import NOON, Talk

ADMIN = 1
SENSIBLE = WOMAN | {
    "consent": "yes",
    "likes": "рыба",
    "dislikes": "-",
    "weekday": "пятница",
    "hour": "9",
    "zone": "UTC+5",
    "sure": "delete",
    "forever": "forever",
    "body": "Привет",
    "confirm": "send",
}
commands = st.sampled_from([f"/{command.value}" for command in Command] + ["/unknown", "/", "/start@bot x"])
numbers = st.integers(-5, 320).map(str) | st.floats(0, 320).map(lambda value: f"{value:.1f}".replace(".", ","))
dates = st.dates(date(1900, 1, 1), date(2030, 1, 1)).map(lambda day: f"{day:%d.%m.%Y}")
labels = st.sampled_from(sorted({*CATALOGUES[Language.RU].values(), *CATALOGUES[Language.EN].values()}, key=len)[:250])
sensible = st.sampled_from([*SENSIBLE.values(), "Мужской", "не занимаюсь", "Europe/Berlin"])
strange = st.none() | st.text() | st.sampled_from(["я" * 4096, "\u3164", "{}"])
texts = commands | numbers | dates | labels | sensible | strange
names = st.sampled_from(["Анна", "", "<", "!", "=", "-", "{name}", "Я" * 255]) | st.text(max_size=20)
people = st.builds(
    Person, st.sampled_from([ADMIN, ADMIN, 2]), names, language_code=st.sampled_from(["ru", "en", "de", None, "", "x"])
)
data = st.text() | st.sampled_from(
    [*(f"m:{command.value}" for command in Command), "l:ru", "l:en", "r:off", "r:new", "b:1", "f:1:yes", "f::", ":"]
)
times = st.sampled_from([0, 1, 60 * 60 * 13, 60 * 60 * 24 * 7, -60 * 60 * 24]).map(
    lambda seconds: timedelta(0, seconds)
)


class Life(RuleBasedStateMachine):
    """One user, who does anything."""

    talk: Talk
    accepted: dict[str, str]
    left: set[object]
    """Where it was tried already to get to the menu from."""

    @initialize(
        person=people, url=st.sampled_from([None, "https://example.org"]), known=st.booleans(), man=st.booleans()
    )
    def meet(self, person: Person, url: str | None, known: bool, man: bool) -> None:
        self.accepted = SENSIBLE | (MAN if man else {})
        context = Context(NOON, admins=frozenset({ADMIN}), consultation_url=url)
        self.left = set()
        self.talk = settled(person=person, context=context) if known else Talk(person, context)

    @rule(text=texts)
    def write(self, text: str | None) -> None:
        self.talk.say(text)

    @rule(command=commands, answers=st.integers(0, 12), then=texts)
    def use(self, command: str, answers: int, then: str | None) -> None:
        self.talk.say(command)
        self.answer(answers)
        self.talk.say(then)

    @rule(answers=st.integers(1, 12))
    def answer(self, answers: int) -> None:
        for _ in range(answers):
            if self.talk.state.form is not None:
                self.talk.say(self.accepted[self.talk.state.form.step])

    @rule(answers=st.integers(0, 4), number=numbers)
    def answer_with_numbers(self, answers: int, number: str) -> None:
        self.answer(answers)
        self.talk.say(number)

    @precondition(lambda self: any(message.labels for message in self.talk.messages))
    @rule(choice=st.data(), newest=st.booleans())
    def press(self, choice: st.DataObject, newest: bool) -> None:
        messages = [message for message in self.talk.messages if message.keyboard]
        message = messages[-1] if newest else choice.draw(st.sampled_from(messages[-12:]))
        button = choice.draw(st.sampled_from([button for row in message.keyboard for button in row]))
        if button.data is not None:
            self.talk.press_data(button.data, message.id)

    @rule(pressed=data, message_id=st.none() | st.integers(1, 10**6))
    def press_anything(self, pressed: str, message_id: int | None) -> None:
        self.talk.press_data(pressed, message_id)

    @precondition(lambda self: self.talk.state.form is not None)
    @rule(value=st.text(min_size=1, max_size=20) | sensible)
    def forge_an_answer(self, value: str) -> None:
        self.talk.press_data(f"f:{self.talk.form.prompt}:{value}")

    @rule(time=times)
    def wait(self, time: timedelta) -> None:
        self.talk.at(self.talk.context.now + time)

    @rule(person=people)
    def change(self, person: Person) -> None:
        self.talk.person = replace(person, telegram_id=self.talk.person.telegram_id)

    @rule(what=st.sampled_from(["block", "unblock", "rights"]))
    def change_what_may_be(self, what: str) -> None:
        if what == "block":
            self.talk.block()
            assert self.talk.state.reminder is None
        elif what == "unblock":
            self.talk.unblock()
        else:
            admins = self.talk.context.admins
            self.talk.context = replace(self.talk.context, admins=frozenset() if admins else frozenset({ADMIN}))

    @invariant()
    def nothing_without_a_consent(self) -> None:
        state = self.talk.state
        if state.consent is None:
            assert (state.profile, state.record, state.preferences) == (None, None, Preferences())

    @invariant()
    def what_is_stored_is_accepted(self) -> None:
        _check(self.talk.state, today(self.talk.state, self.talk.context.now, self.talk.context.time_zone))

    @invariant()
    def never_stuck(self) -> None:
        state = self.talk.state
        place = (self.talk.asked, state.paused is not None, state.registered, state.consent, state.profile is not None)
        if place in self.left:
            return
        self.left.add(place)
        talk = Talk(self.talk.person, self.talk.context, self.talk.state)
        form = state.form.name if state.form else None
        talk.say("/cancel")
        assert talk.state.form is None or talk.state.form.name != form
        talk.say("/menu")
        # What waits now is the consent, the survey, or nothing.
        if talk.asked == "consent consent":
            talk.press(render(Text.AGREE, talk.language))
        finish_survey(talk)
        assert talk.in_menu


def _check(state: State, day: date) -> None:
    profile, record, preferences = state.profile, state.record, state.preferences
    if profile is not None:
        assert 1 <= len(profile.name) <= 60
        assert profile.name == tidy(profile.name)
        # It was so on the day of the survey, and the clock may go back a day.
        assert age_on(profile.birth_date, day) >= 17
        _within(profile.height_cm, HEIGHT_CM)
        assert (profile.frequency is None) == (profile.sport is Sport.NONE)
    if record is not None:
        assert profile is not None
        _within(record.weight_kg, WEIGHT_KG)
        assert record.waist_cm is not None
        assert record.neck_cm is not None
        _within(record.waist_cm, WAIST_CM)
        _within(record.neck_cm, NECK_CM)
        assert record.neck_cm < record.waist_cm
        assert (record.hip_cm is None) == (profile.sex is Sex.MALE)
        if record.hip_cm is not None:
            _within(record.hip_cm, HIP_CM)
        assert record.body_fat is None or 0 <= record.body_fat <= 75
    for text in (preferences.likes, preferences.dislikes):
        assert text is None or 1 <= len(text) <= 1000
    if state.reminder is not None:
        assert 1 <= state.reminder.weekday <= 7
        assert 0 <= state.reminder.hour <= 23
    assert state.time_zone is None or 1 <= len(state.time_zone) <= 64


def _within(value: float, accepted: Range) -> None:
    assert accepted.low <= value <= accepted.high
    assert round(value, 1) == value


TestLife = Life.TestCase
TestLife.settings = settings(deadline=None, derandomize=True, max_examples=200, stateful_step_count=50)
