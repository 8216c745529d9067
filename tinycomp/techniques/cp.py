"""CP decomposition: replaces a k x k convolution by 1 x 1, depthwise k x k and 1 x 1."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from tinycomp.common.errors import ToolError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.techniques._budget import least_share, require_share
from tinycomp.techniques._factors import (
    POINT,
    Chain,
    Factored,
    Link,
    by_layer,
    factorable,
    require_energy,
    require_rank,
    with_factors,
)
from tinycomp.techniques._structure import Structure
from tinycomp.techniques._technique import Samples

_SWEEPS = 100
_CHANGE = 1e-6
_PARTS = 16
"""Resolution of the search for the rank that keeps an energy."""


@dataclass(frozen=True)
class Cp(Structure):
    """Replaces k x k convolutions by a CP decomposition over input channels, window and output
    channels, where that is less work (V. Lebedev et al., "Speeding-up convolutional neural networks
    using fine-tuned CP-decomposition", ICLR 2015; with an undivided window: M. Astrid and S.-I.
    Lee, "CP-decomposition with tensor power method for convolutional neural networks compression",
    BigComp 2017).

    Ranks are taken from `by_layer`, else from `macs` if given, else from `energy`. The
    decomposition needs tensorly: pip install "tinycomp[cp]".
    """

    name: ClassVar[str] = "cp"

    energy: float = 0.9
    """The share of the squared weights to keep: the smallest rank that does so is used, in
    sixteenths of the largest rank that saves work.
    """
    macs: float | None = None
    """The share of the model's multiply-accumulates to keep at most; all replaced layers get the
    same share of their largest useful rank.
    """
    by_layer: Mapping[str, int] = field(default_factory=dict)
    """Ranks of individual layers, by layer name or pattern."""
    seed: int = 0
    """Seed of the initial factors where there are fewer singular vectors than the rank."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        require_energy(self.energy)
        require_share(self.macs)

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with layers factorized where that is cheaper.

        Raises:
            TinycompError: a rank is above the full rank, a pattern matches no layer, or `macs`
                can't be reached.
            ToolError: tensorly is not installed.
        """
        layers = factorable(graph, windows=True)
        given = by_layer(layers, self.by_layer)
        ranks: dict[Factored, int] = {}
        for layer, rank in zip(layers, given, strict=True):
            if rank is not None:
                require_rank(layer, rank, full_rank(layer.weights))
                ranks[layer] = rank
        if self.macs is not None:
            ranks |= self._within(graph, [each for each in layers if each not in ranks], ranks)

        def factors(layer: Factored) -> Chain | None:
            if layer in ranks:
                return chain(layer, decomposed(layer.weights, ranks[layer], self.seed))
            return self._of_energy(layer)

        factored = with_factors(graph, layers, factors)
        return self.recalibrated(factored, graph, samples)

    def _of_energy(self, layer: Factored) -> Chain | None:
        """The chain of the smallest rank that keeps the energy; None if that saves nothing."""
        most = worthwhile_rank(layer.weights)
        found: dict[int, Factors] = {}

        def enough(part: int) -> bool:
            found[part] = decomposed(layer.weights, -(-most * part // _PARTS), self.seed)
            return energy_held(layer.weights, found[part]) >= self.energy

        low, high = 1, _PARTS
        if not enough(high):
            return None
        while low < high:
            middle = (low + high) // 2
            if enough(middle):
                high = middle
            else:
                low = middle + 1
        return chain(layer, found[high])

    def _within(
        self, graph: Graph, layers: Sequence[Factored], given: Mapping[Factored, int]
    ) -> dict[Factored, int]:
        """Ranks with which the model keeps at most the share `macs` of its work."""
        assert self.macs is not None

        def ranks(lost: float) -> dict[Factored, int]:
            return {
                layer: max(1, int((1 - lost) * worthwhile_rank(layer.weights))) for layer in layers
            }

        def smaller(lost: float) -> Graph:
            """With zeros as factors: only the shapes matter here."""
            shaped = {**given, **ranks(lost)}
            return with_factors(
                graph, list(shaped), lambda layer: chain(layer, _zeros(layer, shaped[layer]))
            )

        return ranks(least_share(graph, smaller, self.macs, 1.0, "of the rank of their factors"))


Factors = tuple[Array, Array, Array]
"""(outputs, rank), (height * width, rank), (inputs, rank)."""


def full_rank(weights: Array) -> int:
    """A rank that is sufficient for an exact decomposition of any weights of this shape."""
    outputs, height, width, inputs = weights.shape
    cells = height * width
    return int(min(outputs * cells, inputs * cells, outputs * inputs))


def worthwhile_rank(weights: Array) -> int:
    """The largest rank whose factors, with biases, are not larger than the weights; at least 1."""
    outputs, height, width, inputs = weights.shape
    return int(max(1, weights.size // (outputs + height * width + inputs + 2)))


def decomposed(weights: Array, rank: int, seed: int) -> Factors:
    """Factors of weights (outputs, height, width, inputs) by alternating least squares, scaled to
    equal norms.

    Raises:
        ToolError: tensorly is not installed.
    """
    try:
        import tensorly
        from tensorly.decomposition import parafac
    except ImportError as error:
        raise ToolError(
            "The technique 'cp' needs tensorly, which is not installed.",
            hint='Install it: pip install "tinycomp[cp]".',
        ) from error
    outputs, height, width, inputs = weights.shape
    cube = weights.reshape(outputs, height * width, inputs)
    with tensorly.backend_context("numpy"), warnings.catch_warnings():
        # If the rank exceeds a dimension, tensorly adds random vectors and warns.
        warnings.simplefilter("ignore", UserWarning)
        scales, found = parafac(
            cube, rank, n_iter_max=_SWEEPS, tol=_CHANGE, init="svd", random_state=seed,
            normalize_factors=True,
        )  # fmt: skip
    roots = np.cbrt(scales)
    output, window, source = (np.asarray(factor * roots) for factor in found)
    return output, window, source


def energy_held(weights: Array, factors: Factors) -> float:
    """The share of the squared weights that the factors keep: 1 - relative squared error."""
    cube = weights.reshape(weights.shape[0], -1, weights.shape[3])
    error = cube - np.einsum("or,wr,ir->owi", *factors)
    return float(1 - np.sum(error**2) / np.sum(cube**2))


def chain(layer: Factored, factors: Factors) -> Chain:
    """Mix channels, convolve each separately, and mix again."""
    op = layer.op
    assert isinstance(op, Conv2D)
    output, window, source = factors
    depthwise = window.reshape(1, *op.window.kernel, window.shape[1])
    return (
        Link("mix", Conv2D(POINT), source.T[:, np.newaxis, np.newaxis]),
        Link("depthwise", DepthwiseConv2D(op.window), depthwise),
        Link("expand", Conv2D(POINT), output[:, np.newaxis, np.newaxis]),
    )


def _zeros(layer: Factored, rank: int) -> Factors:
    outputs, height, width, inputs = layer.weights.shape
    return np.zeros((outputs, rank)), np.zeros((height * width, rank)), np.zeros((inputs, rank))
