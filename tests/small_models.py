"""Small int8 graphs with valid quantization, built layer by layer; folders of their libraries."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from conformance import CaseBuilder, channel_parameters, parameters

from tinycomp.emit.library import emit_library
from tinycomp.ir.graph import Graph
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.elu import Elu
from tinycomp.ops.exp import Exp
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.function import Function
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.lookup import Lookup
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.softmax import OUTPUT, Softmax
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.tanh import Tanh
from tinycomp.plan.memory import plan
from tinycomp.plan.program import Storage, lower

LOGISTIC = parameters(1 / 256, -128)
HASH = "0123456789abcdef" * 4
_STEPS = 40.0
"""Standard deviation of the outputs of weighted layers, in steps of their scale."""
WEIGHTS = ("any", "few", "few each", "sparse", "few sparse")
"""Kinds of weights, each of which suits another codec: dense, codebook, channel_codebook, bitmap,
sparse_codebook (in a layer that is large enough).
"""


class Layers:
    """A graph under construction. Methods add a layer and return the name of its output."""

    def __init__(self, shape: Shape, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.builder = CaseBuilder(shape, self.free())
        self.weights = WEIGHTS[0]
        self.entries = 4
        """The values of a codebook."""

    def shape(self, x: str) -> Shape:
        return self.builder.builder.tensors[x].shape

    def quantization(self, x: str) -> QuantizationParameters:
        return self.builder.quantization[x]

    def free(self) -> QuantizationParameters:
        """Random quantization parameters, where the specification does not determine them."""
        scale = float(np.exp(self.rng.uniform(-4, -2.5)))
        return parameters(scale, int(self.rng.integers(-60, 60)))

    def conv(
        self, x: str, channels: int, window: Window, activation: Activation = Activation.NONE
    ) -> str:
        weights = (channels, *window.kernel, self.shape(x)[2])
        return self._weighted(Conv2D(window, activation), x, weights)

    def depthwise(
        self, x: str, window: Window, multiplier: int = 1, activation: Activation = Activation.NONE
    ) -> str:
        weights = (1, *window.kernel, self.shape(x)[2] * multiplier)
        return self._weighted(DepthwiseConv2D(window, multiplier, activation), x, weights)

    def dense(self, x: str, outputs: int, activation: Activation = Activation.NONE) -> str:
        return self._weighted(FullyConnected(activation), x, (outputs, self.shape(x)[-1]))

    def _weighted(self, op: Operator, x: str, shape: Shape) -> str:
        """A layer with random weights and biases, with scales that use the output's range."""
        axis, source = op.weight_axis, self.quantization(x)
        assert axis is not None
        channels, length = shape[axis], int(np.prod(shape)) // shape[axis]
        output = self.free()
        factor = output.scale * _STEPS / (source.scale * 50 * 73 * np.sqrt(length))
        scales = np.float32(factor * np.exp(self.rng.uniform(-0.4, 0.4, channels)))
        matrix = self._values(channels, length)
        values = (matrix if axis == 0 else matrix.T).reshape(shape)
        amounts = self.rng.integers(-2000, 2000, channels).astype(np.int32)
        constants = (
            Constant("weights", values, channel_parameters(scales, axis)),
            Constant("bias", amounts, channel_parameters(np.float32(source.scale) * scales, 0)),
        )
        return self.builder.add(op, [x], output, constants)

    def _values(self, channels: int, length: int) -> Array:
        """Weights (channels, length) of the kind `weights`."""
        if self.weights.startswith("few"):
            tables = self.rng.integers(-127, 128, (channels, self.entries))
            tables = tables if self.weights == "few each" else tables[:1].repeat(channels, axis=0)
            indices = self.rng.integers(0, self.entries, (channels, length))
            values = np.take_along_axis(tables, indices, axis=1)
        else:
            values = self.rng.integers(-127, 128, (channels, length))
        if self.weights.endswith("sparse"):
            values = values * (self.rng.random(values.shape) < 0.15)
        return values.astype(np.int8)

    def add(self, a: str, b: str, activation: Activation = Activation.NONE) -> str:
        scale = 1.4 * max(self.quantization(a).scale, self.quantization(b).scale)
        output = parameters(scale, int(self.rng.integers(-40, 40)))
        return self.builder.add(Add(activation), [a, b], output)

    def mul(self, a: str, b: str, activation: Activation = Activation.NONE) -> str:
        scale = _STEPS * self.quantization(a).scale * self.quantization(b).scale
        output = parameters(scale, int(self.rng.integers(-40, 40)))
        return self.builder.add(Mul(activation), [a, b], output)

    def mul_constant(self, x: str) -> str:
        """A product with one constant per channel."""
        factors = self.rng.integers(-128, 128, self.shape(x)[-1:]).astype(np.int8)
        known = parameters(0.05, 3)
        output = parameters(_STEPS * self.quantization(x).scale * known.scale)
        return self.builder.add(Mul(), [x], output, [Constant("factors", factors, known)])

    def add_constant(self, x: str) -> str:
        """A sum with one constant per channel."""
        summands = self.rng.integers(-128, 128, self.shape(x)[-1:]).astype(np.int8)
        known = parameters(self.quantization(x).scale, 3)
        output = parameters(2 * known.scale)
        return self.builder.add(AddConstant(), [x], output, [Constant("summands", summands, known)])

    def concatenate(self, parts: Sequence[str], axis: int = -1) -> str:
        """A concatenation; parts are requantized to the first one's parameters, as required."""
        tied = self.quantization(parts[0])
        same = [
            part if self.quantization(part) == tied else self.apply(Quantize(), part, tied)
            for part in parts
        ]
        return self.builder.add(Concatenation(axis), same, tied)

    def average_pool(self, x: str, window: Window) -> str:
        return self.tied(AveragePool2D(window), x)

    def reshape(self, x: str, shape: Shape) -> str:
        return self.tied(Reshape(shape), x)

    def mean(self, x: str, keep_dims: bool = False) -> str:
        """A mean, whose scale is smaller because means vary less than their inputs."""
        known = self.quantization(x)
        return self.apply(Mean(keep_dims), x, parameters(known.scale / 6, known.zero_point))

    def softmax(self, x: str) -> str:
        return self.apply(Softmax(), x, OUTPUT)

    def tied(self, op: Operator, x: str) -> str:
        """A layer whose output has the quantization parameters of its input."""
        return self.apply(op, x, self.quantization(x))

    def apply(self, op: Operator, x: str, output: QuantizationParameters) -> str:
        return self.builder.add(op, [x], output)

    def graph(self, output: str | None = None, name: str = "small") -> Graph:
        """The graph; its output is the last layer's, unless given."""
        built = self.builder.graph()
        outputs = built.outputs if output is None else (output,)
        return Graph(name, built.nodes, built.tensors, built.constants, built.inputs, outputs)


