"""Integer operators of ONNX files: those that onnxruntime's static quantization writes in the
QOperator format, and its dynamic quantization.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from float_runs import assert_close
from onnx import helper, numpy_helper
from onnx_runs import executed, model, weights

from tinycomp.common.errors import ModelError
from tinycomp.common.progress import Silent
from tinycomp.frontend.onnx import read_onnx
from tinycomp.ir.reduction import original
from tinycomp.ir.tensor import Array, dequantize_values
from tinycomp.options.build import Preparation
from tinycomp.prepare import prepare
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.export import write_tflite
from tinycomp.reading import clean_up
from tinycomp.reference import oracle
from tinycomp.reference.simulate import run

node = helper.make_node


class Builder:
    """Nodes of quantized values, whose zero points are given as those of int8."""

    def __init__(self, dtype: Any) -> None:
        self.nodes: list[Any] = []
        self.constants: dict[str, Array] = {}
        self.offset = 128 if dtype is np.uint8 else 0
        self.dtype = dtype
        self.steps: dict[str, list[str]] = {}

    def grid(self, name: str, scale: float, zero: int) -> list[str]:
        """The names of a value, its scale and its zero point."""
        self.constants[f"{name}_s"] = np.float32(scale)
        self.constants[f"{name}_z"] = np.array(zero + self.offset, self.dtype)
        self.steps[name] = [f"{name}_s", f"{name}_z"]
        return [name, *self.steps[name]]

    def read(self, name: str) -> list[str]:
        return [name, *self.steps[name]]

    def weight(self, name: str, values: Array, scales: Array | float) -> list[str]:
        self.constants[name] = values.astype(np.int8)
        self.constants[f"{name}_s"] = np.asarray(scales, np.float32)
        self.constants[f"{name}_z"] = np.zeros(np.shape(scales), np.int8)
        return [name, f"{name}_s", f"{name}_z"]

    def add(
        self, kind: str, inputs: list[str], name: str, scale: float, zero: int, *,
        bias: str = "", **attributes: Any,
    ) -> None:  # fmt: skip
        """A node with the scale and zero point of its output behind its inputs."""
        steps = self.grid(name, scale, zero)[1:]
        domain = "" if kind in ("QLinearConv", "QLinearMatMul") else "com.microsoft"
        parts = [*steps, *inputs] if kind == "QLinearConcat" else [*inputs, *steps]
        if bias:
            parts.insert(6 if kind == "QGemm" else 8, bias)
        self.nodes.append(node(kind, parts, [name], name=name, domain=domain, **attributes))


def network(dtype: Any) -> Any:
    """All operators once; each scale covers what its operator returns."""
    rng = np.random.default_rng(4)
    b = Builder(dtype)
    x = b.grid("q", 0.02, -5)
    b.nodes.append(node("QuantizeLinear", ["x", *x[1:]], ["q"]))
    scales = np.array([0.002, 0.003, 0.004, 0.001])
    kernel = b.weight("k", rng.integers(-127, 128, (4, 3, 3, 3)), scales)
    b.constants["c"] = rng.integers(-900, 900, 4).astype(np.int32)
    b.add("QLinearConv", [*x, *kernel], "conv", 0.03, 4, bias="c", pads=[1, 1, 1, 1])
    point = b.weight("p", rng.integers(-127, 128, (4, 4, 1, 1)), 0.004)
    b.add("QLinearConv", [*b.read("conv"), *point], "point", 0.02, 0)
    b.add("QLinearAdd", [*b.read("conv"), *b.read("point")], "sum", 0.04, 3)
    b.add("QLinearSigmoid", b.read("sum"), "gate", 1 / 256, -128)
    b.add("QLinearMul", [*b.read("sum"), *b.read("gate")], "swish", 0.03, -60)
    b.add("QLinearLeakyRelu", b.read("swish"), "leaky", 0.03, -70, alpha=0.1)
    b.add("QLinearConcat", [*b.read("leaky"), *b.read("conv")], "both", 0.035, 2, axis=1)
    b.add("QLinearAveragePool", b.read("both"), "pool", 0.03, 0, kernel_shape=[2, 2],
          strides=[2, 2])  # fmt: skip
    b.add("QLinearGlobalAveragePool", b.read("pool"), "mean", 0.005, 0)
    b.nodes.append(node("Flatten", ["mean"], ["flat"]))
    first = b.weight("f", rng.integers(-127, 128, (6, 8)), 0.004)
    b.constants["d"] = rng.integers(-900, 900, 6).astype(np.int32)
    b.add("QGemm", ["flat", *b.steps["mean"], *first], "dense", 0.005, 1, bias="d", transB=1)
    columns = np.array([0.004, 0.003, 0.002, 0.005, 0.001])
    last = b.weight("m", rng.integers(-127, 128, (6, 5)), columns)
    b.add("QLinearMatMul", [*b.read("dense"), *last], "scores", 0.005, 3)
    b.nodes.append(node("DequantizeLinear", b.read("scores"), ["y"]))
    return _with_microsoft(model(b.nodes, (1, 3, 8, 8), b.constants))


def _with_microsoft(whole: Any) -> Any:
    whole.opset_import.append(helper.make_opsetid("com.microsoft", 1))
    return whole


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_static_quantization(dtype: Any, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(network(dtype), path)
    graph = original(prepare(Preparation(path), Silent()).graph)
    x = np.random.default_rng(3).uniform(-2, 2, (16, 3, 8, 8)).astype(np.float32)
    raw = run(graph, quantize_inputs(graph, np.moveaxis(x, 1, -1)))
    target = graph.tensors[graph.outputs[0]].quantization
    assert target is not None
    assert (round(target.scale, 6), target.zero_point) == (0.005, 3)
    steps = (dequantize_values(raw, target) - executed(path, x)) / target.scale
    assert np.ptp(raw.astype(int)) > 50
    assert np.abs(steps).max() <= 2.01
    assert np.abs(steps).mean() < 0.6
    scales = {round(t.quantization.scale, 6) for t in graph.tensors.values() if t.quantization}
    assert {0.02, 0.03, 0.04, 0.035, 0.005} <= scales


def _dynamic(quantized: bool) -> Any:
    """A convolution and a dense layer, with their weights as bytes or as the same real numbers."""
    rng = np.random.default_rng(6)
    kernel, dense = rng.integers(0, 256, (4, 3, 3, 3)), rng.integers(-127, 128, (64, 5))
    by_channel = np.array([0.002, 0.003, 0.001, 0.004], np.float32).reshape(1, 4, 1, 1)
    columns = np.array([0.004, 0.003, 0.002, 0.005, 0.001], np.float32)
    bias = weights(5, seed=2)
    reshape = [node("Relu", ["c"], ["r"]), node("Flatten", ["r"], ["f"])]
    if not quantized:
        real = (kernel - 120) * by_channel.reshape(4, 1, 1, 1)
        constants = {"k": real.astype(np.float32), "d": (dense * columns).astype(np.float32)}
        nodes = [node("Conv", ["x", "k"], ["c"]), *reshape, node("Gemm", ["f", "d", "b"], ["y"])]
        return model(nodes, (1, 3, 6, 6), {**constants, "b": bias})
    constants = {"k": kernel.astype(np.uint8), "k_s": by_channel, "k_z": np.uint8(120),
                 "d": dense.astype(np.int8), "d_s": columns, "d_z": np.zeros(5, np.int8),
                 "b": bias}  # fmt: skip
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "q_s", "q_z"]),
        node("ConvInteger", ["q", "k", "q_z", "k_z"], ["i"], name="first"),
        node("Cast", ["i"], ["j"], to=onnx.TensorProto.FLOAT),
        node("Mul", ["q_s", "k_s"], ["s"]), node("Mul", ["j", "s"], ["c"]), *reshape,
        node("DynamicQuantizeLinear", ["f"], ["g", "g_s", "g_z"]),
        node("MatMulInteger", ["g", "d", "g_z", "d_z"], ["n"], name="last"),
        node("Cast", ["n"], ["o"], to=onnx.TensorProto.FLOAT),
        node("Mul", ["g_s", "d_s"], ["t"]), node("Mul", ["o", "t"], ["p"]),
        node("Add", ["p", "b"], ["y"]),
    ]  # fmt: skip
    return model(nodes, (1, 3, 6, 6), constants)


def _same_as_real(whole: Any, real: Any, folder: Path, shape: tuple[int, ...]) -> list[str]:
    """Compare a model as read with onnxruntime's result of another; the operators."""
    paths = [folder / "model.onnx", folder / "real.onnx"]
    for path, each in zip(paths, (whole, real), strict=True):
        onnx.save(each, path)
    graph = clean_up(read_onnx(paths[0]))
    x = np.random.default_rng(3).uniform(-2, 2, (4, *shape)).astype(np.float32)
    (found,) = oracle.run_float(write_tflite(graph), np.moveaxis(x, 1, -1)).values()
    assert_close(found, executed(paths[1], x))
    return [each.op.name for each in graph.nodes]


