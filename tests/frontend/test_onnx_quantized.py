"""Quantized ONNX models (QuantizeLinear, DequantizeLinear): scales are kept, results are those of
onnxruntime but for rounding.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx_runs import executed, model, weights

from tinycomp.common.errors import DataError, ModelError
from tinycomp.common.progress import Silent
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.reduction import original as before
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.reference.simulate import run

node = helper.make_node


class Builder:
    """Nodes around which values are quantized and dequantized."""

    def __init__(self, dtype: Any) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.dtype = dtype

    def step(self, name: str, scale: float, zero: int) -> str:
        """A value on 256 steps; zero points are those of int8."""
        offset = 128 if self.dtype is np.uint8 else 0
        self.constants[f"{name}_s"] = np.float32(scale)
        self.constants[f"{name}_z"] = np.array(zero + offset, self.dtype)
        parts = [f"{name}_s", f"{name}_z"]
        self.nodes += [
            node("QuantizeLinear", [name, *parts], [f"{name}_q"]),
            node("DequantizeLinear", [f"{name}_q", *parts], [f"{name}_d"]),
        ]
        return f"{name}_d"

    def weight(self, name: str, values: Array, scales: Array, axis: int = 0) -> str:
        """int8 weights."""
        self.constants[f"{name}_q"] = values
        self.constants[f"{name}_s"] = scales.astype(np.float32)
        self.constants[f"{name}_z"] = np.zeros(scales.shape, np.int8)
        parts = [f"{name}_q", f"{name}_s", f"{name}_z"]
        self.nodes.append(node("DequantizeLinear", parts, [name], axis=axis))
        return name

    def bias(self, name: str, values: Array, scales: Array) -> str:
        """int32 sums."""
        self.constants[f"{name}_q"] = values.astype(np.int32)
        self.constants[f"{name}_s"] = scales.astype(np.float32)
        self.constants[f"{name}_z"] = np.zeros(scales.shape, np.int32)
        parts = [f"{name}_q", f"{name}_s", f"{name}_z"]
        self.nodes.append(node("DequantizeLinear", parts, [name], axis=0))
        return name


def network(dtype: Any) -> Any:
    """Convolution, depthwise one, pool with another scale, concatenation of two scales, dense."""
    rng = np.random.default_rng(2)
    b = Builder(dtype)
    first = rng.integers(-127, 128, (4, 3, 3, 3)).astype(np.int8)
    scales = np.array([0.002, 0.003, 0.004, 0.001])
    x = b.step("x", 0.02, -5)
    k = b.weight("k", first, scales)
    c = b.bias("c", rng.integers(-300, 300, 4), 0.02 * scales)
    b.nodes += [node("Conv", [x, k, c], ["a"], name="first"), node("Relu", ["a"], ["r"])]
    r = b.step("r", 0.015, -128)
    own = rng.integers(-127, 128, (4, 1, 3, 3)).astype(np.int8)
    d = b.weight("d", own, scales[::-1] * 2)
    b.nodes.append(node("Conv", [r, d], ["e"], name="second", group=4, pads=[1, 1, 1, 1]))
    e = b.step("e", 0.03, 10)
    b.nodes.append(node("Concat", [r, e], ["j"], axis=1, name="joined"))
    j = b.step("j", 0.035, -20)
    b.nodes.append(node("MaxPool", [j], ["p"], kernel_shape=[2, 2], strides=[2, 2]))
    p = b.step("p", 0.035, -20)
    b.nodes.append(node("Flatten", [p], ["f"]))
    last = rng.integers(-127, 128, (72, 5)).astype(np.int8)
    w = b.weight("w", last, np.array([0.004, 0.003, 0.002, 0.005, 0.001]), axis=1)
    b.nodes.append(node("MatMul", ["f", w], ["y"], name="last"))
    y = b.step("y", 0.2, 3)
    assert p == "p_d"
    return model(b.nodes, (1, 3, 8, 8), b.constants, (y,)), {"first": first, "last": last}


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_a_quantized_network(dtype: Any, tmp_path: Path) -> None:
    whole, kernels = network(dtype)
    path = tmp_path / "model.onnx"
    onnx.save(whole, path)
    original = before(prepare(Preparation(path), Silent()).graph)
    scales = {name: tensor.quantization for name, tensor in original.tensors.items()}
    found = {(each.scale, each.zero_point) for each in scales.values() if each is not None}
    wanted = {(0.02, -5), (0.015, -128), (0.03, 10), (0.035, -20), (0.2, 3)}
    assert {(round(scale, 6), zero) for scale, zero in found} == wanted
    kernel = original.constants["first/kernel"]
    np.testing.assert_array_equal(kernel.values, kernels["first"].transpose(0, 2, 3, 1))
    assert kernel.quantization is not None
    np.testing.assert_allclose(kernel.quantization.scales, [0.002, 0.003, 0.004, 0.001])
    assert sorted(original.constants["last/kernel"].values.ravel()) == sorted(
        kernels["last"].ravel()
    )
    x = np.random.default_rng(3).uniform(-2, 2, (16, 3, 8, 8)).astype(np.float32)
    raw = run(original, quantize_inputs(original, np.moveaxis(x, 1, -1)))
    target = scales[original.outputs[0]]
    assert target is not None
    steps = (dequantize_values(raw, target) - executed(path, x)) / target.scale
    assert np.abs(steps).max() <= 1.01
    assert np.abs(steps).mean() < 0.15


def test_layers_without_scales_need_data(tmp_path: Path) -> None:
    b = Builder(np.int8)
    x = b.step("x", 0.02, 0)
    b.nodes += [node("Tanh", [x], ["t"]), node("Mul", ["t", "w"], ["h"], name="open"),
                node("Relu", ["h"], ["y"], name="last")]  # fmt: skip
    b.constants["w"] = weights(1, 3, 4, 4)
    path, data = tmp_path / "model.onnx", tmp_path / "data.npz"
    onnx.save(model(b.nodes, (1, 3, 4, 4), b.constants), path)
    with pytest.raises(DataError, match=r"prescribes no scale for 1 of its tensors: '"):
        prepare(Preparation(path), Silent())
    np.savez(data, x=np.random.default_rng(0).uniform(-2, 2, (9, 3, 4, 4)).astype(np.float32))
    graph = prepare(Preparation(path, data), Silent()).graph
    source = graph.tensors[graph.inputs[0]].quantization
    assert source is not None
    assert (round(source.scale, 6), source.zero_point) == (0.02, 0)


def test_activations_by_channel_are_refused(tmp_path: Path) -> None:
    b = Builder(np.int8)
    x = b.step("x", 0.02, 0)
    b.constants["x_s"], b.constants["x_z"] = np.full(3, 0.02, np.float32), np.zeros(3, np.int8)
    b.nodes.append(node("Relu", [x], ["y"]))
    onnx.save(model(b.nodes, (1, 3, 4, 4), b.constants), tmp_path / "model.onnx")
    with pytest.raises(ModelError, match="has 3 scales and zero points of type int8"):
        read_onnx(tmp_path / "model.onnx")


def test_weights_with_zero_points_are_told(tmp_path: Path) -> None:
    b = Builder(np.uint8)
    x = b.step("x", 0.02, 0)
    b.constants["w"] = np.random.default_rng(1).integers(0, 256, (4, 4)).astype(np.uint8)
    b.constants["w_z"] = np.uint8(3)
    b.nodes += [node("DequantizeLinear", ["w", "x_s", "w_z"], ["w_d"]),
                node("MatMul", [x, "w_d"], ["h"])]  # fmt: skip
    path = tmp_path / "model.onnx"
    onnx.save(model(b.nodes, (1, 4), b.constants, (b.step("h", 0.05, 0),)), path)
    (told,) = [note for note in read_onnx(path).notes if "zero point of its own" in note]
    assert told.startswith("1 constant with a zero point of its own is rounded anew, ")


def test_steps_of_weights_survive_a_transpose(tmp_path: Path) -> None:
    b = Builder(np.int8)
    x = b.step("x", 0.02, 0)
    values = np.random.default_rng(1).integers(-90, 91, (5, 4)).astype(np.int8)
    scales = np.array([0.004, 0.003, 0.002, 0.005, 0.001])
    w = b.weight("w", values, scales)
    b.nodes += [node("Transpose", [w], ["t"], perm=[1, 0]),
                node("MatMul", [x, "t"], ["h"], name="m")]  # fmt: skip
    path = tmp_path / "model.onnx"
    onnx.save(model(b.nodes, (1, 4), b.constants, (b.step("h", 0.05, 0),)), path)
    kernel = before(prepare(Preparation(path), Silent()).graph).constants["m/kernel"]
    np.testing.assert_array_equal(kernel.values, values)


@pytest.mark.parametrize("scale", [np.ones((4, 2), np.float32), None])
def test_scales_that_do_not_fit_are_refused(scale: Array | None, tmp_path: Path) -> None:
    constants = {"w": np.ones((4, 4), np.int8)}
    inputs = ["w"]
    if scale is not None:
        constants["s"], inputs = scale, ["w", "s"]
    nodes = [node("DequantizeLinear", inputs, ["d"], name="blocks"),
             node("MatMul", ["x", "d"], ["y"])]  # fmt: skip
    onnx.save(model(nodes, (1, 4), constants), tmp_path / "model.onnx")
    with pytest.raises(ModelError, match=r"'blocks' \(DequantizeLinear\) has (no scale|scales of)"):
        read_onnx(tmp_path / "model.onnx")
