"""Codebooks: at most 2^b distinct int8 weights, chosen by optimal k-means on the int8 grid."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from tinycomp.codecs._registry import choose
from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.kernel_call import Weights
from tinycomp.ir.tensor import Constant
from tinycomp.techniques._kmeans import cluster
from tinycomp.techniques._layers import Layer, describe_names, weighted_layers, with_constants
from tinycomp.techniques._technique import Samples, Stage, Technique

Granularity = Literal["auto", "layer", "channel"]
_T = TypeVar("_T")
_BLOCK = 4
"""Channels that a kernel decodes at a time, for estimates of the stored size."""
_CODECS = ("codebook", "channel_codebook", "sparse_codebook")
_PLAIN = (*_CODECS, "dense", "bitmap")
"""Entropy coders are not included: they shrink weights with and without a codebook."""


@dataclass(frozen=True)
class Cluster(Technique):
    """At most 2^bits distinct int8 values per layer, per channel, or per group of layers.

    Errors are those of the int8 values, weighted by how often each occurs. Weighting them also by
    the square of the channel's scale, for errors in real units, was measured and is worse (4 bits:
    keyword spotting 86.8 % against 89.6 %, image classification 67.0 % against 75.8 %): channels
    with small scales matter as much to the following layers.
    """

    name: ClassVar[str] = "cluster"
    stage: ClassVar[Stage] = "int8"

    bits: int = 4
    """1 to 8; 8 changes nothing."""
    granularity: Granularity = "auto"
    """"layer" makes one codebook per layer, "channel" one per output channel. "auto" chooses for
    each layer the better one for its bytes (see _merit), and no codebook if none makes the layer
    smaller. A layer that uses each weight once (dense) always gets a single codebook, because
    switching tables would cost too much time.
    """
    shared: Sequence[Sequence[str]] = ()
    """Groups of layers (node names) that share one codebook."""
    keep_zeros: bool = True
    """Whether zero weights stay zero, which preserves pruning. Measured without pruning, it is no
    worse (4 bits: image classification 75.8 % against 69.5 %, keyword spotting 89.6 % both).
    """
    bits_by_layer: Mapping[str, int] = field(default_factory=dict)
    """Overrides `bits` for individual layers, by node name."""
    granularity_by_layer: Mapping[str, Granularity] = field(default_factory=dict)
    """Overrides `granularity` for individual layers, by node name."""

    def __post_init__(self) -> None:
        """Check the options, as far as possible without a graph.

        Raises:
            TinycompError: bits are not in 1..8, or a layer is in two groups.
        """
        names = [name for group in self.shared for name in group]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise TinycompError(
                f"Layer '{twice[0]}' is in more than one group of layers that share a codebook.",
                expected="Expected each layer in one group at most.",
            )
        for bits in (self.bits, *self.bits_by_layer.values()):
            if not 1 <= bits <= 8:
                raise TinycompError(
                    f"Codebooks of {bits} bits are not possible.", expected="Expected 1 to 8 bits."
                )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with clustered weights and their codebooks.

        Raises:
            TinycompError: weights are not int8, or a group of layers can't share a codebook.
        """
        layers = weighted_layers(graph)
        for layer in layers:
            if layer.weights.values.dtype != np.int8:
                raise TinycompError(
                    f"Layer '{layer.name}' has {layer.weights.values.dtype} weights.",
                    expected="Expected int8 weights.",
                    hint="Quantize the model first.",
                )
        groups = [_find(graph, names) for names in self.shared]
        grouped = {layer.name for group in groups for layer in group}
        changed = [constant for group in groups for constant in self._share(group)]
        changed += [self._single(layer) for layer in layers if layer.name not in grouped]
        return with_constants(graph, changed)

    def _share(self, group: Sequence[Layer]) -> Iterator[Constant]:
        """One codebook for all layers of a group."""
        bits = {_option(self.bits_by_layer, layer, self.bits) for layer in group}
        if len(bits) != 1:
            names = ", ".join(layer.name for layer in group)
            raise TinycompError(
                f"Layers {names} share a codebook but have {sorted(bits)} bits.",
                expected="Expected the same number of bits for each.",
            )
        (count,) = bits
        if count == 8:
            yield from (layer.weights for layer in group)
            return
        values = np.concatenate([layer.weights.values.reshape(-1) for layer in group])
        clustered, codebook = self._cluster(values[None], count)
        parts = np.split(
            clustered[0], np.cumsum([layer.weights.values.size for layer in group])[:-1]
        )
        for layer, part in zip(group, parts, strict=True):
            yield replace(
                layer.weights, values=part.reshape(layer.weights.shape), codebook=codebook
            )

    def _single(self, layer: Layer) -> Constant:
        """The layer's weights, clustered with the given or the better granularity."""
        bits = _option(self.bits_by_layer, layer, self.bits)
        if bits == 8:
            return layer.weights
        granularity = _option(self.granularity_by_layer, layer, self.granularity)
        matrix = layer.matrix
        tries = []
        if granularity in ("auto", "layer"):
            clustered, codebook = self._cluster(matrix.reshape(1, -1), bits)
            tries.append((clustered.reshape(matrix.shape), codebook))
        if granularity == "channel" or (granularity == "auto" and layer.uses > 1):
            tries.append(self._cluster(matrix, bits))
        if granularity == "auto":
            tries = [each for each in tries if _helps(matrix, *each)]
            if not tries:
                return layer.weights
        clustered, codebook = min(tries, key=lambda each: _merit(matrix, *each))
        return replace(layer.weights, values=layer.rebuild(clustered), codebook=codebook)

    def _cluster(
        self, rows: NDArray[np.int8], bits: int
    ) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
        """Cluster each row separately; returns the values and a codebook (rows, entries)."""
        values = np.empty_like(rows)
        tables = []
        for row, result in zip(rows, values, strict=True):
            points, inverse, counts = np.unique(row, return_inverse=True, return_counts=True)
            histogram = points.astype(np.int64), counts.astype(np.float64)
            found = cluster(*histogram, 1 << bits, self.keep_zeros)
            result[:] = found.centres[inverse]
            tables.append(np.unique(found.centres).astype(np.int8))
        entries = max(table.size for table in tables)
        return values, np.stack([np.pad(t, (0, entries - t.size), "edge") for t in tables])


