"""Exported files run in LiteRT's default interpreter, which uses the XNNPACK delegate."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from tinycomp.ir.graph import Graph, GraphBuilder
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import QuantizationParameters
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.tanh import Tanh
from tinycomp.quantization.affine import quantize_inputs
from tinycomp.quantization.calibration import METHODS, calibrate
from tinycomp.quantization.export import write_tflite
from tinycomp.quantization.post_training import quantize
from tinycomp.quantization.xnnpack import xnnpack_note
from tinycomp.reference import oracle
from tinycomp.reference.simulate import simulate

SHAPE = (6, 5, 3)
LAYERS = 8


class _Growing:
    """A float graph of random layers, with weights and biases of very different magnitudes."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = GraphBuilder("random")
        self.images = [self.builder.input("x", SHAPE)]

    def grow(self) -> None:
        x = str(self.rng.choice(self.images[-3:]))
        kinds = (self.conv, self.depthwise, self.join, self.unary, self.unary, self.pool)
        self.images.append(kinds[self.rng.integers(len(kinds))](x))

    def build(self) -> Graph:
        last = self.images[-1]
        flat = self.builder.add(Reshape((math.prod(SHAPE),)), [last], "flat")
        parts = [
            self.builder.add(op, [each], "mean")
            for op, each in ((Mean(), last), (Mean(), self.images[-2]))
        ]
        parts.append(self.builder.add(FullyConnected(), [flat, *self.weights(0, 4, 90)], "dense"))
        joined = self.builder.add(Concatenation(0), parts, "joined")
        return self.builder.build([self.builder.add(Softmax(), [joined], "softmax")])

    def weights(self, axis: int, *shape: int) -> list[str]:
        """Weights of any magnitude; some channels are zero, or silenced by their bias."""
        size = 10 ** self.rng.uniform(-4, 2)
        values = size * self.rng.standard_normal(shape)
        channels = self.rng.random(shape[axis]) < 0.2
        np.moveaxis(values, axis, 0)[channels] = 0
        bias = size * self.rng.choice([-100.0, 0.0, 1.0]) * self.rng.random(shape[axis])
        named = {"w": values, "b": bias}
        return [self.builder.constant(k, v.astype(np.float32)) for k, v in named.items()]

    def activation(self) -> Activation:
        return Activation(int(self.rng.integers(3)))

    def conv(self, x: str) -> str:
        window = Window.make("same", SHAPE[:2], (3, 3))
        op = Conv2D(window, self.activation())
        return self.builder.add(op, [x, *self.weights(0, 3, 3, 3, 3)], "conv")

    def depthwise(self, x: str) -> str:
        window = Window.make("same", SHAPE[:2], (3, 3))
        op = DepthwiseConv2D(window, activation=self.activation())
        return self.builder.add(op, [x, *self.weights(3, 1, 3, 3, 3)], "depthwise")

    def join(self, x: str) -> str:
        op = (Add(self.activation()), Mul())[self.rng.integers(2)]
        return self.builder.add(op, [x, str(self.rng.choice(self.images))], "join")

    def unary(self, x: str) -> str:
        ops: list[Operator] = [Relu(), Relu(6.0), LeakyRelu(0.01), HardSwish(), Logistic(), Tanh()]
        return self.builder.add(ops[self.rng.integers(len(ops))], [x], "unary")

    def pool(self, x: str) -> str:
        window = Window.make("same", SHAPE[:2], (3, 3))
        op = (AveragePool2D(window), MaxPool2D(window))[self.rng.integers(2)]
        return self.builder.add(op, [x], "pool")


def random_float_graph(seed: int) -> Graph:
    growing = _Growing(seed)
    for _ in range(LAYERS):
        growing.grow()
    return growing.build()


def run_by_default(model: bytes) -> None:
    """Raises if LiteRT's default interpreter can't run the model."""
    interpreter = Interpreter(model_content=model)
    interpreter.allocate_tensors()
    (entry,) = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], np.zeros(entry["shape"], entry["dtype"]))
    interpreter.invoke()


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_run_and_equal_the_reference(seed: int) -> None:
    graph = random_float_graph(seed)
    x = np.random.default_rng(seed).standard_normal((20, *SHAPE)).astype(np.float32)
    quantized = quantize(graph, calibrate(graph, x, METHODS[seed % len(METHODS)]))
    model = write_tflite(quantized)
    run_by_default(model)
    assert xnnpack_note(quantized) is None
    inputs = quantize_inputs(quantized, x[:3])
    expected = oracle.run(model, inputs)
    for name, values in simulate(quantized, inputs).items():
        np.testing.assert_array_equal(values, expected[name], err_msg=name)


def dead_convolution() -> tuple[Graph, np.ndarray]:
    """A convolution whose ReLU outputs are all zero."""
    growing = _Growing(0)
    builder = growing.builder
    names = [
        builder.constant("w", np.ones((3, 3, 3, 3), np.float32)),
        builder.constant("b", np.full(3, -1e3, np.float32)),
    ]
    op = Conv2D(Window.make("same", SHAPE[:2], (3, 3)), Activation.RELU)
    graph = builder.build([builder.add(op, ["x", *names], "conv")])
    return graph, np.random.default_rng(0).standard_normal((9, *SHAPE)).astype(np.float32)


def test_a_dead_layer_runs() -> None:
    graph, x = dead_convolution()
    run_by_default(write_tflite(quantize(graph, calibrate(graph, x, "min-max"))))


@pytest.mark.parametrize(("factor", "refused"), [(255.0, False), (257.0, True)])
def test_notes_agree_with_refusals_of_xnnpack(factor: float, refused: bool) -> None:
    graph, x = dead_convolution()
    quantized = quantize(graph, calibrate(graph, x, "min-max"))
    tensors, weights = dict(quantized.tensors), quantized.constants["w"].quantization
    source = tensors["x"].quantization
    assert weights is not None
    assert source is not None
    scale = float(np.float32(source.scale * max(weights.scales) / factor))
    output = QuantizationParameters((scale,), (-128,))
    tensors["conv"] = replace(tensors["conv"], quantization=output)
    model = replace(quantized, tensors=tensors)
    note = xnnpack_note(model)
    if not refused:
        assert note is None
        run_by_default(write_tflite(model))
        return
    assert note is not None
    assert "the output scale of 'conv' is too small" in note
    with pytest.raises(RuntimeError, match="XNNPACK"):
        run_by_default(write_tflite(model))
