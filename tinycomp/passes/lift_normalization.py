"""Moves the scale and offset that a model applies to its raw input out of the graph, to the
library's input transform.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.input_transform import InputTransform
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.reshape import Reshape
from tinycomp.passes._rewrite import Edit, Uses


def lift_normalization(graph: Graph) -> Graph:
    """The float graph for a normalized input, with the transform.

    The graph itself if its first layers are not a scale and offset along the last axis with no
    other reader of the input, or if a factor is zero or exceeds float32.
    """
    chain = _leading(graph)
    if not chain:
        return graph
    with np.errstate(all="ignore"):
        transform = _composed(graph, chain)
    if transform is None or not np.isfinite((transform.centers, transform.factors)).all():
        return graph
    edit = Edit(graph)
    for node in chain:
        edit.remove(node, node.inputs[0])
    return replace(edit.apply(), input_transform=transform)


def _composed(graph: Graph, chain: Sequence[Node]) -> InputTransform | None:
    """The composition of the layers, in float64 and then rounded; None if their features differ, or
    a factor is zero.
    """
    scale, offset = np.ones(1), np.zeros(1)
    for node in chain:
        factor, summand = (
            np.asarray(graph.constants[name].values, np.float64) for name in node.inputs[1:]
        )
        if scale.size not in (1, factor.size):
            return None
        scale, offset = scale * factor, offset * factor + summand
    factors, centers = scale.astype(np.float32), (-offset / scale).astype(np.float32)
    if not factors.all():
        return None
    return InputTransform(tuple(centers.tolist()), tuple(factors.tolist()))


def _leading(graph: Graph) -> list[Node]:
    """The normalizing layers at the start of the graph, in order; reshapes in between are kept."""
    uses, found = Uses(graph), []
    if len(graph.inputs) > 1:
        return []
    node = uses.only_reader(graph.inputs[0])
    while node is not None and isinstance(node.op, BatchNormalization | Reshape):
        if isinstance(node.op, BatchNormalization):
            found.append(node)
        node = uses.only_reader(node.outputs[0])
    return found
