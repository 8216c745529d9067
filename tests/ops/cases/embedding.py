"""Tables of any size and values, stored plainly and by codebooks; numbers of one axis and of two;
every row, and the first and last.
"""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, parameters

from tinycomp.ir.operator import NUMBERS
from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops.embedding import Embedding
from tinycomp.ops.mean import Mean
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.strided_slice import StridedSlice


def _case(name: str, numbers: Shape, table: Shape, entries: int = 0) -> Case:
    rng = np.random.default_rng(len(name))
    values = rng.integers(-128, 128, table)
    if entries:
        values = rng.choice(rng.integers(-128, 128, entries), table)
    known = parameters(0.02, int(rng.integers(-9, 9)))
    builder = CaseBuilder(numbers, NUMBERS, "int16")
    constant = Constant("table", values.astype(np.int8), known)
    builder.add(Embedding(), ["input"], known, [constant], dtype="int8")
    every = rng.permutation(table[0] * 5)[: 4 * int(np.prod(numbers))] % table[0]
    free = np.resize(every, (4, *numbers))
    ends = [np.full((1, *numbers), value) for value in (0, table[0] - 1)]
    return Case(name, builder.graph(), np.concatenate([free, *ends]).astype(np.int16))


def _moved() -> Case:
    """Numbers in another shape, the last ones only; then a mean over them."""
    known = parameters(0.02, 3)
    rng = np.random.default_rng(5)
    builder = CaseBuilder((12,), NUMBERS, "int16")
    square = builder.add(Reshape((4, 3)), ["input"], NUMBERS)
    part = builder.add(StridedSlice(((1, 3, 1), (0, 3, 1))), [square], NUMBERS)
    constant = Constant("table", rng.integers(-128, 128, (300, 5)).astype(np.int8), known)
    rows = builder.add(Embedding(), [part], known, [constant], dtype="int8")
    builder.add(Mean(axes=(1,)), [rows], parameters(0.01, -7), dtype="int8")
    return Case("moved", builder.graph(), rng.integers(0, 300, (5, 12)).astype(np.int16))


def cases() -> list[Case]:
    return [
        _case("words", (7,), (40, 6)),
        _case("one number", (1,), (3, 17)),
        _case("one value a row", (6,), (9, 1)),
        _case("one row", (4,), (1, 9)),
        _case("two axes", (3, 5), (50, 4)),
        _case("a column of numbers", (5, 1), (50, 4)),
        _case("three axes", (2, 3, 2), (20, 3)),
        _case("many rows", (8,), (1 << 15, 2)),
        _case("few values", (9,), (260, 8), 14),
        _case("few values, odd rows", (9,), (70, 7), 60),
        _moved(),
    ]
