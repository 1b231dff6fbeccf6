"""The users: they write to the bot through the Telegram stand-in, inside its process, and time the replies.

Over HTTP, users would cost more than what they measure. The clock starts when the update becomes available to the bot
and stops when the stand-in has put the reply into the chat; the stand-in's latency lies before that.
"""

import asyncio
import itertools
import random
import time
from collections.abc import Callable, Sequence

from telegram_emulator.bot import Bot
from telegram_emulator.chats import Chat, Message
from telegram_emulator.errors import Json

from .ledger import Ledger

TEXT = "/help"
# Every bot here answers with a text that holds this: the echo as such, ours in its list of commands.
EXPECTED = "/help"
_PROFILE = {"first_name": "Анна", "language_code": "ru"}
QUIET = 0.5
"""How long to listen for second replies after the last one, in seconds."""


class Crowd:
    """Users of one bot."""

    def __init__(self, bot: Bot) -> None:
        self.ledger = Ledger()
        self.late: list[float] = []
        """How much later than planned updates were made available, in seconds."""
        self._bot = bot
        self._send = bot.send
        self._answered: Callable[[int], object] | None = None
        self._arrival = asyncio.Event()
        bot.send = self._receive  # type: ignore[method-assign]  # the one place every message of the bot passes

    def write(self, user: int) -> None:
        """Let a user write."""
        self.ledger.write(user, time.perf_counter())
        self._bot.user_writes(user, TEXT, _PROFILE)

    async def converse(self, users: Sequence[int], seconds: float) -> None:
        """Keep one update of every user in flight: each writes again as soon as the reply is there."""
        loop = asyncio.get_running_loop()
        # Not at once: the bot gets its answer first.
        self._answered = lambda user: loop.call_soon(self.write, user)
        for user in users:
            self.write(user)
        await asyncio.sleep(seconds)
        self._answered = None

    async def arrive(self, users: Sequence[int], rate: float, seconds: float) -> None:
        """Let users write at random moments (a Poisson process), `rate` a second, whether or not replies come."""
        # The same moments in every run.
        moments = random.Random(20240229)  # noqa: S311 - for load, not for secrets
        due = time.perf_counter()
        end = due + seconds
        for user in itertools.cycle(users):
            due += moments.expovariate(rate)
            if due > end:
                break
            if (left := due - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            self.late.append(max(0.0, time.perf_counter() - due))
            self.write(user)

    async def reply(self, within: float) -> bool:
        """Wait for any reply up to `within` seconds; return whether one came."""
        self._arrival.clear()
        try:
            async with asyncio.timeout(within):
                await self._arrival.wait()
        except TimeoutError:
            return False
        return True

    async def settle(self, patience: float) -> None:
        """Wait until all have their replies, or none has come for `patience` seconds; then listen for surplus ones."""
        while self.ledger.open and await self.reply(patience):
            pass
        await asyncio.sleep(QUIET)

    def _receive(self, chat: Chat, message: Message) -> Json:
        result = self._send(chat, message)
        user = chat.user.id
        self._arrival.set()
        if self.ledger.reply(user, time.perf_counter(), message.text, EXPECTED) and self._answered is not None:
            self._answered(user)
        return result
