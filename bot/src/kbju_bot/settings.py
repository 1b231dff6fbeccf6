"""Settings from the environment, secrets also from files.

Every wrong setting is reported at once, as one `Problem` each, and no report ever shows a secret's value.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

WEBHOOK_PATH = "/telegram/webhook"
TELEGRAM = "https://api.telegram.org"
_SCHEMES = {"postgresql", "postgres"}


@dataclass(frozen=True, slots=True)
class Problem:
    """One wrong setting: its name in the environment, and what is wrong and what to do."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class SettingsError(Exception):
    """Some settings are wrong; `problems` names each of them."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


@dataclass(frozen=True, slots=True)
class DatabaseAddress:
    """Where the database is and as whom to log in. `dsn` holds no password, so it may be shown."""

    dsn: str
    password: SecretStr | None


def _token(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[0-9]{3,}:[A-Za-z0-9_-]{20,}", value.get_secret_value()):
        raise ValueError("does not look like a bot token; copy it from @BotFather: digits, a colon, then letters")
    return value


def _webhook_secret(value: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[A-Za-z0-9_-]{16,256}", value.get_secret_value()):
        raise ValueError("must be 16 to 256 characters of A-Z, a-z, 0-9, _ and -; make a random one")
    return value


def _database_url(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    try:
        parts = urlsplit(url)
        port_is_valid = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError("is not a URL; write postgresql://user@host:5432/database") from None
    host = parts.hostname or parse_qs(parts.query).get("host")
    if parts.scheme.partition("+")[0] not in _SCHEMES or not host or not parts.username or not port_is_valid:
        raise ValueError("must name scheme, user and host; write postgresql://user@host:5432/database")
    if not parts.path.strip("/"):
        raise ValueError("names no database; write postgresql://user@host:5432/database")
    return value


def _http_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
        raise ValueError("must be an http or https URL with a host and no login, such as https://bot.example.com")
    return value.rstrip("/")


def _webhook_url(value: str) -> str:
    value = _http_url(value)
    path = urlsplit(value).path
    if not path:
        return value + WEBHOOK_PATH
    if not path.endswith(WEBHOOK_PATH):
        raise ValueError(f"must end in {WEBHOOK_PATH}, where the bot listens, or have no path at all")
    return value


def _readable_file(value: Path) -> Path:
    try:
        with value.open("rb"):
            return value
    except OSError as error:
        raise ValueError(f"the file can't be read ({error.strerror}); mount it or unset the variable") from None


def _admin_ids(value: object) -> object:
    if not isinstance(value, str):
        return value
    parts = [part.strip() for part in value.split(",") if part.strip()]
    if not all(re.fullmatch(r"[1-9][0-9]{0,17}", part) for part in parts):
        raise ValueError("must be Telegram ids, numbers with commas between; @userinfobot tells yours")
    return frozenset(int(part) for part in parts)


def _zone(value: str) -> str:
    try:
        return ZoneInfo(value).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone of the IANA database, such as Europe/Moscow") from None


def _upper(value: object) -> object:
    return value.upper() if isinstance(value, str) else value


def _lower(value: object) -> object:
    return value.lower() if isinstance(value, str) else value


DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class LogSettings(BaseSettings):
    """How the bot logs. Needed by every command."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"],
        BeforeValidator(_upper),
    ] = "INFO"
    log_format: Annotated[Literal["text", "json"], BeforeValidator(_lower)] = "text"
    log_file: Path = Path("/app/logs/bot.log")
    debug_mode: bool = False
    """Log at DEBUG and let asyncio report slow callbacks and forgotten awaits."""

    @classmethod
    def settings_customise_sources(  # noqa: D102 - described where it is overridden from
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # `load` reads the environment itself: only there can all problems be collected.
        return (init_settings,)


class MigrationSettings(LogSettings):
    """What `migrate` and `check-migrations` need: a database, and the role that may change its schema."""

    database_url: DatabaseUrl | None = None
    db_password: SecretStr | None = None
    migration_database_url: DatabaseUrl | None = None
    migration_db_password: SecretStr | None = None
    db_timeout: Seconds = 10.0
    """How long to wait for a connection, in seconds."""
    migration_lock_timeout: Seconds = 60.0
    """How long to wait for another migration that is running, in seconds."""

    @property
    def database(self) -> DatabaseAddress:
        """The address to migrate."""
        if self.migration_database_url is not None:
            return _address(self.migration_database_url, self.migration_db_password)
        return _address(_given(self.database_url), self.db_password)


class RunSettings(LogSettings):
    """What the bot needs to run."""

    bot_token: Annotated[SecretStr, AfterValidator(_token)]
    database_url: DatabaseUrl
    db_password: SecretStr | None = None
    prometheus_enabled: bool = True
    synology_mode: bool = False
    telegram_api_url: Annotated[str, AfterValidator(_http_url)] = TELEGRAM
    webhook_url: Annotated[str, AfterValidator(_webhook_url)] | None = None
    webhook_secret: Annotated[SecretStr, AfterValidator(_webhook_secret)] | None = None
    webhook_certificate: Annotated[Path, AfterValidator(_readable_file)] | None = None
    http_host: str = "0.0.0.0"  # noqa: S104 - inside a container; only nginx and Prometheus reach it
    http_port: Annotated[int, Field(ge=1, le=65535)] = 8000
    db_pool_min: Annotated[int, Field(ge=0, le=100)] = 1
    db_pool_max: Annotated[int, Field(ge=6, le=100)] = 10
    db_timeout: Seconds = 10.0
    """How long to wait for a connection and for a statement, in seconds."""
    send_concurrency: Annotated[int, Field(ge=1, le=256)] = 16
    """How many replies are under way to Telegram at once."""
    send_rate: Annotated[float, Field(ge=0, le=1000)] = 30
    """Messages a second to all chats together; 0 is no limit. Telegram's own is about 30."""
    send_rate_chat: Annotated[float, Field(ge=0, le=1000)] = 1
    """Messages a second to one chat, after a burst of 5; 0 is no limit. Telegram's own is about 1."""
    broadcast_rate: Annotated[float, Field(gt=0, le=1000)] = 20
    """Messages a second of a broadcast; what is left of SEND_RATE stays free for answers."""
    admin_ids: Annotated[frozenset[int], BeforeValidator(_admin_ids)] = frozenset()
    """Who may use /stats and /broadcast: Telegram ids with commas between."""
    consultation_url: Annotated[str, AfterValidator(_http_url)] | None = None
    """Where the menu's consultation button leads; without it there is no such button."""
    time_zone: Annotated[str, AfterValidator(_zone)] = "Europe/Moscow"
    """The time zone of users who have not said theirs."""
    sentry_dsn: SecretStr | None = None
    """Where errors are reported to; without it they are only logged."""
    poll_timeout: Annotated[int, Field(ge=0, le=50)] = 30
    """How long Telegram holds a poll that has nothing to say, in seconds."""
    probe_interval: Seconds = 10.0
    """How often the database and Telegram are asked whether they answer, in seconds."""
    shutdown_timeout: Seconds = 20.0
    """How long a stopping bot may take for what is in flight, in seconds."""

    @property
    def database(self) -> DatabaseAddress:
        """The address of the database."""
        return _address(self.database_url, self.db_password)


SettingsT = TypeVar("SettingsT", bound=LogSettings)

_EXPECTED = {
    "log_level": "must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL",
    "log_format": "must be text or json",
    "db_pool_max": "must be a whole number from 6 to 100",
    "db_pool_min": "must be a whole number from 0 to 100",
    "http_port": "must be a port number from 1 to 65535",
    "send_concurrency": "must be a whole number from 1 to 256",
    "send_rate": "must be a number from 0 to 1000; 0 is no limit",
    "send_rate_chat": "must be a number from 0 to 1000; 0 is no limit",
    "broadcast_rate": "must be a number above 0, at most 1000",
    "poll_timeout": "must be a whole number of seconds from 0 to 50",
}
_SECONDS = {"db_timeout", "migration_lock_timeout", "probe_interval", "shutdown_timeout"}
_SWITCHES = {"debug_mode", "prometheus_enabled", "synology_mode"}
_SECRETS = frozenset(
    {
        "bot_token",
        "database_url",
        "db_password",
        "migration_database_url",
        "migration_db_password",
        "sentry_dsn",
        "webhook_secret",
    }
)


def load(kind: type[SettingsT], environ: Mapping[str, str]) -> SettingsT:
    """Read the settings of `kind` from `environ` and the files it names. Raise SettingsError with every problem.

    An empty variable counts as unset, because compose files pass on what is not set as an empty string.
    """
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for field in kind.model_fields:
        value = _read(field, environ, problems)
        if value is not None:
            values[field] = value
    wrong = {problem.name.removesuffix("_FILE").lower() for problem in problems}
    settings: SettingsT | None = None
    try:
        settings = kind(**values)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            field = str(detail["loc"][0])
            if field not in wrong:
                wrong.add(field)
                problems.append(Problem(field.upper(), _explain(field, detail["type"], detail["msg"])))
    problems.extend(problem for problem in _contradictions(kind, values) if problem.name.lower() not in wrong)
    if problems or settings is None:
        raise SettingsError(problems)
    return settings


def secrets_of(settings: LogSettings) -> list[str]:
    """Return every secret value in `settings`, for the log to hide, also in the form URLs carry it."""
    found: list[str] = []
    for field in type(settings).model_fields:
        value = getattr(settings, field)
        if not isinstance(value, SecretStr):
            continue
        secret = value.get_secret_value()
        if field.endswith("database_url"):
            written = urlsplit(secret).password
            found += [secret, written, unquote(written)] if written else []
        else:
            found.append(secret)
    return found


def _read(field: str, environ: Mapping[str, str], problems: list[Problem]) -> str | None:
    name = field.upper()
    value = environ.get(name) or None
    if field not in _SECRETS:
        return value.strip() if value else None
    file_name = environ.get(f"{name}_FILE") or None
    if file_name is None:
        return value
    if value is not None:
        problems.append(Problem(name, f"is set together with {name}_FILE; keep one of them"))
        return None
    try:
        content = Path(file_name).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        problems.append(Problem(f"{name}_FILE", f"{file_name} can't be read ({reason}); mount the secret there"))
        return None
    if not content:
        problems.append(Problem(f"{name}_FILE", f"{file_name} is empty; write the secret into it"))
        return None
    return content


def _explain(field: str, kind: str, message: str) -> str:
    if kind == "missing":
        also = f" or {field.upper()}_FILE" if field in _SECRETS else ""
        return f"is not set; set it{also}"
    if kind == "value_error":
        return message.removeprefix("Value error, ")
    if field in _SECONDS:
        return "must be a number of seconds above 0, at most 3600"
    if field in _SWITCHES:
        return "must be true or false"
    return _EXPECTED.get(field, message)


def _contradictions(kind: type[LogSettings], values: Mapping[str, Any]) -> Iterable[Problem]:
    for url, password in (("database_url", "db_password"), ("migration_database_url", "migration_db_password")):
        if not {url, password} <= values.keys():
            continue
        try:
            written = urlsplit(values[url]).password
        except ValueError:
            continue
        if written and unquote(written) != values[password]:
            yield Problem(password.upper(), f"differs from the password in {url.upper()}; keep one of them")
    if kind is MigrationSettings:
        if not {"database_url", "migration_database_url"} & values.keys():
            yield Problem("DATABASE_URL", "is not set, nor is MIGRATION_DATABASE_URL; set one, or its _FILE form")
        if "migration_db_password" in values and "migration_database_url" not in values:
            yield Problem("MIGRATION_DB_PASSWORD", "is set without MIGRATION_DATABASE_URL; set both or neither")
    if kind is RunSettings:
        yield from _webhook_contradictions(values)
        least, most = values.get("db_pool_min", "1"), values.get("db_pool_max", "10")
        if least.isdecimal() and most.isdecimal() and int(least) > int(most):
            yield Problem("DB_POOL_MIN", "is above DB_POOL_MAX; lower it")


def _webhook_contradictions(values: Mapping[str, Any]) -> Iterable[Problem]:
    url = values.get("webhook_url")
    if url is None:
        if "webhook_certificate" in values:
            yield Problem("WEBHOOK_CERTIFICATE", "is set without WEBHOOK_URL; set both, or neither to poll")
        return
    if "webhook_secret" not in values:
        yield Problem(
            "WEBHOOK_SECRET", "is not set, but WEBHOOK_URL is; set it or WEBHOOK_SECRET_FILE, or anyone could post"
        )
    if url.startswith("http://") and values.get("telegram_api_url", TELEGRAM).rstrip("/") == TELEGRAM:
        yield Problem("WEBHOOK_URL", "must be https: Telegram delivers nowhere else")


def _address(url: SecretStr, password: SecretStr | None) -> DatabaseAddress:
    parts = urlsplit(url.get_secret_value())
    login, _, host = parts.netloc.rpartition("@")
    user, _, written = login.partition(":")
    dsn = urlunsplit(("postgresql", f"{user}@{host}", parts.path, parts.query, ""))
    if password is None and written:
        password = SecretStr(unquote(written))
    return DatabaseAddress(dsn, password)


def _given(url: SecretStr | None) -> SecretStr:
    if url is None:
        raise SettingsError([Problem("DATABASE_URL", "is not set; set it or DATABASE_URL_FILE")])
    return url
