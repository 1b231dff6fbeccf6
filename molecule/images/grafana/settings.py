"""The GF_* settings that the double understands, read as Grafana reads them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


class ConfigurationError(Exception):
    """A setting or provisioning file that Grafana would not start with."""


def setting(name: str, default: str = "") -> str:
    """Return GF_<name> or the content of the file that GF_<name>__FILE names.

    Raises:
        ConfigurationError: both are set, or the file can't be read; Grafana exits in both cases.
    """
    value, file = os.environ.get(f"GF_{name}"), os.environ.get(f"GF_{name}__FILE")
    if value is not None and file is not None:
        raise ConfigurationError(f"both GF_{name} and GF_{name}__FILE are set (they are exclusive)")
    if file is not None:
        try:
            return Path(file).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"GF_{name}__FILE: {error.strerror}: {file}") from error
    return default if value is None else value


@dataclass(frozen=True)
class Settings:
    """What the double's server needs to know."""

    port: int
    prefix: str  # "/grafana", or "" when served from the root
    admin_user: str
    admin_password: str
    anonymous: bool
    provisioning: Path
    data: Path
    home: Path | None  # the dashboard that / shows

    @classmethod
    def from_environment(cls) -> Settings:
        """Read the environment.

        Raises:
            ConfigurationError: a setting is missing or contradicts another one.
        """
        home = setting("DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH")
        root_url = setting("SERVER_ROOT_URL", "http://localhost:3000/")
        sub_path = setting("SERVER_SERVE_FROM_SUB_PATH", "false") == "true"
        password = setting("SECURITY_ADMIN_PASSWORD")
        if not password:
            raise ConfigurationError(
                "GF_SECURITY_ADMIN_PASSWORD or GF_SECURITY_ADMIN_PASSWORD__FILE is not set: the double, "
                "unlike Grafana, does not fall back to admin/admin"
            )
        return cls(
            port=int(setting("SERVER_HTTP_PORT", "3000")),
            prefix=urlsplit(root_url).path.rstrip("/") if sub_path else "",
            admin_user=setting("SECURITY_ADMIN_USER", "admin"),
            admin_password=password,
            anonymous=setting("AUTH_ANONYMOUS_ENABLED", "false") == "true",
            provisioning=Path(setting("PATHS_PROVISIONING", "/etc/grafana/provisioning")),
            data=Path(setting("PATHS_DATA", "/var/lib/grafana")),
            home=Path(home) if home else None,
        )
