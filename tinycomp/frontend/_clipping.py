"""Two bounds as a ReLU, shifted or turned where they are not zero and above."""

from __future__ import annotations

import math

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.function import Function
from tinycomp.ops.relu import Relu


def clipped(name: str, x: str, low: float, high: float, builder: GraphBuilder) -> str:
    """Add min(max(x, low), high), low < high; infinity is no bound. Returns the output's name."""
    if (low, high) == (-math.inf, math.inf):
        return x
    if (low, high) == (-1.0, 1.0):
        return builder.add(Function("hard_tanh"), [x], name)
    limit = None if math.isinf(high) else high - max(low, -3e38)
    if low == 0:
        return builder.add(Relu(limit), [x], name)
    if math.isinf(low):
        below = scaled(f"{name}/below", x, -1.0, high, builder)
        turned = builder.add(Relu(), [below], f"{name}/clipped")
        return scaled(name, turned, -1.0, high, builder)
    shifted = scaled(f"{name}/shifted", x, 1.0, -low, builder)
    cut = builder.add(Relu(limit), [shifted], f"{name}/clipped")
    return scaled(name, cut, 1.0, low, builder)
