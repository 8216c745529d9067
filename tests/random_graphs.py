"""Random int8 graphs: branches, joins, shared layers, tensors that several layers read and some
that none reads.

The same seed gives the same graph. Each step has its own random generator, so a failing graph can
be minimized by leaving out steps without changing the others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import numpy as np
from conformance import parameters
from small_models import LOGISTIC, WEIGHTS, Layers

from tinycomp.ir.graph import Graph, Node
from tinycomp.ir.operator import NUMBERS, Operator
from tinycomp.ir.tensor import Constant, QuantizationParameters, Shape, Tensor
from tinycomp.ops._activation import Activation
from tinycomp.ops._move import Move
from tinycomp.ops._reduction import Reduction
from tinycomp.ops._window import Window
from tinycomp.ops.absolute import Absolute
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.arg_max import ArgMax
from tinycomp.ops.arg_min import ArgMin
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.depth_to_space import DepthToSpace
from tinycomp.ops.elu import Elu
from tinycomp.ops.embedding import Embedding
from tinycomp.ops.exp import Exp
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.function import DEFINITIONS, Function
from tinycomp.ops.gather import Gather
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.l2_normalization import OUTPUT as UNIT
from tinycomp.ops.l2_normalization import L2Normalization
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.log_softmax import OUTPUT as LOGARITHMS
from tinycomp.ops.log_softmax import LogSoftmax
from tinycomp.ops.logarithm import Logarithm
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.lookup import Lookup
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mirror_pad import MirrorPad
from tinycomp.ops.pad import Pad
from tinycomp.ops.pad_constant import PadConstant
from tinycomp.ops.prelu import Prelu
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reduce_min import ReduceMin
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.resize_bilinear import ResizeBilinear
from tinycomp.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from tinycomp.ops.root import Root
from tinycomp.ops.squared_difference import SquaredDifference
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.tanh import Tanh
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose

WORDS = 20
FEWEST, MOST = 5, 8
"""Random layers per graph, in addition to those of its end."""
LARGEST = 1500
"""The most elements of a tensor, so that graphs run quickly."""
RECENT = 3
"""Half of all layers read one of this many last tensors; the others read any tensor."""

WAYS = ((False, False), (True, False), (False, True))
"""Options of resizing: align_corners, half_pixel_centers."""

Grow = Callable[["Growing", str], str | None]


class Growing(Layers):
    """A graph under construction from random layers. Layers that do not fit give None."""

    def __init__(self, seed: int, kinds: Sequence[Grow]) -> None:
        rng = np.random.default_rng(seed)
        super().__init__(tuple(int(n) for n in rng.integers((5, 4, 1), (9, 9, 5))), seed)
        self.seed, self.kinds = seed, kinds
        self.tensors = ["input"]

    def grow(self, step: int, left_out: bool = False) -> None:
        """Add a random layer after a random tensor, or repeat that tensor."""
        self.rng = np.random.default_rng((self.seed, step, 1))
        while True:
            some = self.tensors[-RECENT:] if self.rng.random() < 0.5 else self.tensors
            x = some[self.rng.integers(len(some))]
            kind = self.kinds[self.rng.integers(len(self.kinds))]
            self.weights = WEIGHTS[self.rng.integers(len(WEIGHTS))]
            made = x if left_out else kind(self, x)
            if made is not None:
                self.tensors.append(made)
                return

    def end(self) -> Graph:
        """Half of the graphs end with classes, computed from all tensors without a reader."""
        self.rng = np.random.default_rng((self.seed, MOST + 1))
        if self.rng.random() < 0.5:
            return self.graph(self.tensors[-1], name="random")
        read = {name for node in self.builder.builder.nodes for name in node.inputs}
        ends = [x for x in dict.fromkeys(self.tensors) if x not in read]
        loose = [self._vector(x) for x in ends]
        joined = self.concatenate(loose) if len(loose) > 1 else loose[0]
        self.softmax(self.dense(joined, int(self.rng.integers(2, 12))))
        return self.graph(name="random")

    def _vector(self, x: str) -> str:
        if len(self.shape(x)) == 3:
            return self.mean(x)
        return self.reshape(x, (math.prod(self.shape(x)),))

    def mean(self, x: str, keep_dims: bool = False) -> str:
        """A mean with a scale that also fits tensors that are never negative."""
        known = self.quantization(x)
        return self.apply(Mean(keep_dims), x, parameters(known.scale / 1.5, known.zero_point))

    def window(self, x: str) -> Window | None:
        """A random window over an image."""
        shape = self.shape(x)
        if len(shape) != 3:
            return None
        kernel = tuple(int(n) for n in self.rng.integers(1, 4, 2))
        stride = tuple(int(n) for n in self.rng.integers(1, 3, 2))
        padding = "same" if self.rng.random() < 0.6 else "valid"
        window = Window.make(padding, shape[:2], kernel, stride)
        return window if min(window.output((shape[0], shape[1]))) >= 1 else None

    def activation(self) -> Activation:
        return Activation(int(self.rng.integers(4)))

    def partner(self, x: str) -> str:
        """Another tensor of the same shape, or x itself if there is none."""
        others = [y for y in self.tensors if y != x and self.shape(y) == self.shape(x)]
        return str(self.rng.choice(others)) if others else x


def _conv(g: Growing, x: str) -> str | None:
    window = g.window(x)
    return window and g.conv(x, int(g.rng.integers(1, 9)), window, g.activation())


def _depthwise(g: Growing, x: str) -> str | None:
    window = g.window(x)
    return window and g.depthwise(x, window, int(g.rng.integers(1, 3)), g.activation())


def _dense(g: Growing, x: str) -> str | None:
    return g.dense(x, int(g.rng.integers(1, 12)), g.activation())


def _add(g: Growing, x: str) -> str | None:
    return g.add(x, g.partner(x), g.activation())


def _mul(g: Growing, x: str) -> str | None:
    return g.mul(x, g.partner(x), g.activation())


def _scale_channels(g: Growing, x: str) -> str | None:
    """Squeeze and excite: an image times one factor per channel."""
    if len(g.shape(x)) != 3:
        return None
    factors = g.mean(x, keep_dims=True)
    return g.mul(x, g.apply(Logistic(), factors, LOGISTIC))


def _concatenate(g: Growing, x: str) -> str | None:
    if 2 * math.prod(g.shape(x)) > LARGEST:
        return None
    return g.concatenate([x, g.partner(x)], int(g.rng.integers(len(g.shape(x)))))


def _branches(g: Growing, x: str) -> str | None:
    """A layer with weights, a function and a pooling in parallel."""
    if len(g.shape(x)) != 3 or 3 * math.prod(g.shape(x)) > LARGEST:
        return None
    height, width, channels = g.shape(x)
    same = Window.make("same", (height, width), (3, 3))
    parts = [
        g.conv(x, channels, Window((1, 1)), g.activation()),
        _table(g, x) or x,
        g.tied(MaxPool2D(same), x),
    ]
    return g.concatenate([parts[i] for i in g.rng.permutation(3)], int(g.rng.integers(3)))


def _shared(g: Growing, x: str) -> str | None:
    """One layer applied to two tensors, with shared weights and input scale."""
    if len(g.shape(x)) != 3:
        return None
    other = g.apply(Lookup(g.rng.bytes(256)), x, g.quantization(x))
    window = Window.make("same", g.shape(x)[:2], (3, 2))
    first = g.conv(x, g.shape(x)[2], window, g.activation())
    node = g.builder.builder.nodes[-1]
    second = g.builder.add(node.op, [other, *node.inputs[1:]], g.quantization(first))
    return g.add(first, second)


def _scale(g: Growing, x: str) -> str | None:
    """A factor and an offset per channel, like a lowered batch normalization of any rank."""
    shape = g.shape(x)
    image = shape if len(shape) == 3 else (*((1,) * (2 - len(shape))), *shape[:-1], 1, shape[-1])
    expanded = x if image == shape else g.reshape(x, image)
    scaled = g.depthwise(expanded, Window((1, 1)), 1, g.activation())
    return scaled if image == shape else g.reshape(scaled, shape)


def _mul_constant(g: Growing, x: str) -> str | None:
    return g.mul_constant(x)


def _add_constant(g: Growing, x: str) -> str | None:
    values = g.rng.integers(-128, 128, g.shape(x)[-1:]).astype(np.int8)
    known = parameters(0.5 * g.quantization(x).scale, int(g.rng.integers(-40, 40)))
    output = parameters(1.4 * g.quantization(x).scale, int(g.rng.integers(-40, 40)))
    op = AddConstant(bool(g.rng.integers(2)), g.activation())
    return g.builder.add(op, [x], output, [Constant("summands", values, known)])


def _difference(g: Growing, x: str) -> str | None:
    """Of two tensors, or its square."""
    other = g.partner(x)
    if other == x:
        other = _table(g, x) or x
    scale = max(g.quantization(x).scale, g.quantization(other).scale)
    if g.rng.random() < 0.5:
        output = parameters(1.3 * scale, int(g.rng.integers(-40, 40)))
        return g.builder.add(Subtract(g.activation()), [x, other], output)
    squares = parameters(100 * scale * scale, -128)
    return g.builder.add(SquaredDifference(), [x, other], squares)


def _prelu(g: Growing, x: str) -> str | None:
    shape = g.shape(x)
    slopes = shape[-1:] if g.rng.random() < 0.7 else shape
    values = g.rng.integers(-128, 128, slopes).astype(np.int8)
    known = parameters(0.008, int(g.rng.integers(-40, 40)))
    output = parameters(g.quantization(x).scale, int(g.rng.integers(-40, 40)))
    return g.builder.add(Prelu(), [x], output, [Constant("slopes", values, known)])


def _root(g: Growing, x: str) -> str | None:
    """Of values that are not negative, as LiteRT wants them."""
    scale = g.quantization(x).scale
    positive = g.apply(Quantize(), x, parameters(scale, -128))
    inverse = bool(g.rng.integers(2))
    largest = 0.2 / np.sqrt(scale) if inverse else np.sqrt(255 * scale)
    return g.apply(Root(inverse), positive, parameters(float(largest) / 200, -100))


def _extremum(g: Growing, x: str) -> str | None:
    other = g.partner(x)
    if other == x:
        other = _table(g, x) or x
    same = g.apply(Quantize(), other, g.quantization(x))
    return g.builder.add(Extremum(bool(g.rng.integers(2))), [x, same], g.quantization(x))


def _crop(g: Growing, x: str) -> str | None:
    cropping = []
    for size in g.shape(x):
        before = int(g.rng.integers(min(size, 3)))
        cropping.append((before, int(g.rng.integers(min(size - before, 2)))))
    return g.tied(StridedSlice.cropping(g.shape(x), cropping), x)


def _slice(g: Growing, x: str) -> str | None:
    """Steps in both directions, axes that are dropped."""
    parts, dropped = [], []
    for axis, size in enumerate(g.shape(x)):
        step = int(g.rng.choice([-2, -1, 1, 1, 2]))
        cells = range(size)[::step]
        count = int(g.rng.integers(1, len(cells) + 1))
        if len(g.shape(x)) > 1 + len(dropped) and g.rng.random() < 0.2:
            count, step = 1, 1
            dropped.append(axis)
        parts.append((cells[0], count, step))
    return g.tied(StridedSlice(tuple(parts), tuple(dropped)), x)


def _matmul(g: Growing, x: str) -> str | None:
    shape = g.shape(x)
    if len(shape) < 2 or math.prod(shape[:-1]) * shape[-2] > LARGEST:
        return None
    other = g.partner(x)
    scale = 40 * shape[-1] ** 0.5 * g.quantization(x).scale * g.quantization(other).scale
    output = parameters(float(scale), int(g.rng.integers(-40, 40)))
    return g.builder.add(BatchMatmul(False, True), [x, other], output)


def _resize(g: Growing, x: str) -> str | None:
    shape = g.shape(x)
    if len(shape) != 3 or 4 * math.prod(shape) > LARGEST:
        return None
    size = tuple(int(n) * side for n, side in zip(g.rng.integers(1, 3, 2), shape, strict=False))
    return g.tied(ResizeBilinear((size[0], size[1]), *WAYS[g.rng.integers(len(WAYS))]), x)


def _move(g: Growing, x: str) -> str | None:
    """Any other way to move values."""
    shape = g.shape(x)
    axis = int(g.rng.integers(len(shape)))
    times = tuple(int(n) for n in g.rng.integers(1, 3, len(shape)))
    movers: list[Move] = [
        Transpose(tuple(int(n) for n in g.rng.permutation(len(shape)))),
        Gather(tuple(int(n) for n in g.rng.integers(0, shape[axis], 4)), axis),
        Tile(times),
        _mirror(g, shape),
    ]
    if len(shape) == 3:
        size = tuple(int(n) for n in g.rng.integers(1, 12, 2))
        way = WAYS[g.rng.integers(len(WAYS))]
        movers.append(ResizeNearestNeighbor((size[0], size[1]), *way))
        movers += [DepthToSpace(2)] * (shape[2] % 4 == 0)
        movers += [DepthToSpace(2, True)] * (shape[0] % 2 == shape[1] % 2 == 0)
    op = movers[g.rng.integers(len(movers))]
    return g.tied(op, x) if math.prod(op.infer_shape([shape])) <= LARGEST else None


def _average_pool(g: Growing, x: str) -> str | None:
    window = g.window(x)
    return window and g.average_pool(x, window)


def _max_pool(g: Growing, x: str) -> str | None:
    window = g.window(x)
    return window and g.tied(MaxPool2D(window, g.activation()), x)


def _pad(g: Growing, x: str) -> str | None:
    amounts = [tuple(int(n) for n in g.rng.integers(0, 2, 2)) for _ in g.shape(x)]
    if math.prod(n + a + b for n, (a, b) in zip(g.shape(x), amounts, strict=True)) > LARGEST:
        return None
    padding = tuple((a, b) for a, b in amounts)
    if g.rng.random() < 0.5:
        return g.tied(Pad(padding), x)
    values = g.rng.integers(-128, 128, 1).astype(np.int8)
    around = Constant("around", values, g.quantization(x))
    return g.builder.add(PadConstant(padding), [x], g.quantization(x), [around])


def _mirror(g: Growing, shape: Shape) -> MirrorPad:
    twice = bool(g.rng.integers(2))
    most = [min(2, size if twice else size - 1) for size in shape]
    sides = [tuple(int(n) for n in g.rng.integers(0, size + 1, 2)) for size in most]
    return MirrorPad(tuple((a, b) for a, b in sides), twice)


def _place(g: Growing, x: str) -> str | None:
    """The place of an extreme along an axis."""
    rank = len(g.shape(x))
    kind = (ArgMax, ArgMin)[g.rng.integers(2)]
    op = kind.over([int(g.rng.integers(rank))], rank, bool(g.rng.integers(2)))
    return g.apply(op, x, NUMBERS)


def _reshape(g: Growing, x: str) -> str | None:
    size = math.prod(g.shape(x))
    pairs = [(n, size // n) for n in range(1, size + 1) if size % n == 0]
    a, b = pairs[g.rng.integers(len(pairs))]
    shapes: list[Shape] = [(size,), (a, b), (a, 1, b), (1, a, b)]
    return g.reshape(x, shapes[g.rng.integers(len(shapes))])


def _mean(g: Growing, x: str) -> str | None:
    return g.mean(x, bool(g.rng.integers(2))) if len(g.shape(x)) == 3 else None


def _reduce_axes(g: Growing, x: str) -> str | None:
    """Some axes next to each other."""
    rank = len(g.shape(x))
    first = int(g.rng.integers(rank))
    axes = range(first, int(g.rng.integers(first + 1, rank + 1)))
    kinds: list[type[Reduction]] = [Mean, ReduceMax, ReduceMin]
    kind = kinds[g.rng.integers(len(kinds))]
    op = kind.over(axes, rank, bool(g.rng.integers(2)))
    if kind is Mean:
        known = g.quantization(x)
        return g.apply(op, x, parameters(known.scale / 1.5, known.zero_point))
    return g.tied(op, x)


def _reduce_max(g: Growing, x: str) -> str | None:
    return g.tied(ReduceMax(bool(g.rng.integers(2))), x) if len(g.shape(x)) == 3 else None


def _table(g: Growing, x: str) -> str | None:
    near = parameters(0.7 * g.quantization(x).scale, int(g.rng.integers(-40, 40)))
    choices: list[tuple[Operator, QuantizationParameters]] = [
        (Logistic(), LOGISTIC),
        (Tanh(), parameters(1 / 128)),
        (Relu((None, 1.0, 2.5, 6.0)[g.rng.integers(4)]), near),
        (LeakyRelu(0.2), near),
        (HardSwish(), near),
        (Quantize(), near),
        (HardSwish(), near),
        (Gelu(), near),
        (Gelu(True), near),
        (Exp(), near),
        (Absolute(), near),
        (Logarithm(), near),
        (Elu(float(g.rng.uniform(0.1, 2))), near),
        (Lookup(g.rng.bytes(256)), near),
        *((Function(kind), near) for kind in g.rng.choice([*DEFINITIONS], 3)),
    ]
    op, output = choices[g.rng.integers(len(choices))]
    return g.apply(op, x, output)


def _normalized(g: Growing, x: str) -> str | None:
    if g.shape(x)[-1] < 4:
        return None
    if g.rng.random() < 0.5:
        return g.apply(LogSoftmax(), x, LOGARITHMS)
    return g.apply(L2Normalization(), x, UNIT)


def _softmax(g: Growing, x: str) -> str | None:
    return g.softmax(x) if g.shape(x)[-1] > 3 else None


GROWTH: tuple[Grow, ...] = (
    *(_conv, _conv, _depthwise, _dense, _add, _add, _mul, _scale_channels, _concatenate),
    *(_average_pool, _max_pool, _pad, _reshape, _mean, _reduce_max, _table, _table, _table),
    *(
        _softmax,
        _normalized,
        _branches,
        _shared,
        _scale,
        _mul_constant,
        _add_constant,
        _extremum,
        _crop,
        _slice,
    ),
    *(_move, _move, _matmul, _resize, _difference, _prelu, _root, _reduce_axes, _place),
)


def steps(seed: int) -> int:
    """The number of steps of a seed's graph."""
    return int(np.random.default_rng((seed, 0)).integers(FEWEST, MOST + 1))


