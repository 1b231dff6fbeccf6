"""What surrounds the conversation on the chat page: users, commands, connection, looks, and how it is served."""

from __future__ import annotations

import contextlib
import re
import urllib.error
import urllib.request

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect
from telegram.error import Forbidden

from browser import DESKTOP, PHONE, ChatPage
from emulator.scripted import Scene

ANNA, OLEG = 7001, 7002


def test_an_empty_chat_tells_what_to_do(chat: ChatPage) -> None:
    page = chat.page
    expect(page.get_by_role("heading", name="КБЖУ-бот")).to_be_visible()
    expect(page.get_by_role("note")).to_contain_text("Nothing here reaches Telegram")
    empty = page.get_by_role("region", name="Empty chat")
    expect(empty).to_contain_text("Считаю калории, белки, жиры и углеводы.")
    expect(empty).to_contain_text("Write /start to begin")
    chat.screenshot("page-empty")
    empty.get_by_role("button", name="/start").click()
    chat.wait_for_text("Здравствуйте, Анна!")
    expect(empty).to_be_hidden()


def test_users_are_remembered_and_the_address_chooses(chat: ChatPage, scene: Scene) -> None:
    chat.add_user(OLEG, "Олег")
    chat.page.reload()
    users = chat.page.get_by_role("navigation", name="Users")
    expect(users.get_by_role("link")).to_have_text(["Анна 7001 · ru", "Олег 7002 · ru"])
    expect(users.locator("[aria-current]")).to_contain_text("Олег")
    chat.page.goto(f"{scene.url}/#7005")
    expect(users.locator("[aria-current]")).to_contain_text("User 7005")
    chat.say("/start")
    chat.wait_for_text("Здравствуйте, User 7005!")
    users.get_by_role("button", name="Remove Олег from the list").click()
    expect(users.get_by_role("link")).to_have_count(2)


def test_the_commands_that_the_bot_has_set(chat: ChatPage) -> None:
    menu = chat.page.get_by_role("button", name="Menu")
    menu.click()
    commands = chat.page.get_by_role("group", name="Commands").get_by_role("button")
    expect(commands).to_have_text(["/start Начать сначала", "/help Что я умею"])
    chat.screenshot("page-commands")
    commands.first.click()
    chat.wait_for_text("Здравствуйте, Анна!")
    expect(commands.first).to_be_hidden()


def test_a_bot_without_commands_has_no_menu(chat: ChatPage, scene: Scene) -> None:
    scene.background.run(scene.bot.delete_my_commands())
    chat.say("раз")
    chat.wait_for_text("раз")
    expect(chat.page.get_by_role("button", name="Menu")).to_be_hidden()


def test_block_and_unblock(chat: ChatPage, scene: Scene) -> None:
    chat.say("/start")
    chat.wait_for_text("Здравствуйте")
    chat.page.get_by_role("button", name="Block bot").click()
    # At once, not with the next poll.
    expect(chat.page.get_by_text("You have blocked this bot.")).to_be_visible(timeout=5_000)
    expect(chat.input).to_be_hidden()
    with pytest.raises(Forbidden):
        scene.background.run(scene.bot.send_message(ANNA, "вернитесь"))
    chat.press("👨 Мужской")
    chat.wait_for_toast("this user has blocked the bot")
    chat.screenshot("page-blocked")
    chat.page.get_by_role("button", name="Unblock bot").click()
    chat.say("я вернулась")
    chat.wait_for_text("я вернулась")


def test_a_restart_is_survived(browser: Browser) -> None:
    with contextlib.ExitStack() as first:
        scene = first.enter_context(Scene())
        chat = first.enter_context(ChatPage(browser, scene.url))
        chat.say("до")
        chat.wait_for_text("до")
        scene.stop()
        lost = chat.page.get_by_role("alert")
        expect(lost).to_contain_text("Connection to the stand-in lost")
        chat.screenshot("page-lost")
        chat.input.fill("не потеряйте")
        chat.input.press("Enter")
        chat.wait_for_toast("No connection to the stand-in")
        expect(chat.input).to_have_value("не потеряйте")
        with Scene(scene.server.port):
            expect(lost).to_be_hidden()
            # The new one's memory is empty.
            expect(chat.log.get_by_role("article")).to_have_count(0)
            chat.input.press("Enter")
            chat.wait_for_text("Вы написали: не потеряйте")


def test_a_short_interruption_is_over_at_once(chat: ChatPage, scene: Scene) -> None:
    chat.say("/start")
    chat.wait_for_text("Здравствуйте")
    chat.page.route("**/chat?*", lambda route: route.abort())
    # The poll under way is answered; the next one fails.
    scene.background.run(scene.bot.send_message(ANNA, "слышно?"))
    lost = chat.page.get_by_role("alert")
    expect(lost).to_be_visible()
    chat.page.unroute_all()
    # Much sooner than a poll with nothing to tell takes.
    expect(lost).to_be_hidden(timeout=5_000)
    chat.wait_for_text("слышно?")


