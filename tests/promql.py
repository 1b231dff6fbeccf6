"""Which series PromQL asks for, and which series there are: a query that names what nobody exports answers nothing."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml

from kbju_bot.metrics import Metrics

ROLES = Path(__file__).resolve().parents[1] / "roles"
EXPORTED = Path(__file__).resolve().parent / "rules" / "exported"
# What Prometheus itself adds for each target, each alert.
ADDED_BY_PROMETHEUS = {
    "ALERTS",
    "ALERTS_FOR_STATE",
    "scrape_duration_seconds",
    "scrape_samples_post_metric_relabeling",
    "scrape_samples_scraped",
    "scrape_series_added",
    "up",
}
_TOKEN = re.compile(
    r"""
      (?P<ignored> \s+ | \#[^\n]* )
    | (?P<string> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | `[^`]*` )
    | (?P<variable> \$\{\w+(?::\w+)?\} | \$\w+ | \[\[\w+\]\] )
    | (?P<name> [A-Za-z_:][A-Za-z0-9_:]* )
    | (?P<number> (?:\d|\.\d)[\w.]* )
    | (?P<operator> =~ | !~ | != | == | >= | <= | [-+*/%^<>=(){}\[\],:@] )
    """,
    re.VERBOSE,
)
# Words that stand where a metric's name could; `by` and its like are told apart by what they are followed by.
_WORDS = {"and", "or", "unless", "bool", "offset", "atan2", "inf", "nan", "start", "end"}
_GROUPINGS = {"by", "without", "on", "ignoring", "group_left", "group_right"}
_NAME = re.compile(r"[A-Za-z_:][A-Za-z0-9_:]*")


def metrics_of(expression: str) -> set[str]:
    """Return the names of the series that a PromQL expression selects. Grafana's variables may stand in it.

    Raises:
        ValueError: it is no PromQL, or which names it selects can't be told (a variable or a pattern within a name).
    """
    tokens = _tokens(expression)
    found: set[str] = set()
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1][1] if position + 1 < len(tokens) else ""
        if kind == "name" and text.lower() in _GROUPINGS:
            # group_left may stand without labels.
            position = _after(tokens, position + 1, ")") if following == "(" else position + 1
        elif text == "{":
            end = _after(tokens, position, "}")
            found |= _named_inside(tokens[position + 1 : end - 1], expression)
            position = end
        elif text == "[":
            position = _after(tokens, position, "]")
        else:
            # Before a parenthesis, or before `by`, it is a function.
            is_function = following == "(" or following.lower() in {"by", "without"}
            if kind == "name" and not is_function and text.lower() not in _WORDS:
                found.add(text)
            position += 1
    return found


def known_metrics() -> set[str]:
    """Return the names of all series that our own programs export, our rules record and Prometheus adds.

    What exporters of others export is not among them.
    """
    names = bot_metrics() | recorded_metrics() | container_metrics() | healer_metrics() | ADDED_BY_PROMETHEUS
    for text in (_backup_metrics(), _boot_metrics(), _certificate_metrics(), _clock_metrics()):
        names |= exported(text)
    return names


def metrics_of_exporters() -> set[str]:
    """Return the names of the series that exporters of others export, as read from the images that are deployed."""
    return {name for file in EXPORTED.glob("*.txt") for name in file.read_text(encoding="utf-8").split()}


def bot_metrics() -> set[str]:
    """Return the names of the series that the bot exports, those included that appear with the first event only."""
    forms = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "summary": ("", "_sum", "_count")}
    families = Metrics().registry.collect()
    return {family.name + end for family in families for end in forms.get(family.type, ("",))}


def recorded_metrics() -> set[str]:
    """Return the names that our rules record."""
    groups = (group for file in rule_files().values() for group in yaml.safe_load(file.read_text("utf-8"))["groups"])
    return {rule["record"] for group in groups for rule in group["rules"] if "record" in rule}


def rule_files() -> dict[str, Path]:
    """Return the files of rules that roles bring, by `ROLE/FILE`."""
    found = {}
    for file in sorted(ROLES.glob("*/templates/**/*.yml")):
        content: Any = yaml.safe_load(file.read_text(encoding="utf-8"))
        if isinstance(content, dict) and "groups" in content:
            found[f"{file.relative_to(ROLES).parts[0]}/{file.name}"] = file
    return found


def exported(text: str) -> set[str]:
    """Return the names of the series in a text in Prometheus's format."""
    return {match.group() for line in text.splitlines() if (match := _NAME.match(line))}


def container_metrics() -> set[str]:
    """Return the names of the series about containers."""
    return set(_program("container_metrics", "container_report").HELP)


def healer_metrics() -> set[str]:
    """Return the names of the series about what was helped."""
    return set(_program("healer", "heal_memory").HELP)


def _tokens(expression: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    position = last_end = 0
    while position < len(expression):
        match = _TOKEN.match(expression, position)
        if match is None or match.lastgroup is None:
            raise ValueError(f"this is no PromQL from {expression[position:]!r} on: {expression}")
        kind = match.lastgroup
        if kind != "ignored":
            # Side by side, without a space: the variable is a part of the name.
            joined = found and position == last_end and {kind, found[-1][0]} == {"variable", "name"}
            if joined:
                raise ValueError(f"a variable within a name, {found[-1][1]}{match.group()}: {expression}")
            found.append((kind, match.group()))
            last_end = match.end()
        position = match.end()
    return found


def _after(tokens: list[tuple[str, str]], position: int, closing: str) -> int:
    """Return the position after the next `closing` operator; inside strings it does not count."""
    for index in range(position, len(tokens)):
        if tokens[index] == ("operator", closing):
            return index + 1
    raise ValueError(f"{closing} is missing in {' '.join(text for _, text in tokens)}")


def _named_inside(matchers: list[tuple[str, str]], expression: str) -> set[str]:
    """Return the names that matchers on __name__ select."""
    found: set[str] = set()
    for index, (_, text) in enumerate(matchers):
        if text != "__name__":
            continue
        operator, value = matchers[index + 1][1], matchers[index + 2][1].strip("\"'`")
        names = value.split("|") if operator == "=~" else [value]
        if operator not in {"=", "=~"} or not all(_NAME.fullmatch(name) for name in names):
            raise ValueError(f"which names __name__{operator}{value!r} selects can't be told: {expression}")
        found |= set(names)
    return found


def _program(role: str, module: str) -> ModuleType:
    folder = str(ROLES / role / "templates")
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(module)


def _backup_metrics() -> str:
    manifest = {
        "kind": "nightly",
        "schema_revision": "1",
        "tables": {"public.users": {"rows": 1}},
        "files": {"database.dump": 1},
        "proven": True,
        "durations": {"dump": 1.0},
    }
    backup = _program("hyper_backup", "kbju_backup.store").Backup(Path("2026-01-31T003000Z"), manifest)
    results = {
        "run": {"at": 1.0, "code": 0, "failed": "proof", "seconds": {"dump": 1.0}},
        "hyper_backup": {"at": 1.0, "result": "success", "succeeded": 1.0},
    }
    return str(_program("hyper_backup", "kbju_backup.reporting").metrics([backup], results, True))


def _certificate_metrics() -> str:
    files = _program("certbot", "certificate_files")
    certificate = files.Certificate("1", "subject", "issuer", ("example.org",), 0.0, 1.0)
    return str(files.metrics(certificate, 1.0, 1.0, False))


def _clock_metrics() -> str:
    return str(_program("prometheus", "compare_clock").metrics(0.0, 1.0))


def _boot_metrics() -> str:
    """Have the boot script bring up a stack whose engine says yes to everything, and return what it has noted."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for folder in ("bin", "logs", "metrics"):
            (root / folder).mkdir()
        (root / "bin" / "boot").write_bytes((ROLES / "boot" / "templates" / "boot.sh").read_bytes())
        settings = f"root={root}\ndocker=true\nproject=none\nengine_timeout=1\nstack_timeout=1\nattempts=1\n"
        (root / "bin" / "boot.conf").write_text(settings, encoding="utf-8")
        subprocess.run(["bash", str(root / "bin" / "boot")], check=True, timeout=30)
        return (root / "metrics" / "boot.prom").read_text(encoding="utf-8")
