"""Replacing the bot while users write to it.

The new release is started beside the old one and asked whether it is ready; nginx leads to it, the old one finishes and
goes; then the bot's own container is made anew while the one beside it serves. Whatever fails, the old release goes on.
"""

from __future__ import annotations

from typing import Callable

from kbju_release.containers import Bots, Wanted
from kbju_release.door import BOT, Door
from kbju_release.errors import Exit, Failure
from kbju_release.files import Files
from kbju_release.programs import Engine
from kbju_release.record import Record, Release
from kbju_release.settings import Settings

_SHORT_LOOK = 1.0


class Replacing:
    """What replaces the bot by what compose/bot.yml asks for, and what puts the old one back."""

    def __init__(self, settings: Settings, engine: Engine, record: Record, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._engine = engine
        self._record = record
        self._say = say
        self.bots = Bots(settings, engine)
        self.door = Door(settings, engine)
        self.files = Files(settings)

    def migrate(self) -> None:
        """Bring the schema to what the new image needs; the old one goes on with it. Raise Failure."""
        done = self._engine.try_compose("run", "--rm", "-T", "kbju-bot-migrate", "migrate", timeout=3600)
        if done.code != 0:
            raise Failure(Exit.MIGRATION, f"The migration failed, the schema is as it was: {done.said}")
        self._say("schema: " + "; ".join(done.printed.split("\n")).strip("; "))

    def replace(self, wanted: Wanted, release: str, probation: float) -> None:
        """Do it. Raise Failure where a step fails, leaving everything as it is then."""
        own, beside = self._settings.project, self._settings.next
        if self.bots.by_webhook(own) != wanted.webhook:
            # Telegram knows one way at a time: an instance of either mode would undo the other's.
            self._say("from now on messages come another way, so the old instance ends before the new one starts")
            self._replace_in_place(release)
            return
        self.bots.start_next()
        self._say(f"{beside} is started beside {own}")
        self.bots.await_ready(beside)
        self._say(f"{beside} is ready")
        self._say(self.bots.greet(beside, release))
        self.door.lead_to(beside)
        self._say(f"nginx leads to {beside}")
        if wanted.webhook:
            self.bots.watch(beside, probation)
        self.bots.stop(own)
        self._say(f"the old {own} has finished and is stopped")
        if not wanted.webhook:
            self.bots.await_ready(beside, state="polling")
            self._say(f"{beside} polls Telegram")
            self.bots.watch(beside, probation)
        self.bots.start_own()
        self.bots.await_ready(own)
        self._say(f"the new {own} is ready")
        self.door.lead_to(BOT)
        self._say(f"nginx leads to {own}")
        self.bots.remove(beside)
        if not wanted.webhook:
            self.bots.await_ready(own, state="polling")
        self._say(f"{beside} has finished and is removed")

    def _replace_in_place(self, release: str) -> None:
        own = self._settings.project
        self.bots.start_own()
        self.bots.await_ready(own)
        self._say(f"the new {own} is ready")
        self._say(self.bots.greet(own, release))

    def go_back(self, serving: Release) -> None:
        """Have the serving release serve again, whatever was done until now. Raise Failure where that fails."""
        own, beside = self._settings.project, self._settings.next
        self.files.put_back(serving.number)
        self.files.put_secrets_back()
        self._engine.name_image(serving.image_id, serving.image)
        wanted = self.bots.wanted()
        if not self.bots.is_current(wanted) or not self.bots.runs(own):
            self.bots.start_own()
            self.bots.await_ready(own)
            self._say(f"{own} runs release {serving.number} again")
        if not self.door.leads_to(BOT):
            self.door.lead_to(BOT)
            self._say(f"nginx leads to {own} again")
        self.bots.remove(beside)

    def interrupted(self) -> bool:
        """Tell whether an update was cut off in the middle."""
        return self._engine.inspect(self._settings.next) is not None or not self.door.leads_to(BOT)

    def check_schema(self, target: Release) -> None:
        """Raise Failure where the schema has gone beyond what a release can use."""
        present = self._record.highest_schema()
        brought = self.bots.schema(target.image)
        if not present:
            return
        if brought is None or brought["head"] < present["floor"]:
            head = f"knows the schema {brought['head']}" if brought else "does not say which schema it knows"
            raise Failure(
                Exit.SCHEMA,
                f"Release {target.number} ({target.version}) can't be gone back to: the database has the schema "
                f"{present['head']}, which only bots of {present['floor']} or newer can use, and this one {head}",
                "Go back to a newer one, or restore a backup of its time: playbooks/restore.yml",
            )

    def prune(self) -> None:
        """Remove images and files that no release to go back to needs."""
        kept = self._record.kept(self._settings.keep)
        self.files.forget({row.number for row in kept})
        ids = {row.image_id for row in kept}
        for row in self._record.rows:
            unneeded = row.image_id not in ids and self._engine.image_id(row.image) == row.image_id
            # One that somebody else's container uses stays as it is.
            if unneeded and self._engine.try_docker("image", "rm", row.image).code == 0:
                self._say(f"image {row.image} is removed, {self._settings.keep} releases are kept")
