"""Products of computed matrices for an instruction set's kernels, with random shapes."""

from __future__ import annotations

import math

from conformance import Case, CaseBuilder, extreme_inputs, parameters
from pairs import SHUFFLED

from tinycomp.ir.tensor import Shape
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice

DEPTHS = (1, 3, 4, 15, 16, 17, 33, 70)
"""Products of a sum: with rests, and without."""


def matrix_products(count: int = 24) -> list[Case]:
    """One matrix, several in a row, and one a row; read in all four ways, with any zero points, and
    sums that are shifted to the left or nearly all lost.
    """
    from core_cases import ZERO_POINTS, draws

    found = []
    for i, draw in draws(count, 26):
        depth, height, width = draw.of(DEPTHS), draw.number(1, 6), draw.number(1, 9)
        op = BatchMatmul(bool(i & 1), bool(i & 2))
        before: Shape = ((), (2,), (2, 3))[i % 3]
        first = (depth, height) if op.transpose_first else (height, depth)
        second = (width, depth) if op.transpose_second else (depth, width)
        builder = CaseBuilder((*before, *first), parameters(0.1, int(draw.of(ZERO_POINTS))))
        other = parameters(0.07, int(draw.of(ZERO_POINTS)))
        times = -(-math.prod(second) // math.prod(first))
        part = _repeated(builder, math.prod(before), math.prod(first), times, math.prod(second))
        shuffled = builder.add(SHUFFLED, [part], other)
        matrices = builder.add(Reshape((*before, *second)), [shuffled], other)
        scale = 0.007 * math.sqrt(depth) * draw.of((0.3, 40.0, 40.0, 4e3, 1e7))
        builder.add(op, ["input", matrices], parameters(scale, int(draw.of(ZERO_POINTS))))
        inputs = extreme_inputs(draw.rng, (*before, *first))
        found.append(Case(f"matrices {i}", builder.graph(), inputs))
    return found


def _repeated(builder: CaseBuilder, count: int, size: int, times: int, wanted: int) -> str:
    """The input as `count` vectors of `wanted` values, repeated as often as it takes."""
    tied = builder.quantization["input"]
    flat = builder.add(Reshape((count, size)), ["input"], tied)
    joined = builder.add(Concatenation(1), [flat] * times, tied) if times > 1 else flat
    parts = ((0, count, 1), (0, wanted, 1))
    return builder.add(StridedSlice(parts), [joined], tied)
