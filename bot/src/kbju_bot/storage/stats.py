"""The numbers of the service."""

import asyncpg


async def collect(connection: asyncpg.Connection) -> dict[str, str]:
    """Return the numbers an admin asks for, by the placeholders of their text."""
    row = await connection.fetchrow(
        """
        SELECT
            count(*) AS users,
            count(*) FILTER (WHERE EXISTS (SELECT FROM consents WHERE consents.telegram_id = users.telegram_id))
                AS consents,
            count(*) FILTER (WHERE goal IS NOT NULL) AS surveyed,
            count(*) FILTER (WHERE last_seen_at > now() - interval '1 day') AS active_day,
            count(*) FILTER (WHERE last_seen_at > now() - interval '7 days') AS active_week,
            count(*) FILTER (WHERE blocked_at IS NOT NULL) AS blocked,
            (SELECT count(*) FROM user_records) AS records,
            (SELECT count(*) FROM reminders) AS reminders,
            (SELECT count(*) FROM outbox WHERE sent_at IS NULL AND failed_at IS NULL) AS outbox
        FROM users
        """
    )
    return {name: str(value) for name, value in row.items()}
