"""Tucker-2: replaces a k x k convolution by 1 x 1, k x k with fewer channels, and 1 x 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.techniques._budget import least_share, require_share
from tinycomp.techniques._factors import (
    POINT,
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
from tinycomp.techniques._vbmf import bayesian_rank

Ranks = tuple[int, int]
"""Rank along output channels, and along input channels."""
Factors = tuple[Array, Array, Array]
"""Core, factor of the output channels, factor of the input channels."""
_SWEEPS = 50
_CHANGE = 1e-10


@dataclass(frozen=True)
class Tucker(Structure):
    """Replaces k x k convolutions by 1 x 1, k x k and 1 x 1 where that is less work (Y.-D. Kim et
    al., "Compression of deep convolutional neural networks for fast and low power mobile
    applications", ICLR 2016).

    Ranks are taken from `by_layer`, else from `macs` if given, else as selected by `ranks`.
    """

    name: ClassVar[str] = "tucker"

    ranks: Literal["energy", "vbmf"] = "energy"
    """"energy": ranks that keep the share `energy`. "vbmf": ranks estimated by variational Bayesian
    matrix factorization (S. Nakajima et al., JMLR 2013), as in the paper; often too low for small
    networks.
    """
    energy: float = 0.9
    """The share of the squared singular values to keep, for the weights unfolded along output and
    along input channels.
    """
    macs: float | None = None
    """The share of the model's multiply-accumulates to keep at most; all layers keep the same
    share of energy, as large as possible.
    """
    by_layer: Mapping[str, Ranks] = field(default_factory=dict)
    """(output rank, input rank) of individual layers, by layer name or pattern."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        require_share(self.macs)
        require_energy(self.energy)
        if self.ranks not in ("energy", "vbmf"):
            raise TinycompError(
                f"ranks = '{self.ranks}' is not known.", expected="Expected energy or vbmf."
            )
        for name, ranks in self.by_layer.items():
            if not isinstance(ranks, tuple | list) or len(ranks) != 2:
                raise TinycompError(
                    f"The ranks {ranks} of '{name}' are not two numbers.",
                    expected="Expected [output rank, input rank].",
                )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The graph with layers factorized where that is cheaper.

        Raises:
            TinycompError: a rank is above the full rank, a pattern matches no layer, or `macs`
                can't be reached.
        """
        layers = factorable(graph, windows=True)
        given = dict(zip(layers, by_layer(layers, self.by_layer), strict=True))
        for layer, ranks in given.items():
            for rank, axis, side in zip(ranks or (), (0, 3), ("output", "input"), strict=False):
                require_rank(layer, rank, full_rank(layer.weights, axis), f"{side} rank")
        spectra = {layer: [np.linalg.svd(unfolded(layer.weights, axis), compute_uv=False)
                           for axis in (0, 3)] for layer in layers}  # fmt: skip

        def ranks_of(layer: Factored, lost: float) -> Ranks:
            found = given[layer] or [rank_of_energy(each, 1 - lost) for each in spectra[layer]]
            return found[0], found[1]

        def smaller(lost: float) -> Graph:
            """With zeros as factors: only the shapes matter here."""
            return with_factors(
                graph, layers, lambda layer: chain(layer, _zeros(layer, ranks_of(layer, lost)))
            )

        def factors(layer: Factored) -> Chain:
            bayesian = self.ranks == "vbmf" and self.macs is None and given[layer] is None
            ranks = bayesian_ranks(layer.weights) if bayesian else ranks_of(layer, lost)
            return chain(layer, decomposed(layer.weights, ranks))

        lost = 1 - self.energy
        if self.macs is not None:
            lost = least_share(graph, smaller, self.macs, 0.999, "of the squared weights")
        factored = with_factors(graph, layers, factors)
        return self.recalibrated(factored, graph, samples)


def bayesian_ranks(weights: Array) -> Ranks:
    """Ranks along output and input channels by variational Bayes."""
    return bayesian_rank(unfolded(weights, 0)), bayesian_rank(unfolded(weights, 3))


def unfolded(weights: Array, axis: int) -> Array:
    """The weights as a matrix (length of the axis, product of the other axes)."""
    return np.moveaxis(weights, axis, 0).reshape(weights.shape[axis], -1)


def full_rank(weights: Array, axis: int) -> int:
    """The largest possible rank of weights of this shape along an axis."""
    return int(min(unfolded(weights, axis).shape))


def chain(layer: Factored, factors: Factors) -> Chain:
    """Reduce channels, convolve, expand channels; a 1 x 1 layer of full rank is merged."""
    op = layer.op
    assert isinstance(op, Conv2D)
    core, output, source = factors
    reduce = Link("reduce", Conv2D(POINT), source.T[:, np.newaxis, np.newaxis])
    expand = Link("expand", Conv2D(POINT), output[:, np.newaxis, np.newaxis])
    if source.shape[0] == source.shape[1]:
        core = np.einsum("ohwr,ir->ohwi", core, source)
    if output.shape[0] == output.shape[1]:
        core = np.einsum("rhwi,or->ohwi", core, output)
    links = [reduce, Link("core", Conv2D(op.window), core), expand]
    wanted = (source.shape[0] > source.shape[1], True, output.shape[0] > output.shape[1])
    return [link for link, own in zip(links, wanted, strict=True) if own]


def _zeros(layer: Factored, ranks: Ranks) -> Factors:
    outputs, height, width, inputs = layer.weights.shape
    return (np.zeros((ranks[0], height, width, ranks[1])), np.zeros((outputs, ranks[0])),
            np.zeros((inputs, ranks[1])))  # fmt: skip


def decomposed(weights: Array, ranks: Ranks) -> Factors:
    """Core (ranks[0], height, width, ranks[1]) and orthonormal factors (outputs, ranks[0]) and
    (inputs, ranks[1]) of weights (outputs, height, width, inputs).

    Alternating least squares from the truncated singular vectors (L. De Lathauwer et al., "On the
    best rank-1 and rank-(R1, ..., RN) approximation of higher-order tensors", SIAM 2000).
    """
    source = _leading(weights, 3, ranks[1])
    held = 0.0
    for _ in range(_SWEEPS):
        output = _leading(np.einsum("ohwi,ir->ohwr", weights, source), 0, ranks[0])
        source = _leading(np.einsum("ohwi,or->rhwi", weights, output), 3, ranks[1])
        core = np.einsum("ohwi,or,is->rhws", weights, output, source, optimize=True)
        before, held = held, float(np.sum(core**2))
        if held - before <= _CHANGE * held:
            break
    return core, output, source


def _leading(weights: Array, axis: int, rank: int) -> Array:
    """The leading left singular vectors of the unfolded weights."""
    matrix = unfolded(weights, axis)
    return np.asarray(np.linalg.eigh(matrix @ matrix.T)[1][:, ::-1][:, :rank])
