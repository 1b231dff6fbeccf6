"""A browser for tests, in a container of its own, and what a person does with it on the Telegram stand-in's chat page.

>>> with chromium() as browser, ChatPage(browser, "http://127.0.0.1:8081", user_id=7002, first_name="Олег") as chat:
...     chat.say("/start")
...     chat.press("Мужской")
...     chat.wait_for_text("Вес")
...     chat.screenshot("weight")
"""

from __future__ import annotations

import contextlib
import os
import queue
import re
import secrets
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml
from playwright.sync_api import Browser, ConsoleMessage, Locator, ViewportSize, expect, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[1]
PHONE = ViewportSize(width=390, height=844)
DESKTOP = ViewportSize(width=1280, height=800)
START_SECONDS = 30.0
# How long a person looks at the page before calling something broken.
PATIENCE_MS = 10_000.0
expect.set_options(timeout=PATIENCE_MS)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run Chromium in a container on this machine's network, and let Playwright drive it; downloads arrive here.

    Playwright's blocking interface keeps an event loop running in this thread: no async test can run meanwhile. A
    fixture for this is to have the scope of a module without such tests.

    Raises:
        AssertionError: Chromium did not start; the text holds what it said.
    """
    name = f"kbju-browser-{secrets.token_hex(4)}"
    with tempfile.TemporaryDirectory(prefix=f"{name}-") as folder:
        shared = Path(folder) / "shared"
        shared.mkdir()
        shared.chmod(0o777)  # for the container's user; the folder above is closed to others
        process = subprocess.Popen(
            ["docker", *_run(name, shared)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            address = _address(process)
            with sync_playwright() as playwright:
                browser = playwright.chromium.connect_over_cdp(address, artifacts_dir=shared)
                yield browser
                browser.close()
        finally:
            subprocess.run(["docker", "rm", "--force", name], capture_output=True, check=False)
            if process.stdin is not None:
                process.stdin.close()
            process.wait()


def _run(name: str, shared: Path) -> list[str]:
    image = yaml.safe_load((REPOSITORY / "group_vars" / "all" / "images.yml").read_text(encoding="utf-8"))
    row = image["kbju_build_images"]["browser"]
    # Another user could not remove what the browser writes; root can, and gives it the image's own.
    user = [f"--user={os.getuid()}:{os.getgid()}"] if os.getuid() else []
    limits = ["--read-only", "--tmpfs=/tmp", "--shm-size=256m", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    arguments = [f"--name={name}", "--rm", "--interactive", "--network=host", f"--volume={shared}:{shared}"]
    return ["run", *arguments, *limits, *user, f"{row['name']}:{row['tag']}"]


def _address(process: subprocess.Popen[str]) -> str:
    """Wait until Chromium says where its DevTools are, and read on behind that: a full pipe would stop it."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        assert process.stderr is not None
        with process.stderr as stderr:
            for line in stderr:
                lines.put(line)
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    said = ""
    with contextlib.suppress(queue.Empty):
        while (line := lines.get(timeout=START_SECONDS)) is not None:
            said += line
            if found := re.search(r"DevTools listening on (ws://\S+)", line):
                return found[1]
    raise AssertionError(f"the browser has not started (is its image built? molecule/images/build.py):\n{said}")


@dataclass(frozen=True)
class Bubble:
    """A message as it stands on the page; of a photo or a document `text` is the caption."""

    id: int
    sender: str
    kind: str
    text: str
    buttons: list[str]
    edited: bool


