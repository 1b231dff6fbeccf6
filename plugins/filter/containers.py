"""A filter over the containers that dsm_facts has read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unfit_containers(containers: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of containers that are not healthy; one without a health check is only asked to run."""
    return sorted(
        name
        for name, one in containers.items()
        if (one.get("state") != "running" if one.get("health") is None else one["health"] != "healthy")
    )


class FilterModule:
    """Makes the filter known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filter by name."""
        return {"unfit_containers": unfit_containers}
