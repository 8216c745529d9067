"""Gradual pruning: the weights that matter least are zero, more of them from step to step."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.compress.prune import Ranking, lamp, lowest
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

_LONGEST = 64
"""Weights of a pattern's group."""


@dataclass(frozen=True)
class Prune(Constraint):
    """Zeros by a mask whose share grows as a polynomial (Zhu and Gupta, 2017). What is masked is
    trained on, and returns where it has grown (Guo et al., "Dynamic network surgery", 2016).
    """

    name: ClassVar[str] = "prune"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    sparsity: float
    """The share of weights that are zero at the end."""
    score: Literal["lamp", "magnitude", "movement"] = "lamp"
    """"lamp" and "magnitude" as in compress.prune. "movement" is how far training has moved a
    weight away from zero, over all steps (V. Sanh et al., "Movement pruning", NeurIPS 2020).
    """
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
    pattern: str = ""
    """"2:4" leaves at most two of each four weights in a row of a channel; "1x4" makes each four
    in a row zero together.
    """

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
        kept, length = self.group
        if self.pattern and (not 1 <= kept < max(length, 2) or length > _LONGEST):
            raise TinycompError(
                f"The pattern '{self.pattern}' is not possible.",
                expected="Expected N:M with N < M, as 2:4, or 1xB, as 1x4.",
            )
        if ":" in self.pattern and self.sparsity > 1 - kept / length:
            raise TinycompError(
                f"The pattern {self.pattern} has {1 - kept / length:.3g} zeros at most, and the "
                f"sparsity is {self.sparsity}.",
                hint=f"Set sparsity = {1 - kept / length:.3g}.",
            )

    @property
    def group(self) -> tuple[int, int]:
        """N and M of a pattern N:M, 1 and B of 1xB; 1 and 1 for none; 0 and 0 for another text."""
        if not self.pattern:
            return 1, 1
        found = re.fullmatch(r"([0-9]+)[:x]([0-9]+)", self.pattern)
        if found is None or ("x" in self.pattern and found[1] != "1"):
            return 0, 0
        return int(found[1]), int(found[2])

    def sparsity_at(self, share: float) -> float:
        """The share of zeros at that share of the training."""
        if share >= self.end:
            return self.sparsity
        left = min(1.0, (self.end - share) / max(self.end - self.begin, 1e-9))
        return float(self.sparsity * (1 - left**self.power))

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """mask: 1 where a weight is kept. settled: whether zeros stay where they are. importance:
        minus the sum of each weight times its gradient.
        """
        found = {
            "mask": Initial(np.ones(kernel.shape, np.float32)),
            "settled": Initial(np.zeros((), np.float32)),
        }
        if self.score == "movement":
            found["importance"] = Initial(np.zeros(kernel.shape, np.float32), trained=True)
        return found

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """Zeros where the mask has them."""
        from keras import ops

        found = straight_through(kernel, kernel * state["mask"])
        if self.score != "movement":
            return found
        moved = state["importance"] - ops.stop_gradient(ops.convert_to_tensor(state["importance"]))
        return found + ops.stop_gradient(kernel) * moved

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
        if self.pattern.startswith("1x"):
            zeros = [
                _whole(mask, layer.axis, self.group[1])
                for mask, layer in zip(zeros, layers, strict=True)
            ]
        for layer, mask in zip(layers, zeros, strict=True):
            values = {"mask": (~mask).astype(np.float32), "settled": np.float32(last)}
            layer.assign(self, {name: np.asarray(value) for name, value in values.items()})

    def _scores(self, layer: Layer) -> Kernel:
        if self.score == "movement":
            scores = np.asarray(layer.state(self)["importance"], np.float64)
        else:
            squares = (layer.kernel(self) * layer.scale) ** 2
            scores = squares if self.score == "magnitude" else lamp(squares)
        return _grouped(scores, layer.axis, self) if self.pattern else scores

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The same."""
        return fixed.on(fixed.kernel * state["mask"], None)

    def kept(self) -> Constraint:
        """The zeros."""
        return KeepZeros()


def _rows(values: Array, axis: int, length: int) -> tuple[Array, int]:
    """(channels, groups, length), padded with NaN; and how many weights a channel has."""
    flat = np.moveaxis(values, axis, 0).reshape(values.shape[axis], -1)
    padded = np.full((len(flat), -(-flat.shape[1] // length) * length), np.nan)
    padded[:, : flat.shape[1]] = flat
    return padded.reshape(len(flat), -1, length), flat.shape[1]


def _back(rows: Array, size: int, shape: tuple[int, ...], axis: int) -> Array:
    """The inverse of _rows."""
    flat = rows.reshape(len(rows), -1)[:, :size]
    others = (*shape[:axis], *shape[axis + 1 :])
    return np.moveaxis(flat.reshape(shape[axis], *others), 0, axis)


def _grouped(scores: Kernel, axis: int, prune: Prune) -> Kernel:
    """Scores with which a ranking keeps to the pattern: infinite for those of N:M that stay; of 1xB
    the mean of each group.
    """
    kept, length = prune.group
    rows, size = _rows(scores, axis, length)
    if "x" in prune.pattern:
        means = np.nanmean(rows, axis=2, keepdims=True)
        rows = np.broadcast_to(means, rows.shape)
    else:
        known = np.where(np.isnan(rows), -np.inf, rows)
        rank = np.argsort(np.argsort(-known, axis=2, kind="stable"), axis=2)
        rows = np.where(rank < kept, np.inf, rows)
    return np.asarray(_back(rows, size, scores.shape, axis), np.float64)


def _whole(zeros: Any, axis: int, length: int) -> Any:
    """Zeros of whole groups only: of the group that a ranking cut apart all stay."""
    rows, size = _rows(zeros.astype(np.float64), axis, length)
    complete = np.nanmin(rows, axis=2, keepdims=True) > 0
    return _back(np.broadcast_to(complete, rows.shape), size, zeros.shape, axis)
