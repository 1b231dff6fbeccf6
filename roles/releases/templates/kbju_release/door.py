"""Which instance nginx leads to: a file that nginx.conf includes."""

from __future__ import annotations

import os
import time
from pathlib import Path

from kbju_release.errors import Exit, Failure
from kbju_release.programs import Engine
from kbju_release.settings import Settings

NGINX = "kbju-nginx"
# The bot's name in the networks, whichever container answers to it.
BOT = "kbju-bot"
_PATIENCE = 10.0
# Old workers finish what they have begun before they go. They still lead to the old instance.
_WORKERS = 'for p in /proc/[0-9]*; do echo "${p#/proc/} $(tr "\\0" " " < "$p/cmdline")"; done 2> /dev/null'


class Door:
    """nginx, as far as it leads to the bot."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self._engine = engine
        self._file = Path(settings.root) / "config" / "nginx" / "upstream.conf"

    def leads_to(self, name: str) -> bool:
        """Tell whether requests go to `name`, by the file."""
        try:
            return self._file.read_text(encoding="utf-8") == _lines(name)
        except OSError:
            return False

    def lead_to(self, name: str) -> None:
        """Have nginx send requests to `name`, and wait until it sends none elsewhere.

        Raise Failure where nginx refuses its configuration; then it goes on as before, and so does the file.
        """
        before = self._file.read_text(encoding="utf-8") if self._file.exists() else None
        self._write(_lines(name))
        found = self._engine.inspect(NGINX)
        if found is None or not found["State"]["Running"]:
            # It reads the file when it starts.
            return
        try:
            self._check()
        except Failure:
            if before is not None:
                self._write(before)
            raise
        old = self._workers()
        # From the inside: after any `docker kill` the engine does not start the container again should it end.
        self._engine.docker("exec", NGINX, "sh", "-c", "kill -HUP 1", code=Exit.DOOR)
        deadline = time.monotonic() + _PATIENCE
        while True:
            now = self._workers()
            if now and not now & old:
                return
            if time.monotonic() > deadline:
                if now - old:
                    # New workers take all that comes; an old one holds a long conversation, Grafana's for instance.
                    return
                raise Failure(Exit.DOOR, "nginx has not taken its configuration", "docker logs kbju-nginx tells why")
            time.sleep(0.1)

    def _check(self) -> None:
        done = self._engine.try_docker("exec", NGINX, "nginx", "-t", "-c", "/etc/nginx/kbju/nginx.conf")
        if done.code != 0:
            raise Failure(Exit.DOOR, f"nginx refuses its configuration: {done.said}", "Mend it and run site.yml again")

    def _workers(self) -> set[str]:
        said = self._engine.docker("exec", NGINX, "sh", "-c", _WORKERS, code=Exit.DOOR)
        return {line.split()[0] for line in said.splitlines() if "nginx: worker" in line}

    def _write(self, text: str) -> None:
        new = self._file.with_suffix(".new")
        new.write_text(text, encoding="utf-8")
        new.chmod(0o644)
        os.replace(new, self._file)


def _lines(name: str) -> str:
    leads = f"set $bot http://{name}:8000;\n"
    # What an instance that breaks down just after it was ready does not take, the one it was to replace takes.
    return leads if name == BOT else f"{leads}proxy_connect_timeout 2s;\nerror_page 502 504 = @own;\n"
