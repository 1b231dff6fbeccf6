"""What a second deployment does: exactly what was asked, and on a mistake it says which service and why."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from rehearsal import BOT, DOCKER, Stack, deploy
from telegram_emulator.client import User

# Settings that pass validation but that the service itself refuses, and what its log then says.
MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "kbju-postgres": (
        {"postgres_settings": {"shared_buffers": "nonsense"}},
        r'invalid value for parameter "shared_buffers"',
    ),
    "kbju-prometheus": ({"prometheus_scrape_interval": "nonsense"}, r"not a valid duration"),
    "kbju-alertmanager": ({"alertmanager_group_wait": "nonsense"}, r"not a valid duration"),
    "kbju-node-exporter": ({"prometheus_node_exporter_excluded_mounts": "("}, r"missing closing \)"),
    "kbju-postgres-exporter": ({"prometheus_postgres_user": "nobody"}, r"password authentication failed"),
    "kbju-blackbox": ({"blackbox_timeout": "nonsense"}, r"cannot unmarshal !!str `nonsense` into time.Duration"),
    "kbju-grafana": ({"grafana_prometheus_url": 'x"\n    type: ['}, r"(?i)provisioning error"),
    "kbju-nginx": ({"nginx_max_body_size": "nonsense"}, r'"client_max_body_size" directive invalid value'),
    BOT: ({"bot_telegram_api_url": "nonsense"}, r"TELEGRAM_API_URL"),
}

# What is wrong from the beginning need not be asked for a whole minute.
IMPATIENT = {"verify_retries": 4}


def container_ids(docker: Callable[[str], str]) -> dict[str, str]:
    """Return the ids of all containers by name."""
    found = json.loads(docker(f"inspect $({DOCKER} ps --all --quiet)"))
    return {one["Name"].lstrip("/"): one["Id"] for one in found}


@pytest.fixture(scope="module", autouse=True)
def repaired() -> Iterator[None]:
    """After all mistakes, one right deployment mends everything."""
    yield
    mended = deploy("site.yml")
    assert mended.returncode == 0, mended.stdout[-3000:]


def test_a_lost_database_is_made_anew_while_the_bot_runs(
    stack: Stack, user_id: int, docker: Callable[[str], str], sql: Callable[[str], str]
) -> None:
    """What an operator does whose database can't be read any more; a backup is restored after it."""
    docker("rm --force kbju-postgres")
    docker("volume rm kbju-postgres-data")

    said = deploy("site.yml")

    assert said.returncode == 0, said.stdout[-3000:]
    user = User(user_id, stack.telegram, first_name="Elena", language_code="ru")
    user.send_text("/start")
    assert "Elena" in user.wait_for_reply(timeout=30)["text"]
    assert sql(f"SELECT count(*) FROM users WHERE telegram_id = {user_id}") == "1"


def test_changing_to_polling_replaces_the_bot_alone(stack: Stack, user_id: int, docker: Callable[[str], str]) -> None:
    before = container_ids(docker)

    polling = deploy("site.yml", KBJU_BOT_MODE="polling")

    assert polling.returncode == 0, polling.stdout[-3000:]
    after = container_ids(docker)
    assert {name for name in before if before[name] != after[name]} == {BOT}
    user = User(user_id, stack.telegram, first_name="Galina", language_code="ru")
    user.send_text("/start")
    assert "Galina" in user.wait_for_reply(timeout=15)["text"]


@pytest.mark.parametrize("service", MISTAKES)
def test_a_mistake_is_told_with_the_services_own_words(service: str) -> None:
    settings, words = MISTAKES[service]

    said = deploy("playbooks/deploy.yml", "playbooks/verify.yml", "--extra-vars", json.dumps({**settings, **IMPATIENT}))

    assert said.returncode != 0
    # The failure's own text; what deployed it names the service too.
    failure = said.stdout[said.stdout.index("FAILED!") :]
    assert re.search(words, failure), said.stdout[-3000:]
    assert service in failure


def test_a_refused_token_is_told_without_it(stack: Stack) -> None:
    """Telegram's refusal passes through the library, the bot's readiness and Ansible's output."""
    token = "999999:" + "B" * 35

    said = deploy(
        "playbooks/deploy.yml",
        "playbooks/verify.yml",
        "--extra-vars",
        json.dumps({"vault_bot_token": token, **IMPATIENT}),
    )

    assert said.returncode != 0
    assert "refused the bot's token" in said.stdout, said.stdout[-3000:]
    assert "B" * 35 not in said.stdout
