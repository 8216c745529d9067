"""Simple recurrent layers: sizes, zero points, scales, saturated sums."""

from __future__ import annotations

from conformance import Case
from sequences import SIZES, sequence_case

from tinycomp.ops.function import Function
from tinycomp.ops.relu import Relu
from tinycomp.ops.simple_rnn import SimpleRnn

PLAIN = SimpleRnn(0.04)


def cases() -> list[Case]:
    return [
        *(
            sequence_case(f"{shape}, {units} units", PLAIN, shape, units, seed=units)
            for shape, units in SIZES
        ),
        *(
            sequence_case(f"zero point {zero}", PLAIN, (8, 5), 7, seed=9, zero_point=zero)
            for zero in (-128, 127, 0)
        ),
        *(
            sequence_case(f"scale {scale}", SimpleRnn(scale), (8, 5), 7, seed=10)
            for scale in (0.001, 0.01, 0.3)
        ),
        *(
            sequence_case(f"{type(op).name}", SimpleRnn(0.04, op, 0.03), (8, 5), 7, seed=8)
            for op in (Relu(), Function("softsign"))
        ),
        *(
            sequence_case(
                f"masked, {zero}", PLAIN, (9, 5), 7, seed=15, zero_point=zero, masked=True
            )
            for zero in (-128, 4)
        ),
        *(
            sequence_case(
                f"given, {op.state_scale}, {masked=}",
                op,
                (6, 9),
                7,
                seed=16,
                given=True,
                masked=masked,
            )
            for op in (PLAIN, SimpleRnn(0.04, None, 0.02), SimpleRnn(0.04, Relu(), 0.03))
            for masked in (False, True)
        ),
        sequence_case("saturated", PLAIN, (8, 5), 6, seed=11, gain=40.0),
        sequence_case("large biases", PLAIN, (8, 5), 6, seed=12, bias=5.0),
        sequence_case("hardly any input", PLAIN, (8, 5), 6, seed=13, gain=0.01),
    ]
