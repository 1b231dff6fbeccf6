"""Filters over addresses of networks."""

from __future__ import annotations

import ipaddress
from typing import Any


def first_address(subnet: str) -> str:
    """Return the first address of a subnet that a machine may have; Docker gives it to the host.

    Raises:
        ValueError: it is no subnet.
    """
    return str(next(ipaddress.ip_network(subnet).hosts()))


class FilterModule:
    """Makes the filters known to Ansible."""

    def filters(self) -> dict[str, Any]:
        """Return the filters by name."""
        return {"first_address": first_address}
