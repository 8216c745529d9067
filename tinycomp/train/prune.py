"""Gradual pruning: sets the least important weights to zero, more and more during training."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array
from tinycomp.techniques.prune import Ranking, lamp, lowest
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
"""The most weights in a group of a pattern."""


@dataclass(frozen=True)
class Prune(Constraint):
    """A mask whose sparsity follows a polynomial schedule (Zhu and Gupta, 2017). Masked weights
    continue to train, and return if they become important again (Guo et al., "Dynamic network
    surgery", 2016).
    """

    name: ClassVar[str] = "prune"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    sparsity: float
    """The share of zero weights at the end."""
    score: Literal["lamp", "magnitude", "movement"] = "lamp"
    """"lamp" and "magnitude" as in compress.prune. "movement" is how far training has moved a
    weight away from zero, over all steps (V. Sanh et al., "Movement pruning", NeurIPS 2020).
    """
    ranking: Ranking = "global"
    """"global" ranks the weights of all layers together, "layer" those of each layer."""
    begin: float = 0.0
    """The share of training after which pruning starts."""
    end: float = 0.7
    """The share of training after which the full sparsity is reached and the mask is frozen."""
    power: float = 3.0
    """Exponent of the polynomial; 1 is linear."""
    every: int = 20
    """Steps between updates of the mask."""
    pattern: str = ""
    """"2:4" keeps at most two of each four consecutive weights of a channel; "1x4" prunes four
    consecutive weights together.
    """

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
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
                expected="Expected N:M with N < M, such as 2:4, or 1xB, such as 1x4.",
            )
        if ":" in self.pattern and self.sparsity > 1 - kept / length:
            raise TinycompError(
                f"The pattern {self.pattern} allows a sparsity of {1 - kept / length:.3g} at most, "
                f"not {self.sparsity}.",
                hint=f"Set sparsity = {1 - kept / length:.3g}.",
            )

    @property
    def group(self) -> tuple[int, int]:
        """(N, M) of a pattern N:M, (1, B) of 1xB; (1, 1) without a pattern; (0, 0) if invalid."""
        if not self.pattern:
            return 1, 1
        found = re.fullmatch(r"([0-9]+)[:x]([0-9]+)", self.pattern)
        if found is None or ("x" in self.pattern and found[1] != "1"):
            return 0, 0
        return int(found[1]), int(found[2])

    def sparsity_at(self, share: float) -> float:
        """The scheduled sparsity after that share of the training."""
        if share >= self.end:
            return self.sparsity
        left = min(1.0, (self.end - share) / max(self.end - self.begin, 1e-9))
        return float(self.sparsity * (1 - left**self.power))

    @property
    def settled(self) -> float:
        """When the positions of zeros are fixed."""
        return self.end

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """mask: 1 where a weight is kept. settled: 1 once the mask is frozen. importance: minus
        the sum of each weight times its gradient.
        """
        found = {
            "mask": Initial(np.ones(kernel.shape, np.float32)),
            "settled": Initial(np.zeros((), np.float32)),
        }
        if self.score == "movement":
            found["importance"] = Initial(np.zeros(kernel.shape, np.float32), trained=True)
        return found

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The masked kernel, with a straight-through gradient."""
        from keras import ops

        found = straight_through(kernel, kernel * state["mask"])
        if self.score != "movement":
            return found
        moved = state["importance"] - ops.stop_gradient(ops.convert_to_tensor(state["importance"]))
        return found + ops.stop_gradient(kernel) * moved

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Update the mask."""
        last = moment.share >= self.end
        if not last and moment.step % self.every:
            return
        if last and all(layer.state(self)["settled"] for layer in layers):
            return
        scores = [self._scores(layer) for layer in layers]
        groups = [[score] for score in scores] if self.ranking == "layer" else [scores]
        share = self.sparsity_at(moment.share)
        zeros = [
            mask & np.isfinite(score)
            for group in groups
            for mask, score in zip(lowest(group, share), group, strict=True)
        ]
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
        """The masked kernel."""
        return fixed.on(fixed.kernel * state["mask"], None)

    def kept(self) -> Constraint:
        """The zeros stay."""
        return KeepZeros()


def _rows(values: Array, axis: int, length: int) -> tuple[Array, int]:
    """Values as (rows, groups, length), padded with NaN; and the weights per row.

    A row is what kernels read in one run: a row of a window, or all weights of a channel where that
    is shorter than a group.
    """
    moved = np.moveaxis(values, axis, 0)
    row = int(np.prod(moved.shape[2:])) if moved.ndim == 4 and axis == 0 else 0
    flat = moved.reshape(-1, row) if row >= length else moved.reshape(len(moved), -1)
    padded = np.full((len(flat), -(-flat.shape[1] // length) * length), np.nan)
    padded[:, : flat.shape[1]] = flat
    return padded.reshape(len(flat), -1, length), flat.shape[1]


def _back(rows: Array, size: int, shape: tuple[int, ...], axis: int) -> Array:
    """The inverse of _rows."""
    flat = rows.reshape(len(rows), -1)[:, :size]
    others = (*shape[:axis], *shape[axis + 1 :])
    return np.moveaxis(flat.reshape(shape[axis], *others), 0, axis)


def _grouped(scores: Kernel, axis: int, prune: Prune) -> Kernel:
    """Scores that make a ranking follow the pattern: infinite for the weights that N:M keeps; for
    1xB the mean of each group.
    """
    kept, length = prune.group
    rows, size = _rows(scores, axis, length)
    if "x" in prune.pattern:
        means = np.nanmean(rows, axis=2, keepdims=True)
        rows = np.broadcast_to(means, rows.shape)
    else:
        known = np.where(np.isnan(rows), -np.inf, rows)
        rank = np.argsort(np.argsort(-known, axis=2, kind="stable"), axis=2)
        sizes = (~np.isnan(rows)).sum(axis=2, keepdims=True)
        rows = np.where(rank < -(-kept * sizes // length), np.inf, rows)
    return np.asarray(_back(rows, size, scores.shape, axis), np.float64)


def _whole(zeros: Any, axis: int, length: int) -> Any:
    """Only the zeros of complete groups: a group that the ranking splits is kept whole."""
    rows, size = _rows(zeros.astype(np.float64), axis, length)
    complete = np.nanmin(rows, axis=2, keepdims=True) > 0
    return _back(np.broadcast_to(complete, rows.shape), size, zeros.shape, axis)
