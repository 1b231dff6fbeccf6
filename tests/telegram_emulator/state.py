"""All bots of one emulator, and whether Telegram is there at all."""

from __future__ import annotations

from collections.abc import Callable

from .bot import Bot
from .config import WELL_FORMED_TOKEN, Config
from .errors import not_found, unauthorized


class State:
    """Bots by token."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.outage = False
        self.unauthorized = 0
        self.on_new_bot: Callable[[Bot], None] | None = None
        self._by_token: dict[str, Bot] = {}
        # Users may write before any bot has shown up; the first that does finds their messages.
        self._first: Bot | None = None

    def start(self) -> None:
        """Create the bots known from the start."""
        for token in self.config.tokens:
            self._add(token)

    @property
    def bots(self) -> list[Bot]:
        """All bots, the one that waits for its token included."""
        known = list(self._by_token.values())
        return known if self._first is None or self._first in known else [self._first, *known]

    def by_token(self, token: str) -> Bot:
        """The bot a call is for; 401 or 404 when there is none."""
        bot = self._by_token.get(token)
        if bot is not None:
            return bot
        if not WELL_FORMED_TOKEN.fullmatch(token):
            raise not_found()
        if self.config.tokens:
            self.unauthorized += 1
            raise unauthorized()
        return self._add(token)

    def by_id(self, bot_id: int | None) -> Bot | None:
        """The bot the control API speaks of; without an id, the first one."""
        if bot_id is None:
            if self._first is None:
                self._first = self._new(None)
            return self._first
        return next((bot for bot in self._by_token.values() if bot.id == bot_id), None)

    def _add(self, token: str) -> Bot:
        if self._first is not None and self._first.token is None:
            self._first.adopt(token)
            bot = self._first
        else:
            bot = self._new(token)
        if self._first is None:
            self._first = bot
        self._by_token[token] = bot
        return bot

    def _new(self, token: str | None) -> Bot:
        bot = Bot(token, self.config)
        bot.delivery.pause(self.outage)
        if self.on_new_bot is not None:
            self.on_new_bot(bot)
        return bot

    def set_outage(self, active: bool) -> None:
        """Telegram goes away, or comes back."""
        self.outage = active
        for bot in self.bots:
            bot.delivery.pause(active)
