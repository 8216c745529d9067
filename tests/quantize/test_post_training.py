"""The int8 graph: parameters of the specification, ties, degenerate weights, and errors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tinycomp.common.errors import ModelError
from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, dequantize_values
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.batch_normalization import BatchNormalization
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax
from tinycomp.passes.fuse_activation import fuse_activation
from tinycomp.quantization.affine import quantize_values
from tinycomp.quantization.calibration import calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import BIAS_LIMIT, quantize
from tinycomp.quantization.ranges import Range
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate


def convert(graph: Graph, inputs: Array) -> Graph:
    return quantize(graph, calibrate(graph, inputs, "min-max"))


def distances(graph: Graph, quantized: Graph, inputs: Array) -> dict[str, float]:
    """Largest error of each tensor in steps, LiteRT's int8 reference kernels against float."""
    source = quantized.tensors[quantized.inputs[0]].quantization
    assert source is not None
    expected = oracle.run_float(write_tflite(graph), inputs, "all")
    found = oracle.run(write_tflite(quantized), quantize_values(inputs, source))
    result = {}
    for name in graph.tensors:
        parameters = quantized.tensors[name].quantization
        assert parameters is not None
        error = np.abs(dequantize_values(found[name], parameters) - expected[name]).max()
        result[name] = float(error) / parameters.scale
    return result


def dense(weights: Array, bias: Array, *after: Operator) -> Graph:
    builder = GraphBuilder("dense")
    names = [
        builder.input("x", (weights.shape[1],)),
        builder.constant("w", np.asarray(weights, np.float32)),
        builder.constant("b", np.asarray(bias, np.float32)),
    ]
    name = builder.add(FullyConnected(), names, "y")
    for number, op in enumerate(after):
        name = builder.add(op, [name], f"after{number}")
    return builder.build([name])


def unary(ops: Sequence[Operator], shape: tuple[int, ...] = (4, 4, 2)) -> Graph:
    builder = GraphBuilder("chain")
    name = builder.input("x", shape)
    for number, op in enumerate(ops):
        name = builder.add(op, [name], f"t{number}")
    return builder.build([name])


def normal(*shape: int) -> Array:
    return np.random.default_rng(3).standard_normal(shape).astype(np.float32)


def test_every_tensor_stays_close_to_float(graph: Graph, inputs: Array) -> None:
    steps = distances(graph, convert(graph, inputs), inputs)
    assert steps["conv"] < 4
    # The softmax amplifies the error of its logits.
    assert max(error for name, error in steps.items() if name != "softmax") < 8


def test_parameters_are_those_of_the_specification(graph: Graph, inputs: Array) -> None:
    quantized = convert(graph, inputs)
    for name, axis in (("cw", 0), ("dw", 3), ("fw", 0)):
        weights = quantized.constants[name]
        parameters = weights.quantization
        assert parameters is not None
        assert parameters.axis == axis
        assert parameters.zero_points == (0,) * weights.shape[axis]
        others = tuple(n for n in range(weights.values.ndim) if n != axis)
        np.testing.assert_array_equal(np.abs(weights.values).max(axis=others), 127)
        real = graph.constants[name].values
        step = np.array(parameters.scales).reshape(
            [-1 if n == axis else 1 for n in range(real.ndim)]
        )
        error = np.abs(dequantize_values(weights.values, parameters) - real) / step
        assert error.max() < 0.501
    for bias, weight, source in (("cb", "cw", "x"), ("db", "dw", "conv"), ("fb", "fw", "flat")):
        found, scales = quantized.constants[bias], quantized.constants[weight].quantization
        incoming = quantized.tensors[source].quantization
        assert found.values.dtype == np.int32
        assert scales is not None
        assert incoming is not None
        assert found.quantization is not None
        expected = np.float32(incoming.scale) * np.float32(scales.scales)
        np.testing.assert_array_equal(np.float32(found.quantization.scales), expected)


def test_tied_fixed_and_limited_ranges(graph: Graph, inputs: Array) -> None:
    found = {n: t.quantization for n, t in convert(graph, inputs).tensors.items()}
    assert found["sum"] == found["pool"] == found["flat"]
    assert found["softmax"] is not None
    assert (found["softmax"].scale, found["softmax"].zero_point) == (1 / 256, -128)
    assert found["conv"] is not None
    assert found["conv"].scale <= np.float32(6 / 255)
    assert found["conv"].zero_point == -128


