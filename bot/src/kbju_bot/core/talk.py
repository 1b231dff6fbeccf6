"""A conversation with one user, as the dialogue passes it around."""

from dataclasses import dataclass, replace

from kbju_bot.core import screens
from kbju_bot.core.forms import Asking
from kbju_bot.core.model import Reply
from kbju_bot.core.state import State
from kbju_bot.texts import Text, render


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation with one user."""

    asking: Asking
    telegram_id: int

    @property
    def state(self) -> State:
        """What is known of the user."""
        return self.asking.state

    def with_state(self, state: State) -> "Talk":
        """Return the same conversation with another state."""
        return replace(self, asking=replace(self.asking, state=state))

    def say(self, text: Text, **values: str) -> str:
        """Return a text in the user's language."""
        return render(text, self.asking.language, **values)

    def reply(self, text: Text, **values: str) -> Reply:
        """Return a reply without buttons."""
        return Reply(self.telegram_id, self.say(text, **values))

    def menu(self, intro: str = "") -> Reply:
        """Return the menu, behind `intro`."""
        return screens.menu(self.telegram_id, self.asking.context, self.asking.language, intro)

    @property
    def admin(self) -> bool:
        """Whether the user is an admin."""
        return self.telegram_id in self.asking.context.admins
