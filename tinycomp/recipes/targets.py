"""Size and accuracy targets of a recipe, met by adjusting the bits of its `rate` step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinycomp.common.errors import TinycompError
from tinycomp.recipes.measure import State
from tinycomp.recipes.run import Position, Runner
from tinycomp.recipes.steps import Recipe, Step
from tinycomp.report.steps import StepRecord
from tinycomp.train.loop import Epoch
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate

ROUNDS = 2
"""The most additional trainings if the first one misses a target."""
MARGIN = 0.985
"""Training aims at this share of the size target."""
FEWEST_BITS = 0.02
"""The lowest average bits per weight; the model does not survive fewer."""
MORE = 1.25
"""Factor for the bits after a training whose accuracy was too low."""
COARSER = (1.0, 2.0, 4.0, 7.0)
"""Grid steps on which the untrained model is measured, relative to the recipe's step."""
LOOKS, FIRST_LOOK = 8, 0.35
"""Number of size measurements during a training, and the share of training before the first."""

FALLING = 1.15
"""Bits above the target by more than this factor have not converged yet."""
LEAST, MOST = 0.7, 1.4
"""Limits of the change of the target bits after a measurement."""


@dataclass(frozen=True)
class Targets:
    """Size and accuracy targets."""

    constants: int | None = None
    """The most bytes of constants."""
    accuracy: float | None = None
    """The lowest accuracy on validation samples, from 0 to 1."""


def run_to(runner: Runner, recipe: Recipe, targets: Targets) -> Position:
    """Run a recipe, and repeat its last step with other bits until it meets the targets.

    Raises:
        TinycompError: a target is impossible or was not reached.
    """
    if targets.accuracy is not None:
        _require_share(targets.accuracy, runner)
    adjusts = bool(recipe.steps) and recipe.steps[-1].name == Rate.name
    if targets.constants is not None and not adjusts:
        raise TinycompError(
            "--target-bytes needs a recipe that ends with a step 'rate', whose bits it sets.",
            hint="Use --recipe balanced or tiny, or add the step.",
        )
    position = runner.start()
    for number, step in enumerate(recipe.steps[: -1 if adjusts else None], 1):
        position = runner.step(position, step, f"step-{number}")
    if not adjusts:
        _require_met([runner.records[-1]], targets)
        return position
    return _adjusted(runner, position, recipe.steps[-1], len(recipe.steps), targets)


def _adjusted(
    runner: Runner, before: Position, step: Step, number: int, targets: Targets
) -> Position:
    """The position after the step, with bits that meet the targets."""
    aim = None if targets.constants is None else targets.constants * MARGIN
    if aim is not None:
        step = _with_bits(step, _first_bits(runner, before.state, step, aim))
    tries: list[StepRecord] = []
    for attempt in range(ROUNDS + 1):
        watch = None if aim is None else _Regulator(runner, step, aim)
        file = f"step-{number}" if attempt == 0 else f"step-{number}-again-{attempt}"
        position = runner.step(before, step, file, watch)
        tries.append(runner.records[-1])
        if _meets(tries[-1], targets):
            return position
        if targets.constants is None:
            step = _with_bits(step, tries[-1].bits * MORE)
        elif aim is not None and tries[-1].constants > targets.constants:
            aim *= MARGIN * targets.constants / tries[-1].constants
            step = _with_bits(step, tries[-1].bits * max(LEAST, aim / tries[-1].constants))
        else:
            break  # small enough, but not accurate enough
    _require_met(tries, targets)
    raise AssertionError("none of the tries met the targets")


