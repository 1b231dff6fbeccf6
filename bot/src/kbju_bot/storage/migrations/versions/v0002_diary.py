"""The diary: profile, measurements, consent, dialogue, preferences, reminders and broadcasts.

Safe while the previous version runs: it adds tables, columns that may be empty or have a constant default, and indexes
on small tables; nothing that version reads or writes changes its meaning.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

# The limits are those of core/profile.py; a test holds both together.
_USERS = """
ALTER TABLE users
    ADD COLUMN language text CHECK (language IN ('ru', 'en')),
    ADD COLUMN time_zone text CHECK (char_length(time_zone) BETWEEN 1 AND 64),
    ADD COLUMN name text CHECK (char_length(name) BETWEEN 1 AND 60),
    ADD COLUMN sex text CHECK (sex IN ('male', 'female')),
    ADD COLUMN birth_date date CHECK (birth_date >= '1900-01-01'),
    ADD COLUMN height_cm numeric(4, 1) CHECK (height_cm BETWEEN 120 AND 230),
    ADD COLUMN steps text CHECK (steps IN ('0-4999', '5000-7499', '7500-9999', '10000-12499', '12500+')),
    ADD COLUMN sport text CHECK (sport IN ('none', 'light', 'strength', 'cardio', 'mixed')),
    ADD COLUMN frequency text CHECK (frequency IN ('1-2', '3-4', '5-6', '7+')),
    ADD COLUMN goal text CHECK (goal IN ('healthy', 'athletic', 'lean')),
    ADD CONSTRAINT users_frequency_of_a_sport CHECK ((frequency IS NULL) = (coalesce(sport, 'none') = 'none'))
"""

_RECORDS = """
CREATE TABLE user_records (
    telegram_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    day date NOT NULL CHECK (day >= '2000-01-01'),
    weight_kg numeric(4, 1) NOT NULL CHECK (weight_kg BETWEEN 30 AND 300),
    waist_cm numeric(4, 1) CHECK (waist_cm BETWEEN 40 AND 200),
    neck_cm numeric(4, 1) CHECK (neck_cm BETWEEN 20 AND 70),
    hip_cm numeric(4, 1) CHECK (hip_cm BETWEEN 50 AND 200),
    height_cm numeric(4, 1) NOT NULL CHECK (height_cm BETWEEN 120 AND 230),
    body_fat numeric(4, 1) CHECK (body_fat BETWEEN 0 AND 75),
    steps text CHECK (steps IN ('0-4999', '5000-7499', '7500-9999', '10000-12499', '12500+')),
    sport text CHECK (sport IN ('none', 'light', 'strength', 'cardio', 'mixed')),
    frequency text CHECK (frequency IN ('1-2', '3-4', '5-6', '7+')),
    goal text CHECK (goal IN ('healthy', 'athletic', 'lean')),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (telegram_id, day)
)
"""

_PREFERENCES = """
CREATE TABLE user_food_preferences (
    telegram_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    likes text CHECK (char_length(likes) BETWEEN 1 AND 1000),
    dislikes text CHECK (char_length(dislikes) BETWEEN 1 AND 1000),
    updated_at timestamptz NOT NULL DEFAULT now()
)
"""

_CONSENTS = """
CREATE TABLE consents (
    telegram_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
    version integer NOT NULL CHECK (version > 0),
    given_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (telegram_id, version)
)
"""

_DIALOGUES = """
CREATE TABLE dialogues (
    telegram_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    state jsonb NOT NULL CHECK (jsonb_typeof(state) = 'object'),
    updated_at timestamptz NOT NULL DEFAULT now()
)
"""

_REMINDERS = """
CREATE TABLE reminders (
    telegram_id bigint PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),
    hour smallint NOT NULL CHECK (hour BETWEEN 0 AND 23),
    next_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
)
"""

_BROADCASTS = """
CREATE TABLE broadcasts (
    id bigserial PRIMARY KEY,
    admin_id bigint NOT NULL CHECK (admin_id > 0),
    language text NOT NULL CHECK (language IN ('ru', 'en')),
    body text NOT NULL CHECK (char_length(body) BETWEEN 1 AND 4096),
    status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'stopped', 'done')),
    recipients integer NOT NULL CHECK (recipients >= 0),
    queued_to bigint NOT NULL DEFAULT 0,
    sent integer NOT NULL DEFAULT 0 CHECK (sent >= 0),
    failed integer NOT NULL DEFAULT 0 CHECK (failed >= 0),
    progress_message_id bigint,
    reported_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    CHECK ((finished_at IS NULL) = (status = 'running'))
)
"""

_OUTBOX = """
ALTER TABLE outbox
    ADD COLUMN priority smallint NOT NULL DEFAULT 0 CHECK (priority BETWEEN 0 AND 2),
    ADD COLUMN attachment jsonb CHECK (jsonb_typeof(attachment) = 'object'),
    ADD COLUMN callback_query_id text,
    ADD COLUMN broadcast_id bigint REFERENCES broadcasts ON DELETE SET NULL,
    ADD COLUMN forget boolean NOT NULL DEFAULT false
"""


def upgrade() -> None:
    """Create what the diary needs."""
    op.execute(_USERS)
    for table in (_RECORDS, _PREFERENCES, _CONSENTS, _DIALOGUES, _REMINDERS, _BROADCASTS):
        op.execute(table)
    op.execute("CREATE INDEX reminders_next_at ON reminders (next_at)")
    op.execute(_OUTBOX)
    op.execute(
        "CREATE INDEX outbox_turn ON outbox (priority, next_attempt_at, id) WHERE sent_at IS NULL AND failed_at IS NULL"
    )
    op.execute(
        "CREATE INDEX outbox_broadcast ON outbox (broadcast_id) WHERE broadcast_id IS NOT NULL AND sent_at IS NULL"
    )
    # For deleting everything about a user.
    op.execute("CREATE INDEX inbox_telegram_id ON inbox (telegram_id)")
    op.execute("CREATE INDEX outbox_telegram_id ON outbox (telegram_id)")
