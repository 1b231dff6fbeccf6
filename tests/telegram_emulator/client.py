"""The control API from a test's side: blocking, and of the standard library only."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

DEFAULT_URL = "http://127.0.0.1:8081"

Json = dict[str, Any]


class ControlError(AssertionError):
    """The emulator has refused a request of the control API."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


class Emulator:
    """The control API."""

    def __init__(self, url: str = DEFAULT_URL, bot: int | None = None) -> None:
        self.url = url.rstrip("/")
        self.bot = bot

    def request(self, method: str, path: str, body: Any = None, wait: float = 0.0, **query: Any) -> tuple[Any, Any]:
        """One request; the answer's JSON and headers."""
        if self.bot is not None:
            query["bot"] = self.bot
        if wait:
            query["wait"] = wait
        url = f"{self.url}/control{path}" + (f"?{urlencode(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"Content-Type": "application/json"}, method=method)  # noqa: S310 - http, a test
        try:
            with urllib.request.urlopen(request, timeout=wait + 10) as response:  # noqa: S310 - http, a test
                return json.loads(response.read()), response.headers
        except urllib.error.HTTPError as error:
            raise ControlError(error.code, error.read().decode(errors="replace")) from None

    def user(self, user_id: int, **profile: str) -> User:
        """A user of this bot."""
        return User(user_id, self.url, bot=self.bot, **profile)

    def counters(self) -> Json:
        """What has happened so far."""
        return dict(self.request("GET", "/counters")[0])

    def fault(self, **rule: Any) -> None:
        """Order a fault; see the README for the fields."""
        self.request("POST", "/faults", [rule])

    def clear_faults(self) -> None:
        """End all faults."""
        self.request("DELETE", "/faults")

    def outage(self, active: bool) -> None:
        """Cut all Bot API connections, or let them through again."""
        self.request("POST", "/outage", {"active": active})

    def repeat(self, update_id: int) -> None:
        """Deliver an update a second time."""
        self.request("POST", "/updates", {"repeat": update_id})

    def reset(self) -> None:
        """Forget chats, updates, faults and counters."""
        self.request("POST", "/reset")


class User:
    """A person in a private chat with the bot.

    ``seen`` is the newest message this user has dealt with: replies are looked for behind it.
    """

    def __init__(self, user_id: int, url: str = DEFAULT_URL, bot: int | None = None, **profile: str) -> None:
        self.id = user_id
        self.seen = 0
        self._api = Emulator(url, bot)
        self._path = f"/users/{user_id}"
        self._profile = profile

    def send_text(self, text: str) -> Json:
        """Write to the bot; returns ``update_id`` and ``message_id``."""
        sent: Json = self._api.request("POST", f"{self._path}/messages", {**self._profile, "text": text})[0]
        self.seen = int(sent["message_id"])
        return sent

    def press(self, button: str) -> Json:
        """Press the newest button with this label or data; a reply keyboard's button writes its label."""
        messages = self.chat()
        for message in reversed(messages):
            for row in message["buttons"]:
                for one in row:
                    if "data" in one and button in {one["text"], one["data"]}:
                        self.seen = messages[-1]["id"]
                        body = {"message_id": message["id"], "data": one["data"]}
                        pressed: Json = self._api.request("POST", f"{self._path}/callbacks", body)[0]
                        return pressed
            if any(button in row for row in message["keyboard"]):
                return self.send_text(button)
        labels = [one["text"] for message in messages for row in message["buttons"] for one in row]
        raise AssertionError(f"user {self.id} sees no button {button!r}, only {labels}")

    def wait_for_reply(self, timeout: float = 10.0, contains: str = "") -> Json:
        """The bot's next message, or the next that contains a text."""
        end = time.monotonic() + timeout
        after = self.seen
        read: list[str] = []
        while (left := end - time.monotonic()) > 0:
            for message in self._api.request("GET", f"{self._path}/chat", wait=left, after=after)[0]:
                after = message["id"]
                if message["from"] != "bot":
                    continue
                if contains in message["text"]:
                    self.seen = after
                    return dict(message)
                read.append(message["text"])
        wanted = f"a reply with {contains!r}" if contains else "a reply"
        raise AssertionError(f"user {self.id} waited {timeout} s for {wanted} and read {read}")

    def wait_for(self, condition: Callable[[list[Json]], Any], timeout: float = 10.0) -> list[Json]:
        """The chat as soon as a condition on it holds; edits and deletions count."""
        end = time.monotonic() + timeout
        messages, headers = self._api.request("GET", f"{self._path}/chat")
        while not condition(messages):
            left = end - time.monotonic()
            if left <= 0:
                raise AssertionError(f"user {self.id} waited {timeout} s, the chat is {messages[-5:]}")
            messages, headers = self._api.request(
                "GET", f"{self._path}/chat", wait=left, revision=headers["X-Chat-Revision"]
            )
        return list(messages)

    def chat(self, after: int = 0) -> list[Json]:
        """What this user sees."""
        return list(self._api.request("GET", f"{self._path}/chat", after=after)[0])

    def answers(self) -> list[Json]:
        """The bot's answers to button presses."""
        return list(self._api.request("GET", f"{self._path}/callbacks")[0])

    def download(self, message: Json) -> bytes:
        """The file of a message."""
        with urllib.request.urlopen(self._api.url + message["file"]["url"], timeout=30) as response:  # noqa: S310 - http, a test
            return bytes(response.read())

    def block(self) -> None:
        """Block the bot."""
        self._api.request("POST", f"{self._path}/block")

    def unblock(self) -> None:
        """Let the bot in again."""
        self._api.request("POST", f"{self._path}/unblock")
