"""The import into PostgreSQL: nothing lost, nothing twice, nothing overwritten, and all of it or nothing."""

import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from dev_database import DevFile, make
from kbju_bot import exits
from kbju_bot.importer.rows import PREFERENCES, RECORDS, TABLES, USERS

from .cluster import Cluster
from .importing import Target, person, result_of

NEWS = "2026-02-01"


@pytest.fixture
async def target(cluster: Cluster, database: str, tmp_path: Path) -> AsyncIterator[Target]:
    """A migrated database without a row."""
    admin = await cluster.connect(database)
    environment = {"DATABASE_URL": cluster.url(database, "kbju_bot"), "DB_PASSWORD": cluster.password}
    yield Target(admin, environment, tmp_path)
    await admin.close()


async def test_ten_thousand_dirty_users(target: Target) -> None:
    made = make(10_000)
    made.write(target.folder / "dev.db")

    started = time.monotonic()
    code, report, progress = await target.run()
    print(f"\n{sum(made.read.values())} rows imported within {time.monotonic() - started:.1f} s")
    assert code == exits.OK, progress
    assert await target.counts() == made.accepted
    assert f"user_records: {made.accepted[RECORDS]} rows added\n" in progress
    told = {line.split()[0]: [int(cell) for cell in line.split()[1:]] for line in report.splitlines()[1:4]}
    for table in TABLES:
        read, accepted, rejected, added, already_there, _ = told[table]
        assert (read, accepted, rejected) == (made.read[table], made.accepted[table], made.rejected[table])
        assert read == accepted + rejected
        assert (added, already_there) == (accepted, 0)

    before = await target.content()
    code, report, _ = await target.run()
    assert (code, result_of(report)) == (exits.OK, "nothing to import")
    assert await target.content() == before


async def test_a_dry_run_tells_the_same_and_changes_nothing(target: Target) -> None:
    made = make(100)
    made.write(target.folder / "dev.db")
    code, tried, _ = await target.run("--dry-run")
    assert (code, await target.content()) == (exits.OK, None)
    code, imported, _ = await target.run()
    assert code == exits.OK
    assert tried.splitlines()[:-1] == imported.splitlines()[:-1]
    assert result_of(tried) == "dry run, nothing was changed; it would be imported"
    assert result_of(imported) == "imported"


async def test_the_body_fat_of_the_dev_version_is_not_taken_over(target: Target) -> None:
    """It fed centimetres into the formula for inches."""
    made = DevFile()
    person(made)
    made.write(target.folder / "dev.db")
    await target.run()
    assert str(await target.admin.fetchval("SELECT body_fat FROM user_records")) == "18.4"


async def test_what_the_conversion_accepts_the_database_accepts(target: Target) -> None:
    """Every column at its limits, and with what PostgreSQL is particular about."""
    chance = random.Random(5)  # noqa: S311 - to be the same each time
    numbers = [30, 300, 40, 200, 20, 70, 50, 120, 230, 229.96, 39.95, 0.1 + 0.2, "120,0499", 1.2, 2.3, None, 9e99]
    texts = [
        "\0",
        "а\0б",
        "я" * 70,
        "x" * 2000,
        "\ud7ff",
        "\ue000",
        "\uffff",
        "𝕏" * 300,
        "e\u0301" * 999,
        "'\"\\",
        "/x",
        " ",
    ]
    dates = [
        "2000-01-01",
        "1900-01-01",
        "1999-12-31",
        "2008-02-29",
        "29.02.2024 23:59",
        "9999-12-31",
        "2025-01-01",
    ]
    habits = ["0", 99, 100, 100_000, "12500+", "бег", "сила и йога", "нет", "7+", 21, "lean", "maintain", None]
    made = DevFile()
    for telegram_id in [1, 2**52 - 1, *range(2, 1000)]:
        made.add(
            USERS,
            telegram_id=telegram_id,
            username=chance.choice(texts),
            first_name=chance.choice(texts),
            last_name=chance.choice(texts),
            sex=chance.choice(["m", "f", None]),
            date_of_birth=chance.choice(dates),
            created_at=chance.choice(dates),
        )
        for _ in range(4):
            fields: dict[str, Any] = {
                column: chance.choice(numbers) for column in ("weight", "waist", "neck", "hip", "height")
            }
            fields |= {column: chance.choice(habits) for column in ("goal", "steps", "sport_type", "sport_freq")}
            made.add(RECORDS, telegram_id=telegram_id, date=chance.choice(dates), **fields)
        made.add(
            PREFERENCES, telegram_id=telegram_id, likes_raw=chance.choice(texts), dislikes_raw=chance.choice(texts)
        )
    made.write(target.folder / "dev.db")

    code, _, problems = await target.run()
    assert code == exits.OK, problems
    counts = await target.counts()
    assert counts[USERS] == 1000
    assert counts[RECORDS] > 500
    assert counts[PREFERENCES] > 500


