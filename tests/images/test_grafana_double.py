"""Grafana's contract double refuses what Grafana would refuse. Not run where the real image has been pulled."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from grafana_double import start

REPOSITORY = Path(__file__).resolve().parents[2]
PROVIDER = {"apiVersion": 1, "providers": [{"name": "files", "options": {"path": "/etc/grafana/dashboards"}}]}
SOURCE: dict[str, Any] = {
    "apiVersion": 1,
    "datasources": [{"name": "Prometheus", "uid": "prometheus", "type": "prometheus"}],
}


def grafana() -> str:
    image = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))["kbju_images"]
    return f"{image['grafana']['name']}:{image['grafana']['tag']}"


def is_double() -> bool:
    label = '{{index .Config.Labels "io.kbju.contract-double"}}'
    command = ["docker", "image", "inspect", "--format", label, grafana()]
    return "grafana" in subprocess.run(command, capture_output=True, text=True, check=True).stdout


def panel(expression: str = "up", source: str = "prometheus", number: int = 1, **more: object) -> dict[str, object]:
    return {
        "id": number,
        "type": "timeseries",
        "title": "Targets",
        "datasource": {"uid": source},
        "gridPos": {"h": 8, "w": 12, "x": 0, "y": 0},
        "targets": [{"refId": "A", "expr": expression}],
        **more,
    }


class Provisioning:
    """A provisioning folder to start the double with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.write("provisioning/datasources/prometheus.yml", yaml.safe_dump(SOURCE))
        self.write("provisioning/dashboards/files.yml", yaml.safe_dump(PROVIDER))
        self.board(panel())

    def write(self, path: str, content: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(content, encoding="utf-8")

    def board(self, *panels: dict[str, object]) -> None:
        self.write("dashboards/one.json", json.dumps({"uid": "one", "title": "One", "panels": panels}))

    def start(self, *environment: str) -> tuple[bool, str]:
        """Return whether the double takes the files, and what it says."""
        mounts = [f"--volume={self.folder}/{name}:/etc/grafana/{name}:ro" for name in ("provisioning", "dashboards")]
        variables = [f"--env={one}" for one in (environment or ["GF_SECURITY_ADMIN_PASSWORD=a-password"])]
        return start(grafana(), [*mounts, *variables])


@pytest.fixture
def provisioning(tmp_path: Path) -> Provisioning:
    if not is_double():
        pytest.skip("the real Grafana is here; its double is not needed")
    return Provisioning(tmp_path)


def test_it_starts_with_good_files_and_says_what_it_is(provisioning: Provisioning) -> None:
    _, said = provisioning.start()

    assert "this is a stand-in, not Grafana" in said
    assert "1 data sources, 1 dashboards" in said


def test_a_file_that_does_not_parse(provisioning: Provisioning) -> None:
    provisioning.write("provisioning/datasources/bad.yml", "datasources: [")

    assert "bad.yml: can't be parsed" in refusal(provisioning)


def test_a_missing_dashboard_folder(provisioning: Provisioning) -> None:
    provider = {"providers": [{"name": "gone", "options": {"path": "/etc/grafana/gone"}}]}
    provisioning.write("provisioning/dashboards/gone.yml", yaml.safe_dump(provider))

    assert "no such folder: /etc/grafana/gone" in refusal(provisioning)


def test_a_data_source_that_no_file_provisions(provisioning: Provisioning) -> None:
    provisioning.board(panel(source="loki"))

    assert "data source 'loki' is provisioned by no file" in refusal(provisioning)


def test_a_query_that_is_no_promql(provisioning: Provisioning) -> None:
    folded = panel(number=2, type="row", targets=[], panels=[panel("sum(rate(up[5m])", number=3)])
    provisioning.board(panel(), folded)

    assert "promtool rejects the query" in refusal(provisioning)


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"type": "graph-of-mine"}, "Panel plugin not found: graph-of-mine"),
        ({"id": None}, "has no id"),
        ({"gridPos": {"h": 8, "w": 12, "x": 0}}, "gridPos wants"),
        ({"gridPos": {"h": 8, "w": 12, "x": 16, "y": 0}}, "does not fit into the grid"),
        ({"targets": []}, "asks for nothing"),
        ({"targets": [{"refId": "A", "expr": "up"}, {"refId": "A", "expr": "up"}]}, "a refId of its own"),
        ({"targets": [{"refId": "A", "expr": ""}]}, "has no expr"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_panel_that_grafana_can_not_draw(provisioning: Provisioning, fault: dict[str, object], words: str) -> None:
    provisioning.board({**panel(), **fault})

    assert words in refusal(provisioning)


def test_a_panel_id_that_is_there_twice(provisioning: Provisioning) -> None:
    provisioning.board(panel(number=7), panel(number=7))

    assert "the panel id 7 is there twice" in refusal(provisioning)


def test_two_dashboards_with_one_uid(provisioning: Provisioning) -> None:
    board = {"uid": "one", "title": "Another", "panels": []}
    provisioning.write("dashboards/other.json", json.dumps(board))

    assert "is another's" in refusal(provisioning)


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ({"name": "Second", "uid": "second", "type": "prometheus", "isDefault": True}, "Only one datasource"),
        ({"name": "Prometheus", "uid": "second", "type": "prometheus"}, "'Prometheus' is provisioned twice"),
        ({"name": "Alertmanager", "uid": "alertmanager", "type": "alertmanager"}, "jsonData.implementation"),
    ],
    ids=["default", "name", "alertmanager"],
)
def test_a_second_data_source_that_is_wrong(provisioning: Provisioning, source: dict[str, object], words: str) -> None:
    first = {**SOURCE["datasources"][0], "isDefault": True}
    provisioning.write("provisioning/datasources/prometheus.yml", yaml.safe_dump({"datasources": [first]}))
    provisioning.write("provisioning/datasources/second.yml", yaml.safe_dump({"datasources": [source]}))

    assert words in refusal(provisioning)


