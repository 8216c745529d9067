"""The hyperparameters of a training, as recipes name them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.ir.tensor import Array
from tinycomp.options.data import HoldOut
from tinycomp.train.augment import Augmentation

_DROPS = (0.5, 0.75)
"""Shares of the training after which decay = "steps" divides the learning rate by 10."""


@dataclass(frozen=True)
class Schedule:
    """The hyperparameters of a training."""

    epochs: int = 20
    """Passes over the data."""
    batch: int = 64
    """Samples per step."""
    rate: float = 0.01
    """Highest learning rate of Adam, relative to each layer's weights."""
    decay: Literal["cosine", "linear", "steps", "constant"] = "cosine"
    """How the learning rate decays: to zero as a cosine (Loshchilov and Hutter, 2017) or linearly;
    in steps, to 1/10 after half of the training and 1/100 after three quarters; or not at all.
    """
    warmup: float = 0.0
    """The share of the training in which the learning rate grows linearly from 0."""
    average: float = 0.99
    """Decay of the running average of all weights, per step (Polyak and Juditsky, 1992); 0
    disables averaging.
    """
    settle: float = 0.85
    """The share of training after which weights are set to their average and averaging restarts; by
    default constraints are frozen by then.
    """
    temperature: float = 3.0
    """Softmax temperature of both models, for distillation (Hinton et al., 2015)."""
    imitation: float = 0.7
    """Weight of the float model's outputs in the loss; the rest is for labels."""
    features: float = 0.0
    """Weight of the difference from the float model's hidden features in the loss."""
    sums: float = 0.0
    """Weight of the difference from the float model's sums of residual blocks in the loss."""
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    """Weights of the losses of several outputs, by their names; 1 for those that are not named."""
    augment: Augmentation = field(default_factory=Augmentation)
    """Random changes to the samples, new in each step."""
    normalize: bool = False
    """Whether layers with weights are followed by batch normalization during the training, which is
    folded into them at the end; only in trainings without quantized values.
    """
    patience: int = 0
    """Early stopping: epochs without a better validation score before training stops and the best
    epoch is restored. Epochs count once all constraints have settled. 0 disables it.
    """
    validation: float = 0.1
    """Share of the training half that is held out and scored after each epoch."""
    hold_out: HoldOut = "random"
    """Which samples are held out: random ones, or the last ones of the file, for data in which
    the samples of one person or recording are adjacent.
    """
    seed: int = 0
    """Seed of the split, of the order of samples and of the augmentation."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: some are out of range; all of these are named.
        """
        checks = {
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 1,
            "rate": 0 < self.rate < 1,
            "warmup": 0 <= self.warmup < 1,
            "average": 0 <= self.average < 1,
            "settle": 0 <= self.settle <= 1,
            "temperature": self.temperature > 0,
            "imitation": 0 <= self.imitation <= 1,
            "features": self.features >= 0,
            "sums": self.sums >= 0,
            "patience": self.patience >= 0,
            "validation": 0 <= self.validation < 1,
        }
        wrong = [f"{name} {getattr(self, name)}" for name, good in checks.items() if not good]
        if wrong:
            raise TinycompError(
                f"A training with {', '.join(wrong)} is not possible.",
                expected="Expected epochs and batch of 1 at least, 0 < rate < 1, temperature > 0, "
                "patience, features and sums of 0 at least, shares from 0 to below 1.",
            )
        for name, weight in self.loss_weights.items():
            if weight < 0:
                raise TinycompError(
                    f"loss_weights: {name} = {weight:g} is not possible.",
                    expected="Expected weights of 0 at least.",
                )
        if self.patience and not self.validation:
            raise TinycompError(
                f"Early stopping (patience {self.patience}) needs validation samples, and "
                "validation is 0.",
                hint="Set validation = 0.1, or patience = 0.",
            )

    def rate_at(self, share: float) -> float:
        """The learning rate after a share of the training."""
        if share < self.warmup:
            return self.rate * max(share, 1e-3) / self.warmup
        left = 1 - (share - self.warmup) / (1 - self.warmup)
        falls = {
            "cosine": (1 - math.cos(math.pi * left)) / 2,
            "linear": left,
            "steps": math.prod(0.1 for drop in _DROPS if share >= drop),
            "constant": 1.0,
        }
        return float(self.rate * falls[self.decay])

    def split(self, count: int) -> tuple[Array, Array]:
        """The function `split` with these options."""
        return split(count, self.validation, self.seed, self.hold_out)


def split(count: int, share: float, seed: int, hold_out: HoldOut = "random") -> tuple[Array, Array]:
    """Indices of training and validation samples, in random order."""
    order = np.random.default_rng((seed, 1)).permutation(count)
    held = int(count * share)
    if hold_out == "last":
        return order[order < count - held], order[order >= count - held]
    return order[held:], order[:held]
