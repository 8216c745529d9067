"""Table operators with all 256 inputs and many random parameters: every entry equals LiteRT's."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from conformance import parameters
from tables import draw_output, draw_parameters, table_case

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import QuantizationParameters
from tinycomp.ops.elu import Elu
from tinycomp.ops.exp import Exp
from tinycomp.ops.function import DEFINITIONS, Function
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.relu import Relu
from tinycomp.ops.tanh import Tanh
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

DRAWS = 150

Draw = Callable[[np.random.Generator], tuple[Operator, QuantizationParameters]]
"""An operator, and its output parameters unless determined by the input's."""


def _relu(rng: np.random.Generator) -> Operator:
    return Relu(rng.choice([None, 1.0, 6.0, rng.uniform(0.1, 20)]))


def _leaky_relu(rng: np.random.Generator) -> Operator:
    slope = float(rng.choice([0.01, 0.1, 0.3, rng.uniform(0, 2), -rng.uniform(0, 1)]))
    return LeakyRelu(slope, rng.choice([None, None, 6.0]))


FIXED = {"logistic": (Logistic(), parameters(1 / 256, -128)), "tanh": (Tanh(), parameters(1 / 128))}
FREE: dict[str, tuple[Callable[[np.random.Generator], Operator], float, float]] = {
    "quantize": (lambda rng: Quantize(), 0.2, 5.0),
    "quantize far": (lambda rng: Quantize(), 1e-6, 1e10),
    "relu": (_relu, 0.2, 5.0),
    "relu far": (lambda rng: Relu(), 1e-6, 1e10),
    "leaky relu": (_leaky_relu, 0.2, 5.0),
    "leaky relu far": (lambda rng: LeakyRelu(0.5), 1e-6, 1e10),
    "gelu": (lambda rng: Gelu(bool(rng.integers(2))), 0.05, 10.0),
    "exp": (lambda rng: Exp(), 0.01, 100.0),
    "elu": (lambda rng: Elu(rng.uniform(0, 2)), 0.05, 10.0),
    "function": (lambda rng: Function(str(rng.choice([*DEFINITIONS]))), 0.05, 10.0),
    "hard swish": (lambda rng: HardSwish(), 0.01, 200.0),
}
"""How to draw the operator, and the range of the output scale in multiples of the input's."""


def _require_equal(
    op: Operator, source: QuantizationParameters, output: QuantizationParameters
) -> None:
    case = table_case("drawn", source, {"output": (op, output)})
    expected = oracle.run_output(write_tflite(case.graph), case.inputs)
    found = simulate(case.graph, case.inputs)["output"]
    different = np.flatnonzero(found != expected)
    assert not len(different), (
        f"{op} from {source} to {output}: {found.ravel()[different[0]]} instead of "
        f"{expected.ravel()[different[0]]} for the input {different[0] - 128}"
    )


@pytest.mark.parametrize("name", FIXED)
def test_fixed_outputs(name: str) -> None:
    rng = np.random.default_rng(1)
    op, output = FIXED[name]
    for _ in range(DRAWS):
        _require_equal(op, draw_parameters(rng, 1e-5, 10.0), output)


@pytest.mark.parametrize("name", FREE)
def test_free_outputs(name: str) -> None:
    rng = np.random.default_rng(2)
    draw, finest, coarsest = FREE[name]
    for _ in range(DRAWS):
        source = draw_parameters(rng)
        _require_equal(draw(rng), source, draw_output(rng, source, finest, coarsest))
