"""Low-rank factorization: replaces a layer's weights by a product of two narrow matrices (SVD)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops._window import Window
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.techniques._budget import least_share, require_share
from tinycomp.techniques._factors import (
    Chain,
    Factored,
    Link,
    by_layer,
    factorable,
    rank_of_energy,
    require_energy,
    require_rank,
    with_factors,
)
from tinycomp.techniques._structure import Structure
from tinycomp.techniques._technique import Samples

_Svd = tuple[Array, Array, Array]


@dataclass(frozen=True)
class LowRank(Structure):
    """Replaces a dense layer by two, a 1 x 1 convolution by two, and a k x k convolution by one of
    k x 1 and one of 1 x k (M. Jaderberg et al., "Speeding up convolutional neural networks with low
    rank expansions", BMVC 2014), where that is less work.

    Ranks are taken from `by_layer`, else from `rank` or `macs` if given, else from `energy`.
    """

    name: ClassVar[str] = "low_rank"

    energy: float = 0.9
    """The share of the squared singular values of each layer to keep."""
    macs: float | None = None
    """The share of the model's multiply-accumulates to keep at most; all layers keep the same
    share of energy, as large as possible.
    """
    rank: int | None = None
    """The rank of all layers whose full rank is larger."""
    by_layer: Mapping[str, int] = field(default_factory=dict)
    """Ranks of individual layers, by layer name or pattern."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        require_energy(self.energy)
        require_share(self.macs)
        if self.rank is not None and (self.rank < 1 or self.macs is not None):
            raise TinycompError(
                f"A rank of {self.rank} with macs = {self.macs} is not possible.",
                expected="Expected a rank of 1 or more, or macs, not both.",
            )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with layers factorized where that is cheaper.

        Raises:
            TinycompError: a rank is above the full rank, a pattern matches no layer, or `macs`
                can't be reached.
        """
        layers = factorable(graph)
        given = dict(zip(layers, by_layer(layers, self.by_layer), strict=True))
        found = {layer: np.linalg.svd(matrix(layer), full_matrices=False) for layer in layers}
        for layer, rank in given.items():
            if rank is not None:
                require_rank(layer, rank, len(found[layer][1]))
        if self.rank is not None:
            widest = max(layers, key=lambda layer: len(found[layer][1]))
            require_rank(widest, self.rank, len(found[widest][1]))

        def smaller(lost: float) -> Graph:
            def chain(layer: Factored) -> Chain | None:
                own = given[layer] or self.rank
                rank = own or rank_of_energy(found[layer][1], 1 - lost)
                return None if rank > len(found[layer][1]) else factors(layer, found[layer], rank)

            return with_factors(graph, layers, chain)

        lost = 1 - self.energy
        if self.macs is not None:
            lost = least_share(graph, smaller, self.macs, 0.999, "of the squared weights")
        factored = smaller(lost)
        return self.recalibrated(factored, graph, samples)


def matrix(layer: Factored) -> Array:
    """The weights as the matrix to factorize: (inputs, outputs) for a dense layer, (height *
    inputs, width * outputs) for a convolution.
    """
    if isinstance(layer.op, FullyConnected):
        return layer.weights.T
    outputs, height, width, inputs = layer.weights.shape
    return layer.weights.transpose(1, 3, 2, 0).reshape(height * inputs, width * outputs)


def factors(layer: Factored, found: _Svd, rank: int) -> Chain:
    """Two layers from the `rank` largest singular values, whose square roots go to each side."""
    left, singular, right = found
    roots = np.sqrt(singular[:rank])
    first, second = (left[:, :rank] * roots).T, (roots[:, np.newaxis] * right[:rank])
    if isinstance(layer.op, FullyConnected):
        op = FullyConnected()
        return Link("first", op, first), Link("second", op, second.T)
    outputs, height, width, inputs = layer.weights.shape
    vertical, horizontal = _halves(layer.op.window)
    return (
        Link("vertical", Conv2D(vertical), first.reshape(rank, height, 1, inputs)),
        Link("horizontal", Conv2D(horizontal),
             second.reshape(rank, width, outputs).transpose(2, 1, 0)[:, np.newaxis]),
    )  # fmt: skip


def _halves(window: Window) -> tuple[Window, Window]:
    """A window split into a column and a row. A window of one column keeps its whole stride in the
    first factor, so that the second one has less work.
    """
    (height, width), stride, dilation = window.kernel, window.stride, window.dilation
    top, left, bottom, right = window.padding
    if width == 1:
        return window, Window((1, 1))
    return (
        Window((height, 1), (stride[0], 1), (dilation[0], 1), (top, 0, bottom, 0)),
        Window((1, width), (1, stride[1]), (1, dilation[1]), (0, left, 0, right)),
    )
