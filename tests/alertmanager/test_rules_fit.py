"""The alert rules and what Alertmanager makes of them belong together: names, labels, and which of two comes first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from alertmanager.faults import FAULTS, Fault

REPOSITORY = Path(__file__).resolve().parents[2]
ROLES = REPOSITORY / "roles"


def rules() -> dict[str, dict[str, Any]]:
    """Return the alert rules of all roles by name."""
    found: dict[str, dict[str, Any]] = {}
    for path in ROLES.glob("*/templates/*.yml"):
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in loaded.get("groups", []) if isinstance(loaded, dict) else []:
            found |= {rule["alert"]: rule for rule in group["rules"] if "alert" in rule}
    return found


RULES = rules()


def seconds(text: str | int | None) -> int:
    """Return a duration of Prometheus's, such as 1m30s, in seconds."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([smhd])", str(text or "")))


def test_every_alert_has_a_russian_title_and_every_title_an_alert() -> None:
    words = yaml.safe_load((ROLES / "alertmanager/vars/main.yml").read_text(encoding="utf-8"))
    titles = set(words["alertmanager_russian_titles"])

    assert set(RULES) - {"Watchdog"} - titles == set()
    assert not RULES or titles - set(RULES) == set()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_the_faults_are_made_of_alerts_as_the_rules_raise_them(fault: Fault) -> None:
    for one in fault.alerts:
        name = one["labels"]["alertname"]
        if RULES:
            wanted = {key: one["labels"][key] for key in ("severity", "service")}
            assert RULES[name]["labels"] == wanted, name


# With these many others end, each at a moment of its own.
LASTING = {"PostgresDown", "BotDown", "NginxDown", "TelegramUnreachable"}
# ... and these are both: echoes of the former, and causes of what the bot asks once a minute or has to work off.
BETWEEN = {"BotDatabaseUnreachable", "HttpsProbeFailing", "BotTelegramUnreachable"}
# How long, in seconds, an expression waits itself before `for` begins.
WAITS = {"BotOutboxStuck": 300}


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if len(fault.told) == 1], ids=lambda fault: fault.what)
def test_a_cause_fires_no_later_than_its_echoes_and_longer(fault: Fault) -> None:
    """Inhibition has no memory: a page that is there before its cause, or outlives it, is told as a second one."""
    cause = RULES.get(fault.told[0], {})
    for one in fault.alerts:
        name = one["labels"]["alertname"]
        # Of a burn rate the rules look themselves whether an outage has just been told.
        if name not in RULES or name == fault.told[0] or one["labels"]["severity"] != "page" or "Burns" in name:
            continue
        echo = RULES[name]
        assert seconds(cause.get("for")) <= seconds(echo.get("for")) + WAITS.get(name, 0), name
        if fault.told[0] in LASTING | BETWEEN and name not in LASTING and {fault.told[0], name} - BETWEEN:
            assert seconds(cause.get("keep_firing_for")) >= seconds(echo.get("keep_firing_for")) + 90, name
