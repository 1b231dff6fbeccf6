"""The programs that roles put on the NAS, loaded from where they lie."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

ROLES = Path(__file__).resolve().parents[2] / "roles"
# A program of several modules is imported as it is on the NAS.
PROGRAMS = ("hyper_backup", "certbot", "container_metrics", "alertmanager", "healer")
sys.path[:0] = [str(ROLES / role / "templates") for role in PROGRAMS]


@pytest.fixture(scope="session")
def program() -> Callable[[str], ModuleType]:
    """Load a program by its path below roles/, such as resource_limits/templates/status.py."""

    def load(path: str) -> ModuleType:
        name = "nas_" + Path(path).stem
        spec = importlib.util.spec_from_file_location(name, ROLES / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    return load
