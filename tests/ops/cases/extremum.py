"""Maxima and minima of two tensors, one of which may be broadcast."""

from __future__ import annotations

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops._window import Window
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.lookup import Lookup
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.reduce_max import ReduceMax

TIED = parameters(0.05, -9)
REVERSED = Lookup(np.arange(127, -129, -1, dtype=np.int8).tobytes())


def cases() -> list[Case]:
    return [_repeated(), _same((20,)), _same((5, 3)), _same((1, 1, 1))]


def _case(name: str, builder: CaseBuilder, shape: Shape) -> Case:
    return Case(name, builder.graph(), extreme_inputs(np.random.default_rng(1), shape))


def _repeated() -> Case:
    """A broadcast operand on either side; a tensor with itself."""
    shape = (4, 5, 6)
    builder = CaseBuilder(shape, TIED)
    upside_down = builder.add(REVERSED, ["input"], TIED)
    for name, narrow in (
        ("row", builder.add(MaxPool2D(Window((4, 1))), [upside_down], TIED)),
        ("channels", builder.add(ReduceMax(keep_dims=True), [upside_down], TIED)),
        ("one axis", builder.add(ReduceMax(), [upside_down], TIED)),
        ("itself", "input"),
    ):
        for largest in (True, False):
            text = f"{name}, {'largest' if largest else 'smallest'}"
            builder.add(Extremum(largest), ["input", narrow], TIED, name=f"{text}, second")
            last = builder.add(Extremum(largest), [narrow, "input"], TIED, name=f"{text}, first")
    builder.add(Extremum(True), [last, upside_down], TIED)
    return _case("repeated operands", builder, shape)


def _same(shape: Shape) -> Case:
    builder = CaseBuilder(shape, TIED)
    other = builder.add(REVERSED, ["input"], TIED)
    builder.add(Extremum(False), ["input", other], TIED, name="smallest")
    builder.add(Extremum(True), ["input", other], TIED, name="largest")
    return _case(f"shape {shape}", builder, shape)
