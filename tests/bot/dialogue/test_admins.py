"""What admins can do, and nobody else."""

from dataclasses import dataclass, replace

import pytest

from kbju_bot.core.broadcasts import report
from kbju_bot.core.model import Button, Context, PreviewBroadcast, SendStats, StartBroadcast, StopBroadcast
from kbju_bot.texts import Language

from .people import settled
from .talking import ANNA, NOON, Talk, utf16

ADMINS = Context(NOON, admins=frozenset({ANNA.telegram_id}))


def admin() -> Talk:
    """Return an admin who uses the bot, too."""
    return settled(context=ADMINS)


def started(talk: Talk) -> list[str]:
    """Return the bodies of the broadcasts that the last step started."""
    return [effect.body for effect in talk.effects if isinstance(effect, StartBroadcast)]


def test_stats() -> None:
    talk = admin()
    talk.say("/stats")
    assert SendStats(ANNA.telegram_id, Language.RU) in talk.effects


def test_a_broadcast_is_previewed_and_confirmed() -> None:
    talk = admin()
    talk.say("/broadcast")
    said = talk.say(" Завтра\nперерыв ")
    assert said.endswith(":\n\nЗавтра\nперерыв")
    assert talk.last.labels == ["Разослать", "← Назад", "Отменить"]
    assert any(isinstance(effect, PreviewBroadcast) for effect in talk.effects)
    assert started(talk) == []
    talk.press("Разослать")
    assert started(talk) == ["Завтра\nперерыв"]
    assert talk.asked is None


def test_a_broadcast_goes_out_once() -> None:
    talk = admin()
    talk.say("/broadcast")
    talk.say("Привет")
    talk.press("Разослать")
    talk.press("Разослать")
    assert started(talk) == []
    assert "уже не действует" in talk.notice


def test_the_preview_can_be_corrected() -> None:
    talk = admin()
    talk.say("/broadcast")
    talk.say("Превет")
    assert "Что разослать?" in talk.press("← Назад")
    assert talk.say("Привет").endswith("Привет")
    talk.press("Разослать")
    assert started(talk) == ["Привет"]


@pytest.mark.parametrize("way", ["Отменить", "/cancel", "/menu"])
def test_a_broadcast_can_be_called_off(way: str) -> None:
    talk = admin()
    talk.say("/broadcast")
    talk.say("Привет")
    _ = talk.say(way) if way.startswith("/") else talk.press(way)
    assert talk.in_menu
    assert talk.say("Разослать").startswith("Простите")
    assert started(talk) == []


def test_a_confirmation_that_is_none_says_so() -> None:
    talk = admin()
    talk.say("/broadcast")
    talk.say("Привет")
    said = talk.say("да, давай")
    assert "один из вариантов на кнопках" in said
    assert "Разослать?" in said
    assert "Разослать" in talk.last.labels


@pytest.mark.parametrize(("body", "fits"), [("я" * 4000, True), ("я" * 4001, False), ("😀" * 2001, False)])
def test_only_what_fits_a_message_is_sent(body: str, fits: bool) -> None:
    talk = admin()
    talk.say("/broadcast")
    said = talk.say(body)
    assert (talk.asked == "broadcast confirm") == fits
    assert ("до 4000 знаков" in said) != fits


@pytest.mark.parametrize("body", ["\u200b", "\u3164", None])
def test_nothing_is_no_broadcast(body: str | None) -> None:
    talk = admin()
    talk.say("/broadcast")
    assert "обычным текстом" in talk.say(body)


def test_a_broadcast_sets_a_survey_aside() -> None:
    talk = Talk(ANNA, ADMINS)
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("Анна")
    talk.say("/broadcast")
    talk.say("Привет")
    assert "Шаг 2 из 12" in talk.press("Разослать")
    assert started(talk) == ["Привет"]


def test_stats_in_the_middle_of_a_survey() -> None:
    talk = Talk(ANNA, ADMINS)
    talk.say("/start")
    talk.press("Даю согласие")
    assert "Шаг 1 из 12" in talk.say("/stats")


@pytest.mark.parametrize("what", ["/stats", "/broadcast", "m:stats", "m:broadcast", "b:1"])
def test_others_are_told_nothing_of_it(what: str) -> None:
    talk, other = settled(), settled()
    if what.startswith("/"):
        assert talk.say(what) == other.say("/unknown")
    elif what.startswith("m:"):
        assert talk.press_data(what) == other.say("/unknown")
    else:
        assert talk.press_data(what) == ""
    assert not any(isinstance(effect, SendStats | StartBroadcast | StopBroadcast) for effect in talk.effects)
    assert talk.asked is None


def test_others_do_not_see_it_in_the_help() -> None:
    assert "/broadcast" not in settled().say("/help")
    assert "/broadcast" in admin().say("/help")


def test_who_is_no_admin_any_more_can_not_confirm() -> None:
    talk = admin()
    talk.say("/broadcast")
    talk.say("Привет")
    talk.context = replace(talk.context, admins=frozenset())
    assert talk.press("Разослать") == ""
    assert started(talk) == []
    talk.say("Разослать")
    assert started(talk) == []
    assert talk.in_menu


def test_who_is_no_admin_any_more_goes_on_with_the_survey() -> None:
    talk = Talk(ANNA, ADMINS)
    talk.say("/start")
    talk.press("Даю согласие")
    talk.say("/broadcast")
    talk.context = replace(talk.context, admins=frozenset())
    assert "Шаг 1 из 12" in talk.say("Всем привет")
    assert talk.form.answers == {}, "the name was not asked"


@dataclass(frozen=True)
class Broadcast:
    id: int
    language: Language
    status: str
    recipients: int
    sent: int
    failed: int


def test_a_running_broadcast_can_be_stopped() -> None:
    text, [[button]] = report(Broadcast(12, Language.RU, "running", 10_000, 250, 3))
    assert text == "Рассылка 12: отправлено 250 из 10000, не доставлено 3."
    assert button == Button("Остановить", "b:12")
    talk = admin()
    assert button.data is not None
    talk.press_data(button.data)
    assert StopBroadcast(ANNA.telegram_id, Language.RU, 12) in talk.effects


@pytest.mark.parametrize(("status", "word"), [("stopped", "остановлена"), ("done", "закончена")])
def test_a_broadcast_that_has_ended_can_not(status: str, word: str) -> None:
    text, keyboard = report(Broadcast(12, Language.RU, status, 10, 9, 1))
    assert word in text
    assert keyboard == ()


@pytest.mark.parametrize("number", ["", "x", "-1", "²", "1" * 18, "٣"])
def test_there_is_no_such_broadcast(number: str) -> None:
    talk = admin()
    assert talk.press_data(f"b:{number}") == ""
    assert "уже не действует" in talk.notice


def test_the_longest_broadcast_fits_its_preview() -> None:
    talk = admin()
    talk.say("/broadcast")
    talk.say("😀a" * 1333)
    assert utf16(talk.last.text) > 4000
