"""Filters over the image list of group_vars/all/images.yml and over `docker image inspect`."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_REPOSITORY = Path(__file__).resolve().parents[2]
_GENERATED = {"__pycache__", "vendor", "build", "wheels", ".pytest_cache", ".mypy_cache", ".ruff_cache"}


@functools.cache
def content_tag(folder: Path) -> str:
    """Return twelve hex digits for the names, modes and contents of the files in a folder, less what is generated."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        generated = _GENERATED & set(parts) or any(part.endswith(".egg-info") for part in parts)
        if path.is_file() and not generated:
            # Of the mode only what git keeps: two checkouts of one commit are one release.
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_mode & 0o100:o}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]


def image_reference(image: Mapping[str, str]) -> str:
    """Return name:tag of a row; the tag of an image that is ours is its version and its content."""
    content = f"-{content_tag(_REPOSITORY / image['build'])}" if image.get("build") == "bot" else ""
    return f"{image['name']}:{image['tag']}{content}"


def image_references(
    images: Mapping[str, Mapping[str, str]], digests: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return each image's reference by its key: name:tag, or name:tag@digest where a digest is given."""
    pinned = digests or {}
    unknown = sorted(set(pinned) - set(images))
    if unknown:
        raise ValueError(f"kbju_image_digests names images that kbju_images does not: {', '.join(unknown)}")
    return {key: image_reference(image) + (f"@{pinned[key]}" if key in pinned else "") for key, image in images.items()}


def image_fingerprints(inspected: str) -> dict[str, str]:
    """Return a fingerprint by tag of all images in the output of `docker image inspect`.

    An image's id is not used: engines with containerd's image store give another id to the same content. Layers and
    the settings that a container inherits are the same everywhere.
    """
    result = {}
    for image in json.loads(inspected or "[]"):
        config: dict[str, Any] = image.get("Config") or {}
        names = ("Cmd", "Entrypoint", "Env", "User", "WorkingDir", "Labels", "StopSignal")
        content = [image["RootFS"]["Layers"], [config.get(name) or None for name in names]]
        fingerprint = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        result.update(dict.fromkeys(image.get("RepoTags") or [], fingerprint))
    return result


def images_to_ship(references: list[str], here: str, there: str) -> list[str]:
    """Return the references whose content on the NAS (`there`) is absent or not that of this machine (`here`).

    Raises:
        ValueError: this machine has no such image.
    """
    ours, theirs = image_fingerprints(here), image_fingerprints(there)
    absent = [reference for reference in references if reference not in ours]
    if absent:
        raise ValueError(
            f"this machine's Docker engine has no image {', '.join(absent)}: "
            "build it with `python molecule/images/build.py`"
        )
    return [reference for reference in references if theirs.get(reference) != ours[reference]]


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"image_references": image_references, "images_to_ship": images_to_ship}
