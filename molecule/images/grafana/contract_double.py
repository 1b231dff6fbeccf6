"""A contract double of Grafana: it stands in where no registry offers the real server, and is not Grafana.

It listens where Grafana listens, under the same sub-path, reads the same GF_* settings and provisioning files, asks
for the admin password and refuses to start with files that Grafana would refuse or show as empty panels. It draws
nothing. Source of the behaviour: Grafana's configuration, provisioning and HTTP API documentation.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType

sys.path.insert(0, str(Path(os.path.realpath(__file__)).parent))

import provisioning
import store
from settings import ConfigurationError, Settings

NOTICE = "grafana contract double: this is a stand-in, not Grafana"


def _shelf(folder: dict[str, str]) -> dict[str, str]:
    return {"folderUid": folder["uid"], "folderTitle": folder["title"]}


class Handler(BaseHTTPRequestHandler):
    """Answers the few paths of Grafana's HTTP API that a deployment asks for."""

    settings: Settings
    provisioned: provisioning.Provisioned
    protocol_version = "HTTP/1.1"
    server_version = "grafana-contract-double"

    def _answer(self, status: int, body: object, **headers: str) -> None:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        kind = "text/html; charset=utf-8" if isinstance(body, str) else "application/json"
        for name, value in {"Content-Type": kind, "Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _is_admin(self) -> bool:
        scheme, _, encoded = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic":
            return False
        try:
            user, _, password = base64.b64decode(encoded).decode().partition(":")
        except ValueError:
            return False
        return user == self.settings.admin_user and store.matches(self.settings.data, password)

    def do_GET(self) -> None:
        """Serve one request."""
        path, prefix = self.path.split("?", 1)[0], self.settings.prefix
        if prefix and not path.startswith(prefix + "/"):
            self._answer(302, "", Location=prefix + ("/" if path == prefix else path))
            return
        path = path[len(prefix) :]
        if path == "/api/health":
            self._answer(200, {"database": "ok", "version": NOTICE})
        elif path == "/login":
            self._answer(200, f"<!doctype html><title>Grafana</title><p>{NOTICE}</p>")
        elif not (self._is_admin() or self.settings.anonymous):
            if path.startswith("/api/"):
                given = "Authorization" in self.headers
                self._answer(401, {"message": "Invalid username or password" if given else "Unauthorized"})
            else:
                self._answer(302, "", Location=prefix + "/login")
        else:
            self._serve(path)

    def _serve(self, path: str) -> None:
        known = self.provisioned
        answers: dict[str, object] = {
            "/api/user": {"id": 1, "login": self.settings.admin_user, "isGrafanaAdmin": True, "orgId": 1},
            "/api/org": {"id": 1, "name": "Main Org."},
            "/api/datasources": [{"readOnly": True, "orgId": 1, **source} for source in known.datasources],
            "/api/folders": [{"id": number, **folder} for number, folder in enumerate(known.folders, 1)],
            "/api/search": [
                {"uid": uid, "title": board.content["title"], "type": "dash-db", **_shelf(board.folder)}
                for uid, board in known.dashboards.items()
            ],
            "/": f"<!doctype html><title>Grafana</title><p>{NOTICE}</p>",
        }
        if known.home is not None:
            answers["/api/dashboards/home"] = {"dashboard": known.home, "meta": {"isHome": True}}
        for uid, board in known.dashboards.items():
            meta = {"provisioned": True, "url": f"{self.settings.prefix}/d/{uid}/", **_shelf(board.folder)}
            answers[f"/api/dashboards/uid/{uid}"] = {"dashboard": board.content, "meta": meta}
        if path.startswith("/api/datasources/proxy/uid/"):
            self._ask_source(path.removeprefix("/api/datasources/proxy/uid/"))
        elif path in answers:
            self._answer(200, answers[path])
        else:
            self._answer(404, {"message": "Not found"})

    def _ask_source(self, rest: str) -> None:
        """Hand a question on to a data source, and its answer back."""
        uid, _, path = rest.partition("/")
        source = next((one for one in self.provisioned.datasources if one.get("uid") == uid), None)
        if source is None:
            self._answer(404, {"message": "Unable to find datasource"})
            return
        _, mark, question = self.path.partition("?")
        try:
            address = f"{str(source['url']).rstrip('/')}/{path}{mark}{question}"
            with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310  # a provisioned address
                self._answer(answer.status, json.load(answer))
        except (OSError, ValueError) as error:
            self._answer(502, {"message": f"Bad Gateway: {error}"})

    def log_message(self, format: str, *args: object) -> None:
        """Say one line a request on standard output, health checks left out."""
        if "/api/health" not in self.path:
            print(f"logger=double {self.command} {self.path.split('?', 1)[0]} {args[1] if len(args) > 1 else ''}")


def main() -> int:
    """Check the configuration, then serve until SIGTERM."""
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # a text stream when run as a program
    print(NOTICE)
    try:
        settings = Settings.from_environment()
        Handler.settings = settings
        Handler.provisioned = provisioning.read(settings.provisioning, settings.home)
        store.save_first(settings.data, settings.admin_password)
    except ConfigurationError as error:
        print(f"level=error msg={error}")
        return 1
    except OSError as error:
        print(f"level=error msg=the data folder can't be written: {error}")
        return 1
    print(f"{len(Handler.provisioned.datasources)} data sources, {len(Handler.provisioned.dashboards)} dashboards")
    server = ThreadingHTTPServer(("0.0.0.0", settings.port), Handler)  # noqa: S104  # as Grafana does in its container

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, stop)
    server.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main())
