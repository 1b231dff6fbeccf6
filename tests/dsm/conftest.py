import shutil
from pathlib import Path

import pytest

from dsm.standin import Nas


@pytest.fixture
def nas(tmp_path: Path) -> Nas:
    return Nas(tmp_path / "nas")


@pytest.fixture(scope="session")
def family_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    nas = Nas(tmp_path_factory.mktemp("family") / "nas")
    for name in ("ann", "bob"):
        nas.ok("synouser", "--add", name, "secret-" + name, name.title(), "0", "", "0")
    nas.ok("synogroup", "--add", "kbju")
    return nas.root


@pytest.fixture
def family(nas: Nas, family_template: Path) -> Nas:
    """A NAS with the users ann and bob and the group kbju."""
    shutil.copytree(family_template, nas.root, symlinks=True, dirs_exist_ok=True, ignore=shutil.ignore_patterns("bin"))
    return nas
