"""What planning and compiling cost, in counts that are the same on every machine. The seconds they
stand for are measured by benchmarks/build_time.py.
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
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Preparation, Prepared, prepare
from tinycomp.proof.measure import footprint

MOST_CALLS = 4_000_000
"""Calls of Python functions while planning: CPython does as many in about four seconds."""
MOST_TEXT = 6
"""Characters of C that a byte of constants may take: GCC reads a number in the time it reads its
digits.
"""


def planned(prepared: Prepared) -> tuple[Plan, int]:
    """The plan, and how many functions were called for it."""
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
def test_a_large_model(tmp_path: Path) -> None:
    found, calls = planned(prepare(Preparation(*save(LARGE, tmp_path)), Silent()))
    assert calls <= MOST_CALLS
    library = emit_library(found, prefix="t", model_hash="0" * 64)
    assert sum(map(len, library.values())) <= MOST_TEXT * footprint(found, None).constants


@pytest.mark.shared
@pytest.mark.parametrize("model", targets()[0].models)
def test_official_models(model: str, shared: Path) -> None:
    prepared = prepare(Preparation(model_path(model, shared)), Silent())
    assert planned(prepared)[1] <= MOST_CALLS
