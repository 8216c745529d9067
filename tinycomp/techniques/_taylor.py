"""The Taylor criterion: how much the loss changes without a channel."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DataError
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops.arg_max import ArgMax
from tinycomp.passes._channels import mixes
from tinycomp.passes._logits import logits_of
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import float_batches
from tinycomp.techniques._channel_groups import Axis, ChannelGroups
from tinycomp.techniques._technique import Samples

BATCH = 16
"""Samples per gradient."""


def taylor(found: ChannelGroups, samples: Samples) -> NDArray[np.float64]:
    """The squared first-order change of the loss when a bundle's channels are zeroed at the inputs
    of all layers that mix channels; a mean over batches. The loss is the sum over all outputs.

    P. Molchanov et al., "Importance estimation for neural network pruning", CVPR 2019, with one
    gate per bundle, whose gradient is that change.
    """
    keras = import_keras("Scoring channels")
    ends = _ends(found.graph, samples)
    gated = _gated(found, [each.tensor for each in ends])
    entry = keras.Input(samples.x.shape[1:])
    model = keras.Model(entry, gated(entry))
    losses: list[Any] = [_loss(each.kind) for each in ends]
    weights = [each.weight for each in ends]
    # One SGD step with rate 1 from zero leaves minus the gradient in the gates, on any Keras
    # backend.
    several = {"loss": losses, "loss_weights": weights} if len(ends) > 1 else {"loss": losses[0]}
    model.compile(keras.optimizers.SGD(1.0), jit_compile=False, **several)
    total, zeros = np.zeros(found.size), np.zeros(found.size, np.float32)
    batches = max(1, len(samples.x) // BATCH)
    for rows in np.array_split(np.arange(len(samples.x)), batches):
        gated.gates.assign(zeros)
        targets = [each.targets[rows] for each in ends]
        model.train_on_batch(samples.x[rows], targets if len(ends) > 1 else targets[0])
        with warnings.catch_warnings():  # TensorFlow uses a conversion that NumPy 2 deprecates
            warnings.simplefilter("ignore", DeprecationWarning)
            total += np.asarray(keras.ops.convert_to_numpy(gated.gates), np.float64) ** 2
    return np.asarray(total / batches)


@dataclass(frozen=True, eq=False)
class _End:
    """An output in the loss of the Taylor criterion."""

    tensor: str
    """The tensor that the loss is computed from: logits, if possible."""
    kind: str
    """The kind of loss."""
    targets: Array
    """(samples, ...)."""

    @property
    def weight(self) -> float:
        """The weight of its loss: squared errors are free of units."""
        return 1 / (float(self.targets.var()) or 1.0) if self.kind == "values" else 1.0


def _ends(graph: Graph, samples: Samples) -> list[_End]:
    """All outputs. Without targets the model's own predictions are used: for a classifier the most
    likely class.

    Raises:
        DataError: targets do not fit an output.
    """
    known, names = samples.targets, [graph.label(name) for name in graph.outputs]
    if not isinstance(known, Mapping):
        known = {} if known is None else {names[0]: known}
    own: dict[str, Array] = {}
    if any(name not in known for name in names):
        model = write_tflite(lower_batch_normalization(graph))
        batches = list(float_batches(model, samples.x, "outputs"))
        own = {each: np.concatenate([b[each] for b in batches]) for each in batches[0]}
    return [
        _end(graph, place, known.get(name), own, len(samples.x)) for place, name in enumerate(names)
    ]


def _end(
    graph: Graph, place: int, targets: Array | None, own: Mapping[str, Array], count: int
) -> _End:
    tensor, output = logits_of(graph, place), graph.outputs[place]
    last = graph.producer(output)
    kind = "values" if last is None or tensor == output else last.op.name
    if kind == ArgMax.name:
        kind = "softmax"
    if targets is None:
        found = own[output]
        chosen = found if found.ndim < len(graph.tensors[tensor].shape) + 1 else found.argmax(-1)
        targets = {"softmax": chosen, "logistic": found > 0.5}.get(kind, 0.9 * found)
    shape = graph.tensors[tensor].shape
    if kind == "values" and np.issubdtype(targets.dtype, np.integer) and shape[-1] > 1:
        kind = "softmax"  # class indices for a model that ends in logits
    wanted = shape[:-1] if kind == "softmax" else shape
    if targets.size != count * np.prod(wanted):
        raise DataError(
            f"Targets of shape {targets.shape[1:]} do not fit the model's output {shape}.",
            hint="Use the criterion l1 or l2, which needs no targets.",
        )
    dtype = np.int32 if kind == "softmax" else np.float32
    return _End(tensor, kind, targets.reshape(count, *wanted).astype(dtype))


def _loss(kind: str) -> Any:
    import keras

    return {
        "softmax": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "logistic": keras.losses.BinaryCrossentropy(from_logits=True),
        "values": keras.losses.MeanSquaredError(),
    }[kind]


def _gated(found: ChannelGroups, outputs: Sequence[str]) -> Any:
    """A Keras layer that computes tensors of the graph from a sample, with the inputs of layers
    that mix channels multiplied by 1 + the gate of each channel's bundle.
    """
    import keras
    from keras import ops

    graph = found.graph
    constants = {
        name: np.asarray(constant.values, np.float32) for name, constant in graph.constants.items()
    }

    class Gated(keras.layers.Layer):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.gates = self.add_weight(shape=(found.size,), initializer="zeros", name="gates")

        def call(self, x: Any) -> Any:
            values: dict[str, Any] = {**constants, **_inputs(graph, x)}
            for node in graph.nodes:
                inputs = [values[name] for name in node.inputs]
                if mixes(node.op):
                    numbers = found.numbers[Axis(node.inputs[0], -1)]
                    inputs[0] = inputs[0] * (1 + ops.take(self.gates, numbers))
                values[node.outputs[0]] = node.op.differentiable(graph.operands(node), inputs)
            results = [values[name] for name in outputs]
            return results if len(results) > 1 else results[0]

    return Gated()


def _inputs(graph: Graph, x: Any) -> dict[str, Any]:
    """The inputs in a batch of samples, a Keras tensor (batch, *graph.sample_shape)."""
    from keras import ops

    if len(graph.inputs) == 1:
        return {graph.inputs[0]: x}
    found, start = {}, 0
    for tensor in graph.sources:
        found[tensor.name] = ops.reshape(x[:, start : start + tensor.size], (-1, *tensor.shape))
        start += tensor.size
    return found
