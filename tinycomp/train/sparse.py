"""Dynamic sparse training: a network with many zeros, whose positions are updated during training.

SET (D. Mocanu et al., "Scalable training of artificial neural networks with adaptive sparse
connectivity", 2018) grows weights at random; RigL (U. Evci et al., "Rigging the lottery", ICML
2020) grows those with the largest gradients; GraNet (S. Liu et al., "Sparse training via boosting
pruning plasticity with neuroregeneration", NeurIPS 2021) does so while the number of zeros rises.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array
from tinycomp.train.constraint import Constraint, Fixed, Initial, Kernel, Layer, Moment
from tinycomp.train.keep_zeros import KeepZeros

_PROBE = 1e-9
"""Scale of the probe gradients: so small that Adam's epsilon dominates its denominator, and its
steps are proportional to the gradients.
"""

_OPEN, _CHANGING, _FROZEN = 0, 1, 2
"""Phases: no mask is chosen yet; it is updated; it stays."""


@dataclass(frozen=True)
class Sparse(Constraint):
    """At intervals the smallest weights are dropped, and the same number is grown elsewhere, from
    zero. The sparsity is constant, or rises from `initial`.
    """

    name: ClassVar[str] = "sparse"
    stage: ClassVar[Literal["zeros", "grid"]] = "zeros"

    sparsity: float
    """The share of zero weights at the end."""
    initial: float | None = None
    """The share at the start, from which it rises by a cubic polynomial until `end` (GraNet); None:
    the same as at the end (RigL, SET).
    """
    growth: Literal["gradient", "random"] = "gradient"
    """"gradient" is RigL, "random" is SET."""
    start: Literal["magnitude", "random"] = "magnitude"
    """The weights kept initially: the largest ones of the given model, or random ones."""
    layers: Literal["global", "erk", "layer"] = "global"
    """Distribution of zeros over layers. "global": by magnitude over all layers (only with start =
    "magnitude"). "erk": density proportional to the sum of a kernel's axes over their product
    (Erdos-Renyi kernel). "layer": the same sparsity in each layer.
    """
    drop: float = 0.3
    """The share of a layer's weights replaced at the first update; cosine decay."""
    end: float = 0.75
    """The share of training after which the mask is frozen."""
    every: int = 100
    """Steps between updates of the mask."""
    seed: int = 0
    """Seed of random choices."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: one is out of range.
        """
        begin = self.sparsity if self.initial is None else self.initial
        if not 0 <= begin <= self.sparsity < 1:
            raise TinycompError(
                f"A sparsity of {self.sparsity}, and of {begin} at the start, is not possible.",
                expected="Expected 0 <= initial <= sparsity < 1.",
            )
        if not (0 < self.drop < 1 and 0 < self.end <= 1 and self.every >= 1):
            raise TinycompError(
                f"Replacing {self.drop} of the weights every {self.every} steps, until {self.end} "
                "of the training, is not possible.",
                expected="Expected 0 < drop < 1, 0 < end <= 1, every >= 1.",
            )
        if self.layers == "global" and self.start == "random":
            raise TinycompError(
                'layers = "global" ranks by magnitude, which start = "random" does not.',
                hint='Set layers = "erk" or "layer", or start = "magnitude".',
            )

    @property
    def settled(self) -> float:
        """When the positions of zeros are fixed."""
        return self.end

    def variables(self, kernel: Kernel, axis: int) -> dict[str, Initial]:
        """mask: 1 where a weight is kept. probe: proportional to minus the sum of gradients since
        the last update. offset: the raw kernel at the time when a weight was grown, subtracted so
        that it starts from zero. phase: whether the mask is chosen, and whether it is frozen.
        """
        zeros = np.zeros(kernel.shape, np.float32)
        return {
            "mask": Initial(np.ones(kernel.shape, np.float32)),
            "probe": Initial(zeros, trained=True),
            "offset": Initial(zeros),
            "phase": Initial(np.zeros((), np.float32)),
        }

    def project(self, kernel: Any, state: Mapping[str, Any], axis: int) -> Any:
        """The masked kernel; the probe receives the gradient of all weights, masked or not."""
        from keras import ops

        probe = _PROBE * (state["probe"] - ops.stop_gradient(ops.convert_to_tensor(state["probe"])))
        return (kernel - state["offset"]) * state["mask"] + probe

    def sparsity_at(self, share: float) -> float:
        """The share of zeros after that share of the training."""
        begin = self.sparsity if self.initial is None else self.initial
        left = max(0.0, 1 - share / self.end)
        return self.sparsity + (begin - self.sparsity) * left**3

    def advance(self, layers: Sequence[Layer], moment: Moment) -> None:
        """Choose the mask after the first step, then update it at intervals."""
        phase, last = layers[0].state(self)["phase"], moment.share >= self.end
        if phase == _FROZEN or (phase == _CHANGING and not last and moment.step % self.every):
            return
        if phase == _OPEN or self.initial is not None:
            masks = self._masks(layers, self.sparsity_at(moment.share), first=phase == _OPEN)
            for layer, mask in zip(layers, masks, strict=True):
                layer.assign(self, {"mask": mask})
        if phase == _CHANGING and not last:
            share = self.drop / 2 * (1 + math.cos(math.pi * moment.share / self.end))
            for number, layer in enumerate(layers):
                self._replace(layer, share, (self.seed, 3, moment.step, number))
        for layer in layers:
            layer.assign(self, {"phase": np.array(_FROZEN if last else _CHANGING, np.float32)})

    def _masks(self, layers: Sequence[Layer], sparsity: float, first: bool) -> list[Array]:
        """The masks that keep the largest weights, or at first random ones."""
        rng = np.random.default_rng((self.seed, 2))
        scores = []
        for layer in layers:
            state, kernel = layer.state(self), layer.kernel(self)
            scores.append(
                rng.random(kernel.shape)
                if first and self.start == "random"
                else np.abs((kernel - state["offset"]) * state["mask"] * layer.scale)
            )
        if self.layers == "global":
            flat = np.concatenate([(s / np.sqrt((s**2).mean() or 1.0)).ravel() for s in scores])
            kept = _largest(flat, round((1 - sparsity) * flat.size))
            parts = np.split(kept, np.cumsum([s.size for s in scores])[:-1])
            return [part.reshape(s.shape) for part, s in zip(parts, scores, strict=True)]
        densities = self.densities([s.shape for s in scores], sparsity)
        return [
            _largest(score, round(share * score.size))
            for score, share in zip(scores, densities, strict=True)
        ]

    def densities(self, shapes: Sequence[tuple[int, ...]], sparsity: float) -> list[float]:
        """The share of nonzero weights in each layer, with that share of zeros in all."""
        sizes = [math.prod(shape) for shape in shapes]
        if self.layers != "erk":
            return [1 - sparsity] * len(shapes)
        raw = [sum(shape) / size for shape, size in zip(shapes, sizes, strict=True)]
        wanted, full = (1 - sparsity) * sum(sizes), [False] * len(shapes)
        while True:  # layers whose density would exceed 1 become dense
            left = wanted - sum(size for size, all_of in zip(sizes, full, strict=True) if all_of)
            rest = sum(r * s for r, s, f in zip(raw, sizes, full, strict=True) if not f)
            found = [
                1.0 if f else r * left / max(rest, 1e-9) for r, f in zip(raw, full, strict=True)
            ]
            if max(found) <= 1:
                return found
            full = [f or share > 1 for f, share in zip(full, found, strict=True)]

    def _replace(self, layer: Layer, share: float, seed: tuple[int, ...]) -> None:
        state = layer.state(self)
        mask, raw = state["mask"] > 0, layer.kernel(self)
        count = min(int(share * mask.sum()), int((~mask).sum()))
        weights = np.where(mask, np.abs(raw - state["offset"]), np.inf)
        dropped = _largest(-weights, count) > 0
        worth = (
            np.abs(state["probe"])
            if self.growth == "gradient"
            else np.random.default_rng(seed).random(mask.shape)
        )
        grown = _largest(np.where(mask, -np.inf, worth), count) > 0
        offset = np.where(grown, raw, state["offset"]).astype(np.float32)
        layer.assign(
            self,
            {
                "mask": ((mask & ~dropped) | grown).astype(np.float32),
                "offset": offset,
                "probe": np.zeros(mask.shape, np.float32),
            },
        )

    def finish(self, fixed: Fixed, state: Mapping[str, Array], axis: int) -> Fixed:
        """The masked kernel."""
        return fixed.on((fixed.kernel - state["offset"]) * state["mask"], None)

    def kept(self) -> Constraint:
        """The zeros stay."""
        return KeepZeros()


def _largest(scores: Kernel, count: int) -> Array:
    """A mask of the `count` largest scores; ties go to the first."""
    found = np.zeros(scores.size, np.float32)
    found[np.argsort(-scores, axis=None, kind="stable")[:count]] = 1
    return found.reshape(scores.shape)
