"""Texts, keyboards, edits, button presses, commands."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.clients import Client, says
from telegram_emulator.testing import EmulatorServer

USER = 7


@pytest.fixture(autouse=True)
async def started(server: EmulatorServer) -> None:
    await server.control("POST", f"/users/{USER}/messages", {"text": "/start", "first_name": "Анна"})


async def chat(server: EmulatorServer, after: int = 1) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = await server.control("GET", f"/users/{USER}/chat?after={after}")
    return messages


async def test_send_and_see(server: EmulatorServer, client: Client) -> None:
    message = await client.bot.send_message(USER, "hello")
    assert message.chat.id == USER
    assert message.chat.first_name == "Анна"
    assert message.from_user.id == 4200001
    assert message.text == "hello"
    first, second = await chat(server, after=0)
    assert (first["from"], first["text"]) == ("user", "/start")
    assert (second["from"], second["text"], second["id"]) == ("bot", "hello", message.message_id)
    assert isinstance(second["date"], int)
    assert second["edited"] is False


async def test_html_becomes_entities(server: EmulatorServer, client: Client) -> None:
    text = '🙂 <b>bold <i>both</i></b> &lt;3 <a href="https://example.org/?a=1&amp;b=2">link</a>'
    message = await client.bot.send_message(USER, text, parse_mode="HTML")
    assert message.text == "🙂 bold both <3 link"
    # The smiley counts as two.
    assert [(str(getattr(one.type, "value", one.type)), one.offset, one.length) for one in message.entities] == [
        ("bold", 3, 9),
        ("italic", 8, 4),
        ("text_link", 16, 4),
    ]
    assert message.entities[2].url == "https://example.org/?a=1&b=2"
    assert (await chat(server))[0]["entities"][0]["type"] == "bold"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("<b>bold", "Can't find end tag"),
        ("bold</b>", "Unexpected end tag"),
        ("<b><i>x</b></i>", "Unmatched end tag"),
        ("<h1>x</h1>", "Unsupported start tag"),
        ("1 < 2", "Unsupported start tag"),
    ],
)
async def test_broken_html(client: Client, text: str, complaint: str) -> None:
    with pytest.raises(client.errors["bad request"], match=says(f"can't parse entities: {complaint}")):
        await client.bot.send_message(USER, text, parse_mode="HTML")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("   ", "message text is empty"), ("x" * 4097, "message is too long")],
    ids=["empty", "long"],
)
async def test_length_of_text(client: Client, text: str, complaint: str) -> None:
    with pytest.raises(client.errors["bad request"], match=says(complaint)):
        await client.bot.send_message(USER, text)
    assert (await client.bot.send_message(USER, "x" * 4096)).text == "x" * 4096


async def test_edit(server: EmulatorServer, client: Client) -> None:
    keyboard = client.keyboard([("Yes", "yes"), ("No", "no")])
    sent = await client.bot.send_message(USER, "one", reply_markup=keyboard)
    edited = await client.bot.edit_message_text(text="two", chat_id=USER, message_id=sent.message_id)
    assert edited.text == "two"
    assert edited.edit_date is not None
    (seen,) = await chat(server)
    assert (seen["text"], seen["edited"], seen["buttons"]) == ("two", True, [])

    with pytest.raises(client.errors["bad request"], match=says("message is not modified")):
        await client.bot.edit_message_text(text="two", chat_id=USER, message_id=sent.message_id)
    with pytest.raises(client.errors["bad request"], match=says("message to edit not found")):
        await client.bot.edit_message_text(text="two", chat_id=USER, message_id=999)
    with pytest.raises(client.errors["bad request"], match=says("can't be edited")):
        await client.bot.edit_message_text(text="two", chat_id=USER, message_id=1)

    await client.bot.edit_message_reply_markup(chat_id=USER, message_id=sent.message_id, reply_markup=keyboard)
    (seen,) = await chat(server)
    assert seen["buttons"] == [[{"text": "Yes", "data": "yes"}, {"text": "No", "data": "no"}]]
    with pytest.raises(client.errors["bad request"], match=says("message is not modified")):
        await client.bot.edit_message_reply_markup(chat_id=USER, message_id=sent.message_id, reply_markup=keyboard)


async def test_delete(server: EmulatorServer, client: Client) -> None:
    sent = await client.bot.send_message(USER, "gone soon")
    assert await client.bot.delete_message(USER, sent.message_id)
    assert await chat(server) == []
    with pytest.raises(client.errors["bad request"], match=says("message to delete not found")):
        await client.bot.delete_message(USER, sent.message_id)


async def test_button_press_and_answer(server: EmulatorServer, client: Client) -> None:
    sent = await client.bot.send_message(USER, "?", reply_markup=client.keyboard([("Yes", "yes")]))
    path = f"/users/{USER}/callbacks"
    pressed = await server.control("POST", path, {"message_id": sent.message_id, "data": "yes"})
    update = (await client.bot.get_updates())[-1]
    assert update.update_id == pressed["update_id"]
    query = update.callback_query
    assert (query.id, query.data, query.from_user.id) == (pressed["callback_query_id"], "yes", USER)
    assert query.message.message_id == sent.message_id

    assert await server.control("GET", path) == []
    await client.bot.answer_callback_query(query.id, text="Done", show_alert=True)
    (answer,) = await server.control("GET", path)
    assert (answer["id"], answer["text"], answer["show_alert"]) == (query.id, "Done", True)
    with pytest.raises(client.errors["bad request"], match=says("query is too old and response timeout expired")):
        await client.bot.answer_callback_query("12345")


async def test_button_that_is_not_there(server: EmulatorServer, client: Client) -> None:
    sent = await client.bot.send_message(USER, "?", reply_markup=client.keyboard([("Yes", "yes")]))
    path = f"/users/{USER}/callbacks"
    refused = await server.control("POST", path, {"message_id": sent.message_id, "data": "no"}, expect=400)
    assert "no button" in refused["error"]
    refused = await server.control("POST", path, {"message_id": 999, "data": "no"}, expect=404)
    assert "no message 999" in refused["error"]
    await server.control("POST", path, {"data": "no"}, expect=404)

    await server.control("POST", path, {"message_id": 999, "data": "stale", "force": True})
    query = (await client.bot.get_updates())[-1].callback_query
    assert query.data == "stale"
    # A message that is gone comes without content. (python-telegram-bot takes it for an ordinary message.)
    assert query.message.message_id == 999
    assert getattr(query.message, "text", None) is None
    if not client.is_ptb:
        assert type(query.message).__name__ == "InaccessibleMessage"


async def test_keyboards_telegram_would_refuse(client: Client) -> None:
    with pytest.raises(client.errors["bad request"], match=says("button_data_invalid")):
        await client.bot.send_message(USER, "?", reply_markup=client.keyboard([("Yes", "й" * 33)]))


async def test_reply(server: EmulatorServer, client: Client) -> None:
    sent = await client.bot.send_message(USER, "answer", reply_to_message_id=1)
    assert sent.reply_to_message.text == "/start"
    assert (await chat(server))[0]["reply_to"] == 1
    with pytest.raises(client.errors["bad request"], match=says("message to be replied not found")):
        await client.bot.send_message(USER, "answer", reply_to_message_id=999)


async def test_commands(client: Client) -> None:
    commands = [client.command("start", "Начать"), client.command("help", "Помощь")]
    assert await client.bot.set_my_commands(commands)
    assert [one.command for one in await client.bot.get_my_commands()] == ["start", "help"]
    assert list(await client.bot.get_my_commands(language_code="en")) == []
    await client.bot.delete_my_commands()
    assert list(await client.bot.get_my_commands()) == []
    with pytest.raises(client.errors["bad request"], match=says("bot_command_invalid")):
        await client.bot.set_my_commands([client.command("Not-OK", "x")])


async def test_small_methods(client: Client) -> None:
    assert await client.bot.send_chat_action(USER, "typing")
    with pytest.raises(client.errors["bad request"], match=says("wrong parameter action")):
        await client.bot.send_chat_action(USER, "dancing")
    assert (await client.bot.get_chat(USER)).first_name == "Анна"
    await client.bot.set_my_description("What it does")
    assert (await client.bot.get_my_description()).description == "What it does"
    assert (await client.bot.get_my_name()).name == "Emulator bot 4200001"
