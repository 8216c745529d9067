"""Recurrent layers that start from computed states, on integers: scales, types, LiteRT's bytes."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.progress import Silent
from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import dequantize_values
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.gru import Gru
from tinycomp.ops.lstm_steps import LstmSteps
from tinycomp.ops.relu import Relu
from tinycomp.ops.simple_rnn import SimpleRnn
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.selection import quantize_calibrated
from tinycomp.quantization.types import Precision
from tinycomp.reference import oracle
from tinycomp.reference.simulate import run, simulate

STEPS, FEATURES, UNITS = 6, 5, 4
X = np.random.default_rng(0).normal(size=(40, STEPS, FEATURES)).astype(np.float32)
LAYERS: dict[str, Recurrent] = {
    "gru": Gru(),
    "reset before": Gru(reset_after=False),
    "relu": Gru(activation=Relu()),
    "simple": SimpleRnn(),
    "lstm": LstmSteps(cell_rows=True),
    "lstm, relu": LstmSteps(Relu(), cell_rows=True),
}


def network(op: Recurrent, size: float = 1.0, *, twice: bool = False) -> Graph:
    """A layer that starts from what a dense one makes of the first row, of about that size; with
    `twice` another one that starts from its last row.
    """
    rng, builder = np.random.default_rng(1), GraphBuilder("net")
    width = op.width(UNITS)

    def weight(name: str, *shape: int, scale: float = 1.0) -> str:
        values = rng.normal(0, scale / np.sqrt(shape[-1]), shape).astype(np.float32)
        return builder.constant(name, values)

    def layer(name: str, rows: str, first: str) -> str:
        features = builder.tensors[rows].shape[1]
        constants = (
            weight(f"{name}/w", op.gates * UNITS, features + UNITS),
            weight(f"{name}/b", op.biases(UNITS), scale=0.3),
        )
        return builder.add(op, [rows, *constants, first], name)

    def row(rows: str, place: int) -> str:
        parts = ((place, 1, 1), (0, builder.tensors[rows].shape[1], 1))
        return builder.add(StridedSlice(parts, (0,)), [rows], f"{rows}/{place}")

    x = builder.input("x", X.shape[1:])
    constants = weight("d", width, FEATURES, scale=size), weight("e", width, scale=0.1)
    first = builder.add(FullyConnected(), [row(x, 0), *constants], "first")
    rows = layer("rows", x, first)
    return builder.build([layer("more", rows, row(rows, STEPS - 1)) if twice else rows])


def quantized(graph: Graph, bits: int = 8) -> Graph:
    progress = Silent()
    precision = Precision(8, {"rows": bits})
    return quantize_calibrated(
        graph, graph, X, "min-max", None, progress, precision=precision
    ).graph


@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("size", [0.3, 4.0])
@pytest.mark.parametrize("name", LAYERS)
def test_litert_computes_the_same_and_nothing_is_clipped(
    name: str, size: float, twice: bool
) -> None:
    graph = network(LAYERS[name], size, twice=twice)
    made = quantized(graph)
    inputs = quantize_inputs(made, X)
    expected = oracle.run(write_tflite(made), inputs)
    for tensor, values in simulate(made, inputs).items():
        assert np.array_equal(expected[tensor], values), tensor
    (output,) = graph.outputs
    real = oracle.run_float(write_tflite(graph), X)[output]
    known = made.tensors[output].quantization
    assert known is not None
    found = dequantize_values(expected[output], known)
    assert np.sqrt(np.mean((found - real) ** 2)) < 0.15 * np.sqrt(np.mean(real**2))


@pytest.mark.parametrize("name", LAYERS)
def test_the_file_is_read_as_one_layer_again(name: str) -> None:
    made = quantized(network(LAYERS[name], 2.0, twice=True))
    again = parse_tflite(write_tflite(made), "again")
    assert [node.op.name for node in again.nodes] == [node.op.name for node in made.nodes]
    inputs = quantize_inputs(made, X)
    assert np.array_equal(run(again, inputs), run(made, inputs))


def test_16_bits() -> None:
    """States beyond those of tanh have no form on 16 bits; others do."""
    for size, dtype in ((0.1, "int16"), (4.0, "int8")):
        made = quantized(network(Gru(), size), 16)
        assert made.tensors["rows"].dtype == dtype
        inputs = quantize_inputs(made, X[:4])
        expected = oracle.run(write_tflite(made), inputs)
        assert np.array_equal(expected["rows"], simulate(made, inputs)["rows"])
