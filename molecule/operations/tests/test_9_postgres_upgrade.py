"""PostgreSQL gets a minor and the next major version while users write: nothing is lost, and there is a way back."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator

import pytest
import yaml
from testinfra.host import Host

from rehearsal import BOT, DOCKER, REPOSITORY, Stack, deploy
from writers import Writers

PLAYBOOK = "playbooks/upgrade_postgres.yml"
VOLUME, NEW_VOLUME = "kbju-postgres-data", "kbju-postgres-data-17"
# Fewer than a thousand a minute: what waits meanwhile has to be answered at 30 a second.
PER_MINUTE = 300
# What users may wait for at most, in seconds: the new server is loaded while the bot is stopped.
PAUSE = 60
MINOR_PAUSE = 20
# Those whom no writer writes as.
FIRST, LAST = 8 * 10**9, 8 * 10**9 + 199
DIARY = (
    # In bytes' order: that of the language may be another with another system's library.
    "SELECT md5(string_agg(r::text, ',' ORDER BY convert_to(r::text, 'UTF8'))) FROM user_records AS r"
    f" WHERE telegram_id BETWEEN {FIRST} AND {LAST}"
)


def newer() -> str:
    """Return the image of the next major version."""
    listed = yaml.safe_load((REPOSITORY / "group_vars/all/images.yml").read_text(encoding="utf-8"))
    row = listed["kbju_build_images"]["postgres_next"]
    return f"{row['name']}:{row['tag']}"


@pytest.fixture(scope="module", autouse=True)
def diary(nas: Host, sql: Callable[[str], str]) -> Iterator[str]:
    """A digest of people's diaries, which must be the same whatever serves; in the end all is as it was."""
    sql(
        "INSERT INTO users (telegram_id, first_name)"
        f" SELECT id, 'Name ' || id FROM generate_series({FIRST}, {LAST}) AS id ON CONFLICT DO NOTHING"
    )
    sql(
        "INSERT INTO user_records (telegram_id, day, weight_kg, waist_cm, height_cm)"
        f" SELECT id, date '2026-01-01' + day, 60.5 + day, 80.5, 170 FROM generate_series({FIRST}, {LAST}) AS id,"
        " generate_series(0, 9) AS day ON CONFLICT DO NOTHING"
    )
    yield sql(DIARY)
    deploy(PLAYBOOK, "--extra-vars", f"return=true confirm={BOT}")
    mended = deploy("site.yml")
    assert mended.returncode == 0, mended.stdout[-3000:]
    sql(f"DELETE FROM users WHERE telegram_id BETWEEN {FIRST} AND {LAST}")
    nas.run(f"{DOCKER} volume rm {NEW_VOLUME}")


def upgrade(image: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return deploy(PLAYBOOK, "--extra-vars", f"postgres_upgrade_image={image}", *arguments)


def major(sql: Callable[[str], str]) -> str:
    return sql("SHOW server_version").partition(".")[0]


def test_a_deployment_does_not_start_another_major_version_on_the_data(docker: Callable[[str], str]) -> None:
    before = docker("inspect --format '{{.Id}} {{.State.StartedAt}}' kbju-postgres")

    done = deploy("playbooks/deploy.yml", "--extra-vars", f"postgres_image={newer()}")

    assert done.returncode != 0
    assert "playbooks/upgrade_postgres.yml" in done.stdout, done.stdout[-3000:]
    assert docker("inspect --format '{{.Id}} {{.State.StartedAt}}' kbju-postgres") == before


def test_a_minor_version_ends_the_old_one_cleanly(
    nas: Host, stack: Stack, sql: Callable[[str], str], diary: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = str(nas.check_output(f"{DOCKER} inspect --format '{{{{.Config.Image}}}}' kbju-postgres"))
    name, _, minor = image.rpartition(".")
    nas.check_output(f"{DOCKER} tag {image} {name}.{int(minor) + 1}")

    with Writers(stack, sql, PER_MINUTE) as writers:
        done = deploy("playbooks/deploy.yml", "--extra-vars", f"postgres_image={name}.{int(minor) + 1}")

    assert done.returncode == 0, done.stdout[-3000:]
    with capsys.disabled():
        print(f"\na minor version: {writers.answered} messages, the longest wait {max(writers.latencies):.1f} s")
    assert writers.wrong == []
    assert max(writers.latencies) <= MINOR_PAUSE
    assert "not properly shut down" not in nas.check_output(f"{DOCKER} logs kbju-postgres 2>&1")
    assert sql(DIARY) == diary


def test_the_next_major_version_and_back(
    stack: Stack,
    sql: Callable[[str], str],
    docker: Callable[[str], str],
    diary: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with Writers(stack, sql, PER_MINUTE) as writers:
        done = upgrade(newer())

    assert done.returncode == 0, done.stdout[-3000:]
    stopped = re.search(r"stopped for ([\d.]+) s", done.stdout)
    assert stopped, done.stdout[-3000:]
    with capsys.disabled():
        print(f"\n15 to 17: the bot was stopped for {stopped[1]} s, the longest wait {max(writers.latencies):.1f} s")
    assert writers.wrong == []
    assert max(writers.latencies) <= PAUSE
    assert major(sql) == "17"
    assert sql(DIARY) == diary
    assert {VOLUME, NEW_VOLUME} <= set(docker("volume ls --format '{{.Name}}'").split())
    assert "nothing to do" in upgrade(newer()).stdout

    # Back: refused unless it is meant, for what was written since is then lost.
    assert "Nothing was changed" in deploy(PLAYBOOK, "--extra-vars", "return=true").stdout
    assert major(sql) == "17"
    back = deploy(PLAYBOOK, "--extra-vars", f"return=true confirm={BOT}")
    assert back.returncode == 0, back.stdout[-3000:]
    assert major(sql) == "15"
    assert sql(DIARY) == diary
    docker(f"volume rm {NEW_VOLUME}")


def test_a_server_that_does_not_come_up_leaves_the_old_one_serving(
    nas: Host, stack: Stack, sql: Callable[[str], str], docker: Callable[[str], str], diary: str
) -> None:
    made = docker(f"create {newer()}").strip()
    docker(f"commit --change 'ENTRYPOINT [\\\"false\\\"]' {made} postgres:17.99")
    docker(f"rm {made}")

    with Writers(stack, sql, PER_MINUTE) as writers:
        done = upgrade("postgres:17.99", "--extra-vars", "kbju_images_from=registry")

    assert done.returncode != 0
    assert "PostgreSQL 15 serves" in done.stdout, done.stdout[-3000:]
    assert writers.wrong == []
    assert major(sql) == "15"
    assert sql(DIARY) == diary
    assert nas.run(f"{DOCKER} volume inspect {NEW_VOLUME}").rc != 0
