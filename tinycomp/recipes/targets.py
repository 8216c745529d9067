"""Targets of a recipe: size and accuracy, met by adjusting the bits of its `rate` step, and
multiply-accumulates, by the `macs` option of a structure step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tinycomp.common.errors import FitError, TinycompError
from tinycomp.ir.graph import Graph
from tinycomp.options.compress import Targets
from tinycomp.recipes.measure import State
from tinycomp.recipes.run import Position, Runner
from tinycomp.recipes.steps import Recipe, Step
from tinycomp.report.record import StepRecord
from tinycomp.techniques._technique import Technique
from tinycomp.train.loop import Epoch
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate

ROUNDS = 2
"""The most additional trainings if the first one misses a target."""
MARGIN = 0.99
"""Training aims at this share of the size target."""
FEWEST_BITS = 0.02
"""The lowest average bits per weight; the model does not survive fewer."""
MORE = 1.25
"""Factor for the bits after a training whose accuracy was too low."""
COARSER = (1.0, 2.0, 4.0, 7.0)
"""Grid steps on which the untrained model is measured, relative to the recipe's step."""
LOOKS, FIRST_LOOK = 8, 0.35
"""Number of size measurements during a training, and the share of training before the first."""
CLOSE_LOOK = 0.72
"""The share of training from which each epoch is measured, until symbols are frozen: what the last
measurement leaves unused stays unused.
"""
LEAST, MOST = 0.7, 1.4
"""Limits of the change of the target bits after a measurement."""


def run_to(runner: Runner, recipe: Recipe, targets: Targets) -> Position:
    """Run a recipe, and repeat its last step with other bits until it meets the targets.

    Raises:
        TinycompError: a target is impossible or was not reached.
    """
    if targets.accuracy is not None:
        _require_share(targets.accuracy, runner)
    adjusts = bool(recipe.steps) and recipe.steps[-1].name == Rate.name
    if targets.size is not None and not adjusts:
        option = "--target-bytes" if targets.flash is None else "--target-flash"
        raise TinycompError(
            f"{option} needs a recipe that ends with a step 'rate', whose bits it sets.",
            hint="Use --recipe balanced or tiny, or add the step.",
        )
    structure = None if targets.macs is None else _structure_step(recipe)
    if targets.flash is not None:
        runner.meter.require_compiler("--target-flash")
    position = runner.start()
    for number, step in enumerate(recipe.steps[: -1 if adjusts else None], 1):
        if step is structure:
            step = _with_macs(step, position.state, targets)
        position = runner.step(position, step, f"step-{number}")
    if not adjusts:
        _require_met([runner.records[-1]], targets)
        return position
    return _adjusted(runner, position, recipe.steps[-1], len(recipe.steps), targets)


def _structure_step(recipe: Recipe) -> Step:
    """The last step whose technique has the option `macs`.

    Raises:
        TinycompError: there is none.
    """
    for step in reversed(recipe.steps):
        if isinstance(step.technique, Technique) and hasattr(step.technique, "macs"):
            return step
    raise TinycompError(
        "--target-macs needs a recipe with a step that has the option 'macs', which it sets.",
        hint="Add a step channels, low_rank, tucker or cp.",
    )


def _with_macs(step: Step, state: State, targets: Targets) -> Step:
    assert targets.macs is not None
    technique: Any = step.technique
    share = min(1.0, targets.macs / state.graph.cost().macs)
    return replace(step, technique=replace(technique, macs=share))


def _adjusted(
    runner: Runner, before: Position, step: Step, number: int, targets: Targets
) -> Position:
    """The position after the step, with bits that meet the targets."""
    limit = targets.size
    aim = None if limit is None else limit * MARGIN
    if aim is not None:
        step = _with_bits(step, _first_bits(runner, before.state, step, aim, targets))
    tries: list[StepRecord] = []
    for attempt in range(ROUNDS + 1):
        watch = None if aim is None else _Regulator(runner, step, aim, targets)
        file = f"step-{number}" if attempt == 0 else f"step-{number}-again-{attempt}"
        position = runner.step(before, step, file, watch)
        tries.append(runner.records[-1])
        if _meets(tries[-1], targets):
            return position
        taken = _taken(targets, tries[-1])
        if limit is None or aim is None:
            step = _with_bits(step, tries[-1].bits * MORE)
        elif taken > limit:
            aim *= MARGIN * limit / taken
            step = _with_bits(step, tries[-1].bits * max(LEAST, aim / taken))
        else:
            break  # small enough, but not accurate enough
    _require_met(tries, targets)
    raise AssertionError("none of the tries met the targets")