class _Regulator:
    """Adjusts the target bits during training according to the measured bytes."""

    def __init__(self, runner: Runner, step: Step, aim: float) -> None:
        assert isinstance(step.technique, Rate)
        assert step.schedule is not None
        self.runner, self.rate, self.aim = runner, step.technique, aim
        self.floor, self.wanted = 0, step.technique.bits
        first, last = FIRST_LOOK, self.rate.freeze
        looks = [first + (last - first) * n / LOOKS for n in range(LOOKS)]
        self.epochs = {math.floor(share * step.schedule.epochs) for share in looks} - {0}

    def __call__(self, model: Any, epoch: Epoch) -> None:
        """Called after each epoch."""
        if epoch.number not in self.epochs or epoch.bits is None:
            return
        compression = self.runner.compression
        state = State(finish(model), model.tinycomp.rounding, compression=compression)
        meter = self.runner.meter
        self.floor = self.floor or meter.floor(state)
        weights = max(meter.constants(state)[0] - self.floor, 1)
        # Proportional, but bounded: bytes do not change while a plain codec is cheaper than an
        # entropy decoder, and then drop suddenly.
        ratio = np.clip((self.aim - self.floor) / weights, LEAST, MOST)
        falling = epoch.bits > FALLING * self.wanted
        wanted = (epoch.bits if falling else self.wanted) * ratio
        self.wanted = float(np.clip(wanted, FEWEST_BITS, 8.0))
        self.rate.want(model.tinycomp.layers, self.wanted)


def _require_share(accuracy: float, runner: Runner) -> None:
    if runner.material.targets.task not in ("classification", "binary", "multilabel"):
        raise TinycompError(
            f"--min-accuracy {accuracy} is only for classifiers; the task of this model is "
            f"{runner.material.targets.task}.",
            hint="Omit it.",
        )
    if not len(runner.meter.held):
        raise TinycompError(
            "--min-accuracy needs validation samples, and there are none.",
            hint="Set validation = 0.1 under [training].",
        )


def _first_bits(runner: Runner, state: State, step: Step, aim: float) -> float:
    """The bits per weight that should take `aim` bytes, interpolated from the size of the untrained
    model on increasingly coarse grids.

    Raises:
        TinycompError: biases, multipliers and tables alone take more.
    """
    rate, meter = step.technique, runner.meter
    assert isinstance(rate, Rate)
    floor = meter.floor(state)
    if aim <= floor:
        raise TinycompError(
            f"{aim / MARGIN:,.0f} bytes are not possible: even without weights this model takes "
            f"{floor:,} bytes for biases, multipliers and tables.",
            hint="Increase the target, or remove channels first (a step 'channels').",
        )
    found = []
    for coarser in COARSER:
        graph = finish(trainable(state.graph, [replace(rate, step=rate.step * coarser)]))
        found.append(meter.constants(State(graph, compression=runner.compression)))
    sizes, known = zip(*sorted(found), strict=True)
    return max(float(np.interp(aim, sizes, known)), FEWEST_BITS)


def _with_bits(step: Step, wanted: float) -> Step:
    assert isinstance(step.technique, Rate)
    return replace(step, technique=replace(step.technique, bits=min(wanted, 8.0)))


def _meets(record: StepRecord, targets: Targets) -> bool:
    small = targets.constants is None or record.constants <= targets.constants
    return small and (targets.accuracy is None or (record.score or 0.0) >= targets.accuracy)


def _require_met(tries: Sequence[StepRecord], targets: Targets) -> None:
    """Check that one of these records meets the targets.

    Raises:
        TinycompError: none does; the message has the results.
    """
    if any(_meets(each, targets) for each in tries):
        return
    wanted = [
        "" if targets.constants is None else f"at most {targets.constants:,} bytes",
        "" if targets.accuracy is None else f"at least {targets.accuracy:.2%}",
    ]
    raise TinycompError(
        f"The targets were not reached: {'; '.join(map(_result, tries))}.",
        expected=f"Expected {' and '.join(filter(None, wanted))}.",
        hint="Allow more bytes or less accuracy, or train longer (--epochs).",
    )


def _result(record: StepRecord) -> str:
    score = "" if record.score is None else f" at {record.score:.2%}"
    return f"{record.constants:,} bytes{score}"
