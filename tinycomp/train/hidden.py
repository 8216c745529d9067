"""What a student can imitate besides outputs: hidden features, and the sums of residual blocks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ops.add import Add
from tinycomp.passes._logits import up_to

_AREAS = 4
"""Along each axis, a sum is averaged over about so many areas: 16 of an image say where things are,
and the teacher's values of all samples fit in memory.
"""


def features_of(graph: Graph, place: int = 0) -> str:
    """The name of the input of the last layer with weights before an output.

    Raises:
        ModelError: there is no such layer.
    """
    before = up_to(graph, graph.outputs[place]).nodes
    layers = [node for node in before if node.op.weight_axis is not None]
    if not layers:
        raise ModelError(
            f"'{graph.name}' has no hidden features to imitate.",
            expected="Expected layers with weights.",
            hint="Set features = 0.",
        )
    return layers[-1].inputs[0]


def sums_of(graph: Graph, place: int = 0) -> tuple[str, ...]:
    """The names of the sums of two computed tensors before an output.

    Raises:
        ModelError: there are none.
    """
    before = up_to(graph, graph.outputs[place])
    found = tuple(
        node.outputs[0]
        for node in before.nodes
        if isinstance(node.op, Add) and not before.operands(node).constants
    )
    if not found:
        raise ModelError(
            f"'{graph.name}' has no sums of residual blocks to imitate.",
            expected="Expected layers that add two others.",
            hint="Set sums = 0; features = 1 imitates the input of the last layer.",
        )
    return found


def averaged(values: Any, reshape: Callable[..., Any], mean: Callable[..., Any]) -> Any:
    """The mean of each channel over areas, (samples, areas * channels).

    Args:
        values: (samples, *axes, channels).
        reshape: the function of NumPy or keras.ops.
        mean: likewise.
    """
    for number, size in enumerate([int(each) for each in values.shape[1:-1]], 1):
        width = max(1, size // _AREAS)
        count = size // width
        kept = (slice(None),) * number + (slice(0, count * width),)
        split = [int(each) for each in values.shape[1:]]
        split[number - 1 : number] = [count, width]
        values = mean(reshape(values[kept], (-1, *split)), axis=number + 1)
    return reshape(values, (-1, math.prod(int(each) for each in values.shape[1:])))
