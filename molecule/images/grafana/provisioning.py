"""Reads Grafana's provisioning files and refuses what Grafana would refuse or silently show as "No data"."""

from __future__ import annotations

import json
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from settings import ConfigurationError

# Grafana replaces these before it sends a query; promtool's parser wants something of the right type in their place.
_VARIABLES = (
    (re.compile(r"\$__(rate_)?interval(_ms)?\b|\$\{__(rate_)?interval(_ms)?\}|\$__range(_s|_ms)?\b"), "5m"),
    (re.compile(r"\$\{\w+(:\w+)?\}|\$\w+|\[\[\w+\]\]"), "x"),
)


@dataclass
class Provisioned:
    """All that the provisioning files ask for."""

    datasources: list[dict[str, Any]] = field(default_factory=list)
    dashboards: list[dict[str, Any]] = field(default_factory=list)


def _yaml_files(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise ConfigurationError(f"provisioning error: {path}: can't be parsed: {error}") from error
        if not isinstance(content, dict):
            raise ConfigurationError(f"{path}: a mapping is expected")
        yield path, content


def _panels(dashboard: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for panel in dashboard.get("panels", []):
        yield panel
        yield from _panels(panel)  # a row holds its panels


def _check_queries(queries: list[tuple[str, str]]) -> None:
    """Let promtool parse every query; the error names the panel."""
    for place, query in queries:
        expression = query
        for pattern, replacement in _VARIABLES:
            expression = pattern.sub(replacement, expression)
        rules = {"groups": [{"name": "query", "rules": [{"record": "query", "expr": expression}]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            yaml.safe_dump(rules, file)
            file.flush()
            checked = subprocess.run(
                ["promtool", "check", "rules", file.name], capture_output=True, text=True, check=False
            )
        if checked.returncode != 0:
            reason = (checked.stderr + checked.stdout).replace(file.name, "").strip()
            raise ConfigurationError(f"{place}: promtool rejects the query {query!r}: {reason}")


def _read_dashboard(path: Path, datasource_ids: set[str]) -> dict[str, Any]:
    try:
        dashboard: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"provisioning error: {path}: can't be parsed: {error}") from error
    for key in ("uid", "title"):
        if not dashboard.get(key):
            raise ConfigurationError(f"{path}: the dashboard has no {key}")
    queries = []
    for panel in _panels(dashboard):
        place = f"{path}: panel {panel.get('title', panel.get('id'))!r}"
        for target in [panel, *panel.get("targets", [])]:
            source = target.get("datasource")
            name = source.get("uid") if isinstance(source, dict) else source
            if name and not str(name).startswith(("$", "-- ", "grafana")) and name not in datasource_ids:
                raise ConfigurationError(f"{place}: data source {name!r} is provisioned by no file")
            if target.get("expr"):
                queries.append((place, target["expr"]))
    _check_queries(queries)
    return dashboard


def read(folder: Path) -> Provisioned:
    """Read `folder` as Grafana reads its provisioning folder.

    Raises:
        ConfigurationError: a file does not parse, a dashboard provider's folder is missing, a panel names a data
            source that no file provisions, or a panel's query is no PromQL.
    """
    result = Provisioned()
    for path, content in _yaml_files(folder / "datasources"):
        for source in content.get("datasources") or []:
            for key in ("name", "type"):
                if not source.get(key):
                    raise ConfigurationError(f"{path}: a data source has no {key}")
            result.datasources.append(source)
    known = {str(source[key]) for source in result.datasources for key in ("name", "uid") if source.get(key)}
    for path, content in _yaml_files(folder / "dashboards"):
        for provider in content.get("providers") or []:
            dashboards = Path(str((provider.get("options") or {}).get("path", "")))
            if not dashboards.is_dir():
                raise ConfigurationError(f"{path}: provider {provider.get('name')!r}: no such folder: {dashboards}")
            result.dashboards += [_read_dashboard(file, known) for file in sorted(dashboards.rglob("*.json"))]
    return result
