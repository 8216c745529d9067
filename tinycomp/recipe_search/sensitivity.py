"""Sensitivity of layers: one layer at a time is changed, without training, and the outputs are
compared with the unchanged model's.

The damage is the mean squared difference of the outputs (logits, if possible), relative to their
variance; of several outputs the mean.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Progress
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.reading import clean_up
from tinycomp.techniques._channel_groups import channel_groups
from tinycomp.techniques._factors import Factored, factorable
from tinycomp.techniques._layers import weighted_layers, with_constants
from tinycomp.techniques._outputs import difference, float_outputs
from tinycomp.techniques._technique import Samples
from tinycomp.techniques.channels import Channels
from tinycomp.techniques.low_rank import LowRank, matrix
from tinycomp.techniques.tucker import Tucker
from tinycomp.train.constraint import Fixed
from tinycomp.train.int8 import Int8
from tinycomp.train.layers import scale_of

FRACTIONS = (0.25, 0.375, 0.5, 0.625, 0.75, 0.875)
"""Shares of a layer's channels to remove."""
RANKS = (0.75, 0.5, 0.375, 0.25, 0.125)
"""Ranks, relative to the full rank."""
BITS = (6, 5, 4, 3, 2)
"""Bits of a layer's weights."""


@dataclass(frozen=True)
class Option:
    """A possible change of a layer."""

    value: Any
    """Value for the technique's `by_layer`: a share, a rank, ranks, bits."""
    damage: float
    """Damage of the change; never less than that of a weaker option."""


@dataclass(frozen=True)
class LayerOptions:
    """The options of one technique for one layer."""

    layer: str
    """A pattern that matches only the layer's name."""
    weights: int
    """Number of weights."""
    options: tuple[Option, ...]
    """From the weakest to the strongest."""


Sensitivity = Mapping[str, tuple[LayerOptions, ...]]
"""The options by technique: "channels", "low_rank", "tucker", "bits"; only those that are possible.
"""
_Change = Callable[[Any], Graph]


def measure(
    graph: Graph, samples: Samples, logits: Sequence[bool], progress: Progress
) -> Sensitivity:
    """The sensitivity of each layer.

    Args:
        graph: the float model as it was read.
        samples: samples to compare outputs on, also for techniques that use data.
        logits: for each output, whether it is compared without a final softmax or sigmoid.
        progress: shows the layers.
    """

    def outputs(graph: Graph) -> list[Array]:
        return float_outputs(clean_up(graph), samples.x, logits)

    before = outputs(graph)

    def damage(changed: Graph) -> float:
        return difference(before, outputs(changed))

    found: dict[str, tuple[LayerOptions, ...]] = {}
    for name, changes in (
        ("channels", _channels(graph, samples)),
        ("low_rank", _low_rank(graph, samples)),
        ("tucker", _tucker(graph, samples)),
        ("bits", _bits(graph)),
    ):
        with progress.stage(f"Measuring the sensitivity of layers to {name}"):
            layers = [
                LayerOptions(glob.escape(layer), weights, _options(values, change, damage))
                for layer, weights, values, change in changes
            ]
        kept = tuple(each for each in layers if each.options)
        if kept:
            found[name] = kept
    return found


_Changes = Iterator[tuple[str, int, Sequence[Any], _Change]]
"""Layer, number of weights, values, and a function that returns the model with a value."""


def _options(
    values: Sequence[Any], change: _Change, damage: Callable[[Graph], float]
) -> tuple[Option, ...]:
    """The possible values and their damages."""
    found: list[Option] = []
    for value in values:
        try:
            worst = max([damage(change(value)), *(each.damage for each in found)])
        except TinycompError:
            continue
        if np.isfinite(worst):
            found.append(Option(value, worst))
    return tuple(found)


def _channels(graph: Graph, samples: Samples) -> _Changes:
    for group in channel_groups(graph).groups:
        name, count = group.layers[0], len(group.bundles)
        values = [each for each in FRACTIONS if 0 < round(each * count) < count]

        def change(value: float, name: str = name) -> Graph:
            only = {glob.escape(name): value}
            return Channels(fraction=0.0, by_layer=only).apply(graph, samples)

        yield name, _weights(graph, group.layers), values, change


def _low_rank(graph: Graph, samples: Samples) -> _Changes:
    for layer in _factorable(graph, windows=False):
        full = _full_rank(layer)
        values = list(dict.fromkeys(max(1, round(share * full)) for share in RANKS))

        def change(value: int, layer: Factored = layer) -> Graph:
            only = {glob.escape(layer.name): value}
            return _smaller(graph, LowRank(energy=1.0, by_layer=only).apply(graph, samples))

        yield layer.name, layer.weights.size, values, change


def _tucker(graph: Graph, samples: Samples) -> _Changes:
    for layer in _factorable(graph, windows=True):
        shape = layer.weights.shape
        values = list(
            dict.fromkeys(
                (max(1, round(share * shape[0])), max(1, round(share * shape[-1])))
                for share in RANKS
            )
        )

        def change(value: tuple[int, int], layer: Factored = layer) -> Graph:
            only = {glob.escape(layer.name): value}
            return _smaller(graph, Tucker(energy=1.0, by_layer=only).apply(graph, samples))

        yield layer.name, layer.weights.size, values, change


def _bits(graph: Graph) -> _Changes:
    cleaned = clean_up(graph)
    for layer in weighted_layers(cleaned):
        scale = scale_of(layer.weights.values, layer.axis, False)
        kernel = np.asarray(layer.weights.values / scale, np.float64)

        def change(
            value: int, layer: Any = layer, scale: Array = scale, kernel: Array = kernel
        ) -> Graph:
            fixed = Int8(value).finish(Fixed(kernel), {}, layer.axis)
            values = np.asarray(fixed.kernel * scale, np.float32)
            return with_constants(cleaned, [replace(layer.weights, values=values)])

        yield layer.name, layer.weights.values.size, BITS, change


def _factorable(graph: Graph, *, windows: bool) -> tuple[Factored, ...]:
    try:
        return factorable(graph, windows=windows)
    except TinycompError:
        return ()


def _full_rank(layer: Factored) -> int:
    """Full rank of the matrix that low_rank factorizes."""
    return int(min(matrix(layer).shape))


def _smaller(before: Graph, after: Graph) -> Graph:
    """The changed graph.

    Raises:
        TinycompError: the layer was not changed, because factors would not make it cheaper.
    """
    if after.cost().macs >= before.cost().macs:
        raise TinycompError("This rank saves nothing.")
    return after


def _weights(graph: Graph, names: Sequence[str]) -> int:
    return sum(
        layer.weights.values.size
        for layer in weighted_layers(graph)
        if any(node.name in names for node in layer.nodes)
    )


def plain(found: Sensitivity) -> dict[str, Any]:
    """Convert to plain data."""
    return {
        name: [
            {
                "layer": each.layer,
                "weights": each.weights,
                "options": [[option.value, option.damage] for option in each.options],
            }
            for each in layers
        ]
        for name, layers in found.items()
    }


def of_plain(values: Mapping[str, Any]) -> Sensitivity:
    """The inverse of `plain`."""
    return {
        name: tuple(
            LayerOptions(
                each["layer"],
                each["weights"],
                tuple(Option(_value(value), damage) for value, damage in each["options"]),
            )
            for each in layers
        )
        for name, layers in values.items()
    }


def _value(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
