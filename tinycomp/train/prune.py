"""Gradual pruning: the weights that matter least are zero, more of them from step to step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.compress.prune import Ranking, Score, lamp, lowest
from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import (
    Constraint,
    Fixed,
    Initial,
    Kernel,
    Layer,
    Moment,
    straight_through,
)
from tinycomp.train.keep_zeros import KeepZeros


@dataclass(frozen=True)
class Prune(Constraint):
    """Zeros by a mask whose share grows as a polynomial (Zhu and Gupta, 2017). What is masked is
    trained on, and returns where it has grown (Guo et al., "Dynamic network surgery", 2016).
    """

    name: ClassVar[str] = "prune"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    sparsity: float
    """The share of weights that are zero at the end."""
    score: Score = "lamp"
    """See compress.prune."""
    ranking: Ranking = "global"
    """Over all layers, or in each."""
    begin: float = 0.0
    """The share of training after which zeros begin to grow."""
    end: float = 0.7
    """The share of training after which they are as many as wanted, and stay where they are."""
    power: float = 3.0
    """Of the polynomial; 1 grows evenly."""
    every: int = 20
    """Steps from one choice of the zeros to the next."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is impossible.
        """
        if not 0 <= self.sparsity < 1:
            raise TinycompError(
                f"A sparsity of {self.sparsity} is not possible.",
                expected="Expected 0 <= sparsity < 1.",
            )
        if not 0 <= self.begin <= self.end <= 1 or self.every < 1 or self.power <= 0:
            raise TinycompError(
                f"Pruning from {self.begin} to {self.end} of the training, every {self.every} "
                f"steps, with the power {self.power}, is not possible.",
                expected="Expected 0 <= begin <= end <= 1, every >= 1, power > 0.",
            )

    def sparsity_at(self, share: float) -> float:
        """The share of zeros at that share of the training."""
        if share >= self.end:
            return self.sparsity
        left = min(1.0, (self.end - share) / max(self.end - self.begin, 1e-9))
        return float(self.sparsity * (1 - left**self.power))

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """1 where a weight is kept, and whether the zeros stay where they are."""
        return {
            "mask": Initial(np.ones(kernel.shape, np.float32)),
            "settled": Initial(np.zeros((), np.float32)),
        }

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """Zeros where the mask has them."""
        return straight_through(kernel, kernel * state["mask"])

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Choose the zeros again."""
        last = moment.share >= self.end
        if not last and moment.step % self.every:
            return
        if last and all(layer.state(self)["settled"] for layer in layers):
            return
        scores = [self._scores(layer) for layer in layers]
        groups = [[score] for score in scores] if self.ranking == "layer" else [scores]
        share = self.sparsity_at(moment.share)
        zeros = [mask for group in groups for mask in lowest(group, share)]
        for layer, mask in zip(layers, zeros, strict=True):
            values = {"mask": (~mask).astype(np.float32), "settled": np.float32(last)}
            layer.assign(self, {name: np.asarray(value) for name, value in values.items()})

    def _scores(self, layer: Layer) -> Kernel:
        squares = (layer.kernel(self) * layer.scale) ** 2
        return squares if self.score == "magnitude" else lamp(squares)

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The same."""
        return fixed.on(fixed.kernel * state["mask"], None)

    def kept(self) -> Constraint:
        """The zeros."""
        return KeepZeros()
