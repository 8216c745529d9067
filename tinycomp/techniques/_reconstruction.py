"""Reconstruction: weights with which a layer computes the sums it had before, although preceding
layers lost channels or precision.

After Y. He, X. Zhang and J. Sun, "Channel pruning for accelerating very deep neural networks",
ICCV 2017: least squares on real data. The change of the weights is penalised, as strongly as serves
held-out windows best.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.tensor import Array
from tinycomp.passes._channels import Mask, mixes
from tinycomp.techniques._layers import Layer
from tinycomp.techniques._statistics import windows

LEAST_SAMPLES = 32
"""Fewer say too little about windows that they don't contain."""
_MOST_WEIGHTS = 2048
"""Weights per channel whose equations are still solved; the work grows with their cube."""
_ZEROS = 0.01
"""The largest share of zeros; more were pruned, and have to stay zero."""
_CHUNK = 8
"""Samples whose windows are held in memory at a time."""
_PER_SAMPLE = 64
"""The most windows of a sample that are used; neighbours say almost the same."""
_HELD_OUT = 4
"""One chunk of so many is held out."""
_STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
"""Penalties on changes, relative to the mean square of the inputs."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Fitted:
    """A node of a graph, with the real values of its input."""

    graph: Graph
    """A float graph."""
    node: Node
    """A convolution or a dense layer."""
    inputs: Array
    """(samples, *input shape)."""

    @property
    def layer(self) -> Layer:
        """Its weights."""
        weights = self.graph.constants[self.node.inputs[1]]
        return Layer((self.node,), weights, self.node.op.weight_axis or 0)

    @property
    def bias(self) -> Array:
        """(channels)."""
        return self.graph.constants[self.node.inputs[2]].values

    def windows(self, chunk: slice) -> Matrix:
        """(windows, weights per channel) of some samples."""
        found: Matrix = windows(self.graph, self.node, self.inputs[chunk])[0]
        return found


@dataclass(frozen=True, eq=False)
class _Equations:
    """Normal equations for changes of weights and bias; the last row and column are the bias."""

    products: Matrix
    """(n + 1, n + 1), inputs by inputs."""
    wanted: Matrix
    """(n + 1, channels), inputs by what is missing in the outputs."""

    def __add__(self, other: _Equations) -> _Equations:
        return _Equations(self.products + other.products, self.wanted + other.wanted)

    def solved(self, strength: float) -> Matrix:
        """The changes, (n + 1, channels)."""
        penalty = np.zeros(len(self.products))
        penalty[:-1] = strength * np.trace(self.products[:-1, :-1]) / (len(penalty) - 1)
        return np.linalg.solve(self.products + np.diag(penalty), self.wanted).astype(np.float64)

    def error(self, change: Matrix) -> float:
        """The squared error with changes, relative to that without; below 0 is better."""
        return float(np.sum(change * (self.products @ change - 2 * self.wanted)))


def can_be_reconstructed(node: Node, graph: Graph, samples: int) -> bool:
    """Whether the layer sums over channels, isn't pruned or too large, and there is enough data."""
    if not mixes(node.op) or samples < LEAST_SAMPLES:
        return False
    weights = graph.constants[node.inputs[1]].values
    return bool(weights[0].size <= _MOST_WEIGHTS and np.mean(weights == 0) < _ZEROS)


def reconstructed(now: Fitted, before: Fitted, kept: Mask | slice) -> tuple[Array, Array] | None:
    """Weights and bias of a layer whose sums are as close as possible to those before; None if
    no change serves held-out windows.

    Args:
        now: the layer in the smaller graph.
        before: the same layer, or the one that it stands for, in the original graph.
        kept: the channels of the original that remain.
    """
    layer, original = now.layer, before.layer
    matrix, wanted = layer.matrix.astype(np.float64), original.matrix[kept].astype(np.float64)
    parts: list[_Equations] = []
    for rows, targets in _rows(now, before):
        missing = targets @ wanted.T + before.bias[kept] - (rows @ matrix.T + now.bias)
        extended = np.hstack([rows, np.ones((len(rows), 1))])
        parts.append(_Equations(extended.T @ extended, extended.T @ missing))
    used, held_out = _sum(parts, held_out=False), _sum(parts, held_out=True)
    if not np.trace(used.products[:-1, :-1]) > 0:
        return None
    errors = {each: held_out.error(used.solved(each)) for each in _STRENGTHS}
    best = min(errors, key=lambda each: errors[each])
    if errors[best] >= 0:
        return None
    change = (used + held_out).solved(best)
    return layer.rebuild(matrix + change[:-1].T), (now.bias + change[-1]).astype(np.float32)


def _rows(now: Fitted, before: Fitted) -> Iterator[tuple[Matrix, Matrix]]:
    """The same windows of both, chunk by chunk."""
    random = np.random.default_rng(0)
    for first in range(0, len(now.inputs), _CHUNK):
        chunk = slice(first, first + _CHUNK)
        mine, theirs = now.windows(chunk), before.windows(chunk)
        picked = random.permutation(len(mine))[: _CHUNK * _PER_SAMPLE]
        yield mine[picked].astype(np.float64), theirs[picked].astype(np.float64)


def _sum(parts: list[_Equations], held_out: bool) -> _Equations:
    chosen = [each for number, each in enumerate(parts)
              if (number % _HELD_OUT == _HELD_OUT - 1) == held_out]  # fmt: skip
    total = chosen[0]
    for each in chosen[1:]:
        total = total + each
    return total