class ChatPage:
    """Context manager: the chat page, open as one user in a browser profile of its own.

    What looks for something waits until it is there, for ten seconds, and fails with Playwright's account of the page.
    Leaving fails when a script of the page has failed.
    """

    def __init__(
        self,
        browser: Browser,
        url: str,
        *,
        user_id: int = 7001,
        first_name: str = "Анна",
        language: str = "ru",
        viewport: ViewportSize = PHONE,
        dark: bool = False,
    ) -> None:
        self._context = browser.new_context(
            viewport=viewport, device_scale_factor=2, color_scheme="dark" if dark else "light", locale="ru-RU"
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.page = self._context.new_page()
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", self._note)
        self.page.goto(url)
        self.log = self.page.get_by_role("log")
        self.keyboard = self.page.get_by_role("group", name="Reply keyboard")
        self.input = self.page.get_by_role("textbox", name="Message")
        self.add_user(user_id, first_name, language)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._context.close()
        assert error is not None or not self.errors, self.errors

    def _note(self, message: ConsoleMessage) -> None:
        # A stand-in that is away is no fault of the page.
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)

    # What a person does.

    def say(self, text: str) -> None:
        """Write a message and send it with Enter."""
        self._look()
        self.input.fill(text)
        self.input.press("Enter")
        self._unseen("user").filter(has_text=text).last.wait_for()

    def press(self, label: str) -> None:
        """Press the button with this label, the whole of it: of the reply keyboard, else the newest below a message."""
        below = self.log.get_by_role("group", name="Buttons").get_by_role("button", name=label, exact=True)
        button = below.or_(self.keyboard.get_by_role("button", name=label, exact=True)).last
        button.wait_for()
        self._look()
        button.click()

    def add_user(self, user_id: int, first_name: str, language: str = "ru") -> None:
        """Add a user, or rename one, and go on as this user."""
        self.page.get_by_role("button", name="Add user").click()
        dialog = self.page.get_by_role("dialog", name="Add user")
        dialog.get_by_label("Id").fill(str(user_id))
        dialog.get_by_label("First name").fill(first_name)
        dialog.get_by_label("Language").fill(language)
        dialog.get_by_role("button", name="Add", exact=True).click()
        self._chosen(first_name)

    def switch_to(self, first_name: str) -> None:
        """Go on as another user of the list."""
        self.page.get_by_role("navigation", name="Users").get_by_role("link", name=first_name).click()
        self._chosen(first_name)

    # What a person sees.

    def messages(self) -> list[Bubble]:
        """All messages as they stand there now."""
        found: list[dict[str, Any]] = self.log.evaluate(_MESSAGES)
        return [Bubble(**one) for one in found]

    def last_bot_message(self) -> Bubble:
        """The newest message of the bot's as it stands there now; `wait_for_text` waits for a new one.

        Raises:
            AssertionError: there is none.
        """
        found = [message for message in self.messages() if message.sender == "bot"]
        assert found, "the bot has written nothing"
        return found[-1]

    def wait_for_text(self, text: str, timeout: float = PATIENCE_MS / 1000) -> Bubble:
        """Wait until the bot has written or changed a message with `text`, after what this person did last.

        Capitals and white space don't count. `timeout` is in seconds.
        """
        node = self._unseen("bot").filter(has_text=text).last
        node.wait_for(timeout=timeout * 1000)
        number = int(node.get_attribute("data-id") or 0)
        return next(message for message in self.messages() if message.id == number)

    def wait_for_toast(self, text: str) -> None:
        """Wait for a short word that goes away by itself, such as an answer to a button."""
        expect(self.page.get_by_role("status")).to_contain_text(text)

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the page, in the folder KBJU_SCREENSHOTS or in .state/screenshots; return its path."""
        folder = Path(os.environ.get("KBJU_SCREENSHOTS") or REPOSITORY / ".state" / "screenshots")
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{name}.png"
        self.page.evaluate("Promise.all([...document.images].filter((one) => one.src).map((one) => one.decode()))")
        self.page.screenshot(path=path, animations="disabled")
        return path

    def _chosen(self, first_name: str) -> None:
        chosen = self.page.locator("nav [aria-current]")
        expect(chosen).to_contain_text(first_name)

    def _look(self) -> None:
        """Mark all messages as seen. The page makes a new node of a message that changes, and that has no mark."""
        self.log.locator("article").evaluate_all("(all) => all.forEach((one) => one.setAttribute('data-seen', ''))")

    def _unseen(self, sender: str) -> Locator:
        return self.log.locator(f"article[data-from={sender}]:not([data-seen])")


_MESSAGES = """(log) => [...log.querySelectorAll("article")].map((one) => ({
  id: Number(one.dataset.id),
  sender: one.dataset.from,
  kind: one.dataset.kind,
  text: one.querySelector("[data-testid=text]")?.innerText ?? "",
  buttons: [...one.querySelectorAll(".buttons .row > *")].map((button) => button.innerText),
  edited: "edited" in one.dataset,
}))"""
