"""Restoring: refused unless it is meant and possible, undone where it fails, and rehearsed from wiped volumes."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator

import pytest

from backups import BACKUPS, Nas, backup, manifest, names
from rehearsal import BOT, DOCKER, ROOT, Stack, deploy
from telegram_emulator.client import User

PLAYBOOK = "playbooks/restore.yml"
# Ids that no other test takes.
FIRST, USERS, DAYS = 6 * 10**9, 300, 20
FAULTY = "2020-01-01T000000Z"
# Rows and content of each table but those two in which a restore silences what was waiting.
CONTENT = """
SELECT table_name, query_to_xml(
    format($$SELECT count(*), md5(string_agg(t::text, ',' ORDER BY t::text)) FROM %I AS t$$, table_name), true, true, ''
)
FROM information_schema.tables
WHERE table_schema = 'public' AND table_name NOT IN ('outbox', 'broadcasts') ORDER BY 1
"""


@pytest.fixture(scope="module")
def shell() -> Nas:
    """The NAS as root."""
    return Nas()


@pytest.fixture(scope="module")
def diary(shell: Nas) -> Iterator[None]:
    """Users with a diary each."""
    last = FIRST + USERS - 1
    shell.sql(
        "INSERT INTO users (telegram_id, first_name)"
        f" SELECT id, 'Name ' || id FROM generate_series({FIRST}, {last}) AS id;"
        "INSERT INTO user_records (telegram_id, day, weight_kg, waist_cm, height_cm)"
        " SELECT telegram_id, date '2026-01-01' + day, 60.5 + day, 80.5 + day, 170 FROM users,"
        f" generate_series(0, {DAYS - 1}) AS day WHERE telegram_id BETWEEN {FIRST} AND {last}"
    )
    yield
    shell.sql(f"DELETE FROM users WHERE telegram_id BETWEEN {FIRST} AND {last}")


def taken(shell: Nas) -> str:
    """Take a backup and return its name."""
    done = backup(shell, "run", "--local-only")
    assert done.returncode == 0, done.stderr
    return names(shell)[0]


def restore(name: str, *arguments: str, confirm: str = BOT) -> subprocess.CompletedProcess[str]:
    return deploy(PLAYBOOK, "--extra-vars", f"backup={name}", "--extra-vars", f"confirm={confirm}", *arguments)


def said(played: subprocess.CompletedProcess[str]) -> str:
    """What a playbook said, lines joined."""
    return " ".join(played.stdout.split())


def assert_answers(stack: Stack, user_id: int) -> None:
    """The bot talks to a user."""
    user = User(user_id, stack.telegram, first_name="Vera", language_code="en")
    user.send_text("/start")
    assert "Vera" in user.wait_for_reply(timeout=30)["text"]


@pytest.fixture
def faulty(shell: Nas, diary: None) -> Iterator[str]:
    """The folder of a copy of a good backup, to be spoiled."""
    name = taken(shell)
    shell.check_output(f"cp -a {BACKUPS}/{name} {BACKUPS}/{FAULTY}")
    yield f"{BACKUPS}/{FAULTY}"
    shell.check_output(f"rm -r {BACKUPS}/{FAULTY}")


def sign(shell: Nas, folder: str) -> None:
    """Make the checksums right again: the fault is to be found elsewhere."""
    shell.check_output(f"cd {folder} && sha256sum *.dump *.sql *.gz manifest.json > SHA256SUMS")


def test_without_a_name_the_backups_are_listed_and_nothing_changes(shell: Nas, diary: None) -> None:
    name = taken(shell)
    before = shell.sql(CONTENT)

    played = deploy(PLAYBOOK)

    assert played.returncode == 0, played.stdout[-3000:]
    assert name in played.stdout
    assert f"-e backup=NAME -e confirm={BOT}" in said(played)
    assert "changed=0 " in played.stdout
    assert shell.sql(CONTENT) == before


# ---- refusals ------------------------------------------------------------------------------------------------------


def assert_refused(shell: Nas, played: subprocess.CompletedProcess[str], words: str, before: str) -> None:
    assert played.returncode != 0
    assert words in said(played), played.stdout[-3000:]
    assert "changed=0 " in played.stdout
    assert shell.sql(CONTENT) == before


def test_without_a_confirmation_nothing_is_restored(shell: Nas, diary: None) -> None:
    name, before = taken(shell), shell.sql(CONTENT)

    assert_refused(shell, restore(name, confirm="yes"), f"say the project's name: -e confirm={BOT}", before)


def test_an_unknown_backup_is_told(shell: Nas, diary: None) -> None:
    before = shell.sql(CONTENT)

    assert_refused(shell, restore("nonsense"), "There is no backup 'nonsense'. There are: 2", before)


def test_a_damaged_backup_is_not_restored(shell: Nas, faulty: str) -> None:
    shell.check_output(f"printf X | dd of={faulty}/database.dump bs=1 seek=5000 conv=notrunc")
    before = shell.sql(CONTENT)

    assert_refused(shell, restore(FAULTY), f"The checksum of {faulty}/database.dump is wrong", before)


def test_a_backup_of_a_newer_release_is_not_restored(shell: Nas, faulty: str) -> None:
    shell.check_output(f"""sed -i 's/"schema_revision": "[0-9]*"/"schema_revision": "9999"/' {faulty}/manifest.json""")
    sign(shell, faulty)
    before = shell.sql(CONTENT)

    assert_refused(shell, restore(FAULTY), f"{FAULTY} has the schema 9999; the deployed release knows 000", before)


# ---- failures ------------------------------------------------------------------------------------------------------


def test_a_restore_that_fails_leaves_everything_as_it_was(shell: Nas, faulty: str, stack: Stack, user_id: int) -> None:
    shell.check_output(f"truncate -s 5000 {faulty}/database.dump")
    sign(shell, faulty)
    before = shell.sql(CONTENT)

    played = restore(FAULTY)

    assert played.returncode != 0
    assert f"{FAULTY} was not restored." in said(played), played.stdout[-3000:]
    assert "pg_restore failed" in said(played)
    assert "The database is the one from before: it was not replaced. The bot runs on it." in said(played)
    assert shell.sql(CONTENT) == before
    assert shell.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'kbju_%'") == "0"
    assert_answers(stack, user_id)


def test_a_failure_after_the_swap_is_undone(shell: Nas, diary: None, stack: Stack, user_id: int) -> None:
    name = taken(shell)
    shell.sql(f"DELETE FROM user_records WHERE telegram_id = {FIRST}")
    before = shell.sql(CONTENT)
    nobody = {"postgres_accounts": [{"name": "no-name", "kind": "owner", "password": "none"}]}

    played = restore(name, "--extra-vars", json.dumps(nobody))

    assert played.returncode != 0
    assert "Make the accounts and their rights" in said(played)
    assert "The database from before has its place again. The bot runs on it." in said(played), played.stdout[-3000:]
    assert shell.sql(CONTENT) == before
    assert shell.sql("SELECT count(*) FROM pg_database WHERE datname LIKE 'kbju_%'") == "0"
    assert_answers(stack, user_id)


# ---- the rehearsal -------------------------------------------------------------------------------------------------


def test_from_wiped_volumes_every_row_comes_back(shell: Nas, diary: None, stack: Stack, user_id: int) -> None:
    """A new NAS: only the backups and the repository with its vault are left."""
    assert_answers(stack, user_id)
    columns = "telegram_id, method, next_attempt_at, payload, broadcast_id"
    waiting = f"INSERT INTO outbox ({columns}) SELECT {FIRST}, 'sendMessage',"
    shell.sql(
        "INSERT INTO broadcasts (admin_id, language, body, recipients, queued_to)"
        f" VALUES (1, 'ru', 'to nobody', 0, {2**63 - 1});"
        f"{waiting} now() + interval '1 day', '{{}}', NULL;"
        f"{waiting} now() + interval '1 day', '{{}}', max(id) FROM broadcasts"
    )
    name = taken(shell)
    before = shell.sql(CONTENT)
    shell.check_output(f"{DOCKER} compose --project-directory {ROOT} down --volumes")

    again = deploy("site.yml")
    assert again.returncode == 0, again.stdout[-3000:]
    assert shell.sql("SELECT count(*) FROM users") == "0"
    played = restore(name)

    assert played.returncode == 0, played.stdout[-3000:]
    assert f"{name} is restored" in said(played)
    assert shell.sql(CONTENT) == before
    # What was waiting is not sent again.
    assert shell.sql("SELECT status FROM broadcasts WHERE body = 'to nobody'") == "stopped"
    assert shell.sql(f"SELECT failed_reason, broadcast_id IS NULL FROM outbox WHERE telegram_id = {FIRST}") == (
        "restored from a backup, not sent again|t"
    )
    # The bot remembers what it was talking about with whom.
    user = User(user_id, stack.telegram, first_name="Vera", language_code="en")
    user.send_text("/start")
    assert "go on where we stopped" in user.wait_for_reply(timeout=30)["text"]


def test_the_state_before_a_restore_is_a_backup_too(shell: Nas, diary: None) -> None:
    name = taken(shell)
    count = "SELECT count(*) FROM user_records"
    before = shell.sql(count)
    shell.sql(f"DELETE FROM user_records WHERE telegram_id = {FIRST + 1}")
    between = shell.sql(count)

    played = restore(name)

    assert played.returncode == 0, played.stdout[-3000:]
    assert shell.sql(count) == before
    saved = manifest(shell, names(shell)[0])
    assert saved["kind"] == "before-restore"
    assert saved["tables"]["public.user_records"]["rows"] == int(between) == int(before) - DAYS
    assert f"the backup {names(shell)[0]} has all of it" in said(played)
