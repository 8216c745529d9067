"""The mapping from a reduced graph's tensors to the original's, composed from pass to pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tinycomp.ir.graph import Graph
from tinycomp.ir.reduction import CONSTANT, UNREAD, Reduction, TensorReduction
from tinycomp.ir.tensor import Tensor


def with_original(graph: Graph) -> Graph:
    """The graph as its own original; from here on passes record changes of its tensors."""
    reductions = {name: unchanged(tensor) for name, tensor in graph.tensors.items()}
    return replace(graph, reduction=Reduction(graph, reductions))


def unchanged(tensor: Tensor) -> TensorReduction:
    """Maps each element to the one at the same position in the tensor of that name."""
    source = np.arange(tensor.size, dtype=np.int32).reshape(tensor.shape)
    return TensorReduction(tensor.name, source, np.zeros(tensor.shape, tensor.dtype))


def recorded(before: Graph, after: Graph, steps: Mapping[str, TensorReduction]) -> Graph:
    """`after`, with the original of `before` expressed in its tensors.

    Args:
        before: a graph that may have an original.
        after: the graph after a pass.
        steps: mappings from tensors of `after` to those of `before`. A missing one is the tensor
            of the same name, or not computed any more if `after` has none of that name.
    """
    if before.reduction is None:
        return after
    reductions = {
        name: known if known.tensor is None else chained(known, _step(after, known, steps))
        for name, known in before.reduction.tensors.items()
    }
    return replace(after, reduction=replace(before.reduction, tensors=reductions))


def chained(first: TensorReduction, second: TensorReduction) -> TensorReduction:
    """The composition of two mappings, over first.tensor."""
    computed = first.source >= 0
    places = first.source[computed]
    source, constants = first.source.copy(), first.constants.copy()
    source[computed] = second.source.ravel()[places]
    constants[computed] = second.constants.ravel()[places]
    return TensorReduction(second.tensor if np.any(source >= 0) else None, source, constants)


def _step(
    after: Graph, known: TensorReduction, steps: Mapping[str, TensorReduction]
) -> TensorReduction:
    assert known.tensor is not None
    step = steps.get(known.tensor)
    if step is None and known.tensor in after.tensors:
        return unchanged(after.tensors[known.tensor])
    if step is None or (step.tensor is not None and step.tensor not in after.tensors):
        size = 1 + int(known.source.max())
        step = step or TensorReduction(
            None, np.full(size, UNREAD, np.int32), np.zeros(size, np.int8)
        )
        return _without_tensor(step)
    return step


def _without_tensor(step: TensorReduction) -> TensorReduction:
    """A mapping whose tensor was removed: only its constants are left."""
    source = np.where(step.source == CONSTANT, CONSTANT, UNREAD).astype(np.int32)
    return TensorReduction(None, source, step.constants)
