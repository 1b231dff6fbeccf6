"""Formatted text: what ``parse_mode=HTML`` means, and the commands in what users write."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from .errors import ApiError, Json, bad_request

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s[^>]*)?)>")
_ATTRIBUTE = re.compile(r"""([a-zA-Z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""")
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")
_COMMAND = re.compile(r"(?:(?<=\s)|^)/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{3,32})?(?![\w/])")
_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}


def utf16_length(text: str) -> int:
    """Telegram counts positions in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


@dataclass(slots=True)
class _Open:
    tag: str
    attributes: dict[str, str]
    start: int


def parse(text: str, parse_mode: str | None) -> tuple[str, list[Json]]:
    """Text without its markup, and the entities the markup stood for."""
    if not parse_mode:
        return text, []
    mode = parse_mode.lower()
    if mode == "html":
        return _parse_html(text)
    if mode in {"markdown", "markdownv2"}:
        # Passing it through untouched would hide the very mistakes Telegram complains about.
        raise bad_request("unsupported parse_mode: this emulator knows HTML only")
    raise bad_request("unsupported parse_mode")


def _parse_html(source: str) -> tuple[str, list[Json]]:
    if "<" not in source and "&" not in source:
        return source, []
    out: list[str] = []
    entities: list[Json] = []
    open_tags: list[_Open] = []
    length = at = 0
    while at < len(source):
        start = source.find("<", at)
        plain = _unescape(source[at:] if start < 0 else source[at:start])
        out.append(plain)
        length += utf16_length(plain)
        if start < 0:
            break
        match = _TAG.match(source, start)
        if match is None:
            raise _cannot_parse(f"Unsupported start tag at byte offset {_bytes(source, start)}")
        closing, tag = match[1], match[2].lower()
        if closing:
            entity = _close(open_tags, tag, length, _bytes(source, start))
            if entity is not None:
                entities.append(entity)
        else:
            open_tags.append(_open(tag, match[3], length, _bytes(source, start)))
        at = match.end()
    if open_tags:
        raise _cannot_parse(f'Can\'t find end tag corresponding to start tag "{open_tags[-1].tag}"')
    entities.sort(key=lambda one: (one["offset"], -one["length"]))
    return "".join(out), entities


def _open(tag: str, raw: str, position: int, offset: int) -> _Open:
    attributes = {name.lower(): _unescape(a or b or c) for name, a, b, c in _ATTRIBUTE.findall(raw)}
    if tag not in _KINDS or (tag == "span" and attributes.get("class") != "tg-spoiler"):
        raise _cannot_parse(f'Unsupported start tag "{tag}" at byte offset {offset}')
    return _Open(tag, attributes, position)


def _close(open_tags: list[_Open], tag: str, position: int, offset: int) -> Json | None:
    if not open_tags:
        raise _cannot_parse(f"Unexpected end tag at byte offset {offset}")
    opened = open_tags.pop()
    if opened.tag != tag:
        raise _cannot_parse(f'Unmatched end tag at byte offset {offset}, expected "</{opened.tag}>", found "</{tag}>"')
    if position == opened.start:
        return None
    entity: Json = {"type": _KINDS[tag], "offset": opened.start, "length": position - opened.start}
    if tag == "a":
        url = opened.attributes.get("href")
        if not url:
            return None
        entity["url"] = url
    elif tag == "tg-emoji":
        entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
    elif tag == "code" and open_tags and open_tags[-1].tag == "pre":
        language = opened.attributes.get("class", "").removeprefix("language-")
        if language:
            open_tags[-1].attributes["language"] = language
        return None
    elif tag == "pre" and "language" in opened.attributes:
        entity["language"] = opened.attributes["language"]
    elif tag == "blockquote" and "expandable" in opened.attributes:
        entity["type"] = "expandable_blockquote"
    return entity


def _cannot_parse(detail: str) -> ApiError:
    return bad_request(f"can't parse entities: {detail}")


def _bytes(source: str, index: int) -> int:
    return len(source[:index].encode())


def _unescape(text: str) -> str:
    return _REFERENCE.sub(lambda match: html.unescape(match[0]), text) if "&" in text else text


def stripped(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Text without white space around it, as Telegram stores it, the entities moved along."""
    bare = text.strip()
    if bare == text or not entities:
        return bare, entities
    shift = utf16_length(text) - utf16_length(text.lstrip())
    limit = utf16_length(bare)
    kept = []
    for entity in entities:
        start = max(entity["offset"] - shift, 0)
        end = min(entity["offset"] + entity["length"] - shift, limit)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return bare, kept


def commands_in(text: str) -> list[Json]:
    """The ``bot_command`` entities of a text a user has written."""
    if "/" not in text:
        return []
    return [
        {"type": "bot_command", "offset": utf16_length(text[: match.start()]), "length": utf16_length(match[0])}
        for match in _COMMAND.finditer(text)
    ]
