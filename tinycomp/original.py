"""Between the tensors of an original graph and those of the graph that it was reduced to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir import CONSTANT, UNREAD, Array, Graph, Original

Tensors = Mapping[str, Array]


def reduced_tensors(graph: Graph, tensors: Tensors) -> Tensors:
    """The values that a reduced graph computes, picked from its original's.

    Args:
        graph: any int8 graph; one without an original has its own tensors.
        tensors: of the original by name, (samples, *shape).
    """
    if graph.original is None:
        return tensors
    found = {}
    for name, tensor in graph.tensors.items():
        values = tensors[name].reshape(len(tensors[name]), -1)
        picked = values[:, _places(graph, graph.original, name)]
        found[name] = picked.reshape(len(values), *tensor.shape)
    return found


def original_tensors(
    original: Original, reduced: Tensors, all_computed: Callable[[], Tensors]
) -> dict[str, Array]:
    """The values of the original's tensors, as they follow from those of the reduced graph.

    Args:
        original: of the reduced graph.
        reduced: its tensors by name, (samples, *shape).
        all_computed: called where something is unread: the original's tensors, from a simulator.
    """
    samples = len(next(iter(reduced.values())))
    unread = any(np.any(each.source == UNREAD) for each in original.reductions.values())
    computed = all_computed() if unread else {}
    found = {}
    for name, reduction in original.reductions.items():
        values = np.empty((samples, *reduction.source.shape), np.int8)
        values[:, reduction.source == CONSTANT] = reduction.constants[reduction.source == CONSTANT]
        if reduction.tensor is not None:
            kept = reduction.source >= 0
            values[:, kept] = reduced[reduction.tensor].reshape(samples, -1)[
                :, reduction.source[kept]
            ]
        if unread:
            values[:, reduction.source == UNREAD] = computed[name][:, reduction.source == UNREAD]
        found[name] = values
    return found


def original_position(graph: Graph, tensor: str, position: tuple[int, ...]) -> tuple[int, ...]:
    """Where an element of a reduced graph's tensor lies in the original's tensor of that name."""
    if graph.original is None:
        return position
    index = int(np.ravel_multi_index(position, graph.tensors[tensor].shape))
    place = int(_places(graph, graph.original, tensor)[index])
    shape = graph.original.graph.tensors[tensor].shape
    return tuple(int(i) for i in np.unravel_index(place, shape))


def _places(graph: Graph, original: Original, name: str) -> NDArray[np.int64]:
    """For each element of a reduced graph's tensor, the first in the original that it stands for.

    A tensor of the reduced graph has the name of an original one that follows from it, and holds
    nothing else.
    """
    reduction = original.reductions[name]
    source = reduction.source.ravel()
    computed = np.flatnonzero(source >= 0)[::-1]
    places = np.full(graph.tensors[name].size, -1)
    places[source[computed]] = computed
    if reduction.tensor != name or np.any(places < 0):
        raise AssertionError(f"{name} holds what no tensor of its name had")
    return places
