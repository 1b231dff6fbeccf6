"""Which command a message is."""

import pytest

from kbju_bot.core.commands import LISTED, Command, command_label, command_name, command_of
from kbju_bot.core.screens import menu_commands


@pytest.mark.parametrize(
    ("text", "name", "label"),
    [
        ("/start", "start", "start"),
        ("/START", "start", "start"),
        ("/start@KbjuBot deep-link", "start", "start"),
        ("/delete_me", "delete_me", "delete_me"),
        ("/help\nplease", "help", "help"),
        ("/user_7001", "user_7001", "other"),
        ("/@KbjuBot", None, None),
        ("/", None, None),
        ("/ start", None, None),
        ("hello /start", None, None),
        ("", None, None),
        (None, None, None),
    ],
)
def test_commands(text: str | None, name: str | None, label: str | None) -> None:
    assert command_name(text) == name
    assert command_label(text) == label
    assert command_of(text) == (name if label == name else None)


def test_telegram_lists_what_users_need_and_no_admins_command() -> None:
    listed = {command for command, _ in menu_commands()["ru"]}
    assert listed == set(LISTED)
    assert not listed & {Command.STATS, Command.BROADCAST}
