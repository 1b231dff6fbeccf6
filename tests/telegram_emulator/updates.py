"""The queue of updates a bot has yet to take."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from .counters import Counters
from .errors import Json

_NOT_BY_DEFAULT = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
_HISTORY = 10_000


class QueueFullError(Exception):
    """Nobody takes the updates, and there is no more room for them."""


@dataclass(slots=True, eq=False)
class Update:
    """One update."""

    id: int
    chat_id: int
    body: Json
    deliveries: int = 0
    dropped: bool = False

    def api(self) -> Json:
        """As the bot receives it."""
        return {"update_id": self.id, **self.body}


def chat_of(body: Any) -> int:
    """The chat an update belongs to, or the user where there is no chat; 0 for neither."""
    for content in body.values():
        if not isinstance(content, dict):
            continue
        # A button press names its chat in the message the button is under.
        for holder in (content, content.get("message")):
            if isinstance(holder, dict) and isinstance(holder.get("chat"), dict):
                return int(holder["chat"].get("id", 0))
        if isinstance(content.get("from"), dict):
            return int(content["from"].get("id", 0))
    return 0


class UpdateQueue:
    """Updates in the order of their ids, each kept until the bot has confirmed it."""

    def __init__(self, counters: Counters, first_id: int, max_pending: int) -> None:
        self.counters = counters
        self.next_id = first_id
        self.allowed: tuple[str, ...] = ()
        self.on_update: Callable[[Update], bool] | None = None
        self._max_pending = max_pending
        self._pending: OrderedDict[int, Update] = OrderedDict()
        self._repeats: deque[Update] = deque()
        self._history: OrderedDict[int, Update] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pending) + len(self._repeats)

    def __contains__(self, update: Update) -> bool:
        return self._pending.get(update.id) is update

    def allow(self, kinds: Sequence[str] | None) -> None:
        """Choose the kinds of updates made from now on; ``None`` leaves the choice as it is."""
        if kinds is not None:
            self.allowed = tuple(kinds)

    def wants(self, kind: str) -> bool:
        """Whether the bot has asked for this kind of update."""
        return kind in self.allowed if self.allowed else kind not in _NOT_BY_DEFAULT

    def add(self, body: Json, chat_id: int, update_id: int | None = None) -> Update | None:
        """Queue a new update; ``None`` when the bot has not asked for its kind."""
        if not any(self.wants(kind) for kind in body):
            self.counters.filtered += 1
            return None
        if len(self) >= self._max_pending:
            raise QueueFullError(f"{self._max_pending} updates are pending already: the bot does not take them")
        if update_id is not None and update_id < self.next_id:
            # Out of its turn: the queue is in the order of ids, so it goes the way a repeated update goes.
            update = Update(update_id, chat_id, body)
            self.counters.created += 1
            self._remember(update)
            self.repeat(update)
            return update
        update = Update(self.next_id if update_id is None else update_id, chat_id, body)
        self.next_id = update.id + 1
        self.counters.created += 1
        self._pending[update.id] = update
        self._remember(update)
        self._announce(update)
        return update

    def find(self, update_id: int) -> Update | None:
        """An update of the recent past, confirmed or not."""
        return self._history.get(update_id) or self._pending.get(update_id)

    def repeat(self, update: Update) -> None:
        """Deliver an update once more, even if the bot has confirmed it."""
        if not self._announce(update):
            self._repeats.append(update)

    def take(self, limit: int) -> list[Update]:
        """The next updates for a poller. They stay until confirmed, apart from repeats, which are given out once."""
        batch: list[Update] = []
        # First, so that the poller goes on from the highest id and not from a repeated one.
        while self._repeats and len(batch) < limit:
            batch.append(self._repeats.popleft())
        batch.extend(islice(self._pending.values(), limit - len(batch)))
        for update in batch:
            self.delivered(update)
        return batch

    def confirm(self, offset: int) -> None:
        """Forget what is below the offset; a negative one keeps that many of the newest."""
        pending = self._pending
        if offset < 0:
            for _ in range(len(pending) + offset):
                pending.popitem(last=False)
                self.counters.confirmed += 1
            return
        while pending and next(iter(pending)) < offset:
            pending.popitem(last=False)
            self.counters.confirmed += 1

    def delivered(self, update: Update) -> None:
        """Count one delivery."""
        update.deliveries += 1
        self.counters.delivered += 1
        if update.deliveries > 1:
            self.counters.duplicates += 1

    def done(self, update: Update) -> None:
        """The webhook has accepted this update."""
        if update in self:
            del self._pending[update.id]
            self.counters.confirmed += 1

    def for_webhook(self) -> list[Update]:
        """All that waits, for the delivery by webhook to start from."""
        waiting = [*self._pending.values(), *self._repeats]
        self._repeats.clear()
        return waiting

    def clear(self) -> None:
        """Forget all that waits."""
        for update in self._pending.values():
            update.dropped = True
        self._pending.clear()
        self._repeats.clear()

    def forget_history(self) -> None:
        """Forget the past as well."""
        self.clear()
        self._history.clear()

    def _remember(self, update: Update) -> None:
        self._history[update.id] = update
        if len(self._history) > _HISTORY:
            self._history.popitem(last=False)

    def _announce(self, update: Update) -> bool:
        # True: a webhook has it in its own queue now.
        return self.on_update is not None and self.on_update(update)
