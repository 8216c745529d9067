"""The cost of planning and compiling, in machine-independent counts. benchmarks/build_time.py
measures seconds.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType

import pytest

from benchmarks.build_time import BOARD, LARGE, plan_for
from benchmarks.cases import model_path, targets
from benchmarks.networks import save
from tinycomp.common.progress import Silent
from tinycomp.emit.library import emit_library
from tinycomp.options.build import Preparation
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared, prepare
from tinycomp.proof.measure import footprint

MOST_CALLS = 4_000_000
"""The most Python function calls while planning: about four seconds in CPython."""
MOST_TEXT = 6
"""The most characters of C per byte of constants: GCC's time to parse numbers depends on their
digits.
"""


def planned(prepared: Prepared) -> tuple[Plan, int]:
    """The plan, and the number of function calls that it took."""
    calls = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        found = plan_for(prepared, BOARD)
    finally:
        sys.setprofile(None)
    return found, calls


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_large_models(name: str, tmp_path: Path) -> None:
    prepared = prepare(Preparation(*save(name, tmp_path)), Silent())
    found, calls = planned(prepared)
    assert calls <= MOST_CALLS
    library = emit_library(found, prefix="t", model_hash="0" * 64)
    assert library == emit_library(plan_for(prepared, BOARD), prefix="t", model_hash="0" * 64)
    assert sum(map(len, library.values())) <= MOST_TEXT * footprint(found, None).constants


@pytest.mark.shared
@pytest.mark.parametrize("model", targets()[0].models)
def test_official_models(model: str, shared: Path) -> None:
    prepared = prepare(Preparation(model_path(model, shared)), Silent())
    assert planned(prepared)[1] <= MOST_CALLS
