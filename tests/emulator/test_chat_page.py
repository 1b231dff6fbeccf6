"""The conversation on the chat page, as a person meets it: in a browser, with a bot at the other end."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from playwright.sync_api import TimeoutError as NotThereError

from browser import ChatPage
from emulator.scripted import DOCUMENT, Scene

ANNA, OLEG = 7001, 7002
TRAP = '<img src=x onerror="window.caught=1"><script>window.caught=1</script>'


def test_messages_stand_in_order_with_lines_and_times(chat: ChatPage) -> None:
    chat.say("/start")
    chat.wait_for_text("Ваш пол?")
    chat.say("70,5")
    chat.wait_for_text("70,5")
    assert [(one.sender, one.text) for one in chat.messages()] == [
        ("user", "/start"),
        ("bot", "Здравствуйте, Анна!\nВаш пол?"),
        ("user", "70,5"),
        ("bot", "Вы написали: 70,5"),
    ]
    assert re.fullmatch(r"\d\d:\d\d", chat.log.locator("time").first.inner_text())
    assert chat.input.input_value() == ""


def test_an_old_answer_is_not_taken_for_a_new_one(chat: ChatPage) -> None:
    chat.say("/start")
    chat.wait_for_text("Ваш пол?")
    chat.say("раз")
    with pytest.raises(NotThereError):
        chat.wait_for_text("Ваш пол?", timeout=0.3)
    chat.wait_for_text("раз")


def test_shift_and_enter_begins_a_new_line(chat: ChatPage) -> None:
    chat.input.press_sequentially("первая")
    chat.input.press("Shift+Enter")
    chat.input.press_sequentially("вторая")
    chat.page.get_by_role("button", name="Send").click()
    assert chat.wait_for_text("вторая").text == "Вы написали: первая\nвторая"


def test_formatted_text(chat: ChatPage) -> None:
    chat.say("/formatted")
    shown = chat.wait_for_text("Жирный")
    assert shown.text == "Жирный и курсив, код, ссылка, ловушка\nвторая строка 🙂 зачёркнуто тайна"
    expect(chat.log.locator("strong")).to_have_text("Жирный и курсив")
    expect(chat.log.locator("strong em")).to_have_text("и курсив")
    expect(chat.log.locator("code")).to_have_text("код")
    # Positions count in UTF-16 units, and the smiley is two of them.
    expect(chat.log.locator("s")).to_have_text("зачёркнуто")
    expect(chat.log.get_by_role("link", name="ссылка")).to_have_attribute("href", "https://example.org/")
    expect(chat.log.get_by_role("link")).to_have_count(1)
    # The quote of what it replies to.
    expect(chat.log.get_by_role("article").last).to_contain_text("/formatted")
    hidden = chat.log.get_by_role("button", name="Hidden text")
    hidden.click()
    expect(hidden).to_have_count(0)
    assert chat.last_bot_message().text == shown.text


def test_a_button_is_answered_with_a_toast(chat: ChatPage) -> None:
    chat.say("/start")
    chat.wait_for_text("Ваш пол?")
    chat.press("👨 Мужской")
    chat.wait_for_toast("Записано")
    chat.screenshot("page-toast")
    expect(chat.log.get_by_role("link", name="Сайт")).to_have_attribute("href", "https://example.org/")
    assert chat.last_bot_message().buttons == ["👨 Мужской", "👩 Женский", "Важно", "Молча", "Сайт"]


def test_a_button_is_answered_with_an_alert(chat: ChatPage) -> None:
    chat.say("/start")
    chat.press("Важно")
    alert = chat.page.get_by_role("alertdialog")
    expect(alert).to_contain_text("Только для взрослых совсем")
    chat.screenshot("page-alert")
    alert.get_by_role("button", name="OK").click()
    expect(alert).to_be_hidden()


def test_a_button_waits_for_the_bots_answer(chat: ChatPage) -> None:
    chat.say("/start")
    chat.press("Молча")
    expect(chat.log.get_by_role("button", name="Молча")).to_have_attribute("aria-busy", "true")
    # The others don't wait with it.
    chat.press("👨 Мужской")
    chat.wait_for_toast("Записано")


def test_a_button_changes_the_message(chat: ChatPage) -> None:
    chat.say("/start")
    chat.wait_for_text("Ваш пол?")
    chat.press("👩 Женский")
    changed = chat.wait_for_text("Пол: женский")
    assert (changed.buttons, changed.edited) == (["Изменить"], True)
    assert len(chat.messages()) == 2
    chat.press("Изменить")
    chat.wait_for_toast("Записано")


def test_edits_and_deletions_follow(chat: ChatPage, scene: Scene) -> None:
    chat.say("раз")
    first = chat.wait_for_text("раз")
    chat.say("два")
    second = chat.wait_for_text("два")
    scene.background.run(scene.bot.edit_message_text("исправлено", ANNA, first.id))
    chat.wait_for_text("исправлено")
    assert [one.text for one in chat.messages()] == ["раз", "исправлено", "два", "Вы написали: два"]
    expect(chat.log.get_by_role("article", name=re.compile("edited"))).to_have_count(1)
    scene.background.run(scene.bot.delete_message(ANNA, second.id))
    expect(chat.log.get_by_text("Вы написали: два")).to_have_count(0)
    assert [one.text for one in chat.messages()] == ["раз", "исправлено", "два"]


def test_reply_keyboard(chat: ChatPage) -> None:
    chat.say("/keyboard")
    expect(chat.keyboard.get_by_role("button")).to_have_text(["Низкая", "Средняя", "Высокая"])
    chat.screenshot("page-keyboard")
    chat.press("Средняя")
    chat.wait_for_text("Вы написали: Средняя")
    expect(chat.keyboard).to_be_visible()
    toggle = chat.page.get_by_role("button", name="Reply keyboard")
    toggle.click()
    expect(chat.keyboard).to_be_hidden()
    toggle.click()
    expect(chat.keyboard).to_be_visible()
    chat.say("/remove")
    expect(chat.keyboard).to_be_hidden()
    expect(toggle).to_be_hidden()


def test_a_reply_keyboard_for_one_use_hides_after_it(chat: ChatPage) -> None:
    chat.say("/once")
    chat.press("Один раз")
    chat.wait_for_text("Вы написали: Один раз")
    expect(chat.keyboard).to_be_hidden()
    chat.page.get_by_role("button", name="Reply keyboard").click()
    expect(chat.keyboard.get_by_role("button", name="Один раз")).to_be_visible()


def test_a_photo_is_shown_and_enlarged(chat: ChatPage) -> None:
    chat.say("/photo")
    chat.wait_for_text("Вес за неделю")
    small = chat.log.get_by_role("img", name="Вес за неделю")
    # Drawn, not a broken picture's frame.
    assert small.evaluate("(one) => one.decode().then(() => [one.naturalWidth, one.naturalHeight])") == [640, 320]
    chat.screenshot("page-photo")
    small.click()
    large = chat.page.get_by_role("dialog", name="Photo").get_by_role("img", name="Вес за неделю")
    expect(large).to_be_visible()
    chat.screenshot("page-photo-large")
    widths = [(image.bounding_box() or {"width": 0})["width"] for image in (small, large)]
    assert widths[1] > widths[0]
    chat.page.keyboard.press("Escape")
    expect(large).to_be_hidden()


def test_a_document_is_downloaded_under_its_name(chat: ChatPage) -> None:
    chat.say("/document")
    chat.wait_for_text("Ваши данные")
    link = chat.log.get_by_role("link", name="отчёт.csv")
    expect(link).to_contain_text(f"{len(DOCUMENT)} B")
    chat.screenshot("page-document")
    with chat.page.expect_download() as started:
        link.click()
    assert started.value.suggested_filename == "отчёт.csv"
    assert Path(started.value.path()).read_bytes() == DOCUMENT


def test_two_users_do_not_mix(chat: ChatPage, scene: Scene) -> None:
    chat.say("я Анна")
    chat.wait_for_text("я Анна")
    chat.input.fill("недописанное")
    chat.add_user(OLEG, "Олег", "en")
    assert chat.page.url.endswith("#7002")
    assert chat.input.input_value() == ""
    chat.say("я Олег")
    chat.wait_for_text("я Олег")
    chat.log.evaluate(
        """(log) => {
          window.seen = "";
          new MutationObserver(() => { window.seen += log.textContent; }).observe(log, { childList: true });
        }"""
    )
    scene.background.run(scene.bot.send_message(ANNA, "только Анне"))
    chat.say("ещё раз")
    chat.wait_for_text("ещё раз")
    theirs = ["я Олег", "Вы написали: я Олег", "ещё раз", "Вы написали: ещё раз"]
    assert [one.text for one in chat.messages()] == theirs
    # Nor for a moment.
    assert "только Анне" not in chat.page.evaluate("window.seen")
    chat.switch_to("Анна")
    chat.wait_for_text("только Анне")
    assert [one.text for one in chat.messages()] == ["я Анна", "Вы написали: я Анна", "только Анне"]
    assert chat.input.input_value() == "недописанное"
    assert scene.server.state.bots[0].chats[OLEG].user.language_code == "en"


def test_another_users_messages_do_not_linger(chat: ChatPage) -> None:
    chat.say("я Анна")
    chat.wait_for_text("я Анна")
    # Held until the route is taken away.
    chat.page.route("**/users/7002/chat?*", lambda _: None)
    chat.add_user(OLEG, "Олег")
    expect(chat.log.get_by_role("article")).to_have_count(0)
    expect(chat.page.get_by_role("region", name="Empty chat")).to_be_hidden()  # nobody knows yet
    chat.page.unroute_all()
    expect(chat.page.get_by_role("region", name="Empty chat")).to_be_visible()


def test_nothing_written_is_taken_for_markup(browser: Browser, scene: Scene) -> None:
    with ChatPage(browser, scene.url, first_name=TRAP[:60]) as chat:
        chat.say("/start")
        assert chat.wait_for_text("Здравствуйте").text == f"Здравствуйте, {TRAP[:60]}!\nВаш пол?"
        chat.say(TRAP)
        assert chat.wait_for_text("script").text == f"Вы написали: {TRAP}"
        scene.background.run(scene.bot.set_my_name("<img src=x>"))
        scene.background.run(scene.bot.set_my_commands([("start", TRAP)]))
        scene.background.run(scene.bot.send_document(ANNA, b"<script>", filename="<img src=x>.html", caption=TRAP))
        chat.wait_for_text("script")
        expect(chat.page.get_by_role("heading", name="<img src=x>")).to_be_visible()
        expect(chat.page.locator("img:visible")).to_have_count(0)
        expect(chat.page.locator("main script, nav script")).to_have_count(0)
        assert chat.page.evaluate("window.caught") is None
