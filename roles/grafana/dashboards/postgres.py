"""PostgreSQL: connections, transactions, cache, locks, tables."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards.containers import resources_of
from dashboards.kinds import Bars, Lines, Number
from dashboards.parts import DOWN_OR_UP, NONE_IS_GOOD, Board, Panel, Query, Row

OURS = '{datname="kbju"}'
HITS = f"rate(pg_stat_database_blks_hit{OURS}[$__rate_interval])"
READS = f"rate(pg_stat_database_blks_read{OURS}[$__rate_interval])"


def glance() -> list[Panel]:
    """Return the database in numbers."""
    return [
        Number(
            "Answers",
            "Whether the exporter reaches PostgreSQL.",
            units.NoUnit,
            [Query("pg_up", "up")],
            steps=DOWN_OR_UP,
            words=[(0, "down", "red"), (1, "up", "green")],
        ),
        Number(
            "Connections",
            "Share of the connections that PostgreSQL allows that are taken. At 100 % nobody gets in.",
            units.PercentUnit,
            [Query("sum(pg_stat_database_numbackends) / scalar(pg_settings_max_connections)", "taken")],
            decimals=0,
            steps=[(None, "green"), (0.8, "red")],
        ),
        Number(
            "From the cache",
            "Share of the blocks, in the time that is shown, that were found in PostgreSQL's own memory.",
            units.PercentUnit,
            [
                Query(
                    f"sum(increase(pg_stat_database_blks_hit{OURS}[$__range]))"
                    f" / (sum(increase(pg_stat_database_blks_hit{OURS}[$__range]))"
                    f" + sum(increase(pg_stat_database_blks_read{OURS}[$__range])))",
                    "hits",
                )
            ],
            decimals=1,
            steps=[(None, "red"), (0.9, "yellow"), (0.98, "green")],
        ),
        Number(
            "Longest transaction",
            "How long the transaction that began first has been open. An old one keeps VACUUM from cleaning up.",
            units.Seconds,
            [Query(f"max(pg_stat_activity_max_tx_duration{OURS})", "open for")],
            steps=[(None, "green"), (60, "yellow"), (300, "red")],
        ),
        Number(
            "Deadlocks, 24 hours",
            "Transactions that were ended because they waited for each other.",
            units.NoUnit,
            [Query(f"sum(increase(pg_stat_database_deadlocks{OURS}[24h]))", "deadlocks")],
            decimals=0,
            steps=NONE_IS_GOOD,
        ),
        Number(
            "Size",
            "The database's size on disk.",
            units.BytesIEC,
            [Query(f"pg_database_size_bytes{OURS}", "size")],
            decimals=1,
        ),
    ]


def work() -> list[Panel]:
    """Return what the database does."""
    return [
        Lines(
            "Connections by state",
            "What the connections to the database do at this moment.",
            units.NoUnit,
            [Query(f"sum by (state) (pg_stat_activity_count{OURS})", "{{state}}")],
            low=0,
            stacked=True,
        ),
        Lines(
            "Transactions",
            "Transactions a second that were kept, and that were undone.",
            units.EventsPerSecond,
            [
                Query(f"rate(pg_stat_database_xact_commit{OURS}[$__rate_interval])", "kept"),
                Query(f"rate(pg_stat_database_xact_rollback{OURS}[$__rate_interval])", "undone"),
            ],
            low=0,
        ),
        Lines(
            "Rows",
            "Rows a second that were read through an index or written.",
            units.EventsPerSecond,
            [
                Query(f"rate(pg_stat_database_tup_{what}{OURS}[$__rate_interval])", what)
                for what in ("fetched", "inserted", "updated", "deleted")
            ],
            low=0,
        ),
        Lines(
            "Blocks from the cache",
            "Blocks a second that were found in PostgreSQL's own memory, and that were not.",
            units.EventsPerSecond,
            [Query(HITS, "found"), Query(READS, "read")],
            low=0,
        ),
        Lines(
            "Locks",
            "Locks that are held or waited for, by mode. An accessexclusivelock keeps everybody else out.",
            units.NoUnit,
            [Query(f"sum by (mode) (pg_locks_count{OURS})", "{{mode}}")],
            low=0,
        ),
        Lines(
            "Temporary files",
            "Bytes a second that did not fit into the memory of a query.",
            units.BytesPerSecondIEC,
            [Query(f"rate(pg_stat_database_temp_bytes{OURS}[$__rate_interval])", "written")],
            low=0,
        ),
    ]


def tables() -> list[Panel]:
    """Return the state of the tables."""
    return [
        Bars(
            "Rows by table",
            "Rows that PostgreSQL believes are in each table; the ten largest.",
            units.Short,
            [Query("topk(10, pg_stat_user_tables_n_live_tup)", "{{relname}}")],
            width=12,
            low=0,
        ),
        Lines(
            "Dead rows by table",
            "Rows that were changed or deleted and that VACUUM has not yet cleaned up; the five tables with the most.",
            units.Short,
            [Query("topk(5, pg_stat_user_tables_n_dead_tup)", "{{relname}}")],
            width=12,
            low=0,
        ),
    ]


BOARD = Board(
    "kbju-postgres",
    "PostgreSQL",
    "Connections, transactions, cache, locks and tables of the database.",
    [
        Row("At a glance", glance()),
        Row("Work", work()),
        Row("Tables", tables()),
        Row("Container", resources_of("kbju-postgres")),
    ],
)
