"""The record of releases: releases/releases.json, oldest first. One of them serves."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from kbju_release.errors import Exit, Failure
from kbju_release.settings import Settings

SERVING, REPLACED, FAILED, ROLLED_BACK = "serving", "replaced", "failed", "rolled back"
UNDER_WAY, CUT_OFF = "under way", "cut off"
_LONGEST = 100


@dataclass
class Release:
    """One row: an attempt to have the bot run with an image and a configuration."""

    number: int
    version: str
    """The image's tag: version and content."""
    image: str
    image_id: str
    configuration: str
    """Compose's hash of the bot's whole configuration."""
    kind: str
    """deployment, update or rollback."""
    who: str
    when: str
    """Its beginning, UTC."""
    result: str = UNDER_WAY
    seconds: float = 0.0
    reason: str = ""
    """Why it failed."""
    schema: dict[str, str] = field(default_factory=dict)
    """What its image has brought the database to: `head`, and `floor`, the oldest bot that can still use it."""


class Record:
    """The rows."""

    def __init__(self, settings: Settings) -> None:
        self._file = settings.folder / "releases.json"
        self.rows = self._read()

    def serving(self) -> Release | None:
        """Return the release that serves."""
        return next((row for row in reversed(self.rows) if row.result == SERVING), None)

    def begin(self, image: str, image_id: str, configuration: str, kind: str, who: str) -> Release:
        """Add a row for what begins now."""
        number = max((row.number for row in self.rows), default=0) + 1
        when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        version = image.partition("@")[0].rpartition(":")[2]
        row = Release(number, version, image, image_id, configuration, kind, who, when)
        self.rows.append(row)
        self.write()
        return row

    def serve(self, row: Release, before: str = REPLACED) -> None:
        """Note that a row serves now, and what became of the one that did."""
        for other in self.rows:
            if other.result == SERVING:
                other.result = before
        row.result = SERVING
        self.write()

    def fail(self, row: Release, reason: str) -> None:
        """Note that a row has failed."""
        row.result, row.reason = FAILED, reason
        self.write()

    def cut_off(self) -> None:
        """Note that what was under way has been cut off, by a reboot for instance: no fault of the release."""
        for row in self.rows:
            if row.result == UNDER_WAY:
                row.result = CUT_OFF
        self.write()

    def blocked(self) -> dict[str, tuple[str, str]]:
        """Return the ids of images that are not to be deployed again, and why, by reference.

        Those whose last row failed or was rolled back. Another image of the same name is another release.
        """
        last = {row.image: row for row in self.rows if row.result not in (UNDER_WAY, CUT_OFF)}
        said = {FAILED: "has failed here", ROLLED_BACK: "was rolled back"}
        return {
            image: (row.image_id, f"release {row.number} ({row.version}) {said[row.result]} on {row.when}")
            for image, row in last.items()
            if row.result in said
        }

    def choose(self, asked: str) -> Release:
        """Return the row that a rollback goes to: a number, a version, or what served before. Raise Failure."""
        serving = self.serving()
        served = [row for row in self.rows if row.result in (REPLACED, ROLLED_BACK) and row is not serving]
        if not asked:
            # Not what was rolled back itself: going back twice goes back two releases.
            found = [row for row in served if row.result == REPLACED]
            found = [row for row in found if serving is None or not _same(row, serving)]
        else:
            found = [row for row in served if asked in (str(row.number), row.version, row.image)]
        if not found:
            what = f"There is no release {asked} to go back to" if asked else "No other release has served before"
            raise Failure(Exit.NO_SUCH_RELEASE, what, "playbooks/rollback.yml -e release=list shows the record")
        return found[-1]

    def highest_schema(self) -> dict[str, str]:
        """Return the schema that the database has by what was applied here; empty: not known."""
        # Revisions are numbers of four digits, so that they compare as text.
        return max((row.schema for row in self.rows if row.schema), key=lambda one: one["head"], default={})

    def kept(self, count: int) -> list[Release]:
        """Return the last `count` releases that have served, and the serving one."""
        served = [row for row in self.rows if row.result in (SERVING, REPLACED, ROLLED_BACK)]
        newest: dict[tuple[str, str], Release] = {}
        for row in served:
            newest.pop((row.image_id, row.configuration), None)
            newest[row.image_id, row.configuration] = row
        kept = list(newest.values())[-count:]
        serving = self.serving()
        return kept if serving is None or serving in kept else [*kept, serving]

    def table(self) -> str:
        """Return the record for reading, newest first."""
        rows = [["NO.", "VERSION", "IMAGE ID", "CONFIGURATION", "KIND", "WHO", "WHEN", "SECONDS", "RESULT"]]
        for one in reversed(self.rows):
            short = one.image_id.rpartition(":")[2][:12]
            result = one.result + (f": {one.reason}" if one.reason else "")
            cells = [str(one.number), one.version, short, one.configuration[:12], one.kind, one.who, one.when]
            rows.append([*cells, f"{one.seconds:.1f}", result])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in rows)

    def write(self) -> None:
        """Put the rows in place of those on disk."""
        self.rows = self.rows[-_LONGEST:]
        new = self._file.with_suffix(".new")
        with open(new, "w", encoding="utf-8") as file:
            json.dump([asdict(row) for row in self.rows], file, indent=1)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        os.chmod(str(new), 0o640)
        os.replace(str(new), str(self._file))

    def _read(self) -> list[Release]:
        known = {one.name for one in fields(Release)}
        try:
            found: Any = json.loads(self._file.read_text(encoding="utf-8"))
            # What a newer release of this program may have added is not this one's business.
            return [Release(**{key: value for key, value in row.items() if key in known}) for row in found]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, AttributeError) as error:
            remedy = "Move it away: the serving release is then recorded anew, and the older ones can't be gone back to"
            raise Failure(Exit.SETTINGS, f"The record {self._file} can't be read: {error}", remedy) from None


def _same(one: Release, other: Release) -> bool:
    return (one.image_id, one.configuration) == (other.image_id, other.configuration)
