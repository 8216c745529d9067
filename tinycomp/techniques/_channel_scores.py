"""Importance of channels: one score per bundle of channels, indexed by bundle number."""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DataError, ModelError
from tinycomp.frontend.keras import import_keras
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.passes._channels import mixes
from tinycomp.passes._logits import logits_of
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import float_batches
from tinycomp.techniques._channel_groups import Axis, ChannelGroups, matrix_of
from tinycomp.techniques._technique import Samples

Scores = NDArray[np.float64]
Criterion = Literal["l1", "l2", "batch_norm", "taylor"]

BATCH = 16
"""Batch size of the Taylor criterion: samples per gradient."""
SAMPLES = 1024
"""The most samples that are used."""


def scores(found: ChannelGroups, criterion: Criterion, samples: Samples | None) -> Scores:
    """The score of each bundle by a criterion of Channels.

    Raises:
        DataError: the criterion needs samples.
        ModelError: the criterion needs batch normalization, and the model has none.
    """
    if criterion in ("l1", "l2"):
        return norms(found, 1 if criterion == "l1" else 2)
    if samples is None:
        raise DataError(
            f"The criterion '{criterion}' needs samples of real data, and there are none.",
            hint="Give --data, or use the criterion l1 or l2, which needs only the weights.",
        )
    samples = _some(samples)
    return deviations(found, samples) if criterion == "batch_norm" else taylor(found, samples)


def _some(samples: Samples) -> Samples:
    """At most SAMPLES evenly spaced samples; empty targets become None."""
    count, targets = len(samples.x), samples.targets
    rows = np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).astype(int))
    if targets is None or not targets.size:
        return Samples(samples.x[rows])
    return Samples(samples.x[rows], targets.reshape(count, -1)[rows])


def norms(found: ChannelGroups, order: int) -> Scores:
    """Sums of absolute weights (order 1) or squared weights (order 2) of each channel, after
    folding batch normalization. Each layer is normalized by its mean; a bundle gets the mean over
    its layers.
    """
    folded = fold_batch_normalization(found.graph)
    total, count = np.zeros(found.size), np.zeros(found.size)
    for node in folded.nodes:
        axis = node.op.weight_axis
        if axis is None or node.inputs[1] not in folded.constants:
            continue
        rows = np.abs(matrix_of(folded.constants[node.inputs[1]].values, axis)) ** order
        sums = rows.sum(axis=1)
        bundles = found.numbers[Axis(_output(found.graph, node), -1)]
        np.add.at(total, bundles, sums / (sums.mean() or 1.0))
        np.add.at(count, bundles, 1)
    return np.asarray(total / np.maximum(count, 1))


def _output(graph: Graph, node: Node) -> str:
    """The output in the unfolded graph of the node with the same name."""
    return next(each.outputs[0] for each in graph.nodes if each.name == node.name)


def deviations(found: ChannelGroups, samples: Samples) -> Scores:
    """Standard deviation of each channel after batch normalization, which equals the magnitude of
    gamma. A bundle with several batch normalizations gets the mean.
    """
    graph = lower_batch_normalization(found.graph)
    names = [node.outputs[0] for node in found.graph.nodes if _normalizes(found.graph, node)]
    if not names:
        raise ModelError(
            "The criterion 'batch_norm' needs batch normalization, and this model has none (left).",
            hint="Use it before any training step (training folds batch normalization), or use "
            "l1, l2 or taylor.",
        )
    total, count = np.zeros(found.size), np.zeros(found.size)
    for name, deviation in _deviations(graph, names, samples.x).items():
        bundles = found.numbers[Axis(name, -1)]
        np.add.at(total, bundles, deviation)
        np.add.at(count, bundles, 1)
    return np.where(count > 0, total / np.maximum(count, 1), np.inf)


def _normalizes(graph: Graph, node: Node) -> bool:
    """Whether it is a batch normalization of a layer, not a scale of a PReLU or of the input."""
    if not isinstance(node.op, BatchNormalization):
        return False
    before = graph.producer(node.inputs[0])
    behind = before is not None and not isinstance(before.op, UnaryOperator)
    return behind and bool(np.any(graph.constants[node.inputs[2]].values))


