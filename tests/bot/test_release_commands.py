"""What a deployment asks of the image: which schema it brings, and whether a message goes out through it."""

import json

from kbju_bot.storage.migrate import revisions
from kbju_bot.storage.schema import OLDEST_SERVED, REQUIRED_REVISION

from .cluster import free_port
from .support import TOKEN, World, run_command

ADMIN = 4242


async def test_the_schema_is_told_for_rollbacks(world: World) -> None:
    code, said = await run_command("schema", world.environment(), world.directory)

    assert code == 0
    assert json.loads(said) == {"head": revisions()[-1], "floor": OLDEST_SERVED}
    # The release itself can use what it brings.
    assert OLDEST_SERVED <= REQUIRED_REVISION <= revisions()[-1]


async def test_an_admin_is_written_to(world: World) -> None:
    await world.write(ADMIN, "/start")
    environment = {**world.environment(), "ADMIN_IDS": str(ADMIN)}

    code, said = await run_command("hello 1.2.3-abc", environment, world.directory)

    assert (code, said) == (0, f"admin {ADMIN} was written to\n")
    assert (await world.chat(ADMIN))[-1] == "Работает выпуск 1.2.3-abc."


async def test_an_admin_who_can_not_be_written_to_is_no_fault_of_the_release(world: World) -> None:
    environment = {**world.environment(), "ADMIN_IDS": "4243"}

    code, said = await run_command("hello 1.2.3-abc", environment, world.directory)

    assert code == 0
    assert "can't be written to" in said


async def test_a_telegram_that_does_not_answer_is_told_without_the_token(world: World) -> None:
    address = f"http://127.0.0.1:{free_port()}"
    environment = {**world.environment(), "ADMIN_IDS": str(ADMIN), "TELEGRAM_API_URL": address}

    code, said = await run_command("hello 1.2.3-abc", environment, world.directory)

    assert code == 69
    assert "Telegram did not take a message" in said
    assert TOKEN not in said
