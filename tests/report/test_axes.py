"""Ticks of axes are round numbers within the axis."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinycomp.report.axes import round_ticks


@pytest.mark.parametrize(
    ("low", "high", "most", "ticks"),
    [
        (0, 9, 5, [0, 2, 4, 6, 8]),
        (-5.9, 5.06, 5, [-4, -2, 0, 2, 4]),
        (4400, 6100, 4, [4500, 5000, 5500, 6000]),
        (0.914, 0.982, 5, [0.92, 0.94, 0.96, 0.98]),
        (0, 1, 5, [0, 0.5, 1]),
        (0.1, 0.3, 5, [0.1, 0.15, 0.2, 0.25, 0.3]),
    ],
)
def test_ticks(low: float, high: float, most: int, ticks: list[float]) -> None:
    assert round_ticks(low, high, most) == ticks


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), st.integers(3, 8))
def test_a_few_within_the_axis(low: float, span: float, most: int) -> None:
    assume(span > 1e-6 * abs(low))
    found = round_ticks(low, low + span, most)
    assert 1 <= len(found) <= most
    assert all(low - 1e-6 * span <= tick <= low + 1.000001 * span for tick in found)
    steps = [b - a for a, b in itertools.pairwise(found)]
    assert all(math.isclose(step, steps[0], rel_tol=1e-3) for step in steps)
