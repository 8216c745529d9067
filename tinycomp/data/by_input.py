"""Samples of a model with several inputs, from Python: an array for each, by its name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinycomp.common.errors import DataError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array


def by_input(graph: Graph, x: Array | Mapping[str, Array] | Sequence[Array]) -> list[Array]:
    """An array for each input, as given.

    Args:
        graph: the model.
        x: samples (samples, *input shape); of several inputs, one array for each name, or a list of
            arrays in their order.

    Raises:
        DataError: there is no array of numbers in its shape for each input.
    """
    names = [graph.label(tensor.name) for tensor in graph.sources]
    given: dict[str, Any]
    if isinstance(x, Mapping):
        given = dict(x)
    elif isinstance(x, list | tuple) and len(x) == len(names) > 1:
        given = dict(zip(names, x, strict=True))
    else:
        given = {names[0]: x}
    if set(given) != set(names):
        raise DataError(
            f"The samples are for the inputs {', '.join(map(str, given))}.",
            expected=f"Expected an array for each of {', '.join(names)}.",
        )
    found = []
    for name, tensor in zip(names, graph.sources, strict=True):
        values = np.asarray(given[name])
        if values.dtype.kind not in "biuf":
            raise DataError(
                f"{name} holds values of type {values.dtype}.", expected="Expected real numbers."
            )
        if values.ndim == 0 or values.size != len(values) * tensor.size or not len(values):
            raise DataError(
                f"{name} has the shape {values.shape}.",
                expected=f"Expected (samples, {', '.join(map(str, tensor.shape))}).",
            )
        found.append(values)
    return found


def side_by_side(graph: Graph, arrays: Sequence[Array]) -> Array:
    """Arrays for each input as one, (samples, *graph.sample_shape).

    Raises:
        DataError: their numbers of samples differ.
    """
    flat = [values.reshape(len(values), -1) for values in arrays]
    if len({len(values) for values in flat}) > 1:
        counts = ", ".join(str(len(values)) for values in flat)
        raise DataError(f"The inputs have different numbers of samples: {counts}.")
    return np.concatenate(flat, axis=1).reshape(-1, *graph.sample_shape)
