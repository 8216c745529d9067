"""Importance of channels: one score per bundle of channels, indexed by bundle number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import DataError, ModelError
from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.ops._unary import UnaryOperator
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.passes.fold_batch_normalization import fold_batch_normalization
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import float_batches
from tinycomp.techniques._channel_groups import Axis, ChannelGroups, matrix_of
from tinycomp.techniques._taylor import taylor
from tinycomp.techniques._technique import Samples

Scores = NDArray[np.float64]
Criterion = Literal["l1", "l2", "batch_norm", "taylor"]

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
    """At most SAMPLES evenly spaced samples; empty targets are left out."""
    count, targets = len(samples.x), samples.targets
    rows = np.unique(np.linspace(0, count - 1, min(count, SAMPLES)).astype(int))

    def of(values: Array) -> Array:
        chosen: Array = values.reshape(count, -1)[rows]
        return chosen

    if isinstance(targets, Mapping):
        known = {name: of(values) for name, values in targets.items() if values.size}
        return Samples(samples.x[rows], known)
    return Samples(samples.x[rows], None if targets is None or not targets.size else of(targets))


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
