"""More functions of keras.ops, as several operators: parts of tensors, statistics, einsum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import KerasLayer, Operator
from tinycomp.ops._keras import merge, refusal
from tinycomp.ops._mathematics import MATHEMATICS
from tinycomp.ops.add import Add
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.batch_normalization import scaled
from tinycomp.ops.depth_to_space import DepthToSpace
from tinycomp.ops.elu import Elu
from tinycomp.ops.exp import Exp
from tinycomp.ops.function import Function
from tinycomp.ops.gather import Gather
from tinycomp.ops.l2_normalization import L2Normalization
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.log_softmax import LogSoftmax
from tinycomp.ops.logarithm import Logarithm
from tinycomp.ops.mean import Mean
from tinycomp.ops.mirror_pad import MirrorPad
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.root import Root
from tinycomp.ops.squared_difference import SquaredDifference
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose

INVERSE = Function("reciprocal")
_BORDERS: Mapping[str, Callable[[tuple[tuple[int, int], ...]], Operator]] = {
    "constant": Pad,
    "reflect": MirrorPad,
    "symmetric": lambda pairs: MirrorPad(pairs, twice=True),
}
Lowering = Callable[[KerasLayer, Sequence[str], GraphBuilder], str]


def place(layer: KerasLayer, axis: Any, rank: int) -> int:
    """An axis of Keras, which counts the batch, without the batch.

    Raises:
        ModelError: it is the batch, or none.
    """
    if not isinstance(axis, int) or not -rank <= axis <= rank or axis == 0:
        raise refusal(layer, f"works along axis {axis}", expected="Expected one but the batch.")
    return axis % (rank + 1) - 1


def _places(layer: KerasLayer, rank: int) -> set[int]:
    """The option `axis`, one or several, without the batch."""
    axis = layer.config.get("axis")
    axes = axis if isinstance(axis, list | tuple) else [axis]
    return {place(layer, each, rank) for each in axes}


def split(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> list[str]:
    """Parts of an axis: so many, or those between indices; Unstack: single cells."""
    shape, config = builder.tensors[inputs[0]].shape, layer.config
    axis = place(layer, config["axis"], len(shape))
    size, single = shape[axis], layer.class_name == "ops.Unstack"
    given = size if single else config["indices_or_sections"]
    if isinstance(given, int):
        if given < 1 or size % given:
            raise refusal(layer, f"splits {size} into {given}", expected="Expected equal parts.")
        given = [size // given * at for at in range(1, given)]
    ends = [0, *(range(size)[:at].stop for at in given), size]
    found = []
    for number, (first, last) in enumerate(pairwise(ends)):
        parts = [(0, length, 1) for length in shape]
        parts[axis] = (first, last - first, 1)
        op = StridedSlice(tuple(parts), (axis,) if single and len(shape) > 1 else ())
        found.append(builder.add(op, inputs, f"{layer.name}/{number}"))
    return found


def _padded(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    mode = layer.config.get("mode", "constant")
    rank = len(builder.tensors[inputs[0]].shape)
    given = layer.config["pad_width"]
    pairs = [(each, each) if isinstance(each, int) else tuple(each) for each in given]
    pairs = pairs * (rank + 1) if len(pairs) == 1 else pairs
    if mode not in _BORDERS or len(pairs) != rank + 1 or pairs[0] != (0, 0):
        what = f"pads by {given}, mode={mode!r}"
        expected = "Expected zeros or mirrored cells (reflect, symmetric), not around the batch."
        raise refusal(layer, what, expected=expected)
    return builder.add(_BORDERS[mode](tuple(pairs[1:])), inputs, layer.name)


def _flipped(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    shape = builder.tensors[inputs[0]].shape
    turned = _places(layer, len(shape))
    parts = tuple(
        (size - 1, size, -1) if at in turned else (0, size, 1) for at, size in enumerate(shape)
    )
    return builder.add(StridedSlice(parts), inputs, layer.name)


def _rolled(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    shape, shift = builder.tensors[inputs[0]].shape, layer.config["shift"]
    axis = place(layer, layer.config.get("axis"), len(shape))
    if not isinstance(shift, int):
        raise refusal(layer, f"moves by {shift}", expected="Expected one number.")
    size = shape[axis]
    order = tuple((at - shift) % size for at in range(size))
    return builder.add(Gather(order, axis), inputs, layer.name)


def _taken(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    shape, given = builder.tensors[inputs[0]].shape, layer.config["args"]
    axis = place(layer, layer.config.get("axis"), len(shape))
    numbers = given[1] if len(given) > 1 else None
    if isinstance(numbers, Mapping):
        numbers = numbers["config"]["value"]
    single = isinstance(numbers, int)
    listed = [numbers] if single else numbers
    if not isinstance(listed, list) or not all(isinstance(each, int) for each in listed):
        raise refusal(layer, f"takes the cells {numbers}", expected="Expected a list of numbers.")
    op = Gather(tuple(each % shape[axis] for each in listed), axis)
    if not single:
        return builder.add(op, inputs, layer.name)
    cell = builder.add(op, inputs, f"{layer.name}/cell")
    rest = tuple(size for at, size in enumerate(shape) if at != axis)
    return builder.add(Reshape(rest or (1,)), [cell], layer.name)


def _moved(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Swapaxes and Moveaxis."""
    config, rank = layer.config, len(builder.tensors[inputs[0]].shape)
    order = list(range(rank))
    if layer.class_name == "ops.Swapaxes":
        first, second = (place(layer, config[key], rank) for key in ("axis1", "axis2"))
        order[first], order[second] = order[second], order[first]
    else:
        first, second = (place(layer, config[key], rank) for key in ("source", "destination"))
        order.insert(second, order.pop(first))
    return builder.add(Transpose(tuple(order)), inputs, layer.name)


