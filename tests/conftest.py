"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from golden_files import Golden
from hypothesis import settings

from tinycomp.target.toolchain import OBJECTS

# How long an example takes depends on what else the computer does.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of reference models and data beside the checkout; tests that use it are marked
    `shared`.
    """
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared (reference models and data) is not present")
    return folder


@pytest.fixture(scope="session", autouse=True)
def objects(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled objects are cached for all tests of a run, because most use the same harness; for
    several runs in the folder that the variable names.
    """
    if os.environ.get(OBJECTS):
        yield
        return
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(OBJECTS, str(folder / "objects"))
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="rewrite the files of tests/golden"
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """The checked-in texts of tests/golden."""
    return Golden(request.config.getoption("--update-golden"))