class _Regulator:
    """Adjusts the target bits during training according to the measured bytes."""

    def __init__(self, runner: Runner, step: Step, aim: float, targets: Targets) -> None:
        assert isinstance(step.technique, Rate)
        assert step.schedule is not None
        self.runner, self.rate, self.aim = runner, step.technique, aim
        self.floor, self.wanted = 0, step.technique.bits
        self.code = targets.flash is not None
        first, last = FIRST_LOOK, self.rate.freeze
        looks = [first + (last - first) * n / LOOKS for n in range(LOOKS)]
        of = step.schedule.epochs
        self.epochs = {math.floor(share * of) for share in looks} - {0}
        self.epochs |= set(range(math.ceil(CLOSE_LOOK * of), math.ceil(last * of)))

    def __call__(self, model: Any, epoch: Epoch) -> None:
        """Called after each epoch."""
        if epoch.number not in self.epochs or epoch.bits is None:
            return
        compression = self.runner.compression
        state = State(finish(model), model.tinycomp.rounding, compression=compression)
        size = self.runner.meter.size(state, self.code)
        self.floor = self.floor or size.floor
        weights = max(size.total - self.floor, 1)
        # Proportional to the current bits, also while they are still falling, but bounded: bytes do
        # not change while a plain codec is cheaper than an entropy decoder, and then drop suddenly.
        proportional = epoch.bits * max(self.aim - self.floor, 1) / weights
        wanted = np.clip(proportional, LEAST * self.wanted, MOST * self.wanted)
        self.wanted = float(np.clip(wanted, FEWEST_BITS, 8.0))
        self.rate.want(model.tinycomp.layers, self.wanted)


def _require_share(accuracy: float, runner: Runner) -> None:
    if runner.material.counts.targets.task not in ("classification", "binary", "multilabel"):
        raise TinycompError(
            f"--min-accuracy {accuracy} is only for classifiers; the task of this model is "
            f"{runner.material.counts.targets.task}.",
            hint="Omit it.",
        )
    if not len(runner.meter.held):
        raise TinycompError(
            "--min-accuracy needs validation samples, and there are none.",
            hint="Set validation = 0.1 under [training].",
        )


def _first_bits(
    runner: Runner, state: State, step: Step, aim: float, targets: Targets
) -> float:  # fmt: skip
    """The bits per weight that should take `aim` bytes, interpolated from the size of the untrained
    model on increasingly coarse grids, and without weights.

    Raises:
        TinycompError: biases, multipliers and tables, and code if it counts, take more.
    """
    rate, code = step.technique, targets.flash is not None
    assert isinstance(rate, Rate)
    graphs = [
        finish(trainable(state.graph, [replace(rate, step=rate.step * coarser)]))
        for coarser in COARSER
    ]
    states = [State(graph, compression=runner.compression) for graph in graphs]
    sizes = [runner.meter.size(each, code) for each in states]
    # A layer without any weight left has no code either.
    whole = [
        each
        for each, graph in zip(sizes, graphs, strict=True)
        if _layers(graph) == _layers(graphs[0])
    ]
    floor = min(each.floor for each in whole)
    if aim <= floor:
        parts = f"{'code, ' if code else ''}biases, multipliers and tables"
        raise TinycompError(
            f"{aim / MARGIN:,.0f} bytes are not possible: even without weights this model takes "
            f"{floor:,} bytes for {parts}.",
            hint="Increase the target, or remove channels first (a step 'channels').",
        )
    found = [(floor, 0.0), *((each.total, each.bits) for each in sizes)]
    totals, known = zip(*sorted(found), strict=True)
    return max(float(np.interp(aim, totals, known)), FEWEST_BITS)


def _layers(graph: Graph) -> int:
    """The number of layers that have weights other than zero."""
    weights = (node.inputs[1] for node in graph.nodes if node.op.weight_axis is not None)
    return sum(bool(graph.constants[name].values.any()) for name in weights)


def _with_bits(step: Step, wanted: float) -> Step:
    assert isinstance(step.technique, Rate)
    return replace(step, technique=replace(step.technique, bits=min(wanted, 8.0)))


def _meets(record: StepRecord, targets: Targets) -> bool:
    small = targets.size is None or _taken(targets, record) <= targets.size
    fast = targets.macs is None or record.macs <= targets.macs
    accurate = targets.accuracy is None or (record.score or 0.0) >= targets.accuracy
    return small and fast and accurate


def _require_met(tries: Sequence[StepRecord], targets: Targets) -> None:
    """Check that one of these records meets the targets.

    Raises:
        FitError: none does; the message has the results.
    """
    if any(_meets(each, targets) for each in tries):
        return
    wanted = [
        "" if targets.size is None else f"at most {targets.size:,} bytes",
        "" if targets.macs is None else f"at most {targets.macs:,} multiply-accumulates",
        "" if targets.accuracy is None else f"at least {targets.accuracy:.2%}",
    ]
    raise FitError(
        f"The targets were not reached: {'; '.join(_result(each, targets) for each in tries)}.",
        expected=f"Expected {' and '.join(filter(None, wanted))}.",
        hint="Allow more bytes or less accuracy, or train longer (--epochs).",
    )


def _result(record: StepRecord, targets: Targets) -> str:
    score = "" if record.score is None else f" at {record.score:.2%}"
    macs = "" if targets.macs is None else f", {record.macs:,} multiply-accumulates"
    return f"{_taken(targets, record):,} bytes{score}{macs}"


def _taken(targets: Targets, record: StepRecord) -> int:
    """The bytes of a record that count for the size target."""
    return record.constants + (0 if targets.flash is None else record.code or 0)
