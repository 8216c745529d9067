"""Tensors that hold numbers of rows of a table: the inputs of embeddings, and what they are moved
from.
"""

from __future__ import annotations

import numpy as np

from tinycomp.common.errors import DataError, ModelError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array


def row_numbers(graph: Graph) -> dict[str, int]:
    """By tensor, how many rows the smallest table has that its values are numbers of.

    Raises:
        ModelError: such numbers are computed.
    """
    found: dict[str, int] = {}
    for node in reversed(graph.nodes):
        if node.outputs[0] in found:
            _require_moved(node)
        for name, count in _read(graph, node, found):
            found[name] = min(count, found.get(name, count))
    return found


def _read(graph: Graph, node: Node, found: dict[str, int]) -> list[tuple[str, int]]:
    """The node's inputs that hold row numbers, with the rows of the table."""
    if node.outputs[0] in found:
        return [(name, found[node.outputs[0]]) for name in node.inputs if name in graph.tensors]
    return [
        (node.inputs[place], graph.value(node.inputs[place + 1]).shape[0])
        for place in node.op.row_numbers
    ]


def _require_moved(node: Node) -> None:
    if not node.op.moves:
        raise ModelError(
            f"Layer {node.name!r} ({node.op.name}) computes numbers of rows that an embedding "
            "looks up.",
            expected="Expected numbers from the model's input, moved at most (slices, reshapes).",
            hint="Compute them before the model, and give it the result.",
        )


def require_rows(graph: Graph, x: Array, what: str) -> None:
    """Check samples for embeddings.

    Args:
        graph: of any type.
        x: real samples, (count, *graph.sample_shape).
        what: names the samples in an error.

    Raises:
        DataError: a value is no integer, or beyond a table.
    """
    counts = row_numbers(graph)
    parts = graph.split(x) if counts else {}
    for name, values in parts.items():
        count = counts.get(name)
        wrong = values[:0] if count is None else np.argwhere(_beyond(values, count))
        if len(wrong):
            at = tuple(map(int, wrong[0]))
            raise DataError(
                f"{what}: sample {at[0]} has {values[at]:g} for {graph.label(name)!r}, and "
                f"{len(wrong) - 1} values more are wrong.",
                expected=f"Expected integers from 0 to {(count or 1) - 1}, the rows of the "
                "embedding.",
                hint="Give numbers of words or categories as the model was trained on, without "
                "scaling.",
            )


def _beyond(values: Array, count: int) -> Array:
    found: Array = (values != np.rint(values)) | (values < 0) | (values >= count)
    return found


def random_samples(graph: Graph, count: int) -> Array:
    """Seeded random inputs of an integer graph, (count, *graph.sample_shape): of all values of
    their types, but rows that exist where they are numbers of rows.
    """
    rng, limits = np.random.default_rng(0), row_numbers(graph)
    dtype = graph.sources[0].dtype
    parts = []
    for tensor in graph.sources:
        low, high = int(np.iinfo(dtype).min), int(np.iinfo(dtype).max) + 1
        if tensor.name in limits:
            low, high = 0, limits[tensor.name]
        parts.append(rng.integers(low, high, (count, tensor.size)))
    return np.concatenate(parts, axis=1).reshape(count, *graph.sample_shape).astype(dtype)
