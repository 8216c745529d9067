"""How an original graph's tensors follow from a smaller graph's, carried from pass to pass."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from tinycomp.ir import CONSTANT, UNREAD, Graph, Original, Reduction, Tensor


def with_original(graph: Graph) -> Graph:
    """The graph as its own original: from here on passes record what becomes of its tensors."""
    reductions = {name: unchanged(tensor) for name, tensor in graph.tensors.items()}
    return replace(graph, original=Original(graph, reductions))


def unchanged(tensor: Tensor) -> Reduction:
    """Each element is the one at its place in the tensor of that name."""
    source = np.arange(tensor.size, dtype=np.int32).reshape(tensor.shape)
    return Reduction(tensor.name, source, np.zeros(tensor.shape, np.int8))


def recorded(before: Graph, after: Graph, steps: Mapping[str, Reduction]) -> Graph:
    """`after`, with the original of `before` expressed in its tensors.

    Args:
        before: a graph that may have an original.
        after: what a pass made of it.
        steps: how tensors of `before` follow from those of `after`. One that is not there is the
            tensor of its name, or where `after` has none of that name, is not computed any more.
    """
    if before.original is None:
        return after
    reductions = {
        name: known if known.tensor is None else chained(known, _step(after, known, steps))
        for name, known in before.original.reductions.items()
    }
    return replace(after, original=replace(before.original, reductions=reductions))


def chained(first: Reduction, second: Reduction) -> Reduction:
    """From a tensor over first.tensor to what `second` says of that one."""
    computed = first.source >= 0
    places = first.source[computed]
    source, constants = first.source.copy(), first.constants.copy()
    source[computed] = second.source.ravel()[places]
    constants[computed] = second.constants.ravel()[places]
    return Reduction(second.tensor if np.any(source >= 0) else None, source, constants)


def _step(after: Graph, known: Reduction, steps: Mapping[str, Reduction]) -> Reduction:
    assert known.tensor is not None
    step = steps.get(known.tensor)
    if step is None and known.tensor in after.tensors:
        return unchanged(after.tensors[known.tensor])
    if step is None or (step.tensor is not None and step.tensor not in after.tensors):
        size = 1 + int(known.source.max())
        step = step or Reduction(None, np.full(size, UNREAD, np.int32), np.zeros(size, np.int8))
        return _without_tensor(step)
    return step


def _without_tensor(step: Reduction) -> Reduction:
    """What is left when the tensor that held the rest is gone: the constants."""
    source = np.where(step.source == CONSTANT, CONSTANT, UNREAD).astype(np.int32)
    return Reduction(None, source, step.constants)
