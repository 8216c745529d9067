"""Exported files: LiteRT runs them, also in batches; deterministic bytes, aligned buffers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.export import ALIGNMENT, write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate


def convolve(x: Array, weights: Array, bias: Array, padding: tuple[int, int, int, int]) -> Array:
    """Stride 1; weights (out, height, width, in)."""
    top, left, bottom, right = padding
    x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weights.shape[1:3], axis=(1, 2))
    return np.einsum("nhwiab,oabi->nhwo", windows, weights, dtype=np.float64) + bias


def test_float_execution_equals_numpy_in_every_tensor(graph: Graph, inputs: Array) -> None:
    found = oracle.run_float(write_tflite(graph), inputs, "all")
    value = {name: constant.values for name, constant in graph.constants.items()}
    conv = np.clip(convolve(inputs, value["cw"], value["cb"], (1, 1, 1, 1)), 0, 6)
    diagonal = np.einsum("zabc,cd->dabc", value["dw"], np.eye(4))
    deep = convolve(conv, diagonal, value["db"], (2, 0, 0, 2))
    total = np.maximum(conv + deep, 0)
    pool = total.reshape(200, 4, 2, 3, 2, 4).max(axis=(2, 4))
    dense = pool.reshape(200, 48) @ value["fw"].T + value["fb"]
    exponents = np.exp(dense - dense.max(axis=1, keepdims=True))
    expected = {
        "x": inputs,
        "conv": conv,
        "deep": deep,
        "sum": total,
        "pool": pool,
        "flat": pool.reshape(200, 48),
        "dense": dense,
        "softmax": exponents / exponents.sum(axis=1, keepdims=True),
    }
    assert set(graph.tensors) == set(expected) <= set(found)
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, rtol=1e-4, atol=1e-5, err_msg=name)


def test_int8_reference_kernels_equal_the_simulator(graph: Graph, inputs: Array) -> None:
    quantized = quantize(graph, calibrate(graph, inputs, "percentile"))
    x = np.random.default_rng(2).integers(-128, 128, (20, 8, 6, 2)).astype(np.int8)
    expected, found = oracle.run(write_tflite(quantized), x), simulate(quantized, x)
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_bytes_are_deterministic_and_buffers_aligned(graph: Graph) -> None:
    content = write_tflite(graph)
    assert content == write_tflite(graph)
    assert content[4:8] == b"TFL3"
    model = schema.Model.GetRootAs(content, 0)
    assert model.Description() == b"tinycomp"
    start = np.frombuffer(content, np.uint8).__array_interface__["data"][0]
    for number in range(1, model.BuffersLength()):
        data = model.Buffers(number).DataAsNumpy()
        assert (data.__array_interface__["data"][0] - start) % ALIGNMENT == 0


def test_quantization_parameters_are_written(graph: Graph, inputs: Array) -> None:
    quantized = quantize(graph, calibrate(graph, inputs, "percentile"))
    subgraph = schema.ModelT.InitFromPackedBuf(write_tflite(quantized)).subgraphs[0]
    written = {tensor.name.decode(): tensor for tensor in subgraph.tensors}
    values: dict[str, QuantizationParameters | None] = {
        name: value.quantization
        for name, value in (quantized.tensors | quantized.constants).items()
    }
    for name, parameters in values.items():
        assert parameters is not None
        found = written[name].quantization
        np.testing.assert_array_equal(found.scale, np.float32(parameters.scales), err_msg=name)
        np.testing.assert_array_equal(found.zeroPoint, parameters.zero_points)
        assert found.quantizedDimension == (parameters.axis or 0)
    assert written["dw"].quantization.quantizedDimension == 3


def test_constants_in_float64_become_float32(graph: Graph, inputs: Array) -> None:
    wide = {
        name: Constant(name, constant.values.astype(np.float64))
        for name, constant in graph.constants.items()
    }
    assert write_tflite(replace(graph, constants=wide)) == write_tflite(graph)


def test_names_of_temporaries_are_unique(graph: Graph, inputs: Array) -> None:
    taken = replace(graph.constants["cw"], name="deep/temporary")
    nodes = tuple(
        replace(node, inputs=(node.inputs[0], "deep/temporary", "cb"))
        if node.name == "conv"
        else node
        for node in graph.nodes
    )
    constants = {**graph.constants, taken.name: taken}
    found = oracle.run_float(write_tflite(replace(graph, nodes=nodes, constants=constants)), inputs)
    expected = oracle.run_float(write_tflite(graph), inputs)
    np.testing.assert_array_equal(found["softmax"], expected["softmax"])


def test_a_tensor_that_nothing_writes_is_named(graph: Graph) -> None:
    nodes = tuple(node for node in graph.nodes if node.name != "pool")
    with pytest.raises(ModelError, match="Layer 'flat' reads 'pool', which no layer before it"):
        write_tflite(replace(graph, nodes=nodes))
    with pytest.raises(ModelError, match="output 'softmax' is written by no layer"):
        write_tflite(replace(graph, nodes=graph.nodes[:-1]))
