"""A candidate before its training: the same layers, the same share of zeros, weights on as many
values. What it costs is known from that; how many errors it makes is a first hint.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph
from tinycomp.plan.memory import Plan
from tinycomp.prepare import Prepared
from tinycomp.proof.assembly import Assembler, lower_for
from tinycomp.proof.measure import footprint
from tinycomp.reading import clean_up
from tinycomp.recipes.measure import Meter, State
from tinycomp.recipes.run import Position, Runner
from tinycomp.recipes.steps import Recipe
from tinycomp.target.fit import Footprint
from tinycomp.techniques._layers import weighted_layers
from tinycomp.techniques._technique import Technique
from tinycomp.techniques.recipe import Recipe as PostTraining
from tinycomp.train.constraint import Constraint, Moment
from tinycomp.train.layers import scale_of
from tinycomp.train.model import finish, trainable
from tinycomp.train.rate import Rate, entropy, symbols_of

_ROUNDS = 12
"""Halvings of the interval of grid steps."""
_COARSEST = 32.0
"""The largest grid step, relative to the root mean square of a layer's weights."""
_LAST = 127


def untrained(runner: Runner, recipe: Recipe) -> State:
    """The model after all steps of a recipe, without any training."""
    position, waiting = runner.start(), list[Constraint]()
    for number, step in enumerate(recipe.steps, 1):
        if isinstance(step.technique, Technique | PostTraining):
            position = _at_once(position, waiting)
            position = runner.step(position, replace(step, schedule=None), f"step-{number}")
            waiting = []
        else:
            waiting.append(step.technique)
    return replace(_at_once(position, waiting).state, compression=recipe.values)


def planned(meter: Meter, prepared: Prepared) -> tuple[Plan, Footprint]:
    """The plan, and the footprint without code and stack: nothing is compiled."""
    with tempfile.TemporaryDirectory(prefix="tinycomp-") as scratch:
        assembler = Assembler(meter.board, meter.planning, Path(scratch), lambda _: None)
        program = lower_for(prepared, meter.board, meter.planning)
        plan = assembler.assemble(prepared, program, "plan").plan
    return plan, footprint(plan, None)


def quiet(meter: Meter, samples: int) -> Meter:
    """The same measurements on so many samples at most."""
    return replace(meter, trained=meter.trained[:samples], held=meter.held[:samples])


def runner_of(meter: Meter, recipe: Recipe) -> Runner:
    """Runs the steps of a recipe without a word."""
    return Runner(meter.material, meter, Silent(), compression=recipe.values, measures=False)


def _at_once(position: Position, constraints: Sequence[Constraint]) -> Position:
    """The weights as the constraints would have them at the end of a training."""
    if not constraints:
        return position
    graph = position.state.graph
    wanted = [_coarse(each, graph) if isinstance(each, Rate) else each for each in constraints]
    model = trainable(graph, wanted)
    model.tinycomp.advance(Moment(1, 1))
    return replace(position, state=State(finish(model), {}, position.state.post))


def _coarse(rate: Rate, graph: Graph) -> Rate:
    """The constraint with the grid step at which weights have its bits already."""
    layers = weighted_layers(clean_up(graph))
    kernels = [
        each.weights.values / scale_of(each.weights.values, each.axis, rate.per_channel)
        for each in layers
    ]
    fine, coarse = rate.step / 8, _COARSEST
    for _ in range(_ROUNDS):
        middle = float(np.sqrt(fine * coarse))
        bits = [entropy(symbols_of(each, middle, _LAST)) * each.size for each in kernels]
        if sum(bits) > rate.bits * sum(each.size for each in kernels):
            fine = middle
        else:
            coarse = middle
    return replace(rate, step=coarse)
