"""Magnitude pruning after training: sets the least important weights to zero, but no biases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tinycomp.common.errors import TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Constant
from tinycomp.techniques._layers import Layer, weighted_layers, with_constants
from tinycomp.techniques._technique import Samples, Stage, Technique

Score = Literal["lamp", "magnitude"]
Ranking = Literal["global", "layer"]


@dataclass(frozen=True)
class Prune(Technique):
    """Sets the weights with the lowest scores to zero, in float or int8 graphs."""

    name: ClassVar[str] = "prune"
    stage: ClassVar[Stage] = "int8"

    sparsity: float
    """The fraction of zero weights afterwards, including weights that are already zero."""
    ranking: Ranking = "global"
    """"global" ranks the weights of all layers together, "layer" prunes each layer equally."""
    score: Score = "lamp"
    """"magnitude" is the absolute real value. "lamp" divides its square by the sum of all squares
    in the layer that are not smaller (J. Lee et al., "Layer-adaptive sparsity for the magnitude-
    based pruning", ICLR 2021): the weight's share of the layer's remaining energy. After batch
    normalization is folded, the weights of layers differ widely in size. A global ranking by
    magnitude then empties layers with small weights (91 % of the first layer of the keyword
    spotting model at a sparsity of 30 %); one by "lamp" does not.
    """
    by_layer: Mapping[str, float] = field(default_factory=dict)
    """Sparsity of individual layers by node name, which the global ranking then excludes."""

    def __post_init__(self) -> None:
        """Check the sparsities.

        Raises:
            TinycompError: one is not in [0, 1).
        """
        for share in (self.sparsity, *self.by_layer.values()):
            if not 0 <= share < 1:
                raise TinycompError(
                    f"A sparsity of {share} is not possible.",
                    expected="Expected 0 <= sparsity < 1.",
                )

    def apply(self, graph: Graph, samples: Samples | None = None) -> Graph:
        """The pruned graph. Ties are broken by layer, then by position; the result is unique."""
        pruned: list[Constant] = []
        for share, layers in self._rankings(weighted_layers(graph)):
            scores = [self._scores(layer) for layer in layers]
            for layer, zeros in zip(layers, lowest(scores, share), strict=True):
                values = layer.rebuild(np.where(zeros, 0, layer.matrix))
                pruned.append(replace(layer.weights, values=values))
        return with_constants(graph, pruned)

    def _rankings(self, layers: Sequence[Layer]) -> list[tuple[float, list[Layer]]]:
        """Groups of layers that are ranked together, and the fraction of each group to prune."""
        rankings, rest = [], []
        for layer in layers:
            shares = [self.by_layer[n.name] for n in layer.nodes if n.name in self.by_layer]
            if shares:
                rankings.append((shares[0], [layer]))
            elif self.ranking == "layer":
                rankings.append((self.sparsity, [layer]))
            else:
                rest.append(layer)
        return [*rankings, (self.sparsity, rest)] if rest else rankings

    def _scores(self, layer: Layer) -> NDArray[np.float64]:
        squares = layer.real**2
        return squares if self.score == "magnitude" else lamp(squares)


def lamp(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each square divided by the sum of all squares from it on, in ascending order."""
    order = np.argsort(squares, axis=None, kind="stable")
    ascending = squares.reshape(-1)[order]
    remaining = np.cumsum(ascending[::-1])[::-1]
    scores = np.zeros_like(ascending)
    scores[order] = np.divide(ascending, remaining, out=np.zeros_like(scores), where=remaining > 0)
    return scores.reshape(squares.shape)


def lowest(scores: Sequence[NDArray[np.float64]], share: float) -> list[NDArray[np.bool_]]:
    """Masks of the lowest scores over all arrays: a `share` of all scores, rounded down."""
    flat = np.concatenate([score.reshape(-1) for score in scores])
    mask = np.zeros(flat.shape, bool)
    mask[np.argsort(flat, kind="stable")[: int(share * flat.size)]] = True
    parts = np.split(mask, np.cumsum([score.size for score in scores])[:-1])
    return [part.reshape(score.shape) for part, score in zip(parts, scores, strict=True)]