def test_a_limit_bounds_the_range() -> None:
    graph = unary([Relu(6.0)])
    ranges = {"x": Range(-20.0, 20.0), "t0": Range(0.0, 20.0)}
    parameters = quantize(graph, ranges).tensors["t0"].quantization
    assert parameters == Range(0.0, 6.0).parameters


def test_concatenation_ties_all_inputs_to_the_widest() -> None:
    builder = GraphBuilder("join")
    x = builder.input("x", (3, 4))
    small = builder.add(Mul(), [x, builder.constant("tenth", np.float32([0.1]))], "small")
    graph = builder.build([builder.add(Concatenation(1), [x, small], "both")])
    x_values = normal(50, 3, 4)
    quantized = convert(graph, x_values)
    found = [quantized.tensors[name].quantization for name in ("x", "small", "both")]
    assert found == [Range(float(x_values.min()), float(x_values.max())).parameters] * 3
    assert max(distances(graph, quantized, x_values).values()) < 1.01


def test_a_fixed_output_is_requantized_before_it_joins_others() -> None:
    builder = GraphBuilder("join")
    x = builder.input("x", (3, 4))
    soft = builder.add(Softmax(), [x], "soft")
    twice = builder.add(Add(), [soft, soft], "twice")
    graph = builder.build([builder.add(Concatenation(1), [soft, x, twice], "both")])
    x_values = 5 * normal(50, 3, 4)
    quantized = convert(graph, x_values)
    assert [node.op.name for node in quantized.nodes].count("quantize") == 1
    soft_parameters = quantized.tensors["soft"].quantization
    assert soft_parameters is not None
    assert soft_parameters.scale == 1 / 256
    assert distances(graph, quantized, x_values)["both"] < 2


def test_fixed_outputs_of_one_kind_keep_their_parameters() -> None:
    graph = unary([Softmax(), Reshape((32,)), Reshape((4, 8))])
    quantized = convert(graph, normal(20, 4, 4, 2))
    assert len(quantized.nodes) == 3
    found = {quantized.tensors[name].quantization for name in ("t0", "t1", "t2")}
    assert len(found) == 1
    both = unary([Logistic(), MaxPool2D(Window((2, 2), (2, 2)))])
    parameters = convert(both, normal(20, 4, 4, 2)).tensors["t1"].quantization
    assert parameters is not None
    assert parameters.scale == 1 / 256


def test_a_constant_operand_gets_its_own_parameters() -> None:
    builder = GraphBuilder("offset")
    x = builder.input("x", (3, 4))
    offset = builder.constant("offset", np.float32([-1, 0, 2, 9]))
    graph = builder.build([builder.add(Add(), [x, offset], "y")])
    x_values = normal(50, 3, 4)
    quantized = convert(graph, x_values)
    constant = quantized.constants["offset"]
    assert constant.quantization is not None
    restored = dequantize_values(constant.values, constant.quantization)
    np.testing.assert_allclose(restored, [-1, 0, 2, 9], atol=0.02)
    assert distances(graph, quantized, x_values)["y"] < 2


def test_a_channel_of_zeros_gives_its_bias() -> None:
    graph = dense(np.array([[1, -2, 3], [0, 0, 0], [0, 0, 0]]), np.array([0.5, 7.0, 0.0]))
    x = normal(100, 3)
    quantized = convert(graph, x)
    weights = quantized.constants["w"]
    assert weights.quantization is not None
    assert min(weights.quantization.scales) > 0
    assert not weights.values[1:].any()
    assert distances(graph, quantized, x)["y"] < 2


def test_a_bias_beyond_int32_widens_the_weights() -> None:
    graph = dense(np.array([[1e-9, -1e-9], [1.0, 2.0]]), np.array([100.0, 1.0]))
    x = normal(100, 2)
    quantized = convert(graph, x)
    assert np.abs(quantized.constants["b"].values).max() <= BIAS_LIMIT
    assert distances(graph, quantized, x)["y"] < 2


@pytest.mark.parametrize("factor", [1e-25, 1e-12, 1.0, 1e12])
def test_dead_and_extreme_layers_still_run(factor: float) -> None:
    weights = np.random.default_rng(0).standard_normal((6, 5)) * factor
    bias = np.full(6, -9 * factor)
    graph = dense(weights, bias, Relu())
    x = normal(40, 5)
    quantized = convert(graph, x)
    source = quantized.tensors["x"].quantization
    assert source is not None
    inputs = quantize_values(x, source)
    expected = oracle.run(write_tflite(quantized), inputs)
    for name, values in simulate(quantized, inputs).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_all_zero_weights_and_inputs_still_run() -> None:
    graph = dense(np.zeros((3, 4)), np.zeros(3), Relu(), Softmax())
    x = np.zeros((2, 4), np.float32)
    quantized = convert(graph, x)
    for tensor in quantized.tensors.values():
        assert tensor.quantization is not None
        assert tensor.quantization.scale > 0
    output = oracle.run_output(write_tflite(quantized), np.zeros((2, 4), np.int8))
    assert (output == output[0, 0]).all()


