"""Photos and documents, and getting them back."""

from __future__ import annotations

from typing import Any

from ..chats import Message
from ..errors import bad_request
from ..files import StoredFile
from ..images import scaled, size_of
from ..markup import check as check_markup
from ..params import Upload
from .messages import formatted, reply_target
from .registry import Call, method

_MAX_CAPTION = 1024
_MAX_PHOTO = 10 * 1024 * 1024
_MAX_DOCUMENT = 50 * 1024 * 1024
_MAX_DOWNLOAD = 20 * 1024 * 1024
_SIDES = (90, 320, 800)


@method("sendPhoto")
async def send_photo(call: Call) -> Any:
    """Send a picture; it is stored in several sizes that differ in what they claim, not in content."""
    chat = call.chat()
    source = _source(call, "photo")
    if isinstance(source, StoredFile):
        sizes = _sizes_again(call, source)
    else:
        if len(source.content) > _MAX_PHOTO:
            raise bad_request("file is too big")
        size = size_of(source.content)
        if size is None:
            raise bad_request("IMAGE_PROCESS_FAILED")
        if sum(size) > 10_000 or max(size) > 20 * min(size):
            raise bad_request("PHOTO_INVALID_DIMENSIONS")
        steps = [scaled(size, side) for side in _SIDES if side < max(size)]
        sizes = [call.bot.files.add("photo", source.name, source.content, one) for one in [*steps, size]]
    return _send(call, call.bot.new_message(kind="photo", photo=sizes, reply_to=reply_target(call, chat)))


@method("sendDocument")
async def send_document(call: Call) -> Any:
    """Send a file as it is."""
    chat = call.chat()
    source = _source(call, "document")
    if isinstance(source, Upload):
        if len(source.content) > _MAX_DOCUMENT:
            raise bad_request("file is too big")
        source = call.bot.files.add("document", source.name, source.content)
    return _send(call, call.bot.new_message(kind="document", document=source, reply_to=reply_target(call, chat)))


def _send(call: Call, message: Message) -> Any:
    message.text, message.entities = formatted(call.params, "caption", "caption_entities")
    if len(message.text) > _MAX_CAPTION:
        raise bad_request("message caption is too long")
    message.markup = check_markup(call.params.json("reply_markup"))
    return call.bot.send(call.chat(), message)


def _source(call: Call, kind: str) -> Upload | StoredFile:
    upload = call.params.files.get(kind)
    reference = call.params.text(kind)
    if upload is None and reference and reference.startswith("attach://"):
        upload = call.params.files.get(reference.removeprefix("attach://"))
    if upload is not None:
        if not upload.content:
            raise bad_request("file must be non-empty")
        return upload
    if not reference:
        raise bad_request(f"there is no {kind} in the request")
    if "://" in reference:
        # A stand-in that fetched from anywhere would make tests depend on the outside world.
        raise bad_request("failed to get HTTP URL content")
    stored = call.bot.files.by_id(reference)
    if stored is None:
        raise bad_request("wrong file identifier/HTTP URL specified")
    if stored.kind != kind:
        raise bad_request(f"can't use file of type {stored.kind.capitalize()} as {kind.capitalize()}")
    return stored


def _sizes_again(call: Call, stored: StoredFile) -> list[StoredFile]:
    files = call.bot.files
    size = (stored.width, stored.height)
    steps = [scaled(size, side) for side in _SIDES if side < max(size)]
    return [*(files.add("photo", stored.name, stored.content, one) for one in steps), stored]


@method("getFile")
async def get_file(call: Call) -> Any:
    """Where a file can be downloaded."""
    file_id = call.params.text("file_id")
    if not file_id:
        raise bad_request("file_id not specified")
    stored = call.bot.files.by_id(file_id)
    if stored is None:
        raise bad_request("invalid file_id")
    if len(stored.content) > _MAX_DOWNLOAD:
        raise bad_request("file is too big")
    return stored.file()
