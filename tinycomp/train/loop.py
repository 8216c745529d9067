"""The training loop: relative step sizes, distillation, weight averaging, bit-exact resume.

Kernels are normalized by their layer's scale, so Adam's step size is relative: about one percent of
the weights at the start. Targets are a mix of the float model's outputs (distillation) and labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Progress
from tinycomp.ir.tensor import Array
from tinycomp.train.checkpoint import Checkpoint, fingerprint
from tinycomp.train.constraint import Moment
from tinycomp.train.layers import numbers
from tinycomp.train.losses import Supervision, loss, with_features
from tinycomp.train.rate import entropy

_WINDOW = 0.03
"""The longest averaging window, as a share of the training: older weights satisfied older, looser
constraints.
"""


@dataclass(frozen=True)
class Schedule:
    """The hyperparameters of a training."""

    epochs: int = 20
    """Passes over the data."""
    batch: int = 64
    """Samples per step."""
    rate: float = 0.01
    """Initial learning rate of Adam, relative to each layer's weights; cosine decay to zero
    (Loshchilov and Hutter, 2017).
    """
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
    validation: float = 0.1
    """Share of the training half that is held out and scored after each epoch."""
    seed: int = 0
    """Seed of the split and of the order of samples."""

    def __post_init__(self) -> None:
        """Check the options.

        Raises:
            TinycompError: some are out of range; all of these are named.
        """
        checks = {
            "epochs": self.epochs >= 1,
            "batch": self.batch >= 1,
            "rate": 0 < self.rate < 1,
            "average": 0 <= self.average < 1,
            "settle": 0 <= self.settle <= 1,
            "temperature": self.temperature > 0,
            "imitation": 0 <= self.imitation <= 1,
            "features": self.features >= 0,
            "validation": 0 <= self.validation < 1,
        }
        wrong = [f"{name} {getattr(self, name)}" for name, good in checks.items() if not good]
        if wrong:
            raise TinycompError(
                f"A training with {', '.join(wrong)} is not possible.",
                expected="Expected epochs and batch of 1 at least, 0 < rate < 1, temperature > 0, "
                "shares from 0 to below 1.",
            )


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch."""

    number: int
    """Starts at 1."""
    loss: float
    """Mean loss of its steps, penalties included."""
    validation: float | None
    """Supervision.agreement on the validation samples; None if there are none."""
    bits: float | None = None
    """Bits per weight, from the entropy of each layer's values; None if weights lie on no grid."""


class DivergedError(TinycompError):
    """The loss became NaN or infinite."""


def split(count: int, share: float, seed: int) -> tuple[Array, Array]:
    """Indices of training and validation samples, in random order."""
    order = np.random.default_rng((seed, 1)).permutation(count)
    held = int(count * share)
    return order[held:], order[:held]


def train(
    model: Any,
    x: Array,
    targets: Supervision,
    schedule: Schedule,
    progress: Progress,
    checkpoint: Path | None = None,
    report: Callable[[Epoch], None] | None = None,
) -> list[Epoch]:
    """Train a model made by `trainable(..., logits=True)` in place.

    Args:
        model: the model to train.
        x: real inputs (samples, *shape).
        targets: targets of the same samples.
        schedule: the hyperparameters.
        progress: shows the epochs.
        checkpoint: a file for the state after each epoch; if it exists, training resumes from it
            and gives the same bytes as an uninterrupted run. None: no file.
        report: called after each epoch, before the checkpoint is written.

    Returns:
        The epochs trained by this call.

    Raises:
        DivergedError: the loss became NaN or infinite; the model is restored to its state after
            the last complete epoch.
        TinycompError: the checkpoint belongs to another training run.
    """
    return _Run(model, x, targets, schedule, progress, checkpoint).epochs(report)