def _option(by_layer: Mapping[str, _T], layer: Layer, default: _T) -> _T:
    return next((by_layer[node.name] for node in layer.nodes if node.name in by_layer), default)


def _find(graph: Graph, names: Sequence[str]) -> list[Layer]:
    """The layers with these names, each once.

    Raises:
        TinycompError: there is no such layer.
    """
    by_name = {n.name: layer for layer in weighted_layers(graph) for n in layer.nodes}
    for name in names:
        if name not in by_name:
            raise TinycompError(
                f"There is no layer '{name}' that could share a codebook.",
                expected=describe_names(graph),
            )
    return list({by_name[name].name: by_name[name] for name in names}.values())


def _stored(values: NDArray[np.int8], codebook: NDArray[np.int8]) -> int:
    """Flash bytes with the smallest codec that supports codebooks."""
    return choose(Weights(values, _BLOCK, codebook), _CODECS).size


def _helps(
    original: NDArray[np.int8], values: NDArray[np.int8], codebook: NDArray[np.int8]
) -> bool:
    """Whether a codebook makes the layer smaller, or describes it exactly and saves bytes."""
    stored, weights = _stored(values, codebook), Weights(original, _BLOCK)
    lossless = np.array_equal(values, original)
    return stored < (choose(weights, {"dense"}) if lossless else choose(weights, _PLAIN)).size


def _merit(
    original: NDArray[np.int8], values: NDArray[np.int8], codebook: NDArray[np.int8]
) -> float:
    """How good values are for their size; lower is better.

    One more bit per weight divides the squared error of a scalar quantizer by four (6 dB per bit;
    R. Gray and D. Neuhoff, "Quantization", 1998). So error * 4^(bits per weight) compares codebooks
    of different sizes: a larger table must reduce the error more than the same bytes would as
    longer indices. The error of rounding to int8, 1/12 per weight, is added. Returns half the
    binary logarithm.
    """
    error = float(((values.astype(np.int64) - original) ** 2).mean()) + 1 / 12
    return 8 * _stored(values, codebook) / original.size + math.log2(error) / 2


def check_codebooks(graph: Graph) -> None:
    """Check that clustered layers contain only values of their codebooks.

    Raises:
        TinycompError: a layer has a value that is not in its codebook.
    """
    for layer in weighted_layers(graph):
        codebook = layer.weights.codebook
        if codebook is None:
            continue
        rows = layer.matrix if len(codebook) > 1 else layer.matrix.reshape(1, -1)
        for channel, (row, entries) in enumerate(zip(rows, codebook, strict=True)):
            if not np.isin(row, entries).all():
                where = f"channel {channel} of layer" if len(codebook) > 1 else "layer"
                raise TinycompError(
                    f"The weights of {where} '{layer.name}' take {np.unique(row).size} values, "
                    f"not only the {np.unique(entries).size} of the codebook.",
                    hint="Cluster last: no later step may change the weights.",
                )
