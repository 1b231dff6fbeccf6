"""What a run leaves for others to see: its last results, metrics, and the list of the backups."""

from __future__ import annotations

import json
import time
from typing import Any, Mapping

from kbju_backup import writing
from kbju_backup.errors import Exit
from kbju_backup.settings import Settings
from kbju_backup.stages import Stages
from kbju_backup.store import Backup, Store


class Results:
    """The results of the last runs, kept beside the backups."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._file = store.folder / ".results.json"
        self._found = self._read()

    def note_run(self, code: Exit, stages: Stages) -> None:
        """Note how taking a backup ended."""
        run = {"at": time.time(), "code": int(code), "failed": stages.failed, "seconds": stages.seconds}
        self._found["run"] = run
        self._write()

    def note_hyper_backup(self, result: str, code: Exit, stages: Stages) -> None:
        """Note how Hyper Backup ended, and the run with it."""
        before = self._found.get("hyper_backup", {})
        succeeded = time.time() if result == "success" else before.get("succeeded", 0)
        self._found["hyper_backup"] = {"at": time.time(), "result": result, "succeeded": succeeded}
        self.note_run(code, stages)

    def _read(self) -> dict[str, Any]:
        try:
            found = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self) -> None:
        text = metrics(self._store.all(), self._found, bool(self._settings.hyper_backup_task))
        # First, for they may have space where the backups have none. node_exporter runs as nobody.
        writing.write_whole(self._settings.metrics, text, 0o644)
        writing.write_whole(self._file, json.dumps(self._found) + "\n")


def metrics(backups: list[Backup], results: dict[str, Any], with_hyper_backup: bool) -> str:
    """Return the metrics in Prometheus's text format."""
    lines: list[str] = []

    def add(name: str, text: str, values: Mapping[str, float]) -> None:
        lines.append(f"# HELP kbju_backup_{name} {text}")
        lines.append(f"# TYPE kbju_backup_{name} gauge")
        lines.extend(f"kbju_backup_{name}{labels} {value:.15g}" for labels, value in values.items())

    run, hyper_backup = results.get("run"), results.get("hyper_backup")
    add("complete", "Complete and proven backups on the NAS.", {"": len(backups)})
    if backups:
        last = backups[-1]
        tables = {f'{{table="{table}"}}': found["rows"] for table, found in last.manifest["tables"].items()}
        add("last_success_timestamp_seconds", "When the last proven backup was taken.", {"": last.taken.timestamp()})
        add("proven", "Whether the last backup was restored and compared.", {"": last.manifest["proven"]})
        add("size_bytes", "Size of the last backup.", {"": last.size})
        add("rows", "Rows in the last backup.", tables)
        add("duration_seconds", "How long taking the last backup took.", {"": sum(last.manifest["durations"].values())})
    if run:
        add("last_run_timestamp_seconds", "When the last run ended, however it ended.", {"": run["at"]})
        add("last_run_exit_code", "0, or the cause of the failure; roles/hyper_backup has the list.", {"": run["code"]})
        stages = {f'{{stage="{name}"}}': 1 for name in run["seconds"]}
        if run["failed"]:
            stages[f'{{stage="{run["failed"]}"}}'] = 0
        add("stage_success", "Whether a stage of the last run succeeded; later ones are absent.", stages)
        seconds = {f'{{stage="{name}"}}': value for name, value in run["seconds"].items()}
        add("stage_duration_seconds", "How long each stage of the last run took.", seconds)
    add("hyper_backup_configured", "Whether backups leave the NAS by Hyper Backup.", {"": with_hyper_backup})
    if hyper_backup:
        result = {f'{{result="{hyper_backup["result"]}"}}': 1.0}
        add("hyper_backup_result", "How Hyper Backup ended the last time.", result)
        add("hyper_backup_last_run_timestamp_seconds", "When Hyper Backup ended.", {"": hyper_backup["at"]})
        succeeded = {"": hyper_backup["succeeded"]}
        add("hyper_backup_last_success_timestamp_seconds", "When Hyper Backup last succeeded; 0: never.", succeeded)
    return "\n".join(lines) + "\n"


def summary(backup: Backup) -> dict[str, Any]:
    """Return what the list shows of a backup."""
    return {
        "name": backup.name,
        "kind": backup.kind,
        "taken": backup.taken.astimezone().strftime("%Y-%m-%d %H:%M"),
        "schema_revision": backup.revision,
        "rows": backup.rows,
        "size": backup.size,
    }


def table(store: Store) -> str:
    """Return the backups as a table, newest first."""
    rows = [("name", "taken here", "kind", "schema", "rows", "MB", "proven")]
    for one in reversed(store.all()):
        shown = summary(one)
        megabytes = f"{one.size / 1e6:.1f}"
        rows.append(
            (one.name, shown["taken"], one.kind, one.revision or "-", str(one.rows), megabytes, "yes"),
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows]
    lines += [f"{name}  unreadable: it has no good manifest" for name in store.unreadable()]
    return "\n".join(lines) if len(lines) > 1 else "There is no backup yet."