def _static() -> Any:
    """The same with constant scales."""
    whole = _dynamic(True)
    for each in whole.graph.node:
        if each.op_type == "DynamicQuantizeLinear":
            each.op_type = "QuantizeLinear"
            source, outputs = each.input[0], list(each.output)
            del each.output[1:]
            each.input[:] = [source, *outputs[1:]]
            steps = (np.float32(0.02), np.uint8(100))
            for name, values in zip(outputs[1:], steps, strict=True):
                whole.graph.initializer.append(numpy_helper.from_array(np.array(values), name))
    return whole


def test_whole_numbers_behind_a_static_quantization(tmp_path: Path) -> None:
    names = _same_as_real(_static(), _dynamic(False), tmp_path, (3, 6, 6))
    assert names == ["conv_2d", "reshape", "fully_connected"]


def test_dynamic_quantization_is_a_float_model(tmp_path: Path) -> None:
    names = _same_as_real(_dynamic(True), _dynamic(False), tmp_path, (3, 6, 6))
    assert names == ["conv_2d", "reshape", "fully_connected"]


def _recurrent(quantized: bool) -> Any:
    """An LSTM whose matrices are bytes, or the same real numbers."""
    rng = np.random.default_rng(6)
    own, before = rng.integers(-127, 128, (1, 3, 16)), rng.integers(-127, 128, (1, 4, 16))
    bias = weights(1, 32, seed=3)
    last = [node("Squeeze", ["h", "a"], ["y"])]
    axes = np.array([0], np.int64)
    if not quantized:
        constants = {"w": (own * 0.01).astype(np.float32).transpose(0, 2, 1),
                     "r": (before * 0.005).astype(np.float32).transpose(0, 2, 1),
                     "b": bias, "a": axes}  # fmt: skip
        nodes = [node("LSTM", ["x", "w", "r", "b"], ["", "h"], hidden_size=4)]
        return model([*nodes, *last], (5, 1, 3), constants)
    constants = {"w": own.astype(np.int8), "w_s": np.array([0.01], np.float32),
                 "w_z": np.zeros(1, np.int8), "r": before.astype(np.int8),
                 "r_s": np.array([0.005], np.float32), "r_z": np.zeros(1, np.int8),
                 "b": bias, "a": axes}  # fmt: skip
    inputs = ["x", "w", "r", "b", "", "", "", "", "w_s", "w_z", "r_s", "r_z"]
    nodes = [node("DynamicQuantizeLSTM", inputs, ["", "h"], hidden_size=4, domain="com.microsoft")]
    return _with_microsoft(model([*nodes, *last], (5, 1, 3), constants))


