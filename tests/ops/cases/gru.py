"""GRUs: both places of the reset gate, sizes, zero points, scales, saturated gates."""

from __future__ import annotations

from conformance import Case
from sequences import SIZES, sequence_case

from tinycomp.ops.function import Function
from tinycomp.ops.gru import Gru
from tinycomp.ops.relu import Relu

SCALES = (0.05, 0.03)
OTHERS = {
    "relu": (Relu(), None),
    "linear, hard sigmoid": (Function("linear"), Function("hard_sigmoid")),
}


def cases() -> list[Case]:
    return [case for after in (True, False) for case in _cases(after)]


def _cases(after: bool) -> list[Case]:
    suffix = "" if after else ", reset before"
    plain = Gru(after, SCALES)
    return [
        *(
            sequence_case(f"{shape}, {units} units{suffix}", plain, shape, units, seed=units)
            for shape, units in SIZES
        ),
        *(
            sequence_case(f"zero point {zero}{suffix}", plain, (8, 5), 7, seed=9, zero_point=zero)
            for zero in (-128, 127, 0)
        ),
        *(
            sequence_case(f"scales {scales}{suffix}", Gru(after, scales), (8, 5), 7, seed=10)
            for scales in ((0.001, 0.2), (0.3, 0.0007))
        ),
        *(
            sequence_case(f"{name}{suffix}", Gru(after, SCALES, *given, 0.03), (8, 5), 7, seed=8)
            for name, given in OTHERS.items()
        ),
        sequence_case(f"masked{suffix}", plain, (9, 5), 7, seed=15, masked=True),
        *(
            sequence_case(
                f"given, {name}{suffix}", op, (6, 9), 7, seed=16, given=True, masked=masked
            )
            for name, op, masked in (
                ("tanh", plain, False),
                ("masked", plain, True),
                ("larger", Gru(after, SCALES, state_scale=0.02), False),
            )
        ),
        sequence_case(f"given, a step{suffix}", plain, (1, 5), 1, seed=17, given=True),
        sequence_case(f"saturated{suffix}", plain, (8, 5), 6, seed=11, gain=40.0),
        sequence_case(f"large biases{suffix}", plain, (8, 5), 6, seed=12, bias=5.0),
        sequence_case(f"hardly any input{suffix}", plain, (8, 5), 6, seed=13, gain=0.01),
        sequence_case(f"few weights{suffix}", plain, (8, 5), 6, seed=14, values=(-3, 0, 0, 7)),
    ]
