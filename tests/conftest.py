"""Fixtures that all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

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
