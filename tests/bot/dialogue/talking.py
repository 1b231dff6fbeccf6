"""One user and the dialogue: as through Telegram and the database, but without either.

After each step the state goes through the form it is stored in, so every test is a test of restarts too. Whatever is
done, each step is checked to be answered, repeatable and within Telegram's limits.
"""

import itertools
import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from kbju_bot.core import memory
from kbju_bot.core.dialogue import language_for, step
from kbju_bot.core.model import (
    AnswerButton,
    BotBlocked,
    BotUnblocked,
    Button,
    ButtonPressed,
    Context,
    DeleteUser,
    Effect,
    Event,
    Keyboard,
    MessageReceived,
    Person,
    PreviewBroadcast,
    RemoveButtons,
    Reply,
    SendExport,
    SendProgress,
    SendStats,
    StartBroadcast,
    StopBroadcast,
)
from kbju_bot.core.state import Form, State
from kbju_bot.texts import Language, Text, render

ANNA = Person(7001, "Анна", language_code="ru")
JOHN = Person(7002, "John", language_code="en-GB")
NOON = datetime(2026, 3, 2, 9, tzinfo=UTC)
"""Noon in Moscow, a Monday."""
_SHOWN = (Reply, DeleteUser, PreviewBroadcast, SendProgress, SendExport, SendStats, StartBroadcast, StopBroadcast)
"""Effects that the user gets a message by."""
_LONGEST_MESSAGE, _LONGEST_NOTICE, _LONGEST_LABEL, _LONGEST_DATA = 4096, 200, 64, 64


@dataclass
class Message:
    """A message of the bot, as the chat shows it."""

    id: int
    text: str
    keyboard: Keyboard

    @property
    def labels(self) -> list[str]:
        """What its buttons say, row by row."""
        return [button.text for row in self.keyboard for button in row]

    def button(self, label: str) -> Button | None:
        """Return its button with this label."""
        return next((button for row in self.keyboard for button in row if button.text == label), None)


@dataclass
class Talk:
    """A user who writes and presses buttons."""

    person: Person = ANNA
    context: Context = field(default_factory=lambda: Context(NOON))
    state: State = field(default_factory=State)
    messages: list[Message] = field(default_factory=list)
    """What the chat shows of the bot, oldest first."""
    effects: tuple[Effect, ...] = ()
    """What the last step did."""
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def say(self, text: str | None) -> str:
        """Write a message (None: a picture or the like) and return what the bot writes back."""
        return self._happen(MessageReceived(self.person, text))

    def press(self, label: str) -> str:
        """Press the newest button with this label and return what the bot writes back."""
        for message in reversed(self.messages):
            if button := message.button(label):
                assert button.data is not None, f"{label} opens a page"
                return self.press_data(button.data, message.id)
        raise AssertionError(f"no button {label} in {[message.labels for message in self.messages]}")

    def press_data(self, data: str, message_id: int | None = None) -> str:
        """Press a button that sends `data`."""
        return self._happen(ButtonPressed(self.person, f"query {next(self._numbers)}", data, message_id))

    def block(self) -> None:
        """Block the bot."""
        self._happen(BotBlocked(self.person))

    def unblock(self) -> None:
        """Unblock the bot."""
        self._happen(BotUnblocked(self.person))

    def wait(self, **time: float) -> None:
        """Let time pass, in `timedelta`'s units."""
        self.at(self.context.now + timedelta(**time))

    def at(self, moment: datetime) -> None:
        """Go on at another moment."""
        self.context = replace(self.context, now=moment)

    @property
    def last(self) -> Message:
        """The bot's newest message."""
        return self.messages[-1]

    @property
    def notice(self) -> str:
        """What the last press showed as a notice."""
        return next(effect.text for effect in self.effects if isinstance(effect, AnswerButton))

    @property
    def language(self) -> Language:
        """The language the bot speaks with the user."""
        return language_for(self.state, self.person)

    @property
    def form(self) -> Form:
        """The open form."""
        assert self.state.form is not None, "no form is open"
        return self.state.form

    @property
    def asked(self) -> str | None:
        """The form and the question that waits for an answer."""
        return f"{self.state.form.name} {self.state.form.step}" if self.state.form else None

    @property
    def in_menu(self) -> bool:
        """Whether the bot's newest message has the menu's buttons."""
        return self.last.button(render(Text.MENU_MEASURE, self.language)) is not None

    def _happen(self, event: Event) -> str:
        before, self.effects = self.state, ()
        state, effects = step(before, event, self.context)
        assert (state, effects) == step(before, event, self.context), "another time it goes another way"
        self.effects = effects
        texts = [self._carry_out(effect) for effect in effects]
        _check_answered(event, effects)
        self.state = stored(state)
        return "\n\n".join(text for text in texts if text)

    def _carry_out(self, effect: Effect) -> str:
        match effect:
            case Reply(telegram_id, text, keyboard):
                return self._receive(telegram_id, text, keyboard)
            case DeleteUser(telegram_id, text):
                return self._receive(telegram_id, text, ())
            case PreviewBroadcast(telegram_id, language, body, keyboard):
                text = render(Text.BROADCAST_PREVIEW, language, recipients="1234567890", body=body)
                return self._receive(telegram_id, text, keyboard)
            case AnswerButton(telegram_id, _, text):
                assert telegram_id == self.person.telegram_id
                assert len(text) <= _LONGEST_NOTICE
            case RemoveButtons(_, message_id):
                for message in self.messages:
                    if message.id == message_id:
                        message.keyboard = ()
        return ""

    def _receive(self, telegram_id: int, text: str, keyboard: Keyboard) -> str:
        assert telegram_id == self.person.telegram_id
        check_message(text, keyboard)
        self.messages.append(Message(next(self._numbers), text, keyboard))
        return text


def stored(state: State) -> State:
    """Return what another instance of the bot loads. Nobody is stored who is not registered."""
    if not state.registered:
        return State()
    content = json.loads(json.dumps(memory.dump(state)))
    loaded = memory.load(content, replace(state, form=None, paused=None, prompts=0))
    assert loaded == state, "something is lost in storing"
    return loaded


def utf16(text: str) -> int:
    """Count as Telegram does."""
    return len(text.encode("utf-16-le")) // 2


def check_message(text: str, keyboard: Keyboard) -> None:
    """Check a message against Telegram's limits, and that no placeholder shows."""
    assert text.strip()
    assert utf16(text) <= _LONGEST_MESSAGE
    for button in itertools.chain(*keyboard):
        assert button.text.strip()
        assert len(button.text) <= _LONGEST_LABEL
        assert (button.data is None) != (button.url is None)
        assert button.data is None or 1 <= len(button.data.encode()) <= _LONGEST_DATA
    assert all(keyboard), "a row without buttons"


def _check_answered(event: Event, effects: tuple[Effect, ...]) -> None:
    answers = [effect for effect in effects if isinstance(effect, AnswerButton)]
    shown = any(isinstance(effect, _SHOWN) for effect in effects)
    match event:
        case MessageReceived():
            assert shown, "no reply"
            assert not answers
        case ButtonPressed(query_id=query_id):
            assert [answer.query_id for answer in answers] == [query_id]
            assert shown or answers[0].text, "neither reply nor notice"
        case BotBlocked() | BotUnblocked():
            assert not shown, "who can't read or did not ask is written to"