async def test_who_uses_the_new_bot_already_keeps_what_is_newer(target: Target) -> None:
    made = DevFile()
    person(made, username="old")
    made.add(RECORDS, telegram_id=7, date=NEWS, weight=99, height=150)
    made.add(PREFERENCES, telegram_id=7, likes_raw="старое")
    made.write(target.folder / "dev.db")
    await target.admin.execute(
        """
        INSERT INTO users (telegram_id, first_name, name, sex, birth_date, height_cm, steps, sport, goal)
        VALUES (7, 'Ваня', 'Ваня', 'female', '1991-01-01', 179, '0-4999', 'none', 'healthy')
        """
    )
    await target.admin.execute(
        "INSERT INTO user_records (telegram_id, day, weight_kg, height_cm) VALUES (7, $1, 80, 179)",
        date.fromisoformat(NEWS),
    )
    await target.admin.execute("INSERT INTO user_food_preferences (telegram_id, likes) VALUES (7, 'новое')")
    known = await target.admin.fetch("SELECT * FROM users")

    _, report, _ = await target.run()

    assert await target.admin.fetch("SELECT * FROM users") == known
    assert await target.admin.fetchval("SELECT likes FROM user_food_preferences") == "новое"
    weights = await target.admin.fetch("SELECT day::text, weight_kg::int FROM user_records ORDER BY day")
    assert [tuple(row) for row in weights] == [("2025-01-01", 82), (NEWS, 80)]
    assert report.splitlines()[-1].startswith("imported: 0 rows of users, 1 rows of user_records, 0 rows of user_food")


async def test_who_wrote_to_the_new_bot_but_took_no_survey_gets_the_profile(target: Target) -> None:
    made = DevFile()
    person(made, username="old", last_name="Старый")
    made.write(target.folder / "dev.db")
    await target.admin.execute("INSERT INTO users (telegram_id, first_name) VALUES (7, 'Ваня')")

    _, report, _ = await target.run()

    assert report.splitlines()[-1].endswith("and the profiles of 1 known users completed")
    row = await target.admin.fetchrow(
        "SELECT username, first_name, last_name, name, sex, birth_date, height_cm, steps, sport, goal FROM users"
    )
    # Telegram tells what somebody is called, and that there is no last name any more.
    assert tuple(row)[:3] == (None, "Ваня", None)
    assert tuple(row)[3:6] == ("Иван", "male", date(1990, 5, 17))
    assert tuple(row)[6:] == (180, "7500-9999", "cardio", "lean")
    _, report, _ = await target.run()
    assert result_of(report) == "nothing to import"


async def test_a_half_known_profile_is_completed_without_a_contradiction(target: Target) -> None:
    """Whoever said that they do no sport has no frequency, and is not to get one."""
    made = DevFile()
    person(made)
    made.write(target.folder / "dev.db")
    await target.admin.execute(
        "INSERT INTO users (telegram_id, first_name, sport, goal) VALUES (7, '', 'none', 'healthy')"
    )
    code, _, problems = await target.run()
    assert code == exits.OK, problems
    row = await target.admin.fetchrow("SELECT sport, frequency, goal, sex FROM users")
    assert tuple(row) == ("none", None, "healthy", "male")


async def test_nobody_has_agreed_or_was_active(target: Target) -> None:
    made = DevFile()
    person(made, created_at=f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}")
    made.write(target.folder / "dev.db")
    await target.run()
    assert await target.admin.fetchval("SELECT count(*) FROM consents") == 0
    seen = await target.admin.fetchval("SELECT last_seen_at FROM users")
    assert seen <= datetime.now(UTC) - timedelta(days=7)


async def test_what_the_database_refuses_in_the_middle_undoes_everything(target: Target) -> None:
    made = make(50)
    made.add(PREFERENCES, telegram_id=1, likes_raw="канарейка")
    made.write(target.folder / "dev.db")
    await target.admin.execute(
        "ALTER TABLE user_food_preferences ADD CONSTRAINT no_birds CHECK (likes <> 'канарейка') NOT VALID"
    )
    for arguments in (["--dry-run"], []):
        code, report, problems = await target.run(*arguments)
        assert (code, report) == (exits.SOFTWARE, "")
        assert "user_records: " in problems, "it was in the middle"
        assert 'violates check constraint "no_birds"' in problems
        assert "канарейка" not in problems
        assert await target.content() is None


async def test_what_the_database_loses_silently_undoes_everything(target: Target) -> None:
    made = DevFile()
    for telegram_id in (7, 8):
        person(made, telegram_id)
    made.write(target.folder / "dev.db")
    await target.admin.execute("CREATE FUNCTION lose() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'")
    await target.admin.execute(
        """
        CREATE TRIGGER lose BEFORE INSERT ON user_records FOR EACH ROW WHEN (NEW.telegram_id = 8)
        EXECUTE FUNCTION lose()
        """
    )
    code, report, problems = await target.run()
    assert (code, report) == (exits.SOFTWARE, "")
    assert "user_records: of 2 accepted rows the database holds 1, so nothing was changed" in problems
    assert await target.content() is None
