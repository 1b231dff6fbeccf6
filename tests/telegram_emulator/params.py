"""Parameters of a call: query string, form, JSON or multipart, all read into one shape."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from email.message import Message as Headers
from typing import Any
from urllib.parse import parse_qsl, unquote

from .errors import bad_request

_DISPOSITION = re.compile(r'(filename\*|filename|name)=(?:"((?:[^"\\]|\\.)*)"|([^;\s]+))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that came with a multipart request."""

    name: str
    content: bytes


class Params:
    """Values by name. Lists and objects may come as JSON text: that is how forms carry them."""

    __slots__ = ("files", "values")

    def __init__(self, values: dict[str, Any] | None = None, files: dict[str, Upload] | None = None) -> None:
        self.values = values or {}
        self.files = files or {}

    @classmethod
    def parse(cls, content_type: str, body: bytes, query: str = "") -> Params:
        """Read a request's (or a webhook answer's) parameters."""
        values: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True)) if query else {}
        files: dict[str, Upload] = {}
        kind = content_type.partition(";")[0].strip().lower()
        if body and kind == "application/json":
            try:
                loaded = json.loads(body)
            except ValueError:
                raise bad_request("can't parse the request as JSON") from None
            if not isinstance(loaded, dict):
                raise bad_request("object expected as the request")
            values.update(loaded)
        elif body and kind == "application/x-www-form-urlencoded":
            values.update(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
        elif body and kind == "multipart/form-data":
            _read_multipart(content_type, body, values, files)
        return cls(values, files)

    def text(self, name: str) -> str | None:
        """The value as text; ``None`` when it is absent."""
        value = self.values.get(name)
        if value is None or isinstance(value, str):
            return value
        if isinstance(value, (dict, list, bool)):
            raise bad_request(f'field "{name}" must be of type String')
        return str(value)

    def integer(self, name: str) -> int | None:
        """The value as a whole number; ``None`` when it is absent or empty."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, bool):
            raise bad_request(f'field "{name}" must be of type Number')
        try:
            return int(value)
        except (TypeError, ValueError):
            raise bad_request(f'field "{name}" must be of type Number') from None

    def flag(self, name: str) -> bool:
        """The value as yes or no; absent is no."""
        value = self.values.get(name)
        return value.lower() in {"true", "1", "yes"} if isinstance(value, str) else bool(value)

    def json(self, name: str) -> Any:
        """The value as a JSON list or object; ``None`` when it is absent or empty."""
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError:
            raise bad_request(f'can\'t parse "{name}" as JSON') from None


def _read_multipart(content_type: str, body: bytes, values: dict[str, Any], files: dict[str, Upload]) -> None:
    header = Headers()
    header["content-type"] = content_type
    boundary = header.get_boundary()
    if not boundary:
        raise bad_request("multipart request without a boundary")
    # The whole body is in memory already, so splitting it beats a streaming reader by far.
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode())[1:]:
        if part.startswith(b"--"):
            break
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator:
            raise bad_request("broken multipart request")
        name, filename = _disposition(head.decode("utf-8", "replace"))
        if not name:
            continue
        if filename is None:
            values[name] = content.decode("utf-8", "replace")
        else:
            files[name] = Upload(filename, content)


def _disposition(head: str) -> tuple[str | None, str | None]:
    line = next((one for one in head.split("\r\n") if one.lower().startswith("content-disposition:")), "")
    found = {key.lower(): re.sub(r"\\(.)", r"\1", quoted) or bare for key, quoted, bare in _DISPOSITION.findall(line)}
    filename = found.get("filename")
    if "filename*" in found:
        filename = unquote(found["filename*"].rpartition("''")[2])
    elif filename is not None and "%" in filename:
        # Clients escape quotes, and some of them every letter that is not ASCII, the way URLs do.
        filename = unquote(filename)
    return found.get("name"), filename