def test_an_alertmanager_that_no_file_provisions(provisioning: Provisioning) -> None:
    source = {**SOURCE["datasources"][0], "jsonData": {"alertmanagerUid": "gone"}}
    provisioning.write("provisioning/datasources/prometheus.yml", yaml.safe_dump({"datasources": [source]}))

    assert "alertmanagerUid 'gone' is provisioned by no file" in refusal(provisioning)


@pytest.mark.parametrize("content", [None, "{"], ids=["missing", "broken"])
def test_a_home_dashboard_that_can_not_be_shown(provisioning: Provisioning, content: str | None) -> None:
    if content is not None:
        provisioning.write("dashboards/home.txt", content)
    settings = ["GF_SECURITY_ADMIN_PASSWORD=a-password"]
    settings.append("GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH=/etc/grafana/dashboards/home.txt")

    assert "home.txt: can't be parsed" in refusal(provisioning, *settings)


def test_grafanas_variables_in_queries_are_understood(provisioning: Provisioning) -> None:
    provisioning.board(panel('sum(rate(x_total{job="$job"}[$__rate_interval]))'))

    taken, said = provisioning.start()

    assert taken, said


def test_no_admin_password(provisioning: Provisioning) -> None:
    assert "GF_SECURITY_ADMIN_PASSWORD" in refusal(provisioning, "GF_LOG_MODE=console")


def test_a_setting_given_twice(provisioning: Provisioning) -> None:
    both = ["GF_SECURITY_ADMIN_PASSWORD=a-password", "GF_SECURITY_ADMIN_PASSWORD__FILE=/etc/hostname"]

    assert "exclusive" in refusal(provisioning, *both)


def refusal(provisioning: Provisioning, *environment: str) -> str:
    taken, said = provisioning.start(*environment)
    assert not taken, said
    return said
