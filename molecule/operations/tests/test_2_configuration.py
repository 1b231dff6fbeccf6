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
# A mistake, and a word of what the checker says about it.
REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "nginx": ({"nginx_max_body_size": "nonsense"}, "client_max_body_size"),
    "prometheus": ({"prometheus_scrape_interval": "nonsense"}, "nonsense"),
    "alertmanager": ({"alertmanager_group_wait": "nonsense"}, "nonsense"),
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


@pytest.fixture(scope="module")
def changed() -> dict[str, Any]:
    """What has been changed so far, one after the other."""
    return {}


@pytest.mark.parametrize("service", CHANGES)
def test_a_changed_setting_restarts_what_it_concerns(
    nas: Host, service: str, changed: dict[str, Any], running: Callable[[], dict[str, str]]
) -> None:
    settings, concerned = CHANGES[service]
    before = running()
    changed |= settings

    done = change(changed)

    assert done.returncode == 0, done.stdout[-3000:]
    after = running()
    assert {name for name in before if before[name] != after[name]} == concerned
    # The others are asked what they work with.
    if service in {"prometheus", "alertmanager"}:
        (value,) = settings.values()
        assert value in Monitoring(nas).configuration(service)
    elif service == "nginx":
        assert "reload nginx" in done.stdout.lower()


@pytest.mark.parametrize("service", REJECTED)
def test_a_rejected_setting_reaches_nobody(
    nas: Host,
    docker: Callable[[str], str],
    service: str,
    changed: dict[str, Any],
    running: Callable[[], dict[str, str]],
) -> None:
    settings, word = REJECTED[service]
    file = f"{ROOT}/config/{service}/{'nginx.conf' if service == 'nginx' else f'{service}.yml'}"
    before, was = running(), nas.check_output(f"cat {file}")

    done = change({**changed, **settings})

    assert done.returncode != 0
    assert f"kbju-{service} rejects its new configuration" in done.stdout, done.stdout[-3000:]
    assert word in done.stdout
    assert running() == before
    # A service that ends by itself now comes back with the one before.
    assert nas.check_output(f"cat {file}") == was
    docker(f"restart kbju-{service}")
    assert running().keys() == before.keys()
    assert docker(f"inspect --format '{{{{.State.Running}}}}' kbju-{service}").strip() == "true"
