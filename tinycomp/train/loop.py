"""The training loop: relative step sizes, distillation, weight averaging, bit-exact resume.

Kernels are normalized by their layer's scale, so Adam's step size is relative: about one percent of
the weights at the start. Targets are a mix of the float model's outputs (distillation) and labels.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.common.progress import Progress
from tinycomp.ir.tensor import Array
from tinycomp.quantization.row_numbers import row_numbers
from tinycomp.train.augment import deviations
from tinycomp.train.checkpoint import Checkpoint, fingerprint
from tinycomp.train.constraint import Moment
from tinycomp.train.ends import apart
from tinycomp.train.layers import numbers
from tinycomp.train.losses import Supervision, loss
from tinycomp.train.rate import entropy
from tinycomp.train.schedule import Schedule

_WINDOW = 0.03
"""The longest averaging window, as a share of the training: older weights satisfied older, looser
constraints.
"""


@dataclass(frozen=True)
class Epoch:
    """The results of one epoch."""

    number: int
    """Starts at 1."""
    loss: float
    """Mean loss of its steps, penalties included."""
    validation: float | None
    """Supervision.agreement on the validation samples, the mean over the outputs with labels; None
    if there are none.
    """
    bits: float | None = None
    """Bits per weight, from the entropy of each layer's values; None if weights lie on no grid."""
    by_output: tuple[float | None, ...] = ()
    """The agreement of each output; None for one without labels."""


class DivergedError(TinycompError):
    """The loss or weights became NaN or infinite."""


@dataclass(frozen=True, eq=False)
class _Best:
    """The best epoch after all constraints had settled."""

    epoch: int
    """Starts at 1."""
    validation: float
    """Its validation score."""
    own: Mapping[str, Array]
    """The state of the training after it."""

    @property
    def state(self) -> dict[str, Array]:
        """For a checkpoint."""
        scores = {"epoch": np.array(self.epoch), "validation": np.array(self.validation)}
        return {f"best/{name}": each for name, each in {**scores, **self.own}.items()}

    @classmethod
    def of(cls, state: Mapping[str, Array]) -> _Best | None:
        """Read from a checkpoint; None if it has none."""
        if "best/epoch" not in state:
            return None
        own = {n.removeprefix("best/"): v for n, v in state.items() if n.startswith("best/")}
        return cls(int(own.pop("epoch")), float(own.pop("validation")), own)


def train(
    model: Any,
    x: Array,
    targets: Supervision | Sequence[Supervision],
    schedule: Schedule,
    progress: Progress,
    checkpoint: Path | None = None,
    report: Callable[[Epoch], None] | None = None,
    teacher: Any = None,
) -> list[Epoch]:
    """Train a model made by `trainable(..., logits=True)` in place.

    Args:
        model: the model to train.
        x: real inputs (samples, *graph.sample_shape).
        targets: targets of the same samples, for each output of the Keras model: those of hidden
            features are last.
        schedule: the hyperparameters.
        progress: shows the epochs.
        checkpoint: a file for the state after each epoch; if it exists, training resumes from it
            and gives the same bytes as an uninterrupted run. None: no file.
        report: called after each epoch, before the checkpoint is written.
        teacher: the float model, made by `trainable(..., logits=True)`, with features if they are
            imitated. Its outputs are the targets of augmented samples; required for distillation
            on them.

    Returns:
        The epochs trained by this call.

    Raises:
        DivergedError: the loss or weights became NaN or infinite; the model is restored to its
            state after the last complete epoch.
        TinycompError: the checkpoint belongs to another training run, or the augmentation does not
            fit the samples.
    """
    listed = (targets,) if isinstance(targets, Supervision) else tuple(targets)
    return _Run(model, x, listed, schedule, progress, checkpoint, teacher).epochs(report)


