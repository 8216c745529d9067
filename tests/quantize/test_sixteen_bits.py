"""Quantization to 16-bit activations: close to float, equal to LiteRT, mixed by layer."""

from __future__ import annotations

import numpy as np
import pytest

from tinycomp.common.progress import Silent
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.softmax import Softmax
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.selection import quantize_calibrated
from tinycomp.quantization.types import Precision, on_bytes
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

X = np.random.default_rng(0).normal(size=(40, 12)).astype(np.float32)


def network(*ends: object) -> Graph:
    rng, builder = np.random.default_rng(1), GraphBuilder("net")
    name = builder.input("x", (12,))
    for number, (inputs, outputs) in enumerate(((12, 20), (20, 20), (20, 3))):
        weights = builder.constant(f"w{number}", rng.normal(size=(outputs, inputs)).astype("f4"))
        bias = builder.constant(f"b{number}", rng.normal(size=outputs).astype("f4"))
        name = builder.add(FullyConnected(), [name, weights, bias], f"dense{number}")
    for op in ends:
        name = builder.add(op, [name], f"end_{op.name}")  # type: ignore[arg-type,attr-defined]
    return builder.build([name])


def quantized(graph: Graph, precision: Precision) -> Graph:
    return quantize(graph, calibrate(graph, X, "min-max"), precision=precision)


def error(graph: Graph, made: Graph) -> float:
    (expected,) = oracle.run_float(write_tflite(graph), X).values()
    found = oracle.run_output(write_tflite(made), quantize_inputs(made, X))
    target = made.tensors[made.outputs[0]].quantization
    assert target is not None
    return float(np.abs(dequantize_values(found, target) - expected).max())


def equal(graph: Graph, inputs: Array) -> bool:
    expected = oracle.run(write_tflite(graph), inputs)
    found = simulate(graph, inputs)
    return all(np.array_equal(expected[name], values) for name, values in found.items())


@pytest.mark.parametrize("end", [None, Softmax(), Logistic()])
def test_every_tensor_has_16_bits_and_equals_litert(end: object) -> None:
    graph = network(*(() if end is None else (end,)))
    made = quantized(graph, Precision(16))
    assert {tensor.dtype for tensor in made.tensors.values()} == {"int16"}
    assert {constant.values.dtype.name for constant in made.constants.values()} == {"int8", "int64"}
    assert equal(made, quantize_inputs(made, X))


def test_16_bits_with_grids_of_weights_are_far_closer_to_float() -> None:
    """With weights on their int8 steps, only activations are rounded."""
    graph = network()
    steps = {
        name: np.rint(constant.values / np.abs(constant.values).max(1, keepdims=True) * 127)
        * (np.abs(constant.values).max(1, keepdims=True) / 127)
        for name, constant in graph.constants.items()
        if name.startswith("w")
    }
    for name, values in steps.items():
        object.__setattr__(graph.constants[name], "values", values.astype(np.float32))
    coarse, fine = (error(graph, quantized(graph, Precision(bits))) for bits in (8, 16))
    assert fine < coarse / 50


def test_layers_of_both_kinds_have_conversions_in_between() -> None:
    made = quantized(network(), Precision(8, {"dense1": 16}))
    types = {node.name: made.tensors[node.outputs[0]].dtype for node in made.nodes}
    assert types == {
        "dense0": "int8",
        "dense0/int16": "int16",
        "dense1": "int16",
        "dense1/int8": "int8",
        "dense2": "int8",
    }
    assert equal(made, quantize_inputs(made, X))


def test_what_litert_does_not_have_computes_on_bytes() -> None:
    made = quantized(network(Gelu(), Softmax()), Precision(16))
    types = {node.name: made.tensors[node.outputs[0]].dtype for node in made.nodes}
    assert types["dense2"] == "int16"
    assert [types[name] for name in ("dense2/int8", "end_gelu", "end_softmax")] == ["int8"] * 3
    assert [node.name for node in on_bytes(made)] == ["end_gelu"]
    assert equal(made, quantize_inputs(made, X))


def test_what_stays_on_bytes_is_said() -> None:
    graph, progress = network(Gelu()), Silent()
    quantize_calibrated(graph, graph, X, "min-max", None, progress, precision=Precision(16))
    (note,) = progress.notes
    assert "'end_gelu' (gelu)" in note
    assert "Computed on int8" in note
