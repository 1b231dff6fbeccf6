"""Users, handled updates and calls to make."""

from alembic import op

revision = "0001"
down_revision = None

_USERS = """
CREATE TABLE users (
    telegram_id bigint PRIMARY KEY CHECK (telegram_id > 0),
    username text CHECK (char_length(username) BETWEEN 1 AND 255),
    first_name text NOT NULL CHECK (char_length(first_name) <= 255),
    last_name text CHECK (char_length(last_name) <= 255),
    language_code text CHECK (char_length(language_code) <= 255),
    created_at timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    blocked_at timestamptz
)
"""

# No foreign keys to users: someone who never registered writes and is answered, too.
_INBOX = """
CREATE TABLE inbox (
    update_id bigint PRIMARY KEY,
    telegram_id bigint CHECK (telegram_id > 0),
    received_at timestamptz NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    failed_reason text CHECK (char_length(failed_reason) <= 500)
)
"""

_OUTBOX = """
CREATE TABLE outbox (
    id bigserial PRIMARY KEY,
    telegram_id bigint NOT NULL CHECK (telegram_id > 0),
    method text NOT NULL CHECK (method <> ''),
    payload jsonb NOT NULL CHECK (jsonb_typeof(payload) = 'object'),
    received_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    sent_at timestamptz,
    failed_at timestamptz,
    failed_reason text CHECK (char_length(failed_reason) <= 500),
    CHECK ((failed_at IS NULL) = (failed_reason IS NULL)),
    CHECK (sent_at IS NULL OR failed_at IS NULL)
)
"""


def upgrade() -> None:
    """Create the tables and the indexes the bot's loops live on."""
    op.execute(_USERS)
    op.execute("CREATE INDEX users_last_seen_at ON users (last_seen_at)")
    op.execute(_INBOX)
    op.execute("CREATE INDEX inbox_handled_at ON inbox (handled_at)")
    op.execute(_OUTBOX)
    op.execute("CREATE INDEX outbox_chat ON outbox (telegram_id, id) WHERE sent_at IS NULL AND failed_at IS NULL")
    op.execute("CREATE INDEX outbox_due ON outbox (next_attempt_at, id) WHERE sent_at IS NULL AND failed_at IS NULL")
    op.execute("CREATE INDEX outbox_sent_at ON outbox (sent_at) WHERE sent_at IS NOT NULL")
    op.execute("CREATE INDEX outbox_failed_at ON outbox (failed_at) WHERE failed_at IS NOT NULL")
