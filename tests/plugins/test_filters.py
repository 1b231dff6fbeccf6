"""The filters of this repository."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.filter.containers import unfit_containers
from plugins.filter.images import content_tag, image_references, images_to_ship
from plugins.filter.place_files import copies_into, secret_files
from plugins.filter.preflight import memory_of, overlapping_subnets, taken_ports, unfit_secrets
from plugins.filter.prometheus import targets_not_up

REPOSITORY = Path(__file__).resolve().parents[2]


def inspected(tag: str, layers: list[str], **config: Any) -> dict[str, Any]:
    return {"RepoTags": [tag], "RootFS": {"Layers": layers}, "Config": config}


def test_a_reference_has_the_digest_where_one_is_given() -> None:
    images = {"nginx": {"name": "nginx", "tag": "1.30"}, "grafana": {"name": "grafana/grafana", "tag": "11.6.0"}}

    references = image_references(images, {"nginx": "sha256:abc"})

    assert references == {"nginx": "nginx:1.30@sha256:abc", "grafana": "grafana/grafana:11.6.0"}


def test_the_bots_tag_is_its_version_and_its_content(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src/one.py").write_text("one", encoding="utf-8")
    first = content_tag(tmp_path)
    content_tag.cache_clear()
    (tmp_path / "src/__pycache__").mkdir()
    (tmp_path / "src/__pycache__/one.pyc").write_text("generated", encoding="utf-8")
    assert content_tag(tmp_path) == first
    content_tag.cache_clear()

    (tmp_path / "src/one.py").write_text("two", encoding="utf-8")

    assert content_tag(tmp_path) != first
    bot = {"name": "kbju-bot", "tag": "1.2.3", "build": "bot"}
    content = content_tag(REPOSITORY / "bot")
    assert image_references({"bot": bot}) == {"bot": f"kbju-bot:1.2.3-{content}"}


def test_a_digest_for_an_unknown_image_is_refused() -> None:
    with pytest.raises(ValueError, match="ngnix"):
        image_references({"nginx": {"name": "nginx", "tag": "1"}}, {"ngnix": "sha256:abc"})


@pytest.mark.parametrize(
    ("there", "ship"),
    [
        ([], True),
        ([inspected("a:1", ["l1"], Cmd=["run"])], False),
        ([inspected("a:1", ["l1"], Cmd=["run"]) | {"Id": "another engine's id"}], False),
        ([inspected("a:1", ["l1"], Cmd=["run"], Env=None, User="")], False),
        ([inspected("a:1", ["l2"], Cmd=["run"])], True),
        ([inspected("a:1", ["l1"], Cmd=["walk"])], True),
        ([inspected("a:2", ["l1"], Cmd=["run"])], True),
    ],
)
def test_an_image_is_shipped_when_its_content_is_not_there(there: list[dict[str, Any]], ship: bool) -> None:
    here = json.dumps([inspected("a:1", ["l1"], Cmd=["run"])])

    assert images_to_ship(["a:1"], here, json.dumps(there)) == (["a:1"] if ship else [])


def test_an_image_that_nobody_has_built_is_told() -> None:
    with pytest.raises(ValueError, match=r"no image a:1: build it"):
        images_to_ship(["a:1"], "[]", "[]")


def test_unfit_secrets_are_named_and_never_shown() -> None:
    secrets = {"good": "x" * 12, "empty": "", "none": None, "example": "CHANGE-ME-please", "short": "abc"}

    assert unfit_secrets(secrets, "CHANGE-ME", 12) == {  # type: ignore[arg-type]  # a vault may hold a null
        "missing": ["empty", "none"],
        "example": ["example"],
        "short": ["short"],
        "malformed": [],
    }


@pytest.mark.parametrize(
    ("name", "value", "fits"),
    [
        ("vault_bot_token", "123456:" + "A" * 35, True),
        ("vault_bot_token", "123456:" + "A" * 12, False),
        ("vault_bot_token", "a token without a number", False),
        ("vault_webhook_secret", "0123456789abcdef", True),
        ("vault_webhook_secret", "base64/has+these=", False),
    ],
)
def test_secrets_must_have_the_form_that_their_user_takes(name: str, value: str, fits: bool) -> None:
    wired = yaml.safe_load((REPOSITORY / "group_vars" / "all" / "main.yml").read_text(encoding="utf-8"))

    found = unfit_secrets({name: value}, "CHANGE-ME", 12, wired["preflight_secret_patterns"])

    assert found["malformed"] == ([] if fits else [name])


WANTED = [{"port": 8443, "container": "kbju-nginx", "variable": "nginx_https_port"}]


def dsm(listeners: list[tuple[int, str]], containers: dict[str, Any] | None = None) -> dict[str, Any]:
    rows = [{"port": port, "address": "0.0.0.0", "process": process} for port, process in listeners]  # noqa: S104
    return {"listeners": rows, "containers": containers or {}}


def nginx(port: int, state: str = "running") -> dict[str, Any]:
    return {"kbju-nginx": {"ports": [8080, port], "state": state}}


def test_a_port_is_free_when_nobody_listens() -> None:
    assert taken_ports(dsm([(443, "nginx")]), WANTED) == []


def test_a_taken_port_names_its_holder_once() -> None:
    taken = taken_ports(dsm([(8443, "python3"), (8443, "python3")]), WANTED)

    assert taken == [{"problem": "port 8443 is held by python3", "variable": "nginx_https_port"}]


def test_our_own_container_may_hold_its_port() -> None:
    assert taken_ports(dsm([(8443, "docker-proxy")], nginx(8443)), WANTED) == []


def test_our_container_on_another_port_is_no_excuse() -> None:
    assert len(taken_ports(dsm([(8443, "docker-proxy")], nginx(9443)), WANTED)) == 1


def test_our_stopped_container_is_no_excuse() -> None:
    assert len(taken_ports(dsm([(8443, "python3")], nginx(8443, "exited")), WANTED)) == 1


def target(health: str, error: str = "") -> dict[str, Any]:
    return {"labels": {"job": "bot"}, "scrapeUrl": "http://bot:8000/metrics", "health": health, "lastError": error}


@pytest.mark.parametrize(
    ("targets", "said"),
    [
        ([target("up")], []),
        ([target("up"), target("down", "no route")], ["bot (http://bot:8000/metrics): down no route"]),
        ([target("unknown")], ["bot (http://bot:8000/metrics): unknown"]),
        ([], ["Prometheus has no targets"]),
    ],
)
def test_targets_that_are_not_up(targets: list[dict[str, Any]], said: list[str]) -> None:
    assert targets_not_up(json.dumps({"data": {"activeTargets": targets}})) == said


def test_an_answer_that_is_none_is_passed_on() -> None:
    assert targets_not_up("wget: server returned 503") == ["wget: server returned 503"]


OURS = {"kbju-network-edge": "172.28.240.0/25", "kbju-network-internal": "172.28.240.128/25"}


@pytest.mark.parametrize(
    ("networks", "routes", "told"),
    [
        ({}, [], []),
        # The deployed stack's own networks and their routes are no problem.
        (
            {"kbju-network-edge": ["172.28.240.0/25"]},
            [{"subnet": "172.28.240.0/25", "interface": "br-1"}, {"subnet": "192.168.1.0/24", "interface": "eth0"}],
            [],
        ),
        (
            {"others": ["172.28.0.0/16"]},
            [{"subnet": "172.28.0.0/16", "interface": "br-2"}],
            [
                "172.28.240.0/25 overlaps the Docker network others (172.28.0.0/16)",
                "172.28.240.128/25 overlaps the Docker network others (172.28.0.0/16)",
            ],
        ),
        (
            {},
            [{"subnet": "172.28.240.192/26", "interface": "tun0"}],
            ["172.28.240.128/25 overlaps 172.28.240.192/26, which the NAS reaches by tun0"],
        ),
        (
            {},
            [{"subnet": "172.28.240.0/25", "interface": "eth0"}],
            ["172.28.240.0/25 overlaps 172.28.240.0/25, which the NAS reaches by eth0"],
        ),
    ],
)
def test_overlapping_subnets(networks: dict[str, list[str]], routes: list[dict[str, str]], told: list[str]) -> None:
    assert overlapping_subnets({"docker_networks": networks, "routes": routes}, OURS) == told


def test_subnets_that_overlap_each_other_are_told_whatever_their_host_bits() -> None:
    wanted = {"kbju-network-edge": "172.28.240.5/24", "kbju-network-internal": "172.28.240.128/25"}

    (told,) = overlapping_subnets({"docker_networks": {}, "routes": []}, wanted)

    assert told.endswith("overlap each other")


def test_bridges_of_an_engine_that_does_not_answer_are_not_judged() -> None:
    routes = [{"subnet": "172.28.240.0/25", "interface": "br-0a1b2c"}]

    assert overlapping_subnets({"docker_networks": {}, "routes": routes}, OURS) == []


def test_services_that_take_turns_count_once() -> None:
    budgets = {
        "a": {"memory_mb": 100},
        "b": {"memory_mb": 50, "one_shot": False},
        "c": {"memory_mb": 30, "one_shot": True},
        "d": {"memory_mb": 40, "one_shot": True},
    }

    assert memory_of(budgets) == 190
    assert memory_of({}) == 0


def test_the_table_of_budgets_fits_the_requirement() -> None:
    table = yaml.safe_load((REPOSITORY / "group_vars/all/limits.yml").read_text(encoding="utf-8"))["kbju_budget_table"]

    assert memory_of(table) <= 3 * 1024


def test_secret_files_are_for_one_uid() -> None:
    (row,) = secret_files([{"name": "bot", "kind": "runtime", "password": "p"}], "secrets/x", 999)

    assert row == {"path": "secrets/x/bot", "content": "p", "owner": 999, "mode": "0400", "secret": True}


@pytest.mark.parametrize(
    ("state", "health", "fit"),
    [
        ("running", "healthy", True),
        ("running", None, True),
        ("running", "starting", False),
        ("running", "unhealthy", False),
        ("exited", "unhealthy", False),
        ("exited", None, False),
        ("restarting", None, False),
        ("created", None, False),
    ],
)
def test_without_a_health_check_a_container_must_run(state: str, health: str | None, fit: bool) -> None:
    containers: dict[str, dict[str, Any]] = {
        "kbju-x": {"state": state, "health": health},
        "kbju-y": {"state": "running", "health": "healthy"},
    }

    assert unfit_containers(containers) == ([] if fit else ["kbju-x"])


def test_files_are_copied_under_their_own_names() -> None:
    assert copies_into(["/repo/docs/b.md", "/repo/docs/a.md"], "runbook") == [
        {"path": "runbook/a.md", "copy": "/repo/docs/a.md"},
        {"path": "runbook/b.md", "copy": "/repo/docs/b.md"},
    ]