def test_a_narrow_output_never_shifts_sums_out_of_32_bits() -> None:
    builder = GraphBuilder("narrow")
    names = [
        builder.input("x", (4, 4, 1)),
        builder.constant("w", np.ones((1, 3, 3, 1), np.float32)),
        builder.constant("b", np.zeros(1, np.float32)),
    ]
    graph = builder.build([builder.add(Conv2D(Window((3, 3))), names, "y")])
    ranges = {"x": Range(-100.0, 100.0), "y": Range(-1e-9, 1e-9)}
    quantized = quantize(graph, ranges)
    source = quantized.tensors["x"].quantization
    assert source is not None
    x = np.stack([np.full((4, 4, 1), fill, np.int8) for fill in (127, -128, source.zero_point)])
    output = oracle.run_output(write_tflite(quantized), x)
    assert (output[0] == 127).all()
    assert (output[1] == -128).all()
    zero = quantized.tensors["y"].quantization
    assert zero is not None
    assert (output[2] == zero.zero_point).all()


def test_a_softmax_of_tiny_values_still_runs() -> None:
    quantized = quantize(unary([Softmax()]), {"x": Range(0.0, 1e-12), "t0": Range(0.0, 1.0)})
    x = np.full((1, 4, 4, 2), -128, np.int8)
    assert (oracle.run_output(write_tflite(quantized), x) == 0).all()


def test_activation_limits_fit_in_32_bits_if_activations_vanish() -> None:
    graph = dense(np.full((2, 2), 1e-12), np.zeros(2), Relu(6.0))
    x = normal(10, 2)
    quantized = convert(fuse_activation(graph), x)
    inputs = np.array([[-128, -128], [0, 0], [127, 127]], np.int8)
    expected = oracle.run(write_tflite(quantized), inputs)
    for name, values in simulate(quantized, inputs).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def test_layers_that_share_weights_get_a_bias_each() -> None:
    rng = np.random.default_rng(0)
    builder = GraphBuilder("shared")
    weights = builder.constant("w", rng.standard_normal((4, 4)).astype(np.float32))
    bias = builder.constant("b", rng.standard_normal(4).astype(np.float32))
    builder.constant("b_1", np.zeros(4, np.float32))
    x = builder.input("x", (4,))
    once = builder.add(FullyConnected(Activation.RELU), [x, weights, bias], "once")
    other = builder.add(FullyConnected(), [once, weights, "b_1"], "other")
    graph = builder.build([builder.add(FullyConnected(), [other, weights, bias], "twice")])
    values = normal(100, 4)
    quantized = convert(graph, values)
    assert sorted(quantized.constants) == ["b", "b_1", "b_2", "w"]
    assert [node.inputs[1] for node in quantized.nodes] == ["w"] * 3
    assert max(distances(graph, quantized, values).values()) < 5


def test_batch_normalization_is_refused_by_name() -> None:
    builder = GraphBuilder("bn")
    x = builder.input("x", (3,))
    ones = builder.constant("ones", np.ones(3))
    graph = builder.build([builder.add(BatchNormalization(), [x, ones, ones], "norm")])
    with pytest.raises(ModelError, match=r"Layer 'norm' \(batch_normalization\) has no int8 form"):
        quantize(graph, {name: Range(0.0, 1.0) for name in graph.tensors})


def test_nan_weights_are_named(graph: Graph, inputs: Array) -> None:
    ranges = calibrate(graph, inputs, "percentile")
    bad = graph.constants["dw"].values.copy()
    bad[0, 1, 1, 2] = np.nan
    broken = replace(graph, constants={**graph.constants, "dw": Constant("dw", bad)})
    with pytest.raises(ModelError, match="weights 'dw' hold NaN or infinite values"):
        quantize(broken, ranges)


def test_an_int8_graph_is_refused(graph: Graph, inputs: Array) -> None:
    ranges = calibrate(graph, inputs, "percentile")
    with pytest.raises(ModelError, match=r"Tensor 'x' of 'small' is int8\. Expected a float model"):
        quantize(quantize(graph, ranges), ranges)
