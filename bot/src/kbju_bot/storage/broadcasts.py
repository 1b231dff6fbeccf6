"""The table `broadcasts`: messages to everyone, queued bit by bit."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from kbju_bot.texts import Language

# Who agreed to hear from the bot, and can.
_RECIPIENTS = """
FROM users WHERE blocked_at IS NULL AND EXISTS (SELECT FROM consents WHERE consents.telegram_id = users.telegram_id)
"""


@dataclass(frozen=True, slots=True)
class Broadcast:
    """A broadcast and how far it is."""

    id: int
    admin_id: int
    language: Language
    body: str
    status: str
    recipients: int
    sent: int
    failed: int
    progress_message_id: int | None


_COLUMNS = "id, admin_id, language, body, status, recipients, sent, failed, progress_message_id"


def _broadcast(row: asyncpg.Record) -> Broadcast:
    fields = {**row, "language": Language(row["language"])}
    return Broadcast(**{key: fields[key] for key in _COLUMNS.split(", ")})


async def count_recipients(connection: asyncpg.Connection) -> int:
    """Count the users a broadcast would reach."""
    return int(await connection.fetchval(f"SELECT count(*) {_RECIPIENTS}"))


async def start(connection: asyncpg.Connection, admin_id: int, language: Language, body: str) -> Broadcast:
    """Create a running broadcast."""
    row = await connection.fetchrow(
        f"""
        INSERT INTO broadcasts (admin_id, language, body, recipients)
        SELECT $1, $2, $3, count(*) {_RECIPIENTS}
        RETURNING {_COLUMNS}
        """,
        admin_id,
        language,
        body,
    )
    return _broadcast(row)


async def stop(connection: asyncpg.Connection, broadcast_id: int) -> Broadcast | None:
    """Stop a running broadcast and drop what is queued of it; None where it does not run."""
    row = await connection.fetchrow(
        f"""
        UPDATE broadcasts SET status = 'stopped', finished_at = now() WHERE id = $1 AND status = 'running'
        RETURNING {_COLUMNS}
        """,  # noqa: S608 - a constant
        broadcast_id,
    )
    if row is None:
        return None
    # What is being sent at this moment can't be called back; it counts all the same when it is settled.
    await connection.execute(
        "DELETE FROM outbox WHERE broadcast_id = $1 AND priority = 2 AND sent_at IS NULL AND failed_at IS NULL",
        broadcast_id,
    )
    return _broadcast(row)


async def take_running(connection: asyncpg.Connection) -> Broadcast | None:
    """Lock the oldest running broadcast that no other instance works on, until the transaction ends."""
    row = await connection.fetchrow(
        f"""
        SELECT {_COLUMNS} FROM broadcasts WHERE status = 'running' ORDER BY id LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED
        """  # noqa: S608 - a constant
    )
    return None if row is None else _broadcast(row)


async def count_waiting(connection: asyncpg.Connection, broadcast_id: int) -> int:
    """Count the messages of a broadcast that are queued and not sent."""
    return int(
        await connection.fetchval(
            "SELECT count(*) FROM outbox WHERE broadcast_id = $1 AND sent_at IS NULL AND failed_at IS NULL",
            broadcast_id,
        )
    )


async def next_recipients(connection: asyncpg.Connection, broadcast_id: int, limit: int) -> Sequence[int]:
    """Return the next users of a locked broadcast and remember that they had their turn; none: it was everyone's."""
    rows = await connection.fetch(
        f"""
        SELECT telegram_id {_RECIPIENTS}
            AND telegram_id > (SELECT queued_to FROM broadcasts WHERE id = $1)
        ORDER BY telegram_id LIMIT $2
        FOR KEY SHARE OF users
        """,  # noqa: S608 - a constant
        broadcast_id,
        limit,
    )
    chosen = [row["telegram_id"] for row in rows]
    if chosen:
        await connection.execute("UPDATE broadcasts SET queued_to = $2 WHERE id = $1", broadcast_id, chosen[-1])
    return chosen


async def finish(connection: asyncpg.Connection, broadcast_id: int) -> None:
    """Say that everyone has had their turn."""
    await connection.execute("UPDATE broadcasts SET status = 'done', finished_at = now() WHERE id = $1", broadcast_id)


async def due_for_report(connection: asyncpg.Connection, broadcast_id: int, interval: float) -> bool:
    """Tell whether the last report is `interval` seconds old and was sent, and if so note a new one."""
    status: str = await connection.execute(
        """
        UPDATE broadcasts SET reported_at = now()
        WHERE id = $1 AND coalesce(reported_at, created_at) <= now() - make_interval(secs => $2)
            AND NOT EXISTS (
                SELECT FROM outbox
                WHERE outbox.telegram_id = admin_id AND method = 'editMessageText'
                    AND sent_at IS NULL AND failed_at IS NULL
            )
        """,
        broadcast_id,
        interval,
    )
    return status.endswith(" 1")


async def note_progress_message(connection: asyncpg.Connection, broadcast_id: int, message_id: int) -> None:
    """Remember the message whose text is renewed as the broadcast goes on."""
    await connection.execute("UPDATE broadcasts SET progress_message_id = $2 WHERE id = $1", broadcast_id, message_id)
