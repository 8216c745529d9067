"""LSTMs step by step: activations, sizes, zero points, scales, saturated gates and cells."""

from __future__ import annotations

from dataclasses import replace

from conformance import Case
from sequences import SIZES, sequence_case

from tinycomp.ops.elu import Elu
from tinycomp.ops.function import Function
from tinycomp.ops.lstm_steps import LstmSteps, Scales
from tinycomp.ops.relu import Relu

TANH = Scales(0.05, 0.03, 1 / 128, 0.0001, 0.03, 1 / 128)
RELU = Scales(0.05, 0.03, 0.025, 0.0003, 0.08, 0.06)


def cases() -> list[Case]:
    plain, relu = LstmSteps(scales=TANH), LstmSteps(Relu(), scales=RELU)
    hard = LstmSteps(Function("linear"), Function("hard_sigmoid"), RELU)
    return [
        *(
            sequence_case(f"{shape}, {units} units, {name}", op, shape, units, seed=units)
            for shape, units in SIZES
            for name, op in (("tanh", plain), ("relu", relu))
        ),
        sequence_case("hard sigmoid", hard, (8, 5), 7, seed=8),
        sequence_case("elu", LstmSteps(Elu(), scales=RELU), (8, 5), 7, seed=8),
        *(
            sequence_case(f"zero point {zero}", relu, (8, 5), 7, seed=9, zero_point=zero)
            for zero in (-128, 127, 0)
        ),
        *(
            sequence_case(f"cell of {cell:g}", _with_cell(cell), (8, 5), 7, seed=10)
            for cell in (1e-6, 2e-5, 0.01)
        ),
        *(
            sequence_case(f"masked, {name}", op, (9, 5), 7, seed=15, masked=True)
            for name, op in (("tanh", plain), ("relu", relu))
        ),
        *(
            sequence_case(
                f"cells, {name}, {given=}, {masked=}",
                replace(op, cell_rows=True),
                (6, 16),
                7,
                seed=16,
                masked=masked,
                given=given,
            )
            for name, op in (("tanh", plain), ("relu", relu))
            for masked in (False, True)
            for given in (False, True)
        ),
        *(
            sequence_case(
                f"cells of {cell:g}",
                replace(_with_cell(cell), cell_rows=True),
                (3, 15),
                7,
                seed=17,
                given=True,
            )
            for cell in (3e-6, 2e-5, 0.01)
        ),
        sequence_case(
            "cells, a step", replace(plain, cell_rows=True), (1, 5), 1, seed=17, given=True
        ),
        sequence_case("saturated", relu, (8, 5), 6, seed=11, gain=40.0),
        sequence_case("large biases", relu, (8, 5), 6, seed=12, bias=5.0),
        sequence_case("hardly any input", relu, (8, 5), 6, seed=13, gain=0.01),
        sequence_case("few weights", plain, (8, 5), 6, seed=14, values=(-3, 0, 0, 7)),
    ]


def _with_cell(scale: float) -> LstmSteps:
    return LstmSteps(Relu(), scales=RELU._replace(cell=scale))
