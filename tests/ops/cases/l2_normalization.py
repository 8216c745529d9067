"""Vectors of length 1: ranks, zero points, vectors of zeros and of one value, long ones."""

from __future__ import annotations

import numpy as np
from conformance import Case, parameters, unary_case

from tinycomp.ops.l2_normalization import OUTPUT, L2Normalization


def cases() -> list[Case]:
    found = [
        unary_case(f"{shape}, {zero}", L2Normalization(), shape, parameters(0.07, zero), OUTPUT)
        for shape in ((12,), (1,), (3, 10), (2, 3, 5), (4, 1), (20000,))
        for zero in (-128, 3, 127)
    ]
    return [*found, _lengths()]


def _lengths() -> Case:
    """Squares from 0 on, which take every number of steps to normalize."""
    known = unary_case("", L2Normalization(), (40, 3), parameters(0.1, 5), OUTPUT)
    rng = np.random.default_rng(3)
    sizes = np.repeat(np.arange(1, 41), 3).reshape(1, 40, 3) * 3
    values = np.clip(5 + rng.integers(-sizes, sizes + 1, (20, 40, 3)), -128, 127)
    values[0, :8] = 5 + np.arange(8)[:, np.newaxis] * np.array([[1, 0, 0]])
    return Case("all lengths", known.graph, values.astype(np.int8))
