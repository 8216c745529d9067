"""Rounding after training: weights of 2 to 8 bits on a uniform grid, without any training.

Each layer has the same bits, or those that a sensitivity analysis gives it (mixed precision).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.data.values import spread
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.passes.lower_batch_normalization import lower_batch_normalization
from tinycomp.quantization.export import write_tflite
from tinycomp.reference.oracle import run_float
from tinycomp.techniques._grids import Method, Rounded, Scales, rounded
from tinycomp.techniques._layers import (
    Layer,
    describe_names,
    folded,
    weighted_layers,
    with_constants,
    with_notes,
)
from tinycomp.techniques._outputs import difference, float_outputs
from tinycomp.techniques._sensitivity import Choice, mixed
from tinycomp.techniques._statistics import Statistics, input_statistics
from tinycomp.techniques._technique import Samples, Stage, Technique

_SAMPLES = 128
"""The most samples used for statistics and sensitivities."""
WIDTHS = (2, 3, 4, 5, 6, 8)
"""The bit widths that mixed precision chooses from."""


@dataclass(frozen=True)
class Rounding(Technique):
    """Puts weights on a symmetric grid with few bits and the step size of least squared error.

    If there are samples, the remaining mean error of each channel is subtracted from its bias (M.
    Nagel et al., ICCV 2019).
    """

    name: ClassVar[str] = "rounding"
    stage: ClassVar[Stage] = "grid"

    bits: int = 4
    """Bits per weight, 2 to 8."""
    average: float | None = None
    """Mixed precision: average bits per weight over all layers. Layers whose rounding changes the
    output most get more bits; `bits` is then ignored.
    """
    by_layer: Mapping[str, int] = field(default_factory=dict)
    """Bits of individual layers, by name or pattern; also with `average`."""
    method: Method = "feedback"
    """"nearest"; "feedback": the error of each weight is compensated by those after it (E. Frantar
    et al., "GPTQ", ICLR 2023); "adaround": rounding up or down is optimized (M. Nagel et al., ICML
    2020).
    """
    scales: Scales = "channel"
    """One scale per channel or per layer."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        for what, bits in (("bits", self.bits), *self.by_layer.items()):
            if not 2 <= bits <= 8:
                raise TinycompError(
                    f"{what} = {bits} is not possible.", expected="Expected 2 to 8 bits."
                )
        if self.average is not None and not WIDTHS[0] <= self.average <= WIDTHS[-1]:
            raise TinycompError(
                f"average = {self.average:g} bits per weight is not possible.",
                expected=f"Expected {WIDTHS[0]} to {WIDTHS[-1]}.",
            )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with batch normalization folded, and weights on their grids.

        Raises:
            TinycompError: a pattern matches no layer, or mixed precision has no samples.
        """
        graph = lower_batch_normalization(folded(graph))
        layers = weighted_layers(graph)
        given = self._given(graph, layers)
        x = None if samples is None else samples.x[spread(len(samples.x), _SAMPLES)]
        bits = [given.get(layer.name, self.bits) for layer in layers]
        if self.average is not None:
            bits = self._mixed(graph, layers, given, x)
            shown = ", ".join(f"{a.name} {b}" for a, b in zip(layers, bits, strict=True))
            graph = with_notes(graph, [f"Bits by layer: {shown}."])
        statistics = _statistics(graph, layers, x)
        if x is None and self.method != "nearest":
            note = "Without samples, weights are rounded to the nearest step."
            graph = with_notes(graph, [note])
        changed: list[Constant] = []
        for layer, own, width in zip(layers, statistics, bits, strict=True):
            found = rounded(layer, own, width, self.scales, self.method)
            changed += _constants(graph, layer, found, own)
        return with_constants(graph, changed)

    def _given(self, graph: Graph, layers: Sequence[Layer]) -> dict[str, int]:
        """Bits of the layers in `by_layer`; later patterns win."""
        found = {}
        for pattern, bits in self.by_layer.items():
            names = [layer.name for layer in layers if fnmatchcase(layer.name, pattern)]
            if not names:
                raise TinycompError(
                    f"'{pattern}' matches no layer with weights.", expected=describe_names(graph)
                )
            found.update(dict.fromkeys(names, bits))
        return found

    def _mixed(
        self, graph: Graph, layers: Sequence[Layer], given: Mapping[str, int], x: Array | None
    ) -> list[int]:
        assert self.average is not None
        if x is None:
            raise TinycompError(
                "Mixed precision needs samples to measure the effect of rounding each layer.",
                hint="Give samples, or set the bits of each layer by `by_layer`.",
            )
        before = float_outputs(graph, x)
        method: Method = "nearest" if self.method == "nearest" else "feedback"  # the fast ones
        statistics = _statistics(graph, layers, x)
        choices = []
        for layer, own in zip(layers, statistics, strict=True):
            widths = (given[layer.name],) if layer.name in given else WIDTHS
            errors = []
            for width in widths:
                found = rounded(layer, own, width, self.scales, method)
                changed = with_constants(graph, _constants(graph, layer, found, own))
                errors.append(difference(before, float_outputs(changed, x)))
            choices.append(Choice(layer.weights.values.size, widths, tuple(errors)))
        return mixed(choices, self.average)


def _statistics(
    graph: Graph, layers: Sequence[Layer], x: Array | None
) -> list[Statistics | None]:  # fmt: skip
    if x is None:
        return [None] * len(layers)
    activations = run_float(write_tflite(graph), x, "all")
    return [input_statistics(graph, layer, activations) for layer in layers]


def _constants(
    graph: Graph, layer: Layer, found: Rounded, statistics: Statistics | None
) -> list[Constant]:
    """Weights with their grid, and the bias with the mean error subtracted, unless it is shared."""
    scales = tuple(map(float, found.scale.ravel()))
    axis = layer.axis if len(scales) > 1 else None
    grid = QuantizationParameters(scales, (0,) * len(scales), axis)
    constants = [replace(layer.weights, values=layer.rebuild(found.real), grid=grid)]
    bias = graph.constants[layer.nodes[0].inputs[2]]
    shared = any(node not in layer.nodes for node in graph.consumers(bias.name))
    if statistics is not None and not shared:
        shift = ((layer.real - found.real) * statistics.mean).sum(axis=1)
        constants.append(replace(bias, values=(bias.values + shift).astype(np.float32)))
    return constants