def _deviations(graph: Graph, names: list[str], x: Array) -> dict[str, Scores]:
    """Standard deviation of each channel of the named tensors, computed by LiteRT."""
    written = {node.name: node.outputs[0] for node in graph.nodes}
    read = {name: written.get(name, name) for name in names}
    sums: dict[str, NDArray[np.float64]] = {}
    rows = 0
    for batch in float_batches(write_tflite(graph), x):
        for name in names:
            values = batch[read[name]]
            flat = values.reshape(-1, values.shape[-1]).astype(np.float64)
            moments = np.stack([flat.sum(axis=0), (flat**2).sum(axis=0)])
            sums[name] = sums.get(name, 0) + moments * (len(values) / len(flat))
        rows += len(next(iter(batch.values())))
    found = {}
    for name, (first, second) in sums.items():
        found[name] = np.sqrt(np.maximum(second / rows - (first / rows) ** 2, 0))
    return found


def work(found: ChannelGroups) -> Scores:
    """Multiply-accumulates saved by removing one bundle alone, by bundle; 1 if not removable."""
    before = found.graph.cost().macs
    saved = np.ones(found.size)
    for group in found.groups:
        kept = np.ones(found.size, bool)
        kept[group.bundles[0]] = False
        saved[group.bundles] = max(1, before - found.narrow(kept).cost().macs)
    return saved


def taylor(found: ChannelGroups, samples: Samples) -> Scores:
    """The squared first-order change of the loss when a bundle's channels are zeroed at the inputs
    of all layers that mix channels; a mean over batches.

    P. Molchanov et al., "Importance estimation for neural network pruning", CVPR 2019, with one
    gate per bundle, whose gradient is that change.
    """
    keras = import_keras("Scoring channels")
    targets, kind, output = _supervision(found.graph, samples)
    gated = _gated(found, output)
    entry = keras.Input(samples.x.shape[1:])
    model = keras.Model(entry, gated(entry))
    # One SGD step with rate 1 from zero leaves minus the gradient in the gates, on any Keras
    # backend.
    model.compile(keras.optimizers.SGD(1.0), _loss(kind), jit_compile=False)
    total, zeros = np.zeros(found.size), np.zeros(found.size, np.float32)
    batches = max(1, len(samples.x) // BATCH)
    for rows in np.array_split(np.arange(len(samples.x)), batches):
        gated.gates.assign(zeros)
        model.train_on_batch(samples.x[rows], targets[rows])
        with warnings.catch_warnings():  # TensorFlow uses a conversion that NumPy 2 deprecates
            warnings.simplefilter("ignore", DeprecationWarning)
            total += np.asarray(keras.ops.convert_to_numpy(gated.gates), np.float64) ** 2
    return np.asarray(total / batches)


def _supervision(graph: Graph, samples: Samples) -> tuple[Array, str, str]:
    """Targets, the kind of loss, and the name of the tensor that the loss is computed from.

    Without targets the model's own predictions are used: for a classifier the most likely class.
    """
    output, last = logits_of(graph), graph.producer(graph.outputs[0])
    kind = "values" if last is None or output == graph.outputs[0] else last.op.name
    targets = samples.targets
    if targets is None:
        model = write_tflite(lower_batch_normalization(graph))
        found = np.concatenate([next(iter(b.values())) for b in
                                float_batches(model, samples.x, "outputs")])  # fmt: skip
        targets = {"softmax": found.argmax(axis=-1), "logistic": found > 0.5}.get(kind, 0.9 * found)
    shape, count = graph.tensors[output].shape, len(samples.x)
    if kind == "values" and np.issubdtype(targets.dtype, np.integer) and shape[-1] > 1:
        kind = "softmax"  # class indices for a model that ends in logits
    wanted = shape[:-1] if kind == "softmax" else shape
    if targets.size != count * np.prod(wanted):
        raise DataError(
            f"Targets of shape {targets.shape[1:]} do not fit the model's output {shape}.",
            hint="Use the criterion l1 or l2, which needs no targets.",
        )
    dtype = np.int32 if kind == "softmax" else np.float32
    return targets.reshape(count, *wanted).astype(dtype), kind, output


def _loss(kind: str) -> Any:
    import keras

    return {
        "softmax": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        "logistic": keras.losses.BinaryCrossentropy(from_logits=True),
        "values": keras.losses.MeanSquaredError(),
    }[kind]


def _gated(found: ChannelGroups, output: str) -> Any:
    """A Keras layer that computes a tensor of the graph, with the inputs of layers that mix
    channels multiplied by 1 + the gate of each channel's bundle.
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
            values: dict[str, Any] = {**constants, graph.inputs[0]: x}
            for node in graph.nodes:
                inputs = [values[name] for name in node.inputs]
                if mixes(node.op):
                    numbers = found.numbers[Axis(node.inputs[0], -1)]
                    inputs[0] = inputs[0] * (1 + ops.take(self.gates, numbers))
                values[node.outputs[0]] = node.op.differentiable(graph.operands(node), inputs)
            return values[output]

    return Gated()
