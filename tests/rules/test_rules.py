"""Alerts: each is sound, tested and explained, and asks for what somebody exports."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

import promql

REPOSITORY = Path(__file__).resolve().parents[2]
TESTS = sorted(path.name for path in Path(__file__).parent.glob("*.test.yml"))
RUNBOOK = REPOSITORY / "docs" / "runbook"
SEVERITIES = {"page", "ticket", "none"}
SERVICES = {
    "alertmanager",
    "backup",
    "bot",
    "certificate",
    "containers",
    "grafana",
    "nas",
    "nginx",
    "postgres",
    "prometheus",
    "telegram",
}
DASHBOARDS = {"kbju-overview", "kbju-bot", "kbju-postgres", "kbju-nas", "kbju-backups"}
LONGEST_PAGE = 60

RULE_FILES = promql.rule_files()
RULES = [
    rule
    for file in RULE_FILES.values()
    for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
# The alert that always fires proves that alerts arrive; it has no value and never resolves.
PROBLEMS = {name: rule for name, rule in ALERTS.items() if rule["labels"]["severity"] != "none"}


@pytest.fixture(scope="session")
def promtool() -> dict[str, str]:
    """Have promtool look at every file, in one container of the deployed image; return what it says, by file."""
    images = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))["kbju_images"]
    image = f"{images['prometheus']['name']}:{images['prometheus']['tag']}"
    commands = [f"check rules {file.relative_to(REPOSITORY)}" for file in RULE_FILES.values()]
    commands += [f"test rules tests/rules/{name}" for name in TESTS]
    script = "".join(f"echo '@@ {one}'; promtool {one} 2>&1 || echo FAILED\n" for one in commands)
    mounts = [f"--volume={REPOSITORY / name}:/repository/{name}:ro" for name in ("roles", "tests/rules")]
    command = ["docker", "run", "--rm", "--network=none", *mounts, "--workdir=/repository", "--entrypoint=sh", image]
    done = subprocess.run([*command, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    said = dict(part.split("\n", 1) for part in done.stdout.split("@@ ")[1:])
    return {command.split()[-1]: text for command, text in said.items()}


@pytest.mark.parametrize("name", RULE_FILES)
def test_promtool_takes_the_rules(promtool: dict[str, str], name: str) -> None:
    said = promtool[str(RULE_FILES[name].relative_to(REPOSITORY))]

    assert "SUCCESS" in said
    assert "FAILED" not in said, said


@pytest.mark.parametrize("name", TESTS)
def test_the_rules_do_what_their_tests_expect(promtool: dict[str, str], name: str) -> None:
    said = promtool[f"tests/rules/{name}"]

    assert "SUCCESS" in said, said
    assert "FAILED" not in said, said


def test_every_alert_has_a_name_of_its_own() -> None:
    names = [rule["alert"] for rule in RULES if "alert" in rule]

    assert sorted(names) == sorted(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_says_how_urgent_it_is_what_it_means_and_where_to_look(name: str) -> None:
    labels, annotations = ALERTS[name]["labels"], ALERTS[name]["annotations"]

    assert set(labels) == {"severity", "service"}
    assert labels["severity"] in SEVERITIES
    assert labels["service"] in SERVICES
    assert set(annotations) == {"summary", "description", "dashboard"}
    assert annotations["dashboard"] in DASHBOARDS
    assert annotations["description"].strip()
    assert "\n" not in annotations["summary"].strip(), "a summary is one line"


@pytest.mark.parametrize("name", PROBLEMS)
def test_a_summary_tells_how_much_or_which(name: str) -> None:
    summary = PROBLEMS[name]["annotations"]["summary"]

    assert re.search(r"\{\{.*\$(value|labels\.\w+).*\}\}", summary), summary


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_alert_is_seen_firing_and_resolving(name: str) -> None:
    checks = checks_of(f"{name}: fires and resolves", name)
    fired = [at for at, alerts in checks if alerts]
    quiet = [at for at, alerts in checks if not alerts]

    assert fired, "no check expects it"
    assert max(quiet, default=0) > max(fired), "no check expects it to be over"
    if "for" in PROBLEMS[name]:
        assert min(quiet) < min(fired), "no check expects it to be pending"


@pytest.mark.parametrize("name", PROBLEMS)
def test_every_alert_is_seen_silent_just_below(name: str) -> None:
    checks = checks_of(f"{name}: not just below", name)

    assert checks
    assert [at for at, alerts in checks if alerts] == []


def test_every_alert_has_a_page_in_the_runbook_and_every_page_an_alert() -> None:
    pages = {path.stem for path in RUNBOOK.glob("*.md")} - {"README"}
    procedures = {page for page in pages if page.islower()}

    assert pages - procedures == set(ALERTS)
    # Those of procedures are written small, and the list has each.
    text = (RUNBOOK / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(([a-z-]+)\.md\)", text)) == procedures


def test_the_runbooks_list_has_every_page_once() -> None:
    text = (RUNBOOK / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^- \[(\w+)\]\((\w+)\.md\): \S", text, flags=re.MULTILINE)

    assert sorted(listed) == sorted((name, name) for name in ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_a_page_says_what_it_means_what_to_look_at_what_to_do_and_when_it_is_over(name: str) -> None:
    lines = (RUNBOOK / f"{name}.md").read_text(encoding="utf-8").splitlines()

    assert lines[0] == f"# {name}"
    assert len([line for line in lines if line.startswith("## ")]) >= 3
    assert len(lines) <= LONGEST_PAGE


@pytest.mark.parametrize("page", sorted(RUNBOOK.glob("*.md")), ids=lambda page: page.stem)
def test_what_a_page_sends_one_to_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)", text)
    playbooks = re.findall(r"\bplaybooks/\w+\.yml", text)
    programs = re.findall(r"(?:/volume1/docker/kbju-bot-prod|\$K)/bin/([\w-]+)", text)

    assert [link for link in links if not (RUNBOOK / link).exists()] == []
    assert [playbook for playbook in playbooks if not (REPOSITORY / playbook).is_file()] == []
    assert set(programs) - programs_on_the_nas() == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_asks_for_what_somebody_exports(rule: dict[str, Any]) -> None:
    assert promql.metrics_of(str(rule["expr"])) - everything_exported() == set()


@cache
def everything_exported() -> set[str]:
    return promql.known_metrics() | promql.metrics_of_exporters()


@cache
def programs_on_the_nas() -> set[str]:
    """Return the names of what roles put into the project's bin."""
    tasks = (file.read_text(encoding="utf-8") for file in (REPOSITORY / "roles").glob("*/tasks/*.yml"))
    return {name for text in tasks for name in re.findall(r"\bbin/([\w-]+)(?=[\",'])", text)}


@cache
def groups() -> dict[str, dict[str, Any]]:
    """Return the groups of all test files by their names."""
    found: dict[str, dict[str, Any]] = {}
    for name in TESTS:
        for group in yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))["tests"]:
            assert group.get("name") not in found, f"two test groups are called {group['name']!r}"
            found[group.get("name", name)] = group
    return found


def checks_of(group: str, alert: str) -> list[tuple[float, list[Any]]]:
    """Return when a test group looks at an alert, in seconds, and what it expects there."""
    assert group in groups(), f"no file in tests/rules has a group {group!r}"
    rows = [row for row in groups()[group]["alert_rule_test"] if row["alertname"] == alert]
    return [(seconds(row["eval_time"]), row.get("exp_alerts") or []) for row in rows]


def seconds(duration: str) -> float:
    """Return the seconds of a duration as Prometheus writes it, such as 1h30m."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000}
    return sum(float(count) * units[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdwy])", duration))