def small_classifier(seed: int = 0) -> Graph:
    """A branch, a join, a reshape in the middle, and most operators of an image classifier."""
    layers = Layers((6, 5, 3), seed)
    same = Window.make("same", (6, 5), (3, 3), (2, 2))
    first = layers.conv("input", 6, same, Activation.RELU)
    branch = layers.depthwise(first, Window.make("same", (3, 3), (3, 3)))
    joined = layers.add(first, branch)
    pooled = layers.average_pool(joined, Window((2, 2)))
    flat = layers.reshape(pooled, (24,))
    layers.softmax(layers.dense(flat, 5))
    return layers.graph()


def every_operator() -> Graph:
    """Every operator and weights for every codec: all kernels in one library."""
    layers = Layers((8, 8, 4), seed=3)
    window = Window.make("same", (8, 8), (3, 3))
    images = ["input"]
    for layers.weights in WEIGHTS:
        images.append(layers.conv(images[-1], 8, window))
    layers.weights = WEIGHTS[0]
    image = layers.depthwise(images[-1], window, 1, Activation.RELU6)
    image = layers.add(image, layers.mul(images[-2], images[-3]))
    near = layers.quantization(image)
    mirror = Lookup(np.arange(127, -129, -1, dtype=np.int8).tobytes())
    functions = (Relu(), LeakyRelu(0.3), HardSwish(), Quantize(), Gelu(), Elu(), Function("mish"))
    for op in (*functions, mirror):
        image = layers.apply(op, image, near)
    image = layers.apply(Tanh(), image, parameters(1 / 128))
    factors = layers.apply(Logistic(), layers.mean(image, True), LOGISTIC)
    image = layers.mul(image, factors)
    image = layers.mul_constant(image)
    image = layers.apply(Exp(), image, parameters(0.02, -20))
    turned = layers.tied(mirror, image)
    image = layers.builder.add(Extremum(True), [image, turned], layers.quantization(image))
    image = layers.tied(Pad(((1, 1), (2, 0), (0, 0))), image)
    slices = StridedSlice.cropping(layers.shape(image), ((1, 1), (0, 2), (0, 0)))
    image = layers.tied(slices, image)
    image = layers.tied(MaxPool2D(Window((2, 2), (2, 2))), image)
    image = layers.average_pool(image, Window.make("same", (4, 4), (3, 3)))
    parts = [layers.tied(ReduceMax(), image), layers.mean(image)]
    flat = layers.reshape(layers.concatenate(parts), (1, 16))
    layers.softmax(layers.dense(layers.tied(Pad(((0, 0), (2, 1))), flat), 5))
    return layers.graph(name="everything")


def write_library(
    graph: Graph,
    folder: Path,
    prefix: str = "t",
    *,
    harvard: bool = False,
    stretch: range = range(0),
    pixels: int = 1,
    limit: int | None = None,
    push: bool = False,
    small: bool = False,
) -> Path:
    """Write a graph's library to a folder; returns the folder."""
    program = lower(graph, Storage(copied=harvard))
    planned = plan(program, stretch, pixels=pixels, limit=limit, push=push)
    files = emit_library(planned, prefix=prefix, model_hash=HASH, small=small)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
