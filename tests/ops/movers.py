"""Conformance cases of operators that rearrange values."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters

from tinycomp.ir.tensor import Shape
from tinycomp.ops._move import Move


def mover_case(shape: Shape, movers: Sequence[Move], zero_point: int = -7) -> Case:
    """A case that applies several operators to one input."""
    tied = parameters(0.05, zero_point)
    builder = CaseBuilder(shape, tied)
    for op in movers:
        builder.add(op, ["input"], tied, name=str(op).replace("'", ""))
    return Case(f"shape {shape}", builder.graph(), extreme_inputs(np.random.default_rng(0), shape))
