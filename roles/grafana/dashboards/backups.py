"""Backups, certificates and the last boot: what nobody looks at until it is needed."""

from __future__ import annotations

from grafana_foundation_sdk.models import units

from dashboards.kinds import Bars, Label, Lines, Number
from dashboards.parts import DOWN_OR_UP, NO_BACKUP, NO_BOOT, NO_HYPER_BACKUP, NO_RENEWAL, Board, Panel, Query, Row, Step

A_DAY_OLD: list[Step] = [(None, "green"), (26 * 3600, "red")]
DAYS_LEFT: list[Step] = [(None, "red"), (2 * 86400, "orange"), (14 * 86400, "green")]

LAST_PROVEN = Number(
    "Last proven backup",
    "Age of the last backup that was restored and compared. One is taken every night.",
    units.Seconds,
    [Query("time() - kbju_backup_last_success_timestamp_seconds", "age", NO_BACKUP)],
    steps=A_DAY_OLD,
)


def backups() -> list[Panel]:
    """Return what the last backups are worth."""
    return [
        LAST_PROVEN,
        Number(
            "Proven",
            "Whether the last backup was restored into an empty database and found equal.",
            units.NoUnit,
            [Query("kbju_backup_proven", "proven", NO_BACKUP)],
            steps=DOWN_OR_UP,
            words=[(0, "no", "red"), (1, "yes", "green")],
        ),
        Number(
            "Last run",
            "How the last run ended: 0 is well, other numbers are explained in roles/hyper_backup.",
            units.NoUnit,
            [Query("kbju_backup_last_run_exit_code", "exit code", NO_BACKUP)],
            steps=[(None, "green"), (1, "red")],
        ),
        Number(
            "Backups",
            "Complete and proven backups that lie on the NAS.",
            units.NoUnit,
            [Query("kbju_backup_complete", "backups", NO_BACKUP)],
            steps=[(None, "red"), (1, "green")],
        ),
        Number(
            "Carried away",
            "Age of the last backup that Hyper Backup has taken off the NAS.",
            units.Seconds,
            [Query("time() - (kbju_backup_hyper_backup_last_success_timestamp_seconds > 0)", "age", NO_HYPER_BACKUP)],
            steps=A_DAY_OLD,
        ),
        Label(
            "Hyper Backup",
            "How Hyper Backup ended the last time.",
            units.NoUnit,
            [Query("kbju_backup_hyper_backup_result", "{{result}}", NO_HYPER_BACKUP)],
        ),
        Lines(
            "Size",
            "Size of the last backup. A sudden drop deserves a look.",
            units.BytesIEC,
            [Query("kbju_backup_size_bytes", "size", NO_BACKUP)],
            low=0,
        ),
        Lines(
            "Duration by stage",
            "How long each stage of the last run took.",
            units.Seconds,
            [Query("kbju_backup_stage_duration_seconds", "{{stage}}", NO_BACKUP)],
            low=0,
            stacked=True,
        ),
        Bars(
            "Rows",
            "Rows of each table in the last backup.",
            units.Short,
            [Query("topk(12, kbju_backup_rows)", "{{table}}", NO_BACKUP)],
            low=0,
        ),
    ]


def certificates() -> list[Panel]:
    """Return how long the certificates last."""
    return [
        Number(
            "Seen from outside",
            "Time until the first certificate that the probes meet at nginx expires.",
            units.Seconds,
            [Query('min(probe_ssl_earliest_cert_expiry{job="probe-https"}) - time()', "left")],
            width=6,
            steps=DAYS_LEFT,
        ),
        Number(
            "Last renewal",
            "Time since the renewal last ended well; nothing being due is well. It is tried twice a day.",
            units.Seconds,
            [Query("time() - (kbju_certificate_renewal_last_success_timestamp_seconds > 0)", "ago", NO_RENEWAL)],
            width=6,
            steps=[(None, "green"), (3 * 86400, "red")],
        ),
        Number(
            "Renewal",
            "Whether the last attempt to renew failed.",
            units.NoUnit,
            [Query("kbju_certificate_renewal_failed", "failed", NO_RENEWAL)],
            width=6,
            steps=[(None, "green"), (1, "red")],
            words=[(0, "went well", "green"), (1, "failed", "red")],
        ),
        Number(
            "After the last boot",
            "Whether the stack was healthy after the NAS was last started.",
            units.NoUnit,
            [Query("kbju_boot_success", "healthy", NO_BOOT)],
            width=6,
            steps=DOWN_OR_UP,
            words=[(0, "not healthy", "red"), (1, "healthy", "green")],
        ),
        Lines(
            "Days that certificates last",
            "By name, as the file says that nginx has, and as the probes see. The lines rise when one is renewed.",
            units.Seconds,
            [
                Query("kbju_certificate_expiry_timestamp_seconds - time()", "{{name}}", NO_RENEWAL),
                Query('probe_ssl_earliest_cert_expiry{job="probe-https"} - time()', "seen: {{service}}"),
            ],
            width=12,
            low=0,
            steps=DAYS_LEFT,
        ),
        Lines(
            "Way to the stack",
            "How long the probes wait for an answer of the bot and of Grafana over https.",
            units.Seconds,
            [Query('probe_duration_seconds{job="probe-https"}', "{{service}}")],
            width=12,
            low=0,
        ),
    ]


BOARD = Board(
    "kbju-backups",
    "Backups and certificates",
    "What the last backups are worth, how long certificates last, and how the last boot went.",
    [Row("Backups", backups()), Row("Certificates and boot", certificates())],
    since="now-7d",
)
