"""Reads Grafana's provisioning files and refuses what Grafana would refuse or silently show as "No data"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boards
import yaml
from settings import ConfigurationError


@dataclass(frozen=True)
class Placed:
    """A dashboard, and the folder that its provider puts it into."""

    content: dict[str, Any]
    folder: dict[str, str]


@dataclass
class Provisioned:
    """All that the provisioning files ask for."""

    datasources: list[dict[str, Any]] = field(default_factory=list)
    dashboards: dict[str, Placed] = field(default_factory=dict)
    folders: list[dict[str, str]] = field(default_factory=list)
    home: dict[str, Any] | None = None


def _yaml_files(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted([*folder.glob("*.yml"), *folder.glob("*.yaml")]):
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        except (OSError, yaml.YAMLError) as error:
            raise ConfigurationError(f"provisioning error: {path}: can't be parsed: {error}") from error
        if not isinstance(content, dict):
            raise ConfigurationError(f"{path}: a mapping is expected")
        yield path, content


def _datasources(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path, content in _yaml_files(folder):
        for source in content.get("datasources") or []:
            for key in ("name", "type"):
                if not source.get(key):
                    raise ConfigurationError(f"{path}: a data source has no {key}")
            if any(source.get(key) and source[key] == other.get(key) for other in found for key in ("name", "uid")):
                raise ConfigurationError(f"{path}: the data source {source['name']!r} is provisioned twice")
            if source["type"] == "alertmanager" and not (source.get("jsonData") or {}).get("implementation"):
                raise ConfigurationError(
                    f"{path}: {source['name']}: without jsonData.implementation it is taken for Mimir's"
                )
            found.append(source)
    if sum(bool(source.get("isDefault")) for source in found) > 1:
        raise ConfigurationError(
            "datasource.yaml config is invalid. Only one datasource per organization can be marked as default"
        )
    return found


def _dashboards(folder: Path, known: set[str], result: Provisioned) -> None:
    titles: set[tuple[str, str]] = set()
    for path, content in _yaml_files(folder):
        for provider in content.get("providers") or []:
            place = Path(str((provider.get("options") or {}).get("path", "")))
            if not place.is_dir():
                raise ConfigurationError(f"{path}: provider {provider.get('name')!r}: no such folder: {place}")
            title = provider.get("folder") or "General"
            shelf = {"uid": provider.get("folderUid") or title.lower(), "title": title}
            if shelf not in result.folders:
                result.folders.append(shelf)
            for file in sorted(place.rglob("*.json")):
                board = boards.read(file, known)
                if board["uid"] in result.dashboards or (title, board["title"]) in titles:
                    raise ConfigurationError(f"{file}: its uid or its title in the folder {title} is another's")
                titles.add((title, board["title"]))
                result.dashboards[board["uid"]] = Placed(board, shelf)


def read(folder: Path, home: Path | None = None) -> Provisioned:
    """Read `folder` as Grafana reads its provisioning folder, and `home`, the dashboard's file that is shown first.

    Raises:
        ConfigurationError: a file does not parse, a dashboard provider's folder is missing, a panel names a data
            source that no file provisions, lacks what Grafana needs to draw it, or asks what is no PromQL.
    """
    result = Provisioned(datasources=_datasources(folder / "datasources"))
    known = {str(source[key]) for source in result.datasources for key in ("name", "uid") if source.get(key)}
    for source in result.datasources:
        wanted = (source.get("jsonData") or {}).get("alertmanagerUid")
        if wanted and wanted not in known:
            raise ConfigurationError(f"{source['name']}: alertmanagerUid {wanted!r} is provisioned by no file")
    _dashboards(folder / "dashboards", known, result)
    if home is not None:
        # Grafana itself starts, and answers "Failed to load home dashboard" to everybody who logs in.
        result.home = boards.read(home, known)
    return result
