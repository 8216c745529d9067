"""Float .tflite files are read like Keras models: LiteRT computes the same for the graph."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conformance import cases_of
from float_graphs import float_graph, float_inputs
from float_runs import assert_close, run
from tflite_edits import FLOAT16, FLOAT32, INT8, Edit, add_code, case, constant, edited, operator

from tinycomp.frontend.tflite import parse_tflite
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.tensor import Array
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.mul import Mul
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle

OPERATORS = (
    "absolute", "add", "average_pool_2d", "concatenation", "conv_2d", "depthwise_conv_2d", "exp",
    "fully_connected", "gather", "gelu", "hard_swish", "leaky_relu", "logistic", "max_pool_2d",
    "mean", "mul", "pad", "prelu", "reduce_max", "relu", "reshape", "softmax", "squared_difference",
    "strided_slice", "subtract", "tanh", "tile", "transpose",
)  # fmt: skip
CASES = [known for name in OPERATORS for known in cases_of(name)[:6]]
SEED = 3


def _litert(data: bytes, x: Array) -> Array:
    (output,) = oracle.run_float(data, x).values()
    return output


@pytest.mark.parametrize("known", CASES, ids=lambda known: f"{known.graph.nodes[-1].op.name}")
def test_every_operator_is_read_back(known: Any) -> None:
    graph = float_graph(known.graph)
    if not graph.nodes:
        pytest.skip("the float form has no layer")
    x = float_inputs(known.graph, known.inputs[:1])
    file = write_tflite(graph)
    read = parse_tflite(file, "x")
    assert {tensor.dtype for tensor in read.tensors.values()} == {"float32"}
    assert_close(run(read, x), _litert(file, x))
    assert_close(run(clean_up(read), x), _litert(file, x))


def _stored(numpy_type: Any, dtype: int, *, behind: bool) -> Edit:
    """Weights of another type: with a DEQUANTIZE (`behind`), or read directly."""

    def edit(model: Any, subgraph: Any) -> None:
        (convolution,) = subgraph.operators
        index = int(convolution.inputs[1])
        table = subgraph.tensors[index]
        weights = model.buffers[table.buffer].data.view(np.float32)
        largest = np.abs(weights).max()
        values = weights if numpy_type == np.float16 else np.rint(weights / largest * 127)
        stored = np.ascontiguousarray(values.astype(numpy_type))
        model.buffers[table.buffer].data = stored.view(np.uint8)
        if numpy_type == np.int8:
            table.quantization = schema.QuantizationParametersT()
            table.quantization.scale = np.array([largest / 127], np.float32)
            table.quantization.zeroPoint = np.array([0])
        table.type = dtype
        if behind:
            table.name = b"stored"
            outer = _plain_copy(subgraph, table)
            code = add_code(model, "DEQUANTIZE", 2)
            subgraph.operators.insert(0, operator(code, [index], [outer]))
            source, _, bias = convolution.inputs
            convolution.inputs = np.array([source, outer, bias], np.int32)

    return edit


def _plain_copy(subgraph: Any, table: Any) -> int:
    copy = schema.TensorT()
    copy.shape, copy.type, copy.buffer, copy.name = table.shape, FLOAT32, 0, b"weights_f32"
    subgraph.tensors.append(copy)
    return len(subgraph.tensors) - 1


@pytest.mark.parametrize(
    "form",
    [
        pytest.param((np.float16, FLOAT16, True), id="float16"),
        pytest.param((np.int8, INT8, True), id="int8 behind a conversion"),
        pytest.param((np.int8, INT8, False), id="dynamic range"),
    ],
)
def test_stored_weights(form: tuple[Any, int, bool]) -> None:
    known = case("conv_2d", "3x3 same")
    graph = float_graph(known.graph)
    numpy_type, dtype, behind = form
    file = edited(write_tflite(graph), _stored(numpy_type, dtype, behind=behind))
    read = parse_tflite(file, "x")
    (note,) = read.notes
    assert note.startswith(f"The file's weights are stored as {np.dtype(numpy_type).name}, and")
    x = float_inputs(known.graph, known.inputs[:2])
    found = run(read, x)
    if behind:
        assert_close(found, _litert(file, x))
    else:  # LiteRT rounds the input of such a layer to 8 bits as well
        expected = _litert(file, x)
        assert np.abs(found - expected).max() < 0.03 * np.abs(expected).max()


def _bound(*bounds: tuple[str, float]) -> Edit:
    """Puts minima and maxima with numbers in place of the first operator."""

    def edit(model: Any, subgraph: Any) -> None:
        (first,) = subgraph.operators
        source, last = int(first.inputs[0]), int(first.outputs[0])
        subgraph.operators = []
        for count, (builtin, number) in enumerate(bounds, start=1):
            index = constant(model, subgraph, f"number{count}", np.float32(number))
            output = last if count == len(bounds) else _plain_copy(subgraph, subgraph.tensors[last])
            subgraph.tensors[output].name += b"%d" % count
            added = operator(add_code(model, builtin), [source, index], [output])
            subgraph.operators.append(added)
            source = output

    return edit


@pytest.mark.parametrize(
    "bounds",
    [
        [("MAXIMUM", 0)],
        [("MAXIMUM", -1.5)],
        [("MINIMUM", 0.5)],
        [("MINIMUM", 1), ("MAXIMUM", 0)],
        [("MAXIMUM", -2), ("MINIMUM", 0.5)],
        [("MAXIMUM", 0), ("MINIMUM", 6)],
        [("MAXIMUM", -2), ("MINIMUM", 0.5), ("MINIMUM", 0.25), ("MAXIMUM", -1)],
    ],
    ids=str,
)
def test_minima_and_maxima_with_numbers(bounds: list[tuple[str, float]]) -> None:
    known = case("tanh", cases_of("tanh")[0].name)
    file = edited(write_tflite(float_graph(known.graph)), _bound(*bounds))
    read = parse_tflite(file, "x")
    x = 4 * np.random.default_rng(SEED).normal(size=(2, *read.sample_shape)).astype(np.float32)
    expected = _litert(file, x)
    assert len(np.unique(expected)) > 2
    assert_close(run(read, x), expected)
    assert sum(node.op.name == "relu" for node in read.nodes) == 1


def _scaled_convolution(
    scale: Array, offset: Array, *, activation: Activation = Activation.NONE
) -> Graph:
    """offset - scale * conv(x)."""
    rng = np.random.default_rng(SEED)
    graph = GraphBuilder("scaled")
    x = graph.input("x", (6, 5, 3))
    weights = graph.constant("w", rng.normal(size=(4, 3, 3, 3)).astype(np.float32))
    bias = graph.constant("b", rng.normal(size=4).astype(np.float32))
    y = graph.add(Conv2D(Window((3, 3))), [x, weights, bias], "conv")
    y = graph.add(Mul(), [y, graph.constant("scale", scale.astype(np.float32))], "product")
    y = graph.add(
        AddConstant(True, activation),
        [graph.constant("offset", offset.astype(np.float32)), y],
        "difference",
    )
    return graph.build([y])


@pytest.mark.parametrize("count", [1, 4])
def test_constants_per_channel_fold_into_the_layer_before(count: int) -> None:
    rng = np.random.default_rng(SEED)
    graph = _scaled_convolution(rng.normal(size=count), rng.normal(size=(1, count)))
    x = rng.normal(size=(2, 6, 5, 3)).astype(np.float32)
    read = parse_tflite(write_tflite(graph), "x")
    cleaned = clean_up(read)
    assert [node.op.name for node in cleaned.nodes] == ["conv_2d"]
    assert_close(run(cleaned, x), run(graph, x))


def test_the_activation_after_a_constant_is_kept() -> None:
    rng = np.random.default_rng(SEED)
    graph = _scaled_convolution(rng.normal(size=4), rng.normal(size=4), activation=Activation.RELU6)
    x = 5 * rng.normal(size=(2, 6, 5, 3)).astype(np.float32)
    cleaned = clean_up(parse_tflite(write_tflite(graph), "x"))
    assert [node.op.name for node in cleaned.nodes] == ["conv_2d"]
    assert_close(run(cleaned, x), run(graph, x))
    assert run(cleaned, x).min() == 0


def test_a_constant_per_position_is_kept() -> None:
    rng = np.random.default_rng(SEED)
    graph = _scaled_convolution(np.ones(1), rng.normal(size=(4, 3, 4)))
    cleaned = clean_up(parse_tflite(write_tflite(graph), "x"))
    assert [node.op.name for node in cleaned.nodes] == ["conv_2d", "add_constant"]
    x = rng.normal(size=(2, 6, 5, 3)).astype(np.float32)
    assert_close(run(cleaned, x), run(graph, x))