class _Run:
    """A training run."""

    def __init__(
        self, model: Any, x: Array, targets: Supervision, schedule: Schedule, progress: Progress,
        checkpoint: Path | None,
    ) -> None:  # fmt: skip
        import keras

        self.model, self.x, self.targets = model, x, targets
        self.schedule, self.progress = schedule, progress
        self.rows, self.held = split(len(x), schedule.validation, schedule.seed)
        self.steps = max(1, math.ceil(len(self.rows) / schedule.batch))
        keras.utils.set_random_seed(schedule.seed)
        self.optimizer = keras.optimizers.Adam(schedule.rate)
        wanted = loss(targets.kind, schedule.temperature, schedule.imitation)
        if targets.hidden:
            wanted = with_features(wanted, targets.hidden, targets.unit, schedule.features)
        model.compile(self.optimizer, wanted)
        self.optimizer.build(model.trainable_variables)
        self.averages = [numbers(each) for each in model.trainable_variables]
        self.since = 0
        self.done = 0
        self.file = None
        if checkpoint is not None:
            identity = fingerprint(model.tinycomp.graph, x, targets.rows, asdict(schedule),
                                   repr(model.tinycomp.constraints))  # fmt: skip
            self.file = Checkpoint(checkpoint, identity)
            self._restore(self.file.read())

    def epochs(self, report: Callable[[Epoch], None] | None) -> list[Epoch]:
        found = []
        with self.progress.stage("Training", self.schedule.epochs) as advance:
            advance(self.done)
            while self.done < self.schedule.epochs:
                found.append(self._epoch())
                if report is not None:
                    report(found[-1])
                if self.file is not None:
                    self.file.write(self._state())
                advance(1)
        if self.since:
            self._take_averages()
        return found

    def _epoch(self) -> Epoch:
        before = self._state()
        total = 0.0
        order = np.random.default_rng((self.schedule.seed, 2, self.done)).permutation(self.rows)
        for number in range(self.steps):
            batch = order[number * self.schedule.batch : (number + 1) * self.schedule.batch]
            step = self.done * self.steps + number
            value = self._step(batch, step)
            if not math.isfinite(value):
                self._restore(before)
                raise DivergedError(
                    f"The loss is {value} in epoch {self.done + 1}, step {number + 1}; the model "
                    f"is restored to its state after epoch {self.done}.",
                    hint="Use a smaller rate, or check that labels and inputs are finite.",
                )
            total += value
        self.done += 1
        return Epoch(self.done, total / self.steps, self._validate(), self._bits())

    def _step(self, batch: Array, step: int) -> float:
        total = self.steps * self.schedule.epochs
        cosine = (1 + math.cos(math.pi * step / total)) / 2
        self.optimizer.learning_rate.assign(self.schedule.rate * cosine)
        found = self.model.train_on_batch(self.x[batch], self.targets.rows[batch])
        value = float(np.ravel(found)[0])
        if not math.isfinite(value):
            return value
        self._average()
        settle = math.ceil(self.schedule.settle * total)
        if step + 1 == settle and self.schedule.average:
            self._take_averages()
            self.since = 0
        self.model.tinycomp.advance(Moment(step + 1, total))
        return value

    def _average(self) -> None:
        """Update the running averages; early on they are plain means of all steps so far."""
        if not self.schedule.average:
            return
        window = max(1.0, _WINDOW * self.steps * self.schedule.epochs)
        kept = min(self.schedule.average, self.since / (self.since + 1), 1 - 1 / window)
        self.since += 1
        for average, variable in zip(self.averages, self.model.trainable_variables, strict=True):
            average += np.float32(1 - kept) * (numbers(variable) - average)

    def _take_averages(self) -> None:
        for average, variable in zip(self.averages, self.model.trainable_variables, strict=True):
            variable.assign(average)

    def _validate(self) -> float | None:
        if not len(self.held):
            return None
        outputs = self.model.predict(self.x[self.held], verbose=0, batch_size=256)
        return self.targets.agreement(outputs, self.held)

    def _bits(self) -> float | None:
        fixed = [layer.fixed() for layer in self.model.tinycomp.layers]
        if not fixed or any(each.step is None for each in fixed):
            return None
        found = [entropy(np.rint(each.kernel / each.step)) * each.kernel.size for each in fixed]
        return float(sum(found) / sum(each.kernel.size for each in fixed))

    def _state(self) -> dict[str, Array]:
        """Everything needed to resume training exactly."""
        state = {f"model/{n}": numbers(v) for n, v in enumerate(self.model.variables)}
        state |= {f"optimizer/{n}": numbers(v) for n, v in enumerate(self.optimizer.variables)}
        state |= {f"average/{n}": each.copy() for n, each in enumerate(self.averages)}
        return state | {"done": np.array(self.done), "since": np.array(self.since)}

    def _restore(self, state: dict[str, Array] | None) -> None:
        if state is None:
            return
        for kind, variables in (("model", self.model), ("optimizer", self.optimizer)):
            for number, variable in enumerate(variables.variables):
                variable.assign(state[f"{kind}/{number}"])
        self.averages = [state[f"average/{n}"].copy() for n in range(len(self.averages))]
        self.done, self.since = int(state["done"]), int(state["since"])
