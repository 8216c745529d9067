"""Between the tensors of an original graph and those of the graph that it was reduced to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph
from tinycomp.ir.reduction import CONSTANT, UNREAD, Reduction
from tinycomp.ir.tensor import Array

Tensors = Mapping[str, Array]


def with_reshapes(graph: Graph, tensors: Tensors) -> Tensors:
    """LiteRT's tensors, and those beside them that have the same bytes in another shape.

    A .tflite leaves some reshapes out: a dense layer flattens its input by itself, and an axis that
    a 1-D convolution needs comes from the operators around it.
    """
    found = dict(tensors)
    for node in graph.nodes:
        if node.op.name != "reshape":
            continue
        for known, missing in (node.inputs + node.outputs, node.outputs + node.inputs):
            if known in found and missing not in found:
                values = found[known]
                found[missing] = values.reshape(len(values), *graph.tensors[missing].shape)
    return found


def reduced_tensors(graph: Graph, tensors: Tensors) -> Tensors:
    """The values that a reduced graph computes, picked from its original's.

    Args:
        graph: any int8 graph; one without an original has its own tensors.
        tensors: of the original by name, (samples, *shape).
    """
    if graph.reduction is None:
        return tensors
    found = {}
    for name, tensor in graph.tensors.items():
        values = tensors[name].reshape(len(tensors[name]), -1)
        picked = values[:, _places(graph, graph.reduction, name)]
        found[name] = picked.reshape(len(values), *tensor.shape)
    return found


def original_tensors(
    reduction: Reduction, reduced: Tensors, all_computed: Callable[[], Tensors]
) -> dict[str, Array]:
    """The values of the original's tensors, as they follow from those of the reduced graph.

    Args:
        reduction: of the reduced graph.
        reduced: its tensors by name, (samples, *shape).
        all_computed: called where something is unread: the original's tensors, from a simulator.
    """
    samples = len(next(iter(reduced.values())))
    unread = any(np.any(each.source == UNREAD) for each in reduction.tensors.values())
    computed = all_computed() if unread else {}
    found = {}
    for name, step in reduction.tensors.items():
        values = np.empty((samples, *step.source.shape), np.int8)
        values[:, step.source == CONSTANT] = step.constants[step.source == CONSTANT]
        if step.tensor is not None:
            kept = step.source >= 0
            values[:, kept] = reduced[step.tensor].reshape(samples, -1)[:, step.source[kept]]
        if unread:
            values[:, step.source == UNREAD] = computed[name][:, step.source == UNREAD]
        found[name] = values
    return found


def original_position(graph: Graph, tensor: str, position: tuple[int, ...]) -> tuple[int, ...]:
    """Where an element of a reduced graph's tensor lies in the original's tensor of that name."""
    if graph.reduction is None:
        return position
    index = int(np.ravel_multi_index(position, graph.tensors[tensor].shape))
    place = int(_places(graph, graph.reduction, tensor)[index])
    shape = graph.reduction.graph.tensors[tensor].shape
    return tuple(int(i) for i in np.unravel_index(place, shape))


def _places(graph: Graph, reduction: Reduction, name: str) -> NDArray[np.int64]:
    """For each element of a reduced graph's tensor, the first in the original that it stands for.

    A tensor of the reduced graph has the name of an original one that follows from it, and holds
    nothing else.
    """
    step = reduction.tensors[name]
    source = step.source.ravel()
    computed = np.flatnonzero(source >= 0)[::-1]
    places = np.full(graph.tensors[name].size, -1)
    places[source[computed]] = computed
    if step.tensor != name or np.any(places < 0):
        raise AssertionError(f"{name} holds what no tensor of its name had")
    return places
