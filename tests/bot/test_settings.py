"""Settings: read from variables and files, every mistake reported at once, no secret shown."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from kbju_bot.settings import LogSettings, MigrationSettings, RunSettings, SettingsError, load, secrets_of

TOKEN = "123456:" + "A" * 35
URL = "postgresql://kbju_bot@postgres:5432/kbju"
GOOD = {"BOT_TOKEN": TOKEN, "DATABASE_URL": URL, "DB_PASSWORD": "pa55-w0rd"}


def problems(environ: dict[str, str], kind: type[LogSettings] = RunSettings) -> dict[str, str]:
    with pytest.raises(SettingsError) as caught:
        load(kind, environ)
    found = {problem.name: problem.text for problem in caught.value.problems}
    assert len(found) == len(caught.value.problems), "a setting is reported twice"
    return found


def test_defaults() -> None:
    settings = load(RunSettings, GOOD)
    assert settings.webhook_url is None
    assert settings.http_port == 8000
    assert settings.prometheus_enabled
    assert settings.log_file == Path("/app/logs/bot.log")
    assert settings.telegram_api_url == "https://api.telegram.org"


def test_password_joins_the_url() -> None:
    database = load(RunSettings, GOOD).database
    assert database.dsn == URL
    assert database.password == SecretStr("pa55-w0rd")


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg"])
def test_password_in_the_url(scheme: str) -> None:
    database = load(RunSettings, {"BOT_TOKEN": TOKEN, "DATABASE_URL": f"{scheme}://bot:a%40b@db/kbju"}).database
    assert database.dsn == "postgresql://bot@db/kbju"
    assert database.password == SecretStr("a@b")


def test_passwords_that_differ() -> None:
    assert set(problems(GOOD | {"DATABASE_URL": "postgresql://bot:other@db/kbju"})) == {"DB_PASSWORD"}


@pytest.mark.parametrize("name", ["BOT_TOKEN", "DATABASE_URL", "DB_PASSWORD", "WEBHOOK_SECRET"])
def test_secrets_from_files(name: str, tmp_path: Path) -> None:
    environ = GOOD | {"WEBHOOK_SECRET": "w" * 20, "WEBHOOK_URL": "https://bot.example.com"}
    file = tmp_path / "secret"
    file.write_text(environ.pop(name) + "\n")
    settings = load(RunSettings, environ | {f"{name}_FILE": str(file)})
    assert settings.bot_token.get_secret_value() == TOKEN
    assert settings.database.password == SecretStr("pa55-w0rd")
    assert settings.webhook_secret == SecretStr("w" * 20)


@pytest.mark.parametrize("name", ["BOT_TOKEN", "DATABASE_URL", "DB_PASSWORD", "WEBHOOK_SECRET"])
def test_wrong_secret_files(name: str, tmp_path: Path) -> None:
    environ = {key: value for key, value in GOOD.items() if key != name}
    missing = problems(environ | {f"{name}_FILE": str(tmp_path / "missing")})
    assert "can't be read" in missing[f"{name}_FILE"]
    empty = tmp_path / "empty"
    empty.write_text(" \n")
    assert "is empty" in problems(environ | {f"{name}_FILE": str(empty)})[f"{name}_FILE"]
    full = tmp_path / "full"
    full.write_text("x" * 30)
    both = problems(environ | {name: "y" * 30, f"{name}_FILE": str(full)})
    assert both == {name: f"is set together with {name}_FILE; keep one of them"}


def test_every_problem_at_once() -> None:
    found = problems(
        {
            "DATABASE_URL": "mysql://x",
            "LOG_LEVEL": "LOUD",
            "LOG_FORMAT": "xml",
            "DEBUG_MODE": "perhaps",
            "HTTP_PORT": "99999",
            "SHUTDOWN_TIMEOUT": "-1",
            "TELEGRAM_API_URL": "ftp://telegram",
            "WEBHOOK_URL": "https://bot.example.com/elsewhere",
            "WEBHOOK_CERTIFICATE": "/nowhere/cert.pem",
            "DB_POOL_MIN": "20",
        }
    )
    assert set(found) == {
        "BOT_TOKEN",
        "DATABASE_URL",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "DEBUG_MODE",
        "HTTP_PORT",
        "SHUTDOWN_TIMEOUT",
        "TELEGRAM_API_URL",
        "WEBHOOK_URL",
        "WEBHOOK_CERTIFICATE",
        "WEBHOOK_SECRET",
        "DB_POOL_MIN",
    }
    assert found["BOT_TOKEN"] == "is not set; set it or BOT_TOKEN_FILE"
    assert all("\n" not in text for text in found.values())


def test_empty_is_unset() -> None:
    assert load(RunSettings, GOOD | {"WEBHOOK_URL": "", "LOG_LEVEL": "", "BOT_TOKEN_FILE": ""}).webhook_url is None
    assert "BOT_TOKEN" in problems(GOOD | {"BOT_TOKEN": ""})


def test_webhook() -> None:
    good = GOOD | {"WEBHOOK_URL": "https://bot.example.com", "WEBHOOK_SECRET": "w" * 20}
    assert load(RunSettings, good).webhook_url == "https://bot.example.com/telegram/webhook"
    assert set(problems(good | {"WEBHOOK_URL": "http://bot.example.com"})) == {"WEBHOOK_URL"}
    load(RunSettings, good | {"WEBHOOK_URL": "http://bot", "TELEGRAM_API_URL": "http://telegram:8081"})
    assert set(problems(good | {"WEBHOOK_SECRET": "short"})) == {"WEBHOOK_SECRET"}


def test_a_webhook_without_a_secret_is_refused() -> None:
    assert set(problems(GOOD | {"WEBHOOK_URL": "https://bot.example.com"})) == {"WEBHOOK_SECRET"}


def test_migrating_needs_no_token() -> None:
    assert load(MigrationSettings, {"DATABASE_URL": URL, "DB_PASSWORD": "x"}).database.dsn == URL
    migrator = {"MIGRATION_DATABASE_URL": "postgresql://migrator@db/kbju", "MIGRATION_DB_PASSWORD": "y"}
    database = load(MigrationSettings, migrator | {"DATABASE_URL": URL, "DB_PASSWORD": "x"}).database
    assert (database.dsn, database.password) == ("postgresql://migrator@db/kbju", SecretStr("y"))
    load(MigrationSettings, migrator)
    assert set(problems({}, MigrationSettings)) == {"DATABASE_URL"}
    only = {"DATABASE_URL": URL, "MIGRATION_DB_PASSWORD": "y"}
    assert set(problems(only, MigrationSettings)) == {"MIGRATION_DB_PASSWORD"}


def test_the_migrator_does_not_inherit_the_bots_password() -> None:
    environ = GOOD | {"MIGRATION_DATABASE_URL": "postgresql://migrator@db/kbju"}
    assert load(MigrationSettings, environ).database.password is None


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    secrets = {
        "BOT_TOKEN": TOKEN,
        "DATABASE_URL": "postgresql://bot:hunter-two@db/kbju",
        "DB_PASSWORD": "hunter-two",
        "WEBHOOK_SECRET": "swordfish-swordfish",
    }
    settings = load(RunSettings, secrets | {"WEBHOOK_URL": "https://bot.example.com"})
    shown = f"{settings!r} {settings} {settings.model_dump()} {settings.database!r}"
    for secret in ("A" * 35, "hunter-two", "swordfish"):
        assert secret not in shown
    assert {TOKEN, "hunter-two", "swordfish-swordfish"} <= set(secrets_of(settings))


def test_no_wrong_secret_is_shown() -> None:
    wrong = {"BOT_TOKEN": "tok-en", "DATABASE_URL": "mysql://u:tok-en@h/d", "WEBHOOK_SECRET": "tok-en"}
    with pytest.raises(SettingsError) as caught:
        load(RunSettings, wrong | {"WEBHOOK_URL": "https://bot.example.com"})
    assert len(caught.value.problems) == 3
    assert "tok-en" not in str(caught.value)
    assert "tok-en" not in repr(caught.value)


def test_admins_and_the_rest() -> None:
    settings = load(RunSettings, GOOD | {"ADMIN_IDS": " 12, 34 ,", "TIME_ZONE": "Asia/Omsk", "SEND_RATE": "0"})
    assert settings.admin_ids == {12, 34}
    assert settings.time_zone == "Asia/Omsk"
    assert settings.send_rate == 0
    assert load(RunSettings, GOOD).admin_ids == frozenset()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("ADMIN_IDS", "12,@anna", "Telegram ids"),
        ("ADMIN_IDS", "-5", "Telegram ids"),
        ("TIME_ZONE", "Moscow", "IANA"),
        ("TIME_ZONE", "../../etc/passwd", "IANA"),
        ("CONSULTATION_URL", "tg://x", "http or https"),
        ("SEND_RATE", "-1", "from 0 to 1000"),
        ("BROADCAST_RATE", "0", "above 0"),
        ("DB_POOL_MAX", "5", "from 6 to 100"),
    ],
)
def test_wrong_values_say_what_is_right(name: str, value: str, expected: str) -> None:
    assert expected in problems(GOOD | {name: value})[name]
