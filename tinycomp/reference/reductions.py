"""Converts between the tensors of an original graph and of the reduced graph."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Graph
from tinycomp.ir.reduction import CONSTANT, UNREAD, Reduction
from tinycomp.ir.tensor import Array

Tensors = Mapping[str, Array]


def with_reshapes(graph: Graph, tensors: Tensors) -> Tensors:
    """LiteRT's tensors, and those that only the graph has.

    A .tflite omits some reshapes: a dense layer flattens its input itself, and the extra axis of a
    1-D convolution comes from the operators around it. These tensors have the bytes of the one
    before or after. What else it omits (the parts of a transposed convolution, several outputs in
    a row) the operators' references compute from LiteRT's tensors; what is then computed of it is
    LiteRT's again.
    """
    found = dict(tensors)
    if graph.parts:
        parts = [found[part.name] for part in graph.parts]
        row = [part.reshape(len(part), -1) for part in parts]
        found[graph.inputs[0]] = np.concatenate(row, axis=1)
    for node in graph.nodes:
        if node.op.name != "reshape":
            continue
        for known, missing in (node.inputs + node.outputs, node.outputs + node.inputs):
            if known in found and missing not in found:
                values = found[known]
                found[missing] = values.reshape(len(values), *graph.tensors[missing].shape)
    for node in graph.nodes:
        if node.outputs[0] not in found:
            inputs = [found[name] for name in node.inputs if name in graph.tensors]
            operands = graph.operands(node)
            reference = arithmetic(node.op, operands).reference
            found[node.outputs[0]] = reference(operands, inputs)
    return found


def reduced_tensors(graph: Graph, tensors: Tensors) -> Tensors:
    """The tensors that a reduced graph computes, taken from those of its original.

    Args:
        graph: any int8 graph; if it was not reduced, the tensors are its own.
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
    """The tensors of the original, from those of the reduced graph.

    Args:
        reduction: of the reduced graph.
        reduced: its tensors by name, (samples, *shape).
        all_computed: returns the original tensors from a simulator; called for unread elements.
    """
    samples = len(next(iter(reduced.values())))
    unread = any(np.any(each.source == UNREAD) for each in reduction.tensors.values())
    computed = all_computed() if unread else {}
    found = {}
    for name, step in reduction.tensors.items():
        values = np.empty((samples, *step.source.shape), step.constants.dtype)
        values[:, step.source == CONSTANT] = step.constants[step.source == CONSTANT]
        if step.tensor is not None:
            kept = step.source >= 0
            values[:, kept] = reduced[step.tensor].reshape(samples, -1)[:, step.source[kept]]
        if unread:
            values[:, step.source == UNREAD] = computed[name][:, step.source == UNREAD]
        found[name] = values
    return found


def original_position(graph: Graph, tensor: str, position: tuple[int, ...]) -> tuple[int, ...]:
    """The position of an element of a reduced tensor in the original tensor of the same name."""
    if graph.reduction is None:
        return position
    index = int(np.ravel_multi_index(position, graph.tensors[tensor].shape))
    place = int(_places(graph, graph.reduction, tensor)[index])
    shape = graph.reduction.graph.tensors[tensor].shape
    return tuple(int(i) for i in np.unravel_index(place, shape))


def _places(graph: Graph, reduction: Reduction, name: str) -> NDArray[np.int64]:
    """For each element of a reduced tensor, the first element of the original that it represents.

    A reduced tensor has the name of an original one, and holds only elements of it.
    """
    step = reduction.tensors[name]
    source = step.source.ravel()
    computed = np.flatnonzero(source >= 0)[::-1]
    places = np.full(graph.tensors[name].size, -1)
    places[source[computed]] = computed
    if step.tensor != name or np.any(places < 0):
        raise AssertionError(f"{name} holds what no tensor of its name had")
    return places
