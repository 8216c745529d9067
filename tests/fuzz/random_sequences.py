"""Layers over time for random graphs: each kind, with every activation, in both directions."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from conformance import parameters
from random_graphs import Grow, Growing
from sequences import sequence_constants, state_parameters

from tinycomp.ir.operator import Operator
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops.elu import Elu
from tinycomp.ops.function import Function
from tinycomp.ops.gru import Gru
from tinycomp.ops.lstm import Lstm
from tinycomp.ops.lstm_steps import LstmSteps, Scales
from tinycomp.ops.relu import Relu
from tinycomp.ops.simple_rnn import SimpleRnn
from tinycomp.ops.strided_slice import StridedSlice

MOST_STEPS, MOST_UNITS = 9, 9
"""A .tflite has most of these layers step by step."""
MASKED = 0.3
"""The share of layers with a mask: steps whose first feature is zero."""
CURVES: tuple[Operator | None, ...] = (None, None, Relu(), Elu(), Function("linear"))
"""Of candidates; None: tanh."""
GATES: tuple[Operator | None, ...] = (None, None, Function("hard_sigmoid"))
"""Activations of gates; None: sigmoid."""


def _scale(g: Growing) -> float:
    return float(np.float32(np.exp(g.rng.uniform(-5, -2.5))))


def _gru(g: Growing) -> Recurrent:
    curve, gate = (kinds[g.rng.integers(len(kinds))] for kinds in (CURVES, GATES))
    state = _scale(g) if curve else None
    return Gru(bool(g.rng.integers(2)), (_scale(g), _scale(g)), curve, gate, state)


def _simple(g: Growing) -> Recurrent:
    curve = CURVES[g.rng.integers(len(CURVES))]
    return SimpleRnn(_scale(g), curve, _scale(g) if curve else None)


def _lstm(g: Growing) -> Recurrent:
    return Lstm(float(g.rng.choice([0, 0, 0.75, 10])), int(g.rng.integers(-15, -8)))


def _lstm_steps(g: Growing) -> Recurrent:
    curve, gate = (kinds[g.rng.integers(len(kinds))] for kinds in (CURVES, GATES))
    fresh = state = 1 / 128
    if curve:
        fresh, state = _scale(g), _scale(g)
    cell = fresh * float(np.exp(g.rng.uniform(-6, -3)))
    return LstmSteps(curve, gate, Scales(_scale(g), _scale(g), fresh, cell, cell * 200, state))


KINDS = (_gru, _gru, _lstm, _lstm_steps, _simple)


def _rows(g: Growing, x: str) -> str | None:
    """The tensor as (steps, features)."""
    shape = g.shape(x)
    if shape[0] > MOST_STEPS or len(shape) == 1:
        return None
    return x if len(shape) == 2 else g.reshape(x, (shape[0], math.prod(shape[1:])))


def _layer(g: Growing, x: str) -> str:
    op, units = KINDS[g.rng.integers(len(KINDS))](g), int(g.rng.integers(1, MOST_UNITS + 1))
    constants = sequence_constants(
        g.rng,
        op,
        (g.shape(x)[1], units),
        g.quantization(x),
        gain=float(np.exp(g.rng.uniform(-2, 2))),
        values=(-3, 0, 0, 7) if g.rng.random() < 0.2 else (),
    )
    output = parameters(1 / 128, int(g.rng.integers(-20, 20)))
    masks = []
    if g.rng.random() < MASKED:
        masks = [g.tied(StridedSlice(((0, g.shape(x)[0], 1), (0, 1, 1))), x)]
    known = output if isinstance(op, Lstm) else state_parameters(op)
    return g.builder.add(op, [x], known, constants, behind=masks)


def _turned(g: Growing, x: str) -> str:
    steps, features = g.shape(x)
    return g.tied(StridedSlice(((steps - 1, steps, -1), (0, features, 1))), x)


def _over_time(g: Growing, x: str, *, both_ways: bool) -> str | None:
    rows = _rows(g, x)
    if rows is None:
        return None
    forward = _layer(g, rows)
    if not both_ways:
        return forward
    return g.concatenate([forward, _turned(g, _layer(g, _turned(g, rows)))])


OVER_TIME: tuple[Grow, ...] = (
    *(partial(_over_time, both_ways=False),) * 12,
    *(partial(_over_time, both_ways=True),) * 4,
)
"""Kinds of layers, as often as they should be drawn among the others."""
