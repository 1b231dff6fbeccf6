"""The dashboards' files are those of the code, every panel can be read, and asks for what somebody exports."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from dashboards import BOARDS
from dashboards.__main__ import FOLDER, main
from dashboards.asking import Question, questions, span_of
from grafana_double import start
from promql import known_metrics, metrics_of, rule_files

REPOSITORY = Path(__file__).resolve().parents[2]
ROLE = REPOSITORY / "roles" / "grafana"
UIDS = {"kbju-overview", "kbju-bot", "kbju-postgres", "kbju-nas", "kbju-backups"}
# What the pinned exporters of others export, as far as dashboards ask for it. The test of the deployed stack sees them.
FROM_OTHERS = set(
    """
    nginx_connections_active nginx_connections_waiting nginx_http_requests_total
    node_boot_time_seconds node_cpu_seconds_total node_disk_io_time_seconds_total node_disk_read_bytes_total
    node_disk_written_bytes_total node_load1 node_load15
    node_memory_MemAvailable_bytes node_memory_MemFree_bytes node_memory_MemTotal_bytes
    node_network_receive_bytes_total node_network_transmit_bytes_total
    pg_database_size_bytes pg_locks_count pg_settings_max_connections pg_stat_activity_count
    pg_stat_activity_max_tx_duration pg_stat_database_blks_hit pg_stat_database_blks_read pg_stat_database_deadlocks
    pg_stat_database_numbackends pg_stat_database_temp_bytes pg_stat_database_tup_deleted
    pg_stat_database_tup_fetched pg_stat_database_tup_inserted pg_stat_database_tup_updated
    pg_stat_database_xact_commit pg_stat_database_xact_rollback pg_stat_user_tables_n_dead_tup
    pg_stat_user_tables_n_live_tup pg_up
    probe_duration_seconds probe_ssl_earliest_cert_expiry probe_success
    """.split()  # noqa: SIM905  # a list of sixty quoted names is harder to read
)
# Answers of Prometheus that are a table show what stands in their labels, and no number.
WITHOUT_NUMBER = {"table"}


def image(key: str) -> str:
    """Return the reference of an image of the list."""
    row = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))["kbju_images"][key]
    return f"{row['name']}:{row['tag']}"


def deployed() -> list[dict[str, Any]]:
    """Return the dashboards as they are deployed."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(FOLDER.glob("*.json"))]


def panels() -> list[Any]:
    """Return every panel that shows something, with its dashboard."""
    return [
        pytest.param(board, panel, id=f"{board['uid']}: {panel['title']}")
        for board in deployed()
        for panel in board["panels"]
        if panel["type"] != "row"
    ]


def asked() -> list[Question]:
    """Return every query of every dashboard."""
    return [question for board in deployed() for question in questions(board, span_of(board))]


def test_the_files_are_those_of_the_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dashboards.__main__.FOLDER", tmp_path)

    main()

    written = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    committed = {file.name: file.read_bytes() for file in FOLDER.iterdir()}
    assert set(written) == set(committed)
    different = [name for name in written if written[name] != committed[name]]
    assert different == [], "molecule/local/dashboards writes them anew"


def test_the_role_deploys_every_file() -> None:
    tasks = yaml.safe_load((ROLE / "tasks/main.yml").read_text(encoding="utf-8"))
    placed = {file["copy"].removeprefix("dashboards/") for file in tasks[0]["place_files"]["files"] if "copy" in file}

    assert placed == {file.name for file in FOLDER.iterdir()}


def test_the_dashboards_are_those_that_alerts_and_links_name() -> None:
    assert {board["uid"] for board in deployed()} == UIDS


def test_every_alert_names_a_dashboard_that_there_is() -> None:
    for place, file in rule_files().items():
        for group in yaml.safe_load(file.read_text(encoding="utf-8"))["groups"]:
            for rule in group["rules"]:
                if "alert" in rule and rule.get("labels", {}).get("severity") != "none":
                    assert rule["annotations"]["dashboard"] in UIDS, f"{place}: {rule['alert']}"


@pytest.mark.parametrize(("board", "panel"), panels())
def test_a_panel_says_what_it_shows(board: dict[str, Any], panel: dict[str, Any]) -> None:
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert re.fullmatch(r"[A-Z0-9].{20,}\.", panel["description"]), panel["description"]
    assert panel["targets"]
    for target in panel["targets"]:
        assert target["expr"]
        assert panel["type"] in WITHOUT_NUMBER or target["legendFormat"] != "__auto", "a series wants a name"


@pytest.mark.parametrize("board", deployed(), ids=lambda board: board["uid"])
def test_panels_have_a_place_and_an_id_of_their_own(board: dict[str, Any]) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    places = [(panel["title"], panel["gridPos"]) for panel in board["panels"]]

    assert len(ids) == len(set(ids))
    for (one, first), (other, second) in itertools.combinations(places, 2):
        apart = (
            first["x"] + first["w"] <= second["x"]
            or second["x"] + second["w"] <= first["x"]
            or first["y"] + first["h"] <= second["y"]
            or second["y"] + second["h"] <= first["y"]
        )
        assert apart, f"{one} lies on {other}"
    assert all(place["x"] + place["w"] <= 24 for _, place in places)