def test_a_reset_empties_the_chat(chat: ChatPage, scene: Scene) -> None:
    chat.say("раз")
    chat.wait_for_text("раз")
    scene.background.run(scene.server.control("POST", "/reset"))
    expect(chat.log.get_by_role("article")).to_have_count(0)
    chat.say("/start")
    chat.wait_for_text("Здравствуйте, Анна!")


def test_before_a_bot_has_called(browser: Browser) -> None:
    with Scene(silent=True) as scene, ChatPage(browser, scene.url) as chat:
        expect(chat.page.get_by_role("heading", name="No bot yet")).to_be_visible()
        chat.say("есть кто?")
        scene.introduce()
        chat.wait_for_text("Вы написали: есть кто?")
        expect(chat.page.get_by_role("heading", name="КБЖУ-бот")).to_be_visible()


def test_older_messages_stay_in_sight_until_the_newest_are_asked_for(chat: ChatPage, scene: Scene) -> None:
    chat.say("/start")
    for number in range(12):
        scene.background.run(scene.bot.send_message(ANNA, f"№ {number}\n\n\nконец"))
    chat.wait_for_text("№ 11")
    expect(chat.log.get_by_text("№ 11")).to_be_in_viewport()
    chat.log.hover()
    chat.page.mouse.wheel(0, -5000)
    expect(chat.log.get_by_text("№ 0")).to_be_in_viewport()
    scene.background.run(scene.bot.send_message(ANNA, "новое"))
    newest = chat.page.get_by_role("button", name="Newest messages")
    expect(newest).to_be_visible()
    expect(chat.log.get_by_text("№ 0")).to_be_in_viewport()
    newest.click()
    expect(chat.log.get_by_text("новое")).to_be_in_viewport()
    expect(newest).to_be_hidden()


def test_the_keyboard_alone_is_enough(chat: ChatPage) -> None:
    chat.say("/start")
    chat.wait_for_text("Ваш пол?")
    expect(chat.input).to_be_focused()
    for _ in range(5):
        chat.page.keyboard.press("Shift+Tab")
    # Back over the menu, the link and three buttons.
    expect(chat.log.get_by_role("button", name="👩 Женский")).to_be_focused()
    chat.page.keyboard.press("Enter")
    chat.wait_for_text("Пол: женский")
    # The button pressed is gone; its message's first takes over.
    expect(chat.log.get_by_role("button", name="Изменить")).to_be_focused()
    chat.page.keyboard.press("Enter")
    chat.wait_for_toast("Записано")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_phone_and_desktop_light_and_dark(browser: Browser, scene: Scene, viewport: ViewportSize, dark: bool) -> None:
    with ChatPage(browser, scene.url, viewport=viewport, dark=dark) as chat:
        chat.add_user(OLEG, "Очень-очень-длинное-имя-без-пробелов-внутри")
        chat.say("/start")
        chat.wait_for_text("Ваш пол?")
        chat.say("/formatted")
        chat.wait_for_text("Жирный")
        chat.say("слово" * 60)
        chat.wait_for_text("слово")
        chat.say("/keyboard")
        chat.wait_for_text("Активность?")
        chat.screenshot(f"page-{'phone' if viewport is PHONE else 'desktop'}-{'dark' if dark else 'light'}")
        chat.page.get_by_role("button", name="Menu").click()
        expect(chat.log.get_by_text("Активность?")).to_be_in_viewport(ratio=1)
        assert chat.page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
        assert chat.log.evaluate("(log) => log.scrollWidth - log.clientWidth") == 0
        send = chat.page.get_by_role("button", name="Send")
        for part in (chat.input, send, chat.keyboard.get_by_role("button").last):
            expect(part).to_be_in_viewport(ratio=1)
        assert (brightness(chat.page, "background-color") < brightness(chat.page, "color")) == dark


def brightness(page: Page, which: str) -> int:
    """The sum of red, green and blue of a colour of the newest message."""
    colour = page.locator("article .bubble").last.evaluate(f"(one) => getComputedStyle(one)['{which}']")
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3])


def test_nothing_comes_from_elsewhere(scene: Scene) -> None:
    with urllib.request.urlopen(f"{scene.url}/", timeout=5) as answer:  # noqa: S310  http, a test
        policy = answer.headers["Content-Security-Policy"]
        text = answer.read().decode()
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert re.findall(r'(?:src|href)="(?!/page/)[^"]*"', text) == []


@pytest.mark.parametrize("path", ["/page/page.py", "/page/..%2fserver.py", "/page/", "/page/none.js"])
def test_only_the_pages_own_files_are_served(scene: Scene, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{scene.url}{path}", timeout=5).close()  # noqa: S310  http, a test