def test_dynamic_quantization_of_an_lstm(tmp_path: Path) -> None:
    paths = [tmp_path / "model.onnx", tmp_path / "real.onnx"]
    for path, quantized in zip(paths, (True, False), strict=True):
        onnx.save(_recurrent(quantized), path)
    graphs = [clean_up(read_onnx(path)) for path in paths]
    assert [n.op.name for n in graphs[0].nodes] == [n.op.name for n in graphs[1].nodes]
    for name, constant in graphs[1].constants.items():
        np.testing.assert_allclose(graphs[0].constants[name].values, constant.values, rtol=1e-6)


def test_integers_without_a_quantization_before_are_refused(tmp_path: Path) -> None:
    nodes = [node("MatMulInteger", ["x", "w"], ["h"], name="m"),
             node("QLinearWhere", ["h", "w"], ["y"], name="g", domain="com.microsoft")]  # fmt: skip
    onnx.save(model(nodes, (1, 4), {"w": np.ones((4, 4), np.int8)}), tmp_path / "model.onnx")
    with pytest.raises(ModelError) as error:
        read_onnx(tmp_path / "model.onnx")
    assert "'g' (com.microsoft.QLinearWhere) is of onnxruntime's own quantized" in str(error.value)
    assert str(error.value).count("quant_format=QuantFormat.QDQ") == 2


def test_a_gemm_whose_bias_has_other_steps_is_refused(tmp_path: Path) -> None:
    b = Builder(np.int8)
    x = b.grid("q", 0.02, 0)
    b.nodes.append(node("QuantizeLinear", ["x", *x[1:]], ["q"]))
    b.constants["c"] = np.zeros(4, np.int32)
    kernel = b.weight("k", np.ones((4, 4)), 0.01)
    b.add("QGemm", [*x, *kernel], "y", 0.1, 0, bias="c", alpha=0.5)
    whole = _with_microsoft(model(b.nodes, (1, 4), b.constants))
    assert numpy_helper.to_array(whole.graph.initializer[0]).shape == ()
    onnx.save(whole, tmp_path / "model.onnx")
    with pytest.raises(ModelError, match=r"'y' \(com.microsoft.QGemm\) is of onnxruntime's own"):
        read_onnx(tmp_path / "model.onnx")
