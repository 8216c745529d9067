"""Reading .tflite: the official models, implicit conventions of TFLite, and errors."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conformance import Case
from tflite_edits import CONVOLUTION, DENSE, FLOAT32, INT16, UINT8, builtin, case, edited, put

from tinycomp.common.errors import ModelError
from tinycomp.frontend.tflite import parse_tflite, read_tflite
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle
from tinycomp.reference.compare import simulator, verify
from tinycomp.reference.simulate import simulate

# Nodes, multiply-accumulates and parameters (weights and biases).
OFFICIAL = {
    "kws_ref_model": (13, 2_656_768, 22_604),
    "ic_resnet8": (16, 12_501_632, 77_706),
    "vww_96": (31, 7_489_664, 210_850),
    "ad01": (10, 264_192, 265_864),
    "str_ww_ref_model": (11, 826_368, 46_883),
}


@pytest.mark.shared
@pytest.mark.parametrize("name", OFFICIAL)
def test_official_models(name: str, shared: Path) -> None:
    start = time.perf_counter()
    graph = read_tflite(shared / "models" / f"{name}_int8.tflite")
    assert time.perf_counter() - start < 1.0
    cost = graph.cost()
    assert (len(graph.nodes), cost.macs, cost.parameters) == OFFICIAL[name]
    assert graph.name == f"{name}_int8"
    names = [node.name for node in graph.nodes]
    assert len(set(names)) == len(names)
    assert max(map(len, names)) <= 32, "converters join the names of all that was fused"


@pytest.mark.parametrize(("case", "rest"), [(CONVOLUTION, []), (DENSE, []), (DENSE, [-1])])
def test_missing_bias_is_zero(case: Case, rest: list[int]) -> None:
    def drop_bias(model: Any, subgraph: Any) -> None:
        operator = subgraph.operators[0]
        operator.inputs = np.array([*operator.inputs[:2], *rest], np.int32)

    data = edited(case, drop_bias)
    graph = parse_tflite(data, "no bias")
    bias = graph.constants[graph.nodes[0].inputs[2]]
    assert bias.values.dtype == np.int32
    assert not bias.values.any()
    zero = replace(case.graph.constants["bias"], values=np.zeros_like(bias.values))
    explicit = replace(case.graph, constants={**case.graph.constants, "bias": zero})
    expected = oracle.run_output(write_tflite(explicit), case.inputs)
    assert np.array_equal(simulate(graph, case.inputs)[graph.outputs[0]], expected)


def test_implicit_flatten_becomes_a_reshape() -> None:
    def reshape_input(model: Any, subgraph: Any) -> None:
        subgraph.tensors[int(subgraph.inputs[0])].shape = np.array([1, 4, 8, 2], np.int32)

    data = edited(DENSE, reshape_input)
    graph = parse_tflite(data, "flatten")
    assert [node.op.name for node in graph.nodes] == ["reshape", "fully_connected"]
    inputs = DENSE.inputs.reshape(-1, 4, 8, 2)
    expected = oracle.run_output(data, inputs)
    assert np.array_equal(simulate(graph, inputs)[graph.outputs[0]], expected)


def test_names_are_made_unique() -> None:
    def same_names(model: Any, subgraph: Any) -> None:
        for tensor in subgraph.tensors:
            tensor.name = b"x"

    graph = parse_tflite(edited(CONVOLUTION, same_names), "names")
    names = [*graph.tensors, *graph.constants]
    assert sorted(names) == ["x", "x_1", "x_2", "x_3"]


def _two_subgraphs(model: Any, subgraph: Any) -> None:
    model.subgraphs.append(subgraph)


def _tanh(model: Any, subgraph: Any) -> None:
    subgraph.operators[0].builtinOptions.fusedActivationFunction = 4


def _grouped(model: Any, subgraph: Any) -> None:
    weights = subgraph.tensors[int(subgraph.operators[0].inputs[1])]
    weights.shape = np.array([5, 3, 9, 1], np.int32)


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (
            put(0, type=FLOAT32),
            r"'input' is float32\. Expected int8 or int16, but for.*representative_dataset",
        ),
        (put(0, type=UINT8), r"The tensor 'input' is uint8"),
        (
            put(-1, type=INT16),
            r"\(int16\) has the zero point 5\. Expected 0: 16-bit activations are symmetric",
        ),
        (put(0, quantization=None), r"'input' has no scale and zero point"),
        (
            put(0, scale=np.zeros(1, np.float32)),
            r"the quantization scale 0\. Expected positive, finite",
        ),
        (
            put(0, shape=np.array([2, 7, 6, 3], np.int32)),
            r"'input' has the shape \(2, 7, 6, 3\).*batch of 1",
        ),
        (
            put(0, shapeSignature=np.array([-1, -1, 6, 3], np.int32)),
            r"has the shape \(-1, -1, 6, 3\)\. Expected a fixed shape .*fixed input shape",
        ),
        (
            put(-1, shape=np.array([1, 9, 9, 5], np.int32)),
            r"Operator 0 \(CONV_2D, 'conv_2d'\): It has the output shape \(1, 9, 9, 5\) in",
        ),
        (
            put(1, type=FLOAT32),
            r"'weights' of shape .* has 135 bytes\. Expected 540 bytes of float32",
        ),
        (put(1, zeroPoint=np.full(5, 3)), r"weights with a zero point that is not 0"),
        (
            put(1, quantizedDimension=3),
            r"\(5, 3, 3, 3\) has 5 scales along axis 3\. Expected 3, or one",
        ),
        (
            put(1, quantization=None),
            r"has weights of type int8 without scales\. Expected quantized int8",
        ),
        (
            put(1, buffer=0),
            r"It reads 'weights', which no operator before it computes",
        ),
        (put(2, type=FLOAT32), r"The constant 'bias' is float32"),
        (_grouped, r"over an input of 3 channels\. Expected weights of shape \(5, 3, 9, 3\)"),
        (builtin("ABS"), r"Operator 0 \(ABS, 'conv_2d'\): It has 3 inputs\. Expected one\."),
        (builtin("COS"), r"Operator 0 \(COS, 'conv_2d'\) is not supported.*operators: ABS, ADD, "),
        (builtin("TOPK_V2"), r"\(TOPK_V2, 'conv_2d'\) is not supported\. Save the model without"),
        (
            _two_subgraphs,
            r"has 2 subgraphs: 'case', 'case'\. Expected one: only the first would",
        ),
        (_tanh, r"'conv_2d' has the fused activation number 4.*a separate layer"),
    ],
)
def test_refusals(edit: Callable[[Any, Any], None], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        parse_tflite(edited(CONVOLUTION, edit), "model")


@pytest.mark.parametrize("name", ["ADD", "SUB"])
@pytest.mark.parametrize("first", [False, True])
def test_constant_operand(name: str, first: bool) -> None:
    """As left by the converter from a BatchNormalization: computed like LiteRT."""

    def constant_operand(model: Any, subgraph: Any) -> None:
        last, code = subgraph.operators[-1], getattr(schema.BuiltinOperator, name)
        subgraph.tensors[int(last.inputs[1])].buffer = len(model.buffers)
        values = np.random.default_rng(0).integers(0, 256, 120).astype(np.uint8)
        model.buffers.append(schema.BufferT(data=values))
        table = model.operatorCodes[last.opcodeIndex]
        table.builtinCode = table.deprecatedBuiltinCode = code
        if name == "SUB":
            last.builtinOptions = schema.SubOptionsT()
            last.builtinOptionsType = schema.BuiltinOptions.SubOptions
        last.inputs = np.array(last.inputs[::-1] if first else last.inputs)
        subgraph.operators = [subgraph.operators[0], last]

    source = case("add", "NONE")
    data = edited(source, constant_operand)
    graph = parse_tflite(data, "model")
    assert [node.op.name for node in graph.nodes] == ["conv_2d", "add_constant"]
    assert verify(graph, data, source.inputs, [simulator(graph)]).equal


def test_difference_of_two_tensors() -> None:
    def subtract(model: Any, subgraph: Any) -> None:
        last = subgraph.operators[-1]
        table = model.operatorCodes[last.opcodeIndex]
        table.builtinCode = table.deprecatedBuiltinCode = schema.BuiltinOperator.SUB
        last.builtinOptions, last.builtinOptionsType = None, 0

    source = case("add", "NONE")
    data = edited(source, subtract)
    graph = parse_tflite(data, "model")
    assert verify(graph, data, source.inputs, [simulator(graph)]).equal


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"The model '.*none.tflite' can't be read: No such file"):
        read_tflite(tmp_path / "none.tflite")
    with pytest.raises(ModelError, match=r"can't be read: Is a directory"):
        read_tflite(tmp_path)


@pytest.mark.parametrize("data", [b"", b"TFL3", b"PK\x03\x04 a zip archive", bytes(100)])
def test_wrong_file(data: bytes) -> None:
    with pytest.raises(
        ModelError, match=r"'model' is not a \.tflite file: it lacks the mark 'TFL3'"
    ):
        parse_tflite(data, "model")


def test_truncated_file() -> None:
    data = write_tflite(CONVOLUTION.graph)
    for length in range(8, len(data) - 1, 7):
        with pytest.raises(ModelError):
            parse_tflite(data[:length], "model")


def test_a_damaged_file_raises_only_model_errors() -> None:
    data = np.frombuffer(write_tflite(CONVOLUTION.graph), np.uint8)
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(300):
        damaged = data.copy()
        damaged[rng.integers(8, len(data), 8)] = rng.integers(0, 256, 8)
        try:
            parse_tflite(damaged.tobytes(), "model")
        except ModelError:
            refused += 1
    assert refused > 100
