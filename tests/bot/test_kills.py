"""SIGKILL under load: nothing acknowledged is lost, nothing happens twice, everyone's order is kept."""

import asyncio
import itertools
import os
import random
from collections.abc import Iterator

import pytest

from kbju_bot.texts import Language, Text, render

from .support import SETTLED, World, eventually

# The acceptance is 50 in each mode; CI, which has other things to do, takes fewer.
KILLS = int(os.environ.get("KBJU_KILLS", "12"))
USERS = SETTLED[:20]
_PAUSE = 0.015
"""Between two messages, in seconds: some 60 a second."""
# What was queued is noted by the database itself: the bot forgets texts once they are sent.
_AUDIT = """
CREATE TABLE audit (id bigserial, telegram_id bigint, said text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    INSERT INTO public.audit (telegram_id, said) VALUES (NEW.telegram_id, NEW.payload ->> 'text');
    RETURN NEW;
END $$;
CREATE TRIGGER note AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION note();
"""


def words(user: int) -> Iterator[tuple[str, str]]:
    """Yield what a user writes for ever, and what the bot has to answer: the third answer names the two before."""
    for number in itertools.count(1):
        likes, dislikes = f"рыба {user}-{number}", f"лук {user}-{number}"
        yield "/food", _say(Text.ASK_LIKES)
        yield likes, _say(Text.ASK_DISLIKES)
        yield dislikes, _say(Text.FOOD, likes=likes, dislikes=dislikes)


def _say(text: Text, **values: str) -> str:
    return render(text, Language.RU, **values)


async def keep_writing(world: World, expected: dict[int, list[str]], enough: asyncio.Event) -> None:
    """Let the users write in turn until it is enough, noting what they have to be told."""
    scripts = {user: words(user) for user in USERS}
    while not enough.is_set():
        for user in USERS:
            said, answer = next(scripts[user])
            await world.write(user, said)
            expected[user].append(answer)
            await asyncio.sleep(_PAUSE)


@pytest.mark.parametrize("mode", ["polling", "webhook"])
async def test_killed_again_and_again(world: World, mode: str) -> None:
    await world.admin.execute(_AUDIT)
    environ = world.environment() if mode == "polling" else world.webhook_environment()
    whim = random.Random(2026)  # noqa: S311 - moments to kill at, no secret
    expected: dict[int, list[str]] = {user: [] for user in USERS}
    enough = asyncio.Event()
    writing = asyncio.create_task(keep_writing(world, expected, enough))
    try:
        for number in range(KILLS):
            async with world.process(environ) as bot:
                handled = await world.value("SELECT count(*) FROM inbox")
                # At work, not idle: something new was committed, and then at no moment in particular.
                await eventually(lambda known=handled: _more(world, known), what=f"work before kill {number + 1}")
                await asyncio.sleep(whim.uniform(0, 0.1))
                await bot.kill()
    finally:
        enough.set()
        await writing
    # What the dead left under lease is due at once: the test does not wait the minute.
    await world.admin.execute("UPDATE outbox SET next_attempt_at = now() WHERE sent_at IS NULL")
    async with world.process(environ):
        await eventually(lambda: _all_done(world), 120, "an empty queue")
    total = sum(map(len, expected.values()))
    assert await world.value("SELECT count(*) FROM inbox") == total
    for user, answers in expected.items():
        queued = await world.value("SELECT array_agg(said ORDER BY id) FROM audit WHERE telegram_id = $1", user)
        # Exactly once and in order in the database …
        assert [_matches(said, answer) for said, answer in zip(queued, answers, strict=True)] == [True] * len(answers)
        # … and in order in the chat, where a kill may have doubled a reply.
        seen = [text for text, _ in itertools.groupby(await world.chat(user))]
        assert [_matches(said, answer) for said, answer in zip(seen, answers, strict=True)] == [True] * len(answers)


def _matches(said: str, answer: str) -> bool:
    return answer in said


async def _more(world: World, known: int) -> bool:
    count: int = await world.value("SELECT count(*) FROM inbox")
    return count > known


async def _all_done(world: World) -> bool:
    counters = await world.telegram.control("GET", "/counters")
    waiting = await world.value("SELECT count(*) FROM outbox WHERE sent_at IS NULL")
    return bool(counters["updates"]["pending"] == 0 and waiting == 0)