class _Run:
    """A training run."""

    def __init__(
        self, model: Any, x: Array, targets: Sequence[Supervision], schedule: Schedule,
        progress: Progress, checkpoint: Path | None, teacher: Any,
    ) -> None:  # fmt: skip
        import keras

        self.model, self.x, self.targets = model, x, targets
        self.schedule, self.progress, self.teacher = schedule, progress, teacher
        self.units = self._require_augmentable()
        self.rows, self.held = schedule.split(len(x))
        self.steps = max(1, math.ceil(len(self.rows) / schedule.batch))
        keras.utils.set_random_seed(schedule.seed)
        self.optimizer = keras.optimizers.Adam(schedule.rate)
        model.compile(self.optimizer, **self._losses())
        self.optimizer.build(model.trainable_variables)
        self.averages = [numbers(each) for each in model.trainable_variables]
        self.since = 0
        self.done = 0
        self.best: _Best | None = None
        self.file = None
        if checkpoint is not None:
            arrays = [x, *(each.rows for each in targets)]
            identity = fingerprint(
                model.tinycomp.graph, arrays, asdict(schedule), repr(model.tinycomp.constraints)
            )
            self.file = Checkpoint(checkpoint, identity)
            state = self.file.read()
            if state is not None:
                self.best = _Best.of(state)
                self._restore(state)

    def _losses(self) -> dict[str, Any]:
        """Arguments of `compile`: the loss of each output, and their weights."""
        schedule = self.schedule
        found = [
            loss(each.kind, schedule.temperature, schedule.imitation if each.labelled else 1.0)
            for each in self.targets
        ]
        weights = [each.weight for each in self.targets]
        plain = all(weight == 1 for weight in weights)
        if len(found) == 1:
            return {"loss": found[0], "loss_weights": None if plain else weights[0]}
        return {"loss": found, "loss_weights": None if plain else weights}

    def _require_augmentable(self) -> list[Array]:
        """The standard deviation of each channel, for each input; empty without augmentation."""
        augment, schedule = self.schedule.augment, self.schedule
        if not augment:
            return []
        invariant = schedule.imitation == 1 or not any(
            each.kind == "values" and each.labelled for each in self.targets
        )
        augment.require(self.x.shape[1:], invariant)
        graph = self.model.tinycomp.graph
        numbers = row_numbers(graph)
        augment.require_real([graph.label(name) for name in graph.inputs if name in numbers])
        imitated = schedule.imitation or not all(each.labelled for each in self.targets)
        if self.teacher is None and imitated:
            raise TinycompError(
                "Distillation on augmented samples needs the float model's outputs for them.",
                hint="Pass `train` a teacher, or set imitation = 0.",
            )
        return [deviations(each) for each in self._inputs(self.x)]

    def _inputs(self, x: Array) -> list[Array]:
        """Samples input by input."""
        parts = apart(self.model.tinycomp.graph, x)
        return parts if isinstance(parts, list) else [parts]

    def epochs(self, report: Callable[[Epoch], None] | None) -> list[Epoch]:
        found = []
        with self.progress.stage("Training", self.schedule.epochs) as advance:
            advance(self.done)
            while self.done < self.schedule.epochs and not self._stops():
                found.append(self._epoch())
                if report is not None:
                    report(found[-1])
                self._remember(found[-1])
                if self.file is not None:
                    self.file.write(self._state() | (self.best.state if self.best else {}))
                advance(1)
        if self.best is not None:
            self._stop()
        if self.since:
            self._take_averages()
        return found

    def _remember(self, epoch: Epoch) -> None:
        """Keep the state if it has the best validation score after constraints have settled."""
        share = epoch.number / self.schedule.epochs
        if not self.schedule.patience or epoch.validation is None or share < self._settled():
            return
        if self.best is None or epoch.validation > self.best.validation:
            self.best = _Best(epoch.number, epoch.validation, self._state())

    def _settled(self) -> float:
        """The share of the training after which early stopping is allowed."""
        constraints = self.model.tinycomp.constraints
        return max(self.schedule.warmup, 0.0, *(float(each.settled) for each in constraints))

    def _stops(self) -> bool:
        patience = self.schedule.patience
        return self.best is not None and self.done - self.best.epoch >= patience

    def _stop(self) -> None:
        """Restore the best epoch."""
        assert self.best is not None
        if self.done < self.schedule.epochs:
            self.progress.note(
                f"Stopped early, after epoch {self.done} of {self.schedule.epochs}: epoch "
                f"{self.best.epoch} had the best validation score and is kept."
            )
        if self.done > self.best.epoch:
            done = self.done
            self._restore(self.best.own)
            self.done = done

    def _epoch(self) -> Epoch:
        before = self._state()
        total = 0.0
        order = np.random.default_rng((self.schedule.seed, 2, self.done)).permutation(self.rows)
        for number in range(self.steps):
            batch = order[number * self.schedule.batch : (number + 1) * self.schedule.batch]
            step = self.done * self.steps + number
            value = self._step(batch, step)
            if not math.isfinite(value):
                self._diverged(f"The loss is {value}", f", step {number + 1}", before)
            total += value
        if not all(np.isfinite(each).all() for each in self.model.get_weights()):
            self._diverged("Weights stop being finite", "", before)
        self.done += 1
        agreed = self._validate()
        known = [each for each in agreed if each is not None]
        mean = float(np.mean(known)) if known else None
        return Epoch(self.done, total / self.steps, mean, self._bits(), agreed)

    def _diverged(self, what: str, where: str, before: Mapping[str, Array]) -> NoReturn:
        self._restore(before)
        raise DivergedError(
            f"{what} in epoch {self.done + 1}{where}; the model is restored to its state after "
            f"epoch {self.done}.",
            hint="Use a smaller rate, or check that labels and inputs are finite.",
        )

    def _step(self, batch: Array, step: int) -> float:
        total = self.steps * self.schedule.epochs
        self.optimizer.learning_rate.assign(self.schedule.rate_at(step / total))
        found = self.model.train_on_batch(*self._samples(batch, step))
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

    def _samples(self, batch: Array, step: int) -> tuple[Any, Any]:
        """Inputs and targets of a step; the augmentation depends on the seed and the step only."""
        x, rows = self.x[batch], [each.rows[batch] for each in self.targets]
        if self.units:
            x, rows = self._augmented(x, rows, step)
        return apart(self.model.tinycomp.graph, x), rows if len(rows) > 1 else rows[0]

    def _augmented(
        self, x: Array, rows: Sequence[Array], step: int
    ) -> tuple[Array, list[Array]]:  # fmt: skip
        augment, rng = self.schedule.augment, np.random.default_rng((self.schedule.seed, 3, step))
        parts = zip(self._inputs(x), self.units, strict=True)
        changed = [augment.apply(part, unit, rng).reshape(len(x), -1) for part, unit in parts]
        x = np.concatenate(changed, axis=1).reshape(x.shape)
        pairs = [each.parts(row) for each, row in zip(self.targets, rows, strict=True)]
        said, labels = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if augment.mixup:
            x, *labels = augment.mix(x, labels, rng)
        if self.teacher is not None:
            said = outputs_of(self.teacher.predict_on_batch(apart(self.model.tinycomp.graph, x)))
        return x, [np.concatenate(pair, axis=-1) for pair in zip(said, labels, strict=True)]

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

    def _validate(self) -> tuple[float | None, ...]:
        """The agreement of each output; empty without validation samples."""
        if not len(self.held):
            return ()
        x = apart(self.model.tinycomp.graph, self.x[self.held])
        outputs = outputs_of(self.model.predict(x, verbose=0, batch_size=256))
        return tuple(
            each.agreement(found, self.held) if each.labelled else None
            for each, found in zip(self.targets, outputs, strict=True)
        )

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

    def _restore(self, state: Mapping[str, Array]) -> None:
        for kind, variables in (("model", self.model), ("optimizer", self.optimizer)):
            for number, variable in enumerate(variables.variables):
                variable.assign(state[f"{kind}/{number}"])
        self.averages = [state[f"average/{n}"].copy() for n in range(len(self.averages))]
        self.done, self.since = int(state["done"]), int(state["since"])


def outputs_of(found: Any) -> list[Array]:
    """The outputs of a Keras model as a list, also of a model with one."""
    return [np.asarray(each) for each in (found if isinstance(found, list | tuple) else [found])]
