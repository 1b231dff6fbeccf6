"""The table `outbox`: calls of the Bot API that are to be made, each at least once and in order for each chat."""

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg

from kbju_bot.core.model import Priority


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the Bot API's `method`, to be queued."""

    telegram_id: int
    method: str
    payload: Mapping[str, Any]
    priority: Priority = Priority.REPLY
    attachment: Mapping[str, Any] | None = None
    """What to make of the user's data when it is sent: see `attachments.py`."""
    callback_query_id: str | None = None
    """A pressed button that stops waiting when this is sent."""
    broadcast_id: int | None = None
    forget: bool = False
    """Whether to delete the row as soon as it is sent."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A claimed row: nobody else sends it before the lease runs out."""

    id: int
    telegram_id: int
    method: str
    payload: Mapping[str, Any]
    attachment: Mapping[str, Any] | None
    callback_query_id: str | None
    broadcast_id: int | None
    attempts: int
    """How often it was claimed, this time included."""
    claimed_at: datetime
    received_at: datetime | None
    """When the update this answers reached the bot."""


@dataclass(slots=True)
class Settlement:
    """What became of claimed calls, to be written at once."""

    sent: list[Outgoing] = field(default_factory=list)
    failed: list[tuple[Outgoing, str]] = field(default_factory=list)
    postponed: list[tuple[Outgoing, float]] = field(default_factory=list)
    """With the delay in seconds; the chat's later calls wait behind it."""
    held: list[tuple[Outgoing, float]] = field(default_factory=list)
    """As `postponed`, but nothing was tried: the claim does not count as an attempt."""


async def put(connection: asyncpg.Connection, calls: Sequence[Call], received_at: datetime | None) -> None:
    """Queue calls in their order."""
    if not calls:
        return
    await connection.execute(
        """
        INSERT INTO outbox (
            telegram_id, method, payload, priority, attachment, callback_query_id, broadcast_id, forget, received_at
        )
        SELECT telegram_id, method, payload, priority, attachment, query, broadcast, forget, $9
        FROM unnest(
            $1::bigint[], $2::text[], $3::jsonb[], $4::smallint[], $5::jsonb[], $6::text[], $7::bigint[], $8::boolean[]
        ) WITH ORDINALITY AS call (
            telegram_id, method, payload, priority, attachment, query, broadcast, forget, place
        )
        ORDER BY place
        """,
        [call.telegram_id for call in calls],
        [call.method for call in calls],
        [json.dumps(call.payload) for call in calls],
        [int(call.priority) for call in calls],
        [None if call.attachment is None else json.dumps(call.attachment) for call in calls],
        [call.callback_query_id for call in calls],
        [call.broadcast_id for call in calls],
        [call.forget for call in calls],
        received_at,
    )


