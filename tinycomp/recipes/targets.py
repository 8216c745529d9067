"""Targets of a recipe: bytes of constants, and an accuracy. The bits of its `rate` step are what
meets them.
"""

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
"""Trainings after the first, where it misses a target."""
MARGIN = 0.985
"""The share of a byte target that training aims at."""
FEWEST_BITS = 0.02
"""Of a weight, on average: fewer leave no model."""
MORE = 1.25
"""The bits of a training after too low an accuracy, times those before."""
COARSER = (1.0, 2.0, 4.0, 7.0)
"""Steps of grids on which an untrained model is measured, in steps of the recipe's."""
LOOKS, FIRST_LOOK = 8, 0.35
"""How often bytes are measured in a training, and after which share of it first."""

FALLING = 1.15
"""Bits above what is wanted by so much are still on their way down."""
LEAST, MOST = 0.7, 1.4
"""Bits after a measurement, times those before."""


@dataclass(frozen=True)
class Targets:
    """What has to come out."""

    constants: int | None = None
    """The most bytes of constants."""
    accuracy: float | None = None
    """The least score on validation samples, a share."""


def run_to(runner: Runner, recipe: Recipe, targets: Targets) -> Position:
    """Run a recipe such that it meets its targets; its last step is trained again where it does
    not.

    Raises:
        TinycompError: a target is impossible, or was not reached.
    """
    if targets.accuracy is not None:
        _require_share(targets.accuracy, runner)
    adjusts = bool(recipe.steps) and recipe.steps[-1].name == Rate.name
    if targets.constants is not None and not adjusts:
        raise TinycompError(
            "--target-bytes needs a recipe that ends with a step 'rate', whose bits it sets.",
            hint="Take --recipe balanced or tiny, or add the step.",
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
    """After the step with bits that meet the targets."""
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
            break  # small enough, and not good enough
    _require_met(tries, targets)
    raise AssertionError("none of the tries met the targets")


class _Regulator:
    """Corrects the bits that a training holds, by the bytes that they take."""

    def __init__(self, runner: Runner, step: Step, aim: float) -> None:
        assert isinstance(step.technique, Rate)
        assert step.schedule is not None
        self.runner, self.rate, self.aim = runner, step.technique, aim
        self.floor, self.wanted = 0, step.technique.bits
        first, last = FIRST_LOOK, self.rate.freeze
        looks = [first + (last - first) * n / LOOKS for n in range(LOOKS)]
        self.epochs = {math.floor(share * step.schedule.epochs) for share in looks} - {0}

    def __call__(self, model: Any, epoch: Epoch) -> None:
        """After an epoch."""
        if epoch.number not in self.epochs or epoch.bits is None:
            return
        compression = self.runner.compression
        state = State(finish(model), model.tinycomp.rounding, compression=compression)
        meter = self.runner.meter
        self.floor = self.floor or meter.floor(state)
        weights = max(meter.constants(state)[0] - self.floor, 1)
        # In proportion, and not by much at once: bytes stand still where a plain codec is cheaper
        # than the decoder of an entropy code, and then fall at once.
        ratio = np.clip((self.aim - self.floor) / weights, LEAST, MOST)
        falling = epoch.bits > FALLING * self.wanted
        wanted = (epoch.bits if falling else self.wanted) * ratio
        self.wanted = float(np.clip(wanted, FEWEST_BITS, 8.0))
        self.rate.want(model.tinycomp.layers, self.wanted)


def _require_share(accuracy: float, runner: Runner) -> None:
    if runner.material.targets.task not in ("classification", "binary", "multilabel"):
        raise TinycompError(
            f"--min-accuracy {accuracy} is for classifiers, and this model is scored by its "
            f"{runner.material.targets.task}.",
            hint="Leave it out.",
        )
    if not len(runner.meter.held):
        raise TinycompError(
            "--min-accuracy needs validation samples, and the recipe holds none.",
            hint="Set validation = 0.1 under [training].",
        )


def _first_bits(runner: Runner, state: State, step: Step, aim: float) -> float:
    """Bits a weight that should take so many bytes, by what untrained models on coarser and coarser
    grids take.

    Raises:
        TinycompError: biases, multipliers and tables take more.
    """
    rate, meter = step.technique, runner.meter
    assert isinstance(rate, Rate)
    floor = meter.floor(state)
    if aim <= floor:
        raise TinycompError(
            f"{aim / MARGIN:,.0f} bytes are not possible: without its weights this model takes "
            f"{floor:,} bytes for biases, multipliers and tables.",
            hint="Allow more, or take channels out first.",
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
    """Refuse where none of these records meets the targets.

    Raises:
        TinycompError: with what was reached.
    """
    if any(_meets(each, targets) for each in tries):
        return
    wanted = [
        "" if targets.constants is None else f"{targets.constants:,} bytes at most",
        "" if targets.accuracy is None else f"{targets.accuracy:.2%} at least",
    ]
    raise TinycompError(
        f"The targets were not reached: {'; '.join(map(_told, tries))}.",
        expected=f"Expected {' and '.join(filter(None, wanted))}.",
        hint="Allow more bytes or less accuracy, or train longer (--epochs).",
    )


def _told(record: StepRecord) -> str:
    score = "" if record.score is None else f" at {record.score:.2%}"
    return f"{record.constants:,} bytes{score}"
