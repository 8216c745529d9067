"""Inputs and outputs of the Keras models in training."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.data.by_input import by_input, side_by_side
from tinycomp.ir.graph import Graph
from tinycomp.ir.names import free_name
from tinycomp.ir.tensor import Array

_NO_NAME = re.compile(r"[^A-Za-z0-9_.\-]")
"""Characters that Keras does not allow in names."""


def keras_name(name: str) -> str:
    """The name as Keras allows it."""
    return _NO_NAME.sub("_", name)


def ends_by_name(graph: Graph) -> dict[str, str]:
    """What Keras calls the inputs and outputs, by tensor name: as their author did, if there are
    several of either.
    """
    if len(graph.inputs) == len(graph.outputs) == 1:
        return {graph.inputs[0]: "input"}
    found: dict[str, str] = {}
    for tensor in (*graph.inputs, *graph.outputs):
        found[tensor] = free_name(keras_name(graph.label(tensor)), found.values())
    return found


def apart(graph: Graph, x: Array) -> Array | list[Array]:
    """Samples (count, *graph.sample_shape) as a Keras model of the graph takes them: those of each
    of several inputs in a list.
    """
    return [*graph.split(x).values()] if len(graph.inputs) > 1 else x


def joined(graph: Graph, samples: Array | Mapping[str, Array]) -> Array:
    """Samples (count, *graph.sample_shape), float32, of those or of an array for each of several
    inputs, by name.

    Raises:
        DataError: they do not fit the inputs.
    """
    if isinstance(samples, Mapping):
        samples = side_by_side(graph, by_input(graph, samples))
    found, shape = np.asarray(samples, np.float32), graph.sample_shape
    if found.shape[1:] != shape or not len(found):
        raise DataError(
            f"The samples have the shape {found.shape}, and the model's input {shape}.",
            expected=f"Expected (samples, {', '.join(map(str, shape))})."
            + (" Or an array for each input." if graph.named_inputs else ""),
        )
    return found