async def claim(
    connection: asyncpg.Connection, *, limit: int, lease: float, besides: Collection[int] = ()
) -> list[Outgoing]:
    """Claim up to `limit` calls that are due, replies first.

    At most one a chat is claimed, the oldest of the most urgent: so order is kept in each chat, and a reply overtakes
    a broadcast. A claim moves `next_attempt_at` to the end of the lease (seconds); that alone hides the row from other
    instances. Rows in `besides` are left alone.
    """
    rows = await connection.fetch(
        """
        WITH due AS (
            SELECT id FROM outbox AS candidate
            WHERE sent_at IS NULL AND failed_at IS NULL AND next_attempt_at <= now() AND id <> ALL($3::bigint[])
                AND NOT EXISTS (
                    SELECT FROM outbox AS earlier
                    WHERE earlier.telegram_id = candidate.telegram_id
                        AND (earlier.priority, earlier.id) < (candidate.priority, candidate.id)
                        AND earlier.sent_at IS NULL AND earlier.failed_at IS NULL
                )
            ORDER BY priority, next_attempt_at, id
            LIMIT $1
            FOR UPDATE SKIP LOCKED
        )
        UPDATE outbox SET attempts = attempts + 1, next_attempt_at = now() + make_interval(secs => $2)
        FROM due WHERE outbox.id = due.id
        RETURNING outbox.id, telegram_id, method, payload, attachment, callback_query_id, broadcast_id, attempts,
            now() AS claimed_at, received_at, priority
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
            attachment=json.loads(row["attachment"]) if row["attachment"] else None,
            callback_query_id=row["callback_query_id"],
            broadcast_id=row["broadcast_id"],
            attempts=row["attempts"],
            claimed_at=row["claimed_at"],
            received_at=row["received_at"],
        )
        for row in sorted(rows, key=lambda row: (row["priority"], row["id"]))
    ]


async def settle(connection: asyncpg.Connection, settlement: Settlement) -> None:
    """Write what became of claimed calls. What was sent keeps no text: it is in the user's chat now."""
    if settlement.sent:
        await connection.execute(
            """
            UPDATE outbox SET sent_at = now(), payload = '{}', attachment = NULL, callback_query_id = NULL,
                failed_at = NULL, failed_reason = NULL
            WHERE id = ANY($1::bigint[])
            """,
            [one.id for one in settlement.sent],
        )
    if settlement.failed:
        await connection.execute(
            """
            UPDATE outbox SET failed_at = now(), failed_reason = reason
            FROM unnest($1::bigint[], $2::text[]) AS failure (id, reason) WHERE outbox.id = failure.id
            """,
            [one.id for one, _ in settlement.failed],
            # Telegram's words may hold what PostgreSQL's text does not take.
            [reason.replace("\0", "").encode(errors="replace").decode()[:500] for _, reason in settlement.failed],
        )
    if settlement.postponed or settlement.held:
        await connection.execute(
            """
            UPDATE outbox SET next_attempt_at = now() + make_interval(secs => delay), attempts = attempts - back
            FROM unnest($1::bigint[], $2::float8[], $3::integer[]) AS pause (id, delay, back)
            WHERE outbox.id = pause.id
            """,
            [one.id for one, _ in (*settlement.postponed, *settlement.held)],
            [delay for _, delay in (*settlement.postponed, *settlement.held)],
            [0] * len(settlement.postponed) + [1] * len(settlement.held),
        )
    done = [*settlement.sent, *(one for one, _ in settlement.failed)]
    if done:
        await connection.execute("DELETE FROM outbox WHERE id = ANY($1::bigint[]) AND forget", [one.id for one in done])
    await _count_broadcasts(connection, settlement)


async def _count_broadcasts(connection: asyncpg.Connection, settlement: Settlement) -> None:
    sent = Counter(one.broadcast_id for one in settlement.sent)
    failed = Counter(one.broadcast_id for one, _ in settlement.failed)
    for broadcast_id in sorted({one for one in (*sent, *failed) if one is not None}):
        await connection.execute(
            "UPDATE broadcasts SET sent = sent + $2, failed = failed + $3 WHERE id = $1",
            broadcast_id,
            sent[broadcast_id],
            failed[broadcast_id],
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


async def clean_up(connection: asyncpg.Connection, limit: int) -> bool:
    """Delete up to `limit` rows sent a day ago or failed a week ago, and tell whether there may be more."""
    status: str = await connection.execute(
        """
        DELETE FROM outbox WHERE id IN (
            SELECT id FROM outbox
            WHERE sent_at < now() - interval '1 day' OR failed_at < now() - interval '7 days' LIMIT $1
        )
        """,
        limit,
    )
    return status == f"DELETE {limit}"


async def release(connection: asyncpg.Connection, outgoing_ids: Collection[int]) -> None:
    """Give claimed calls back, so that another instance need not wait for the lease to end."""
    await connection.execute(
        """
        UPDATE outbox SET next_attempt_at = now()
        WHERE id = ANY($1::bigint[]) AND sent_at IS NULL AND failed_at IS NULL
        """,
        list(outgoing_ids),
    )
