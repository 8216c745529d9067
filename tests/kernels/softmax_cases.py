"""Softmaxes of many values for an instruction set's kernels."""

from __future__ import annotations

from conformance import Case, parameters, unary_case

from tinycomp.ops.softmax import OUTPUT, Softmax


def softmaxes(count: int = 16) -> list[Case]:
    """Vectors of whole fours and with rests, from flat to one-hot, and any zero points."""
    from core_cases import ZERO_POINTS, draws

    found = []
    for i, draw in draws(count, 29):
        length = draw.of((3, 16, 17, 33, 64, 200))
        shape = (-(-64 // length), draw.number(1, 3), length)
        source = parameters(draw.of((1e-6, 0.004, 0.03, 0.1, 0.6, 30.0)), int(draw.of(ZERO_POINTS)))
        found.append(unary_case(f"softmax {i}", Softmax(), shape, source, OUTPUT, seed=i))
    return found
