"""The table `outbox`: calls of the Bot API that are to be made, each at least once and in order for each chat."""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed row: nobody else sends it before the lease runs out."""

    id: int
    telegram_id: int
    method: str
    payload: Mapping[str, Any]
    attempts: int
    """How often it was claimed, this time included."""
    claimed_at: datetime
    received_at: datetime | None
    """When the update this answers reached the bot."""


async def put(
    connection: asyncpg.Connection,
    telegram_id: int,
    method: str,
    payload: Mapping[str, Any],
    received_at: datetime | None,
) -> None:
    """Queue a call of the Bot API's `method`."""
    await connection.execute(
        "INSERT INTO outbox (telegram_id, method, payload, received_at) VALUES ($1, $2, $3::jsonb, $4)",
        telegram_id,
        method,
        json.dumps(payload),
        received_at,
    )


async def claim(
    connection: asyncpg.Connection, *, limit: int, lease: float, besides: Collection[int] = ()
) -> list[Outgoing]:
    """Claim up to `limit` calls that are due, at most one a chat, and that the oldest: so order is kept in each chat.

    A claim moves `next_attempt_at` to the end of the lease (seconds); that alone hides the row from other instances.
    Rows in `besides` are left alone.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT id FROM outbox AS candidate
            WHERE sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= now() AND id <> ALL($3::bigint[])
                AND NOT EXISTS (
                    SELECT FROM outbox AS earlier
                    WHERE earlier.telegram_id = candidate.telegram_id AND earlier.id < candidate.id
                        AND earlier.sent_at IS NULL AND earlier.failed_at IS NULL
                )
            ORDER BY next_attempt_at, id
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $2)
        FROM due WHERE outbox.id = due.id
        RETURNING outbox.id, telegram_id, method, payload, attempts, now() AS claimed_at, received_at
        """,
        limit,
        lease,
        list(besides),
    )
    return [
        Outgoing(
            id=row["id"],
            telegram_id=row["telegram_id"],
            method=row["method"],
            payload=json.loads(row["payload"]),
            attempts=row["attempts"],
            claimed_at=row["claimed_at"],
            received_at=row["received_at"],
        )
        for row in sorted(rows, key=lambda row: row["id"])
    ]


async def note_sent(connection: asyncpg.Connection, outgoing_id: int) -> None:
    """Say that Telegram accepted the call."""
    await connection.execute("UPDATE outbox SET sent_at = now() WHERE id = $1", outgoing_id)


async def note_failed(connection: asyncpg.Connection, outgoing_id: int, reason: str) -> None:
    """Give the call up for `reason`."""
    # Telegram's words may hold what PostgreSQL's text does not take.
    reason = reason.replace("\0", "").encode(errors="replace").decode()
    await connection.execute(
        "UPDATE outbox SET failed_at = now(), failed_reason = $2 WHERE id = $1", outgoing_id, reason[:500]
    )


async def postpone(connection: asyncpg.Connection, outgoing_id: int, delay: float) -> None:
    """Let the call be tried again after `delay` seconds; the chat's later calls wait behind it."""
    await connection.execute(
        "UPDATE outbox SET next_attempt_at = now() + make_interval(secs => $2) WHERE id = $1", outgoing_id, delay
    )


async def backlog(connection: asyncpg.Connection) -> tuple[int, float]:
    """Return how many calls wait and the age of the oldest, in seconds."""
    row = await connection.fetchrow(
        """
        SELECT count(*) AS waiting, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age
        FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL
        """
    )
    return row["waiting"], row["age"]


async def clean_up(connection: asyncpg.Connection) -> None:
    """Delete what was sent a day ago and what failed a week ago: texts are kept no longer than needed."""
    await connection.execute(
        """
        DELETE FROM outbox
        WHERE sent_at < now() - interval '1 day' OR failed_at < now() - interval '7 days'
        """
    )


async def release(connection: asyncpg.Connection, outgoing_ids: Collection[int]) -> None:
    """Give claimed calls back, so that another instance need not wait for the lease to end."""
    await connection.execute(
        """
        UPDATE outbox SET next_attempt_at = now()
        WHERE id = ANY($1::bigint[]) AND sent_at IS NULL AND failed_at IS NULL
        """,
        list(outgoing_ids),
    )
