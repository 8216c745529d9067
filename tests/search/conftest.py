"""Fixtures of the search's tests."""

from __future__ import annotations

import pytest
from searches import Files, write_files


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return write_files(tmp_path_factory.mktemp("search"))