def random_graph(seed: int, left_out: Collection[int] = (), more: Sequence[Grow] = ()) -> Graph:
    """A graph of 5 to about 16 layers, without the steps (from 1) that are left out.

    Args:
        seed: of all choices.
        left_out: the steps that only repeat a tensor.
        more: kinds of layers in addition to the usual ones.
    """
    growing = Growing(seed, (*GROWTH, *more))
    for step in range(1, steps(seed) + 1):
        growing.grow(step, step in left_out)
    return growing.end()


def with_words(graph: Graph, seed: int) -> Graph:
    """The graph with an embedding in front: of WORDS words, one for each place of its input."""
    (name,) = graph.inputs
    source = graph.tensors[name]
    places, channels = math.prod(source.shape[:-1]), source.shape[-1]
    values = np.random.default_rng(seed).integers(-128, 128, (WORDS, channels)).astype(np.int8)
    new = [
        Tensor("numbers", (places,), "int16", NUMBERS),
        Tensor("rows", (places, channels), "int8", source.quantization),
    ]
    return replace(
        graph,
        nodes=(
            Node("rows", Embedding(), ("numbers", "table"), ("rows",)),
            Node("image", Reshape(source.shape), ("rows",), (name,)),
            *graph.nodes,
        ),
        tensors={**{each.name: each for each in new}, **graph.tensors},
        constants={"table": Constant("table", values, source.quantization), **graph.constants},
        inputs=("numbers",),
    )