def _repeated(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Each cell of an axis several times in turn."""
    shape, times = builder.tensors[inputs[0]].shape, layer.config["repeats"]
    axis = place(layer, layer.config.get("axis"), len(shape))
    if not isinstance(times, int):
        raise refusal(layer, f"repeats {times} times", expected="Expected one number.")
    order = tuple(at for at in range(shape[axis]) for _ in range(times))
    return builder.add(Gather(order, axis), inputs, layer.name)


def _tiled(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    rank, given = len(builder.tensors[inputs[0]].shape), layer.config["repeats"]
    times = [given] if isinstance(given, int) else list(given)
    times = [1] * (rank + 1 - len(times)) + times
    if times[0] != 1 or len(times) != rank + 1:
        raise refusal(layer, f"repeats the batch: {times}", expected="Expected 1 for the batch.")
    return builder.add(Tile(tuple(times[1:])), inputs, layer.name)


def _part(layer: KerasLayer, name: str, **config: Any) -> KerasLayer:
    """A step of a function, with its axes."""
    known = {key: layer.config[key] for key in ("axis", "keepdims") if key in layer.config}
    return KerasLayer(f"{layer.name}/{name}", layer.class_name, {**known, **config}, {})


def statistics(reduced: Callable[[Any], Lowering], summed: Lowering) -> dict[str, Lowering]:
    """Functions that reduce axes, by class name.

    Args:
        reduced: makes a lowering of a reduction.
        summed: the lowering of sums.
    """

    def variance(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Means of the squared differences to the mean."""
        centre = reduced(Mean)(_part(layer, "mean", keepdims=True), inputs, builder)
        away = _part(layer, "squares")
        squares = merge(SquaredDifference(), away, [inputs[0], centre], builder)
        if layer.class_name == "ops.Var":
            return reduced(Mean)(layer, [squares], builder)
        found = reduced(Mean)(_part(layer, "variance"), [squares], builder)
        return builder.add(Root(), [found], layer.name)

    def norm(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """The root of a sum of squares."""
        if layer.config.get("ord") not in (None, 2):
            what = f"has ord={layer.config['ord']}"
            raise refusal(layer, what, expected="Expected 2, the length of vectors.")
        squares = builder.add(Mul(), [inputs[0], inputs[0]], f"{layer.name}/squares")
        return builder.add(Root(), [summed(_part(layer, "sum"), [squares], builder)], layer.name)

    def logarithm(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """The largest value m, plus log(sum(exp(x - m))): exponentials from 0 to 1."""
        most = reduced(ReduceMax)(_part(layer, "most", keepdims=True), inputs, builder)
        below = merge(Subtract(), _part(layer, "below"), [inputs[0], most], builder)
        powers = builder.add(Exp(), [below], f"{layer.name}/powers")
        total = summed(_part(layer, "sum", keepdims=True), [powers], builder)
        rest = builder.add(Logarithm(), [total], f"{layer.name}/log")
        if layer.config.get("keepdims"):
            return builder.add(Add(), [most, rest], layer.name)
        found = builder.add(Add(), [most, rest], f"{layer.name}/kept")
        shape = builder.tensors[inputs[0]].shape
        gone = _places(layer, len(shape))
        left = tuple(size for at, size in enumerate(shape) if at not in gone)
        return builder.add(Reshape(left or (1,)), [found], layer.name)

    return {"Logsumexp": logarithm, "Norm": norm, "Std": variance, "Var": variance}


def _einsum(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """A product of two tensors, summed over the axes that the result does not have: matrices for
    each place of the axes that all three have.
    """
    text = layer.config["subscripts"].replace(" ", "")
    source, _, result = text.partition("->")
    names = source.split(",")
    shapes = [builder.tensors[name].shape for name in inputs]
    fits = len(names) == len(shapes) == 2 and all(
        len(name) == len(shape) + 1 and len({*name}) == len(name)
        for name, shape in zip(names, shapes, strict=True)
    )
    batch = names[0][:1]
    alone = [{*names[at]} - {*names[1 - at]} - {*result} for at in range(2)] if fits else [{""}]
    batches = all(name.startswith(batch) for name in (*names, result))
    if not fits or any(alone) or not batches or len(result) < 2:
        raise refusal(
            layer, f"computes {text!r}", expected="Expected two tensors, the batch first in all, "
            "sums over axes that both have, and an axis that is left: bij,bjk->bik.",
        )  # fmt: skip
    first, second = (name[1:] for name in names)
    sizes = dict(zip(first + second, shapes[0] + shapes[1], strict=True))
    shared = [axis for axis in first if axis in second and axis in result]
    summed = [axis for axis in first if axis in second and axis not in result]
    own = [[axis for axis in name if axis in result and axis not in shared]
           for name in (first, second)]  # fmt: skip
    rows = []
    for at, (name, title) in enumerate(((first, "first"), (second, "second"))):
        order = tuple(name.index(axis) for axis in (*shared, *own[at], *summed))
        part = _transposed(builder, inputs[at], order, f"{layer.name}/{title}")
        matrix = [math.prod(sizes[axis] for axis in axes) for axes in (shared, own[at], summed)]
        wanted = tuple(matrix) if shared else tuple(matrix[1:])
        rows.append(_reshaped(builder, part, wanted, f"{layer.name}/{title}/matrices"))
    product = builder.add(BatchMatmul(False, True), rows, f"{layer.name}/product")
    axes = [*shared, *own[0], *own[1]]
    whole = tuple(sizes[axis] for axis in axes) or (1,)
    found = _reshaped(builder, product, whole, f"{layer.name}/axes")
    order = tuple(axes.index(axis) for axis in result[1:])
    return _transposed(builder, found, order, layer.name)


def _transposed(builder: GraphBuilder, x: str, order: tuple[int, ...], name: str) -> str:
    if list(order) == sorted(order):
        return x
    return builder.add(Transpose(order), [x], name)


def _reshaped(builder: GraphBuilder, x: str, shape: tuple[int, ...], name: str) -> str:
    if builder.tensors[x].shape == shape:
        return x
    return builder.add(Reshape(shape), [x], name)


def power(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """By whole numbers: products; by halves: roots; below zero: inverses.

    Raises:
        ModelError: the exponent is another.
    """
    args = layer.config["args"]
    exponent = args[1] if len(args) > 1 and args[0] is None else None
    if not isinstance(exponent, int | float) or abs(exponent) not in (0.5, 1, 2, 3, 4):
        raise refusal(
            layer, f"computes a power: {args}",
            expected="Expected a tensor to the power 0.5, 1, 2, 3, 4, or one of these below zero.",
        )  # fmt: skip
    if abs(exponent) == 0.5:
        return builder.add(Root(exponent < 0), inputs, layer.name)
    name = layer.name if exponent > 0 else f"{layer.name}/power"
    found = inputs[0]
    if abs(exponent) > 1:
        title = name if abs(exponent) == 2 else f"{layer.name}/square"
        found = builder.add(Mul(), [found, found], title)
    if abs(exponent) > 2:
        other = inputs[0] if abs(exponent) == 3 else found
        found = builder.add(Mul(), [found, other], name)
    return found if exponent > 0 else builder.add(INVERSE, [found], layer.name)


def quotient(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """One tensor times the inverse of another, which has a table."""
    inverse = builder.add(INVERSE, [inputs[1]], f"{layer.name}/inverse")
    return merge(Mul(), layer, [inputs[0], inverse], builder)


def _along_last(op: Operator) -> Lowering:
    def lower(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        rank = len(builder.tensors[inputs[0]].shape)
        axis, order = layer.config.get("axis", -1), layer.config.get("order", 2)
        if place(layer, axis, rank) != rank - 1 or order != 2:
            what = f"works along axis {axis}, order {order}"
            raise refusal(layer, what, expected="Expected the last axis, and order 2.")
        return builder.add(op, inputs, layer.name)

    return lower


def _leaky(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    return builder.add(LeakyRelu(float(layer.config["negative_slope"])), inputs, layer.name)


def _exponential_unit(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    return builder.add(Elu(float(layer.config.get("alpha", 1.0))), inputs, layer.name)


def _log_of_one_more(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    more = scaled(f"{layer.name}/one_more", inputs[0], 1.0, 1.0, builder)
    return builder.add(Logarithm(), [more], layer.name)


def _logarithm(base: float) -> Lowering:
    def lower(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        found = builder.add(Logarithm(), inputs, f"{layer.name}/natural")
        return scaled(layer.name, found, 1 / math.log(base), 0.0, builder)

    return lower


def _blocks(inverse: bool) -> Lowering:
    def lower(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
        """Channels to blocks of cells, or blocks to channels."""
        return builder.add(DepthToSpace(layer.config["block_size"], inverse), inputs, layer.name)

    return lower


def _same(layer: KerasLayer, inputs: Sequence[str], builder: GraphBuilder) -> str:
    """Casts between types of real numbers."""
    if not str(layer.config.get("dtype", "float")).startswith(("float", "bfloat")):
        what = f"converts to {layer.config.get('dtype')}"
        raise refusal(layer, what, expected="Expected a type of real numbers.")
    return inputs[0]


def unary(op: Operator) -> Lowering:
    """A function of each value."""
    return lambda layer, inputs, builder: builder.add(op, inputs, layer.name)


MATH: Mapping[str, Lowering] = {
    "Cast": _same,
    "DepthToSpace": _blocks(inverse=False),
    "Einsum": _einsum,
    "Flip": _flipped,
    "Elu": _exponential_unit,
    "LeakyRelu": _leaky,
    "Log10": _logarithm(10),
    "Log1p": _log_of_one_more,
    "Log2": _logarithm(2),
    "LogSoftmax": _along_last(LogSoftmax()),
    "Moveaxis": _moved,
    "Normalize": _along_last(L2Normalization()),
    "Pad": _padded,
    "Power": power,
    "Repeat": _repeated,
    "Roll": _rolled,
    "SpaceToDepth": _blocks(inverse=True),
    "Swapaxes": _moved,
    "Take": _taken,
    "Tile": _tiled,
    **{name.capitalize(): unary(Function(name)) for name in MATHEMATICS},
}
"""By class name in Keras."""
PARTS = ("Split", "Unstack")
"""Functions with several results, by class name."""
