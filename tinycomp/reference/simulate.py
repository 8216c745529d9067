"""The reference simulator: runs an int8 graph with the integer references of its operators, in
NumPy.

Activations have a leading batch axis. A model with several inputs takes them by name.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tinycomp.common.errors import DataError, ModelError
from tinycomp.int16._registry import arithmetic
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array, Tensor

BATCH_ELEMENTS = 1 << 20
"""The most tensor elements that `run` computes at a time, over all samples: about 40 MB."""

INTEGERS = ("int8", "int16")
"""Types of activations."""

Inputs = Array | Mapping[str, Array]


def simulate(graph: Graph, inputs: Inputs) -> dict[str, Array]:
    """Every activation by tensor name, (samples, *shape), in the tensors' types.

    Args:
        graph: an int8 graph.
        inputs: (samples, *shape) in the input's type; by name if the model has several inputs.

    Raises:
        DataError: the inputs do not fit the model.
        ModelError: a node has no integer reference.
    """
    tensors = _checked(graph, inputs)
    for node in graph.nodes:
        _compute(graph, node, tensors)
    return tensors


def run(graph: Graph, inputs: Inputs) -> Array:
    """The model's (first) output, (samples, *shape), in bounded memory.

    Raises:
        DataError: the inputs do not fit the model.
        ModelError: a node has no integer reference.
    """
    if graph.states:
        assert not isinstance(inputs, Mapping)
        return sequence(graph, inputs)[graph.outputs[0]]
    checked = _checked(graph, inputs)
    samples = len(next(iter(checked.values())))
    batch = max(1, BATCH_ELEMENTS // sum(tensor.size for tensor in graph.tensors.values()))
    output = graph.tensors[graph.outputs[0]]
    result = np.empty((samples, *output.shape), output.dtype)
    for start in range(0, samples, batch):
        part = {name: values[start : start + batch] for name, values in checked.items()}
        result[start : start + batch] = _last(graph, part)
    return result


def sequence(graph: Graph, inputs: Array) -> dict[str, Array]:
    """Every activation of consecutive inferences by tensor name, (samples, *shape) int8.

    Args:
        graph: an int8 graph with one row of bytes as its input and output, as `reducing.reduce`
            makes it.
        inputs: (samples, *graph.sample_shape) int8; with states, one after the other.

    Raises:
        DataError: the inputs do not fit the model.
    """
    if not graph.states:
        return simulate(graph, inputs)
    state = initial_state(graph)
    found = []
    for sample in inputs.reshape(len(inputs), -1):
        tensors = simulate(graph, np.concatenate([sample, state])[np.newaxis])
        state = tensors[graph.outputs[0]][0, -len(state) :]
        found.append(tensors)
    return {name: np.concatenate([each[name] for each in found]) for name in found[0]}


def initial_state(graph: Graph) -> Array:
    """All states before the first inference, in one row of int8 values."""
    values = [state.initial.ravel() for state in graph.states]
    return np.concatenate(values) if values else np.empty(0, np.int8)


def first_rows(graph: Graph, inputs: Array) -> Array:
    """Inputs as the emitted library takes them, each in the first inference: with the initial
    states behind.
    """
    if not graph.states:
        return inputs
    states = np.tile(initial_state(graph), (len(inputs), 1))
    return np.concatenate([inputs.reshape(len(inputs), -1), states], axis=1)


def _last(graph: Graph, tensors: dict[str, Array]) -> Array:
    """The first output; tensors are dropped after their last reader."""
    for position, node in enumerate(graph.nodes):
        _compute(graph, node, tensors)
        needed = {name for later in graph.nodes[position + 1 :] for name in later.inputs}
        for name in tensors.keys() - needed - set(graph.outputs):
            del tensors[name]
    return tensors[graph.outputs[0]]


def _compute(graph: Graph, node: Node, tensors: dict[str, Array]) -> None:
    operands = graph.operands(node)
    if node.op.float_only or operands.output.dtype not in INTEGERS:
        raise ModelError(
            f"Layer {node.name!r} ({node.op.name}) is not in integers.",
            hint="Quantize the model first.",
        )
    values = [tensors[name] for name in node.inputs if name in graph.tensors]
    result = arithmetic(node.op, operands).reference(operands, values)
    if result.shape[1:] != operands.output.shape or result.dtype != operands.output.dtype:
        raise AssertionError(
            f"{node.op.name} made {result.dtype} {result.shape[1:]} for {operands.output}"
        )
    tensors[node.outputs[0]] = result


def _checked(graph: Graph, inputs: Inputs) -> dict[str, Array]:
    """Inputs by name, checked for shape, dtype and equal numbers of samples."""
    if isinstance(inputs, Mapping):
        named = dict(inputs)
    elif len(graph.inputs) > 1 and inputs.shape[1:] == graph.sample_shape:
        named = graph.split(inputs)
    else:
        named = {graph.inputs[0]: inputs}
    if set(named) != set(graph.inputs):
        raise DataError(
            f"The data has the inputs {sorted(named)}.",
            expected=f"Expected {sorted(graph.inputs)}.",
        )
    for name, values in named.items():
        _check(graph.tensors[name], values)
    if len({len(values) for values in named.values()}) != 1:
        raise DataError("The inputs have different numbers of samples.")
    return named


def _check(tensor: Tensor, values: Array) -> None:
    wanted = tensor.dtype if tensor.dtype in INTEGERS else "int8"  # a float graph is refused later
    if values.dtype != wanted or values.shape[1:] != tensor.shape or values.ndim == 0:
        raise DataError(
            f"The data for the input {tensor.name!r} is {values.dtype} of shape {values.shape}.",
            expected=f"Expected {wanted} of shape (samples, {', '.join(map(str, tensor.shape))}).",
        )
