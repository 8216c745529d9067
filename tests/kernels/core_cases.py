"""Single-node graphs for an instruction set's kernels, with random shapes and extremes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from conformance import Case, CaseBuilder, extreme_inputs, parameters, weighted_case
from constant_cases import constant_operands
from depthwise_cases import depthwise_across
from matrix_cases import matrix_products
from numpy.typing import NDArray
from softmax_cases import softmaxes

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._window import Pair, Window
from tinycomp.ops.add import Add
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.subtract import Subtract

ZERO_POINTS = (-128, -128, -3, 0, 17, 127)
SPREADS = (40.0, 40.0, 4000.0, 0.05)
"""Standard deviations of outputs in steps: within bounds, saturating, nearly all zero."""


@dataclass
class Draw:
    """Random numbers, with a separate seed for each case."""

    rng: np.random.Generator

    def number(self, low: int, high: int) -> int:
        """From low to high, inclusive."""
        return int(self.rng.integers(low, high + 1))

    def of(self, choices: tuple[object, ...]) -> object:
        return choices[self.rng.integers(len(choices))]

    def weighted(self, name: str, op: Operator, image: Shape, weights: Shape) -> Case:
        """A case with random zero points, output deviation and kind of weights."""
        zero_points = (int(self.of(ZERO_POINTS)), int(self.of(ZERO_POINTS)))
        case = weighted_case(
            name,
            op,
            image,
            weights,
            seed=self.number(0, 1 << 30),
            zero_points=zero_points,
            spread=float(self.of(SPREADS)),
            per_channel=self.number(0, 3) > 0,
            extreme=self.number(0, 3) == 0,
        )
        case = self._with_few_values(case) if self.number(0, 2) == 0 else case
        return self._with_odd_channels(case) if self.number(0, 3) == 0 else case

    def _with_few_values(self, case: Case) -> Case:
        """Weights as compression leaves them: of a small codebook, or mostly zeros."""
        name = case.graph.nodes[-1].inputs[1]
        weights = case.graph.constants[name]
        table = self.rng.choice(weights.values.reshape(-1), int(self.of((2, 9, 16, 16, 40))))
        values = self.rng.choice(table, weights.shape)
        if self.number(0, 3) == 0:
            values[self.rng.random(weights.shape) < 0.8] = 0
        return _reweighted(case, values)

    def _with_odd_channels(self, case: Case) -> Case:
        """As left by converters: a channel of zero weights with any bias, and a huge bias."""
        node = case.graph.nodes[-1]
        weights, bias = (case.graph.constants[name] for name in node.inputs[1:])
        axis = node.op.weight_axis
        values, biases = np.moveaxis(weights.values.copy(), axis, 0), bias.values.copy()
        values[0], biases[0] = 0, self.number(-(1 << 22), 1 << 22)
        if len(biases) > 1:
            biases[-1] = (1 << 22) * (1 - 2 * self.number(0, 1))
        constants = dict(case.graph.constants)
        constants[node.inputs[1]] = replace(weights, values=np.moveaxis(values, 0, axis))
        constants[node.inputs[2]] = replace(bias, values=biases)
        return replace(case, graph=replace(case.graph, constants=constants))

    def of_values(self, case: Case, count: int) -> Case:
        """The case with weights of `count` distinct values."""
        name = case.graph.nodes[-1].inputs[1]
        weights = case.graph.constants[name]
        table = self.rng.choice(np.arange(-127, 128), count, replace=False).astype(np.int8)
        values = self.rng.choice(table, weights.shape)
        return _reweighted(case, values)

    def stored(self, case: Case, kind: str) -> Case:
        """The case with weights that a codec shrinks: one table for all, one per channel, many
        zeros, or both.
        """
        node = case.graph.nodes[-1]
        constant = case.graph.constants[node.inputs[1]]
        channels = np.moveaxis(constant.values.copy(), node.op.weight_axis, 0)
        entries = 1 << self.number(1, 5)
        tables = self.rng.integers(-127, 128, (len(channels), entries))
        tables = tables if kind == "tables" else np.broadcast_to(tables[:1], tables.shape)
        index = self.rng.integers(entries, size=channels.shape)
        values = np.stack([table[i] for table, i in zip(tables, index, strict=True)])
        if kind in ("zeros", "both"):
            values = channels if kind == "zeros" else values
            values = np.where(self.rng.random(channels.shape) < 0.7, 0, values)
        moved = np.moveaxis(values.astype(np.int8), 0, node.op.weight_axis)
        return _reweighted(case, moved)

    def window(self, size: Pair, kernel: Pair, stride: Pair, dilation: Pair = (1, 1)) -> Window:
        """A window with same, valid, or arbitrary padding."""
        kind = self.number(0, 3)
        if kind == 0 and all(
            n > (k - 1) * d for n, k, d in zip(size, kernel, dilation, strict=True)
        ):
            return Window(kernel, stride, dilation)
        if kind == 1:
            most = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
            padding = tuple(self.number(0, most[i % 2]) for i in range(4))
            window = Window(kernel, stride, dilation, padding)
            if min(window.output(size)) >= 1:
                return window
        return Window.make("same", size, kernel, stride, dilation)


def _reweighted(case: Case, values: NDArray[np.int8]) -> Case:
    """The case with other weights."""
    name = case.graph.nodes[-1].inputs[1]
    weights = replace(case.graph.constants[name], values=values)
    return replace(
        case, graph=replace(case.graph, constants={**case.graph.constants, name: weights})
    )


def very_sparse(count: int = 12) -> list[Case]:
    """Dense layers with few nonzero weights on single vectors; in every second layer they are all
    in a tenth of the inputs. In some the last or first weight or all of an output are zero.
    """
    found = []
    for i, draw in draws(count, 21):
        inputs, outputs = draw.number(100, 300), draw.number(1, 40)
        op = FullyConnected(draw.of(tuple(Activation)))
        case = draw.weighted(f"very sparse {i}", op, (inputs,), (outputs, inputs))
        values = draw.rng.choice([-90, -8, 5, 127], (outputs, inputs))
        kept = draw.rng.random((outputs, inputs)) < 0.02
        if i % 2:
            kept = (draw.rng.random((1, inputs)) < 0.1) & (draw.rng.random(kept.shape) < 0.5)
        kept[draw.number(0, outputs - 1)] = i % 3 == 0
        kept[0, 0], kept[-1, -1] = i % 4 < 2, i % 4 in (0, 3)
        kept[0, 1] = True
        found.append(_reweighted(case, np.where(kept, values, 0).astype(np.int8)))
    return found


def few_factors(case: Case, seed: int) -> Case:
    """The case with three distinct scales shared by channels, if scales are per channel."""
    graph, rng = case.graph, np.random.default_rng((seed, 99))
    constants = dict(graph.constants)
    if graph.nodes[-1].op.weight_axis is None:
        return case
    names = graph.nodes[-1].inputs[1:]
    old = [constants[name].quantization for name in names]
    count = len(old[0].scales)
    if count < 4:
        return case
    chosen = rng.integers(3, size=count)
    chosen[:3] = range(3)
    for name, quantization in zip(names, old, strict=True):
        scales = tuple(quantization.scales[i] for i in chosen)
        constants[name] = replace(
            constants[name], quantization=replace(quantization, scales=scales)
        )
    return replace(case, graph=replace(graph, constants=constants))


def plain(case: Case) -> Case:
    """The case with an output that saturates at negative values and has no other bounds."""
    graph = case.graph
    node, name = graph.nodes[-1], graph.outputs[0]
    output = graph.tensors[name]
    assert output.quantization is not None
    tied = node.op.output_range(graph.operands(node)).tied
    zero_point = output.quantization.zero_point if tied else -128
    quantization = parameters(output.quantization.scale, zero_point)
    tensors = {**graph.tensors, name: replace(output, quantization=quantization)}
    bounded = hasattr(node.op, "activation")
    op = replace(node.op, activation=Activation.NONE) if bounded else node.op
    nodes = (*graph.nodes[:-1], replace(node, op=op))
    return replace(case, graph=replace(graph, nodes=nodes, tensors=tensors))


def draws(count: int, seed: int) -> Iterator[tuple[int, Draw]]:
    for i in range(count):
        yield i, Draw(np.random.default_rng((seed, i)))


def convolutions(count: int = 54) -> list[Case]:
    """Arbitrary windows; few and many channels, multiples of four and others."""
    found = []
    for i, draw in draws(count, 1):
        size = (draw.number(1, 8), draw.number(1, 11))
        kernel, stride = (
            (draw.number(1, 4), draw.number(1, 4)),
            (draw.number(1, 2), draw.number(1, 3)),
        )
        dilation = (draw.number(1, 2), draw.number(1, 2)) if draw.number(0, 3) == 0 else (1, 1)
        inputs = draw.of((1, 2, 3, 4, 5, 8, 12, 16, 33, 70))
        outputs = draw.number(1, 9)
        op = Conv2D(draw.window(size, kernel, stride, dilation), draw.of(tuple(Activation)))
        weights = (outputs, *kernel, inputs)
        found.append(draw.weighted(f"convolution {i}", op, (*size, inputs), weights))
    return found


def pointwise(count: int = 14) -> list[Case]:
    """1 x 1 windows with any stride, in images of any width; and windows over five columns."""
    found = []
    for i, draw in draws(count, 2):
        size = (draw.number(1, 6), draw.of((1, 2, 3, 4, 5, 6, 7, 10, 15)))
        stride, inputs, outputs = draw.number(1, 2), 4 * draw.number(1, 12), draw.number(1, 18)
        outputs = inputs if draw.number(0, 2) == 0 else outputs
        op = Conv2D(Window.make("same", size, (1, 1), (stride, stride)), draw.of(tuple(Activation)))
        weights = (outputs, 1, 1, inputs)
        found.append(draw.weighted(f"pointwise {i}", op, (*size, inputs), weights))
    return found


def columns_of_three(count: int = 21) -> list[Case]:
    """Windows of three columns with stride 1, and whole groups of channels."""
    found = []
    for i, draw in draws(count, 3):
        size, height = (draw.number(1, 7), draw.of((7, 8, 14, 15, 16, 24))), draw.number(1, 4)
        window = draw.window(size, (height, 3), (draw.number(1, 2), 1), (draw.number(1, 2), 1))
        inputs, outputs = 4 * draw.number(1, 4), draw.number(1, 5)
        op = Conv2D(window, draw.of(tuple(Activation)))
        weights = (outputs, height, 3, inputs)
        found.append(draw.weighted(f"columns {i}", op, (*size, inputs), weights))
    return found


def narrow(count: int = 12) -> list[Case]:
    """Large windows over few channels, as in first layers, and over five."""
    found = []
    for i, draw in draws(count, 18):
        size, inputs = (draw.number(1, 6), draw.number(3, 9)), draw.of((1, 1, 2, 3, 5))
        least, most = -(-48 // inputs), 128 // inputs
        height = draw.number(max(2, -(-least // 12)), 6)
        kernel = (height, draw.number(-(-least // height), most // height))
        dilation = (draw.number(1, 2), draw.number(1, 2)) if i % 4 == 0 else (1, 1)
        window = draw.window(size, kernel, (draw.number(1, 2), draw.number(1, 3)), dilation)
        op, outputs = Conv2D(window, draw.of(tuple(Activation))), draw.number(1, 5)
        weights = (outputs, *kernel, inputs)
        found.append(draw.weighted(f"narrow {i}", op, (*size, inputs), weights))
    return found


def few_cells(count: int = 24) -> list[Case]:
    """Windows whose rows are one to three values, over images of any width."""
    found = []
    for i, draw in draws(count, 19):
        size, inputs = (draw.number(1, 6), draw.number(1, 9)), draw.number(1, 3)
        kernel = (draw.number(1, 5), draw.number(1, 3 // inputs))
        dilation = (draw.number(1, 2), draw.number(1, 2)) if i % 4 == 0 else (1, 1)
        window = draw.window(size, kernel, (draw.number(1, 2), draw.number(1, 2)), dilation)
        op = Conv2D(window, draw.of(tuple(Activation)))
        weights = (draw.number(1, 5), *kernel, inputs)
        found.append(draw.weighted(f"few cells {i}", op, (*size, inputs), weights))
    return found


def few_channels(count: int = 12) -> list[Case]:
    """Depthwise convolutions over one to three channels, some of which share one."""
    found = []
    for i, draw in draws(count, 20):
        size, inputs, multiplier = (draw.number(1, 6), draw.number(1, 9)), 1 + i % 3, 1 + i % 4
        kernel = (draw.number(1, 4), draw.number(1, 4))
        window = draw.window(size, kernel, (draw.number(1, 2), draw.number(1, 2)), (1, 1))
        op = DepthwiseConv2D(window, multiplier, draw.of(tuple(Activation)))
        weights = (1, *kernel, inputs * multiplier)
        found.append(draw.weighted(f"few channels {i}", op, (*size, inputs), weights))
    return found


def sixteen_values(count: int = 40) -> list[Case]:
    """Convolutions large enough for 4-bit indices: any window, 1 x 1, three columns; odd numbers of
    channels, and of pixels.
    """
    found = []
    for i, draw in draws(count, 13):
        size, outputs = (draw.number(1, 5), draw.of((1, 5, 7, 8, 16))), draw.number(13, 20)
        kernel, inputs, step = (
            ((2, 4), draw.number(9, 14), (2, draw.number(1, 3))),
            ((1, 1), draw.number(70, 90), (1, 1)),
            ((3, 3), 4 * draw.number(2, 3), (draw.number(1, 2), 1)),
            ((4, 5), draw.number(3, 6), (1, 2)),
        )[i % 4]
        dilation = (2, 2) if draw.number(0, 3) == 0 and i % 4 == 0 else (1, 1)
        op = Conv2D(draw.window(size, kernel, step, dilation), draw.of(tuple(Activation)))
        weights = (outputs, *kernel, inputs)
        case = draw.weighted(f"sixteen {i}", op, (*size, inputs), weights)
        found.append(draw.of_values(case, 16))
    return found


def depthwise(count: int = 36) -> list[Case]:
    """Windows of 3 x 3 and others; channel counts around multiples of four."""
    found = []
    for i, draw in draws(count, 4):
        size = (draw.number(1, 8), draw.of((1, 2, 3, 4, 5, 6, 7, 8, 11, 12, 13)))
        square = draw.number(0, 2) > 0
        kernel = (3, 3) if square else (draw.number(1, 5), draw.of((1, 1, 2, 3, 4, 5)))
        stride = (draw.number(1, 2), draw.number(1, 2 if square else 3))
        dilation = (1, 1) if square else (draw.number(1, 2), draw.number(1, 2))
        channels = draw.number(1, 14)
        window = draw.window(size, kernel, stride, dilation)
        op = DepthwiseConv2D(window, 1, draw.of(tuple(Activation)))
        weights = (1, *kernel, channels)
        found.append(draw.weighted(f"depthwise {i}", op, (*size, channels), weights))
    return found


def regular(count: int = 36) -> list[Case]:
    """Convolutions with whole groups and even counts, depthwise convolutions of 3 x 3: typical of
    real models.
    """
    found = []
    for i, draw in draws(count, 15):
        size = (draw.number(1, 6), draw.of((4, 5, 6, 8, 10, 12)))
        stride = (draw.number(1, 2), draw.number(1, 2))
        inputs, outputs = 4 * draw.number(1, 9), 2 * draw.number(1, 12)
        if i % 2:
            kernel = (draw.number(1, 3), draw.number(1, 3))
            op, weights = Conv2D(draw.window(size, kernel, stride)), (outputs, *kernel, inputs)
        else:
            op, weights = DepthwiseConv2D(draw.window(size, (3, 3), stride)), (1, 3, 3, inputs)
        found.append(draw.weighted(f"regular {i}", op, (*size, inputs), weights))
    return found


def clustered(count: int = 12) -> list[Case]:
    """Depthwise weights with four values, decoded by blocks of channels."""
    found = []
    for i, draw in draws(count, 7):
        kernel = ((3, 3), (5, 1), (3, 3), (2, 3))[i % 4]
        size, channels = (draw.number(3, 5), draw.number(3, 6)), draw.number(30, 50)
        window = Window.make("same", size, kernel, (1, draw.number(1, 2)))
        op = DepthwiseConv2D(window, 1, draw.of(tuple(Activation)))
        case = draw.weighted(f"clustered {i}", op, (*size, channels), (1, *kernel, channels))
        name = case.graph.nodes[-1].inputs[1]
        weights = case.graph.constants[name]
        values = np.array([-90, -20, 15, 127], np.int8)[np.abs(weights.values.astype(int)) % 4]
        found.append(_reweighted(case, values))
    return found


def dense(count: int = 24) -> list[Case]:
    """Vectors and rows of vectors; output counts around multiples of eight."""
    found = []
    for i, draw in draws(count, 5):
        inputs, outputs = draw.number(1, 70), draw.number(1, 20)
        if i % 4 == 0:
            inputs, outputs = draw.number(100, 200), draw.number(22, 40)
        shape = (inputs,) if draw.number(0, 1) else (draw.number(1, 3), draw.number(1, 3), inputs)
        op = FullyConnected(draw.of(tuple(Activation)))
        found.append(draw.weighted(f"dense {i}", op, shape, (outputs, inputs)))
    return found


def wide_dense(count: int = 10) -> list[Case]:
    """Layers large enough for a specialized kernel, with various numbers of inputs and outputs,
    including odd ones; rows of vectors.
    """
    found = []
    for i, draw in draws(count, 7):
        inputs, outputs = draw.number(60, 140), draw.number(35, 60)
        shape = (2, 2, inputs) if i % 5 == 0 else (inputs,)
        op = FullyConnected(draw.of(tuple(Activation)))
        found.append(draw.weighted(f"wide dense {i}", op, shape, (outputs, inputs)))
    return found


def many_inputs(count: int = 4) -> list[Case]:
    """Dense layers with sums of more than 24 bits, at extremes too."""
    found = []
    for i, draw in draws(count, 21):
        inputs, outputs = draw.number(2300, 4500), draw.of((3, 8, 13))
        case = draw.weighted(f"many inputs {i}", FullyConnected(), (inputs,), (outputs, inputs))
        weights = case.graph.constants[case.graph.nodes[-1].inputs[1]].values
        extremes = np.where(np.stack([weights[0], -weights[0]]) > 0, 127, -128).astype(np.int8)
        found.append(replace(case, inputs=np.concatenate([case.inputs[:4], extremes])))
    return found


def small_dense(count: int = 10) -> list[Case]:
    """Layers with few weights, and with sixteen values: whole groups of inputs and others, rows of
    vectors.
    """
    found = []
    for i, draw in draws(count, 14):
        inputs, outputs = draw.number(33, 60), draw.number(11, 15)
        shape = (2, 3, inputs) if i % 3 == 0 else (inputs,)
        op = FullyConnected(draw.of(tuple(Activation)))
        case = draw.weighted(f"small dense {i}", op, shape, (outputs, inputs))
        found.append(draw.of_values(case, 16))
    return found


def worst(count: int = 12) -> list[Case]:
    """Inputs that maximize sums of products: over all weights of a channel, or over every second
    weight (as in halves of words).
    """
    found = []
    for i, draw in draws(count, 8):
        inputs, outputs = 4 * draw.number(6, 20), draw.number(44, 50)
        if i % 2:
            op, shape = FullyConnected(), (inputs,)
            case = draw.weighted(f"worst {i}", op, shape, (outputs, inputs))
        else:
            op, shape = Conv2D(Window.make("same", (2, 4), (1, 1))), (2, 4, inputs)
            case = draw.weighted(f"worst {i}", op, shape, (outputs, 1, 1, inputs))
        values = case.graph.constants[case.graph.nodes[-1].inputs[1]].values
        rows = values.reshape(outputs, inputs)[: shape[0] * shape[1] if len(shape) > 1 else 1]
        crossed = rows.reshape(len(rows), -1, 2, 2)[:, :, ::-1].reshape(rows.shape)
        signs = np.stack([rows, -rows, crossed, -crossed]) > 0
        samples = np.where(signs, 127, -128).astype(np.int8).reshape(4, *shape)
        found.append(replace(case, inputs=samples))
    return found


WIDE = (15, 16, 17, 31, 32, 33, 64)
"""Channel counts around multiples of vectors of sixteen."""


def wide(count: int = 18) -> list[Case]:
    """Convolutions, depthwise convolutions and dense layers of many channels."""
    found = []
    for i, draw in draws(count, 7):
        size, inputs, outputs = (draw.number(1, 4), draw.number(1, 6)), draw.of(WIDE), draw.of(WIDE)
        activation, name = draw.of(tuple(Activation)), f"wide {i}"
        if i % 3 == 0:
            op, weights = FullyConnected(activation), (outputs, inputs)
            found.append(draw.weighted(name, op, (inputs,), weights))
            continue
        side = draw.of((1, 1, 3)) if i % 3 == 1 else 3
        stride = draw.number(1, 2)
        window = Window.make("same", size, (side, side), (stride, stride))
        if i % 3 == 1:
            op, weights = Conv2D(window, activation), (outputs, side, side, inputs)
        else:
            op, weights = DepthwiseConv2D(window, 1, activation), (1, side, side, inputs)
        found.append(draw.weighted(name, op, (*size, inputs), weights))
    return found


def tall(count: int = 12) -> list[Case]:
    """Depthwise windows with one or two columns and up to seventeen rows."""
    found = []
    for i, draw in draws(count, 8):
        kernel = (draw.number(1, 17), draw.number(1, 2))
        size = (draw.number(1, 20), draw.number(1, 3))
        window = draw.window(size, kernel, (draw.number(1, 2), 1), (draw.number(1, 2), 1))
        op, channels = DepthwiseConv2D(window, 1, draw.of(tuple(Activation))), draw.number(3, 40)
        found.append(draw.weighted(f"tall {i}", op, (*size, channels), (1, *kernel, channels)))
    return found


def broad(count: int = 16) -> list[Case]:
    """Depthwise windows of many columns over short and long rows; channels that share an input."""
    found = []
    for i, draw in draws(count, 22):
        kernel, height = (draw.of((1, 1, 3, 5, 7)), draw.number(3, 9)), draw.number(1, 4)
        size = (height, draw.number(1, 70 if height < 3 else 20))
        window = draw.window(size, kernel, (1, draw.number(1, 3)), (1, draw.number(1, 2)))
        multiplier, channels = draw.of((1, 1, 2, 3)), draw.number(1, 40)
        op = DepthwiseConv2D(window, multiplier, draw.of(tuple(Activation)))
        weights = (1, *kernel, channels * multiplier)
        found.append(draw.weighted(f"broad {i}", op, (*size, channels), weights))
    return found


def stored(count: int = 24) -> list[Case]:
    """Layers with encoded weights."""
    found = []
    for i, draw in draws(count, 9):
        size, inputs, outputs = (draw.number(1, 3), draw.number(1, 5)), draw.number(5, 40), 21
        activation, name = draw.of(tuple(Activation)), f"stored {i}"
        if i % 3 == 0:
            op, shape, weights = FullyConnected(activation), (inputs,), (outputs, inputs)
        elif i % 3 == 1:
            side = draw.of((1, 3))
            window = Window.make("same", size, (side, side), (1, 1))
            op, weights = Conv2D(window, activation), (outputs, side, side, inputs)
            shape = (*size, inputs)
        else:
            window = Window.make("same", size, (3, 3), (1, 1))
            op, weights = DepthwiseConv2D(window, 1, activation), (1, 3, 3, inputs)
            shape = (*size, inputs)
        case = draw.weighted(name, op, shape, weights)
        found.append(draw.stored(case, ("table", "tables", "zeros", "both")[i % 4]))
    return found


def blocks(count: int = 32) -> list[Case]:
    """Convolutions and dense layers whose weights are zero in blocks of four: any window, three
    columns, 1 x 1; odd numbers of channels and pixels; channels without any weight.
    """
    found = []
    for i, draw in draws(count, 23):
        size, inputs = (draw.number(1, 5), draw.of((1, 4, 6, 7, 8))), draw.number(9, 40)
        activation, outputs = draw.of(tuple(Activation)), draw.number(7, 20)
        kernel, step = (
            ((draw.number(2, 4), draw.number(1, 4)), (2, draw.number(1, 3))),
            ((1, 1), (1, 1)),
            ((3, 3), (draw.number(1, 2), 1)),
        )[i % 3]
        if i % 4 == 3:
            inputs = 16 * draw.number(8, 12) + draw.number(0, 3)
            shape = (2, 2, inputs) if i % 8 == 3 else (inputs,)
            op, weights = FullyConnected(activation), (outputs, inputs)
        else:
            inputs = inputs // 4 * 4 if i % 3 == 2 else inputs
            op = Conv2D(draw.window(size, kernel, step), activation)
            shape, weights = (*size, inputs), (outputs, *kernel, inputs)
        case = draw.weighted(f"blocks {i}", op, shape, weights)
        values = case.graph.constants[case.graph.nodes[-1].inputs[1]].values
        rows = values.reshape(-1, math.prod(weights[-2:]) if len(weights) == 4 else inputs)
        kept = draw.rng.random((len(rows), -(-rows.shape[1] // 4))) < draw.of((0.05, 0.15, 0.3))
        kept = kept.repeat(4, axis=1)[:, : rows.shape[1]].reshape(values.shape)
        kept[draw.number(0, outputs - 1)] &= i % 2 == 0
        found.append(_reweighted(case, np.where(kept, values, 0).astype(np.int8)))
    return found


def sums(count: int = 16) -> list[Case]:
    """Sums with equal, similar and very different scales, in both orders; images and rows."""
    found = []
    for i, draw in draws(count, 6):
        shape = (draw.number(1, 4), draw.number(1, 5), draw.number(1, 9))
        first = float(np.exp(draw.rng.uniform(-4, 0)))
        ratio = float(draw.of((1.0, 1.0 + 2**-20, 1.3, 2.0, 3.7, 0.999, 0.31, 0.07)))
        zero_points = [int(draw.of(ZERO_POINTS)) for _ in range(3)]
        builder = CaseBuilder(shape, parameters(first, zero_points[0]))
        window = Window.make("same", shape[:2], (1, 1))
        other = _identity(builder, shape, window, parameters(first * ratio, zero_points[1]))
        pair = ["input", other] if draw.number(0, 1) else [other, "input"]
        output = parameters(float(draw.of((0.4, 0.83, 1.0, 2.5))) * first, zero_points[2])
        builder.add(Add(draw.of(tuple(Activation))), pair, output)
        found.append(Case(f"sum {i}", builder.graph(), extreme_inputs(draw.rng, shape)))
    return found


def broadcasts(count: int = 24) -> list[Case]:
    """Sums, differences and products with a row, a cell or a single value, in both orders;
    differences and products of whole tensors.
    """
    found = []
    for i, draw in draws(count, 24):
        shape = (draw.number(1, 4), draw.number(1, 5), draw.of((1, 3, 4, 8, 9)))
        first = float(np.exp(draw.rng.uniform(-4, 0)))
        builder = CaseBuilder(shape, parameters(first, int(draw.of(ZERO_POINTS))))
        pool = ((1, 1), (shape[0], 1), shape[:2])[i % 3]
        tied = builder.quantization["input"]
        other = builder.add(AveragePool2D(Window(pool)), ["input"], tied)
        scale = first * float(draw.of((1.0, 1.3, 0.31)))
        other = builder.add(Quantize(), [other], parameters(scale, int(draw.of(ZERO_POINTS))))
        pair = ["input", other] if draw.number(0, 1) else [other, "input"]
        kind = draw.of((Subtract, Mul) if pool == (1, 1) else (Add, Subtract, Mul))
        factor = float(draw.of((0.83, 1.1, 2.7))) * (40 * scale if kind is Mul else 1.0)
        output = parameters(factor * first, int(draw.of(ZERO_POINTS)))
        builder.add(kind(draw.of(tuple(Activation))), pair, output)
        found.append(Case(f"broadcast {i}", builder.graph(), extreme_inputs(draw.rng, shape)))
    return found


def pools(count: int = 12) -> list[Case]:
    """Means over all cells, up to sums that exceed 16 bits."""
    found = []
    for i, draw in draws(count, 16):
        size = (
            (16, 16) if i == 0 else (16, 17) if i == 1 else (draw.number(1, 9), draw.number(1, 9))
        )
        shape = (*size, draw.of((1, 3, 4, 8, 12, 64)) if i > 1 else 4)
        tied = parameters(0.05, int(draw.of(ZERO_POINTS)))
        builder = CaseBuilder(shape, tied)
        pool = AveragePool2D(Window(size, size), draw.of(tuple(Activation)))
        builder.add(pool, ["input"], tied)
        found.append(Case(f"pool {i}", builder.graph(), extreme_inputs(draw.rng, shape)))
    return found


def means(count: int = 8) -> list[Case]:
    """Means over all cells, at scales of their own; rows with sums that exceed 16 bits."""
    found = []
    for i, draw in draws(count, 25):
        size = (2, 300) if i == 0 else (draw.number(16, 20), draw.number(16, 20))
        shape = (*size, 5 if i == 0 else draw.of((1, 3, 4, 7, 8, 30)))
        builder = CaseBuilder(shape, parameters(0.05, int(draw.of(ZERO_POINTS))))
        builder.add(Mean(), ["input"], parameters(float(draw.of((0.05, 0.011))), 7))
        found.append(Case(f"mean {i}", builder.graph(), extreme_inputs(draw.rng, shape)))
    return found


def windows(count: int = 48) -> list[Case]:
    """Pooling with any window: few channels and whole vectors, borders, signals, and one window
    with sums that exceed 16 bits.
    """
    found = []
    for i, draw in draws(count, 17):
        size = (draw.of((1, 1, 4, 7, 9)), draw.number(1, 19))
        kernel = (min(size[0], draw.number(1, 4)), draw.number(1, 5))
        if i < 2:
            size, kernel = (2, 270), (2, 130)
        stride = (draw.number(1, 3), draw.number(1, 4))
        window = Window.make("same" if draw.number(0, 2) else "valid", size, kernel, stride)
        window = window if min(window.output(size)) >= 1 else Window.make("same", size, kernel)
        shape = (*size, draw.of((1, 2, 3, 4, 5, 8, 11, 16, 20, 37)) if i >= 2 else 5)
        tied = parameters(0.05, int(draw.of(ZERO_POINTS)))
        builder = CaseBuilder(shape, tied)
        pool = (AveragePool2D, MaxPool2D)[i % 2]
        builder.add(pool(window, draw.of(tuple(Activation))), ["input"], tied)
        found.append(Case(f"window {i}", builder.graph(), extreme_inputs(draw.rng, shape)))
    return found


def _identity(builder: CaseBuilder, shape: Shape, window: Window, output: object) -> str:
    """The input with other quantization parameters, as a second operand."""
    weights = Constant("w", np.full((1, 1, 1, shape[2]), 100, np.int8), parameters(0.01))
    bias = Constant("b", np.zeros(shape[2], np.int32), parameters(0.01 * 0.1))
    return builder.add(DepthwiseConv2D(window), ["input"], output, [weights, bias], "other")


FAMILIES: dict[str, Callable[[], list[Case]]] = {
    "convolutions": convolutions,
    "pointwise": pointwise,
    "columns_of_three": columns_of_three,
    "narrow": narrow,
    "few_cells": few_cells,
    "few_channels": few_channels,
    "sixteen_values": sixteen_values,
    "depthwise": depthwise,
    "regular": regular,
    "clustered": clustered,
    "dense": dense,
    "wide_dense": wide_dense,
    "many_inputs": many_inputs,
    "small_dense": small_dense,
    "worst": worst,
    "wide": wide,
    "tall": tall,
    "broad": broad,
    "stored": stored,
    "blocks": blocks,
    "sums": sums,
    "broadcasts": broadcasts,
    "pools": pools,
    "means": means,
    "windows": windows,
    "depthwise_across": depthwise_across,
    "matrix_products": matrix_products,
    "constant_operands": constant_operands,
    "softmaxes": softmaxes,
}