@pytest.mark.parametrize("board", deployed(), ids=lambda board: board["uid"])
def test_no_two_panels_of_a_dashboard_have_one_title(board: dict[str, Any]) -> None:
    titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]

    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("board", deployed(), ids=lambda board: board["uid"])
def test_no_line_of_panels_has_a_hole(board: dict[str, Any]) -> None:
    """Each line is as wide as the page, and below each panel the next one begins."""
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        place = panel["gridPos"]
        taken |= set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
    height = max(y for _, y in taken) + 1

    assert len(taken) == 24 * height, sorted(set(itertools.product(range(24), range(height))) - taken)[:5]


@pytest.mark.parametrize("board", deployed(), ids=lambda board: board["uid"])
def test_dashboards_lead_to_each_other_and_show_alerts(board: dict[str, Any]) -> None:
    (link,) = board["links"]
    (annotation,) = board["annotations"]["list"]

    assert (link["type"], link["tags"]) == ("dashboards", ["kbju"])
    assert "kbju" in board["tags"]
    assert metrics_of(annotation["expr"]) == {"ALERTS"}
    assert annotation["enable"] is True
    assert board["editable"] is False


@pytest.mark.parametrize("board", deployed(), ids=lambda board: board["uid"])
def test_every_series_that_is_asked_for_is_exported(board: dict[str, Any]) -> None:
    known = known_metrics() | FROM_OTHERS
    expressions = {question.expr for question in questions(board, span_of(board))}
    for variable in board["templating"].get("list", []):
        expressions.add(re.fullmatch(r"label_values\((\w+), \w+\)", variable["query"]).group(1))  # type: ignore[union-attr]

    unknown = {name for expression in expressions for name in metrics_of(expression)} - known

    assert unknown == set(), "nobody exports it: was a metric renamed?"


def test_what_others_export_is_asked_for() -> None:
    """The list above holds nothing else: a name that nobody asks for proves nothing."""
    names = {name for question in asked() for name in metrics_of(question.expr)}

    assert names >= FROM_OTHERS


def test_a_reason_for_an_empty_answer_is_a_sentence() -> None:
    queries = [query for board in BOARDS for row in board.rows for panel in row.panels for query in panel.queries]
    reasons = {query.empty for query in queries}

    assert all(len(reason) > 15 for reason in reasons - {""}), reasons


def test_promtool_takes_every_query(tmp_path: Path) -> None:
    # Each by a name of its own: the error names the panel, and equal ones are nothing to warn of.
    rules = [{"record": f"query{number}", "expr": question.expr} for number, question in enumerate(asked())]
    groups = [
        {"name": f"{question.dashboard} {question.number} {question.panel} {question.ref}", "rules": [rule]}
        for question, rule in zip(asked(), rules, strict=True)
    ]
    (tmp_path / "rules.yml").write_text(yaml.safe_dump({"groups": groups}), encoding="utf-8")
    tmp_path.chmod(0o755)
    mount = f"--volume={tmp_path}:/rules:ro"
    command = ["docker", "run", "--rm", "--network=none", mount, "--entrypoint=promtool", image("prometheus")]

    checked = subprocess.run(
        [*command, "check", "rules", "/rules/rules.yml"], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stderr
    assert f"{len(groups)} rules found" in checked.stdout


def test_grafana_takes_what_is_deployed(tmp_path: Path) -> None:
    """Its contract double refuses what Grafana would refuse, or would show with holes."""
    label = ["docker", "image", "inspect", "--format", '{{index .Config.Labels "io.kbju.contract-double"}}']
    if "grafana" not in subprocess.run([*label, image("grafana")], capture_output=True, text=True, check=True).stdout:
        pytest.skip("the real Grafana is here; it is asked when the stack is deployed")
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text(encoding="utf-8"))
    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(ROLE / "templates"), autoescape=False)  # noqa: S701
    for name in ("datasources/prometheus.yml", "datasources/alertmanager.yml", "dashboards/files.yml"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        template = templates.get_template(f"provisioning/{name}.j2")
        file.write_text(template.render(ansible_managed="managed", **defaults), encoding="utf-8")
    tmp_path.chmod(0o755)
    compose = (ROLE / "templates/compose.yml.j2").read_text(encoding="utf-8")
    home = re.search(r"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH: (\S+)", compose)
    assert home
    settings = ["--env=GF_SECURITY_ADMIN_PASSWORD=a-password"]
    settings.append(f"--env=GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH={home.group(1)}")
    mounts = [f"--volume={tmp_path}:/etc/grafana/provisioning:ro", f"--volume={FOLDER}:/etc/grafana/dashboards:ro"]

    _, said = start(image("grafana"), [*mounts, *settings])

    assert f"2 data sources, {len(UIDS)} dashboards" in said, said
