"""A changed setting reaches exactly the services that it concerns, and none that its own checker rejects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from testinfra.host import Host

from alarms import Monitoring
from rehearsal import BOT, DOCKER, OURS, ROOT, deploy

# A setting, another value, and the container that has to be made anew for it; none where it is reloaded.
CHANGES: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nginx": ({"nginx_connections": 123}, set()),
    "prometheus": ({"prometheus_scrape_interval": "14s"}, set()),
    "alertmanager": ({"alertmanager_group_wait": "29s"}, set()),
    "grafana": ({"grafana_prometheus_url": "http://kbju-prometheus:9090/prometheus/"}, {"kbju-grafana"}),
    "limits": ({"kbju_budget_changes": {"kbju-blackbox": {"memory_mb": 33}}}, {"kbju-blackbox"}),
    "bot": ({"bot_log_level": "DEBUG"}, {BOT}),
}
REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "nginx": ({"nginx_max_body_size": "nonsense"}, "config/nginx/nginx.conf"),
    "prometheus": ({"prometheus_scrape_interval": "nonsense"}, "config/prometheus/prometheus.yml"),
    "alertmanager": ({"alertmanager_group_wait": "nonsense"}, "config/alertmanager/alertmanager.yml"),
}


@pytest.fixture(scope="module", autouse=True)
def repaired() -> Iterator[None]:
    """In the end everything is as the repository has it."""
    yield
    mended = deploy("site.yml")
    assert mended.returncode == 0, mended.stdout[-3000:]


@pytest.fixture
def running(docker: Callable[[str], str]) -> Callable[[], dict[str, str]]:
    """Tell of every container which it is and since when it runs."""

    def look() -> dict[str, str]:
        found = json.loads(docker(f"inspect $({DOCKER} ps --all --quiet --filter {OURS})"))
        return {one["Name"].lstrip("/"): one["Id"] + one["State"]["StartedAt"] for one in found}

    return look


def change(settings: dict[str, Any]) -> Any:
    return deploy("playbooks/deploy.yml", "--extra-vars", json.dumps(settings))


@pytest.mark.parametrize("service", CHANGES)
def test_a_changed_setting_restarts_what_it_concerns(service: str, running: Callable[[], dict[str, str]]) -> None:
    settings, concerned = CHANGES[service]
    # What the test before has changed goes back with this deployment; twice, it concerns nobody.
    done = change({})
    assert done.returncode == 0, done.stdout[-3000:]
    before = running()

    done = change(settings)

    assert done.returncode == 0, done.stdout[-3000:]
    after = running()
    assert {name for name in before if before[name] != after[name]} == concerned
    if not concerned:
        assert f"reload {service}" in done.stdout.lower()


def test_what_is_reloaded_is_loaded(nas: Host, running: Callable[[], dict[str, str]]) -> None:
    before = running()

    done = change(
        {name: value for service in ("prometheus", "alertmanager") for name, value in CHANGES[service][0].items()}
    )

    assert done.returncode == 0, done.stdout[-3000:]
    assert running() == before
    monitoring = Monitoring(nas)
    assert "scrape_interval: 14s" in monitoring.configuration("prometheus")
    assert "group_wait: 29s" in monitoring.configuration("alertmanager")


@pytest.mark.parametrize("service", REJECTED)
def test_a_rejected_setting_reaches_nobody(
    nas: Host, docker: Callable[[str], str], service: str, running: Callable[[], dict[str, str]]
) -> None:
    settings, file = REJECTED[service]
    before, was = running(), nas.check_output(f"cat {ROOT}/{file}")

    done = change(settings)

    assert done.returncode != 0
    assert f"kbju-{service} rejects its new configuration" in done.stdout, done.stdout[-3000:]
    assert "nonsense" in done.stdout
    assert running() == before
    # A service that ends by itself now comes back with the one before.
    assert nas.check_output(f"cat {ROOT}/{file}") == was
    docker(f"restart kbju-{service}")
    assert running().keys() == before.keys()
    assert docker(f"inspect --format '{{{{.State.Running}}}}' kbju-{service}").strip() == "true"
