"""Conformance cases on 16-bit activations: each operator, extremes, scales far apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from conformance import (
    ACTIVATIONS,
    Case,
    CaseBuilder,
    channel_parameters,
    extreme_inputs,
    parameters,
    windows,
)
from sequences import SIZES, sequence_case

from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, QuantizationParameters, Shape
from tinycomp.ops._activation import Activation
from tinycomp.ops._recurrent import Recurrent
from tinycomp.ops._window import Window
from tinycomp.ops.add import Add
from tinycomp.ops.add_constant import AddConstant
from tinycomp.ops.average_pool_2d import AveragePool2D
from tinycomp.ops.batch_matmul import BatchMatmul
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.conv_2d import Conv2D
from tinycomp.ops.depthwise_conv_2d import DepthwiseConv2D
from tinycomp.ops.extremum import Extremum
from tinycomp.ops.fully_connected import FullyConnected
from tinycomp.ops.gather import Gather
from tinycomp.ops.gru import Gru
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.max_pool_2d import MaxPool2D
from tinycomp.ops.mean import Mean
from tinycomp.ops.mirror_pad import MirrorPad
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.reduce_min import ReduceMin
from tinycomp.ops.relu import Relu
from tinycomp.ops.reshape import Reshape
from tinycomp.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from tinycomp.ops.simple_rnn import SimpleRnn
from tinycomp.ops.softmax import Softmax
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.subtract import Subtract
from tinycomp.ops.tanh import Tanh
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose

SIZE = (7, 6)
UNIT = parameters(1 / 32768)
ONE = parameters(0.0003)
SUMS = (3e-6, 2.0**-11)
"""Scales of the sums of recurrent layers."""


def cases() -> dict[str, list[Case]]:
    """By operator."""
    found: dict[str, list[Case]] = {}
    for make in (
        _weighted, _unary, _binary, _matrices, _pooling, _reductions, _moving, _conversions,
        _recurrent,
    ):  # fmt: skip
        for operator, case in make():
            found.setdefault(operator, []).append(case)
    return found


Found = list[tuple[str, Case]]


def _case(
    name: str, shape: Shape, nodes: Callable[[CaseBuilder], object], source: QuantizationParameters,
    seed: int = 0,
) -> Case:  # fmt: skip
    builder = CaseBuilder(shape, source, "int16")
    nodes(builder)
    inputs = extreme_inputs(np.random.default_rng(seed), shape, 5, "int16")
    return Case(name, builder.graph(), inputs)


def _one(
    name: str, op: Operator, shape: Shape, source: QuantizationParameters = ONE,
    output: QuantizationParameters = ONE, constants: Sequence[Constant] = (),
) -> tuple[str, Case]:  # fmt: skip
    def nodes(builder: CaseBuilder) -> None:
        builder.add(op, ["input"], output, constants)

    return op.name, _case(name, shape, nodes, source)


def _layer(
    name: str, op: Operator, shape: Shape, weights: Shape, *, seed: int = 0, spread: float = 9000.0,
    per_channel: bool = True, extreme: bool = False, bias: int = 1 << 26,
) -> tuple[str, Case]:  # fmt: skip
    rng = np.random.default_rng(seed)
    source = parameters(float(rng.uniform(1e-4, 1e-3)))
    axis = op.weight_axis
    assert axis is not None
    values = rng.choice([-127, 127], weights) if extreme else rng.integers(-127, 128, weights)
    channels = weights[axis] if per_channel else 1
    scales = np.exp(rng.uniform(-6, -3, channels)).astype(np.float32)
    products = np.float32(source.scale) * scales
    kinds = [
        parameters(each[0]) if channels == 1 else channel_parameters(each, at)
        for each, at in ((scales, axis), (products, 0))
    ]
    amounts = rng.integers(-bias, bias, weights[axis])
    constants = (
        Constant("weights", values.astype(np.int8), kinds[0]),
        Constant("bias", amounts.astype(np.int64), kinds[1]),
    )
    length = int(np.prod(weights)) // weights[axis]
    typical = source.scale * float(np.median(scales)) * 74 * 18000 * np.sqrt(length)
    return _one(name, op, shape, source, parameters(typical / spread), constants)


def _weighted() -> Found:
    same = Conv2D(Window.make("same", SIZE, (3, 3)))
    found = []
    for seed, (name, window) in enumerate(windows(SIZE)):
        found.append(_layer(name, Conv2D(window), (*SIZE, 3), (5, *window.kernel, 3), seed=seed))
        for multiplier in (1, 2):
            op = DepthwiseConv2D(window, multiplier)
            weights = (1, *window.kernel, 5 * multiplier)
            found.append(_layer(f"{name} x{multiplier}", op, (*SIZE, 5), weights, seed=seed))
    for inputs, outputs in ((1, 1), (16, 4), (5, 8)):
        weights = (outputs, 3, 3, inputs)
        found.append(_layer(f"{inputs} to {outputs}", same, (*SIZE, inputs), weights))
    for activation in ACTIVATIONS:
        name, op = f"activation {activation.name}", Conv2D(Window((2, 2)), activation)
        found.append(_layer(name, op, (*SIZE, 4), (4, 2, 2, 4), seed=9))
        found.append(_layer(name, FullyConnected(activation), (33,), (9, 33), seed=9))
    large = 1 << 35
    for name, arguments in (
        ("extreme weights", {"extreme": True}), ("saturating", {"spread": 4e6}),
        ("one scale", {"per_channel": False}), ("biases beyond 32 bits", {"bias": large}),
        ("nearly all zero", {"spread": 3.0}),
    ):  # fmt: skip
        found.append(_layer(name, same, (*SIZE, 4), (8, 3, 3, 4), **arguments))
        found.append(_layer(name, FullyConnected(), (40,), (10, 40), **arguments))
    found.append(_layer("long", FullyConnected(), (1300,), (5, 1300), extreme=True))
    found.append(_layer("rows", FullyConnected(), (5, 3, 11), (6, 11), seed=3))
    return found


def _unary() -> Found:
    found = [
        _one(f"{scale:g}", op, (5, 4), parameters(scale), UNIT)
        for op in (Logistic(), Tanh())
        for scale in (1e-6, 1 / 4096, 1 / 2048, 0.0003, 0.001, 0.02, 0.5)
    ]
    for beta, scale in ((1.0, 1e-4), (1.0, 0.0005), (2.5, 0.001), (1.0, 0.3), (1.0, 1e-7)):
        for channels in (1, 2, 10, 700):
            name = f"{channels} channels, beta {beta:g}, scale {scale:g}"
            found.append(_one(name, Softmax(beta), (3, channels), parameters(scale), UNIT))
    for scale in (0.0003, 0.00029, 0.1, 2e-6):
        for relu in (Relu(), Relu(6.0), Relu(1.0), LeakyRelu(0.2), LeakyRelu(-0.7)):
            found.append(_one(f"{relu} {scale:g}", relu, (6, 5), ONE, parameters(scale)))
    for scale in (0.0003, 0.00071, 0.0001, 3.0):
        found.append(_one(f"{scale:g}", Quantize(), (6, 5), ONE, parameters(scale)))
    return found


def _conversions() -> Found:
    def down(builder: CaseBuilder) -> None:
        name = builder.add(Quantize(), ["input"], parameters(0.08, -7), dtype="int8", name="down")
        builder.add(Quantize(), [name], parameters(0.0002), name="up")

    return [("quantize", _case("through int8", (6, 5), down, ONE))]


def _two(
    name: str, op: Operator, shape: Shape, narrow: tuple[int, ...], scales: tuple[float, float],
    output: float, swapped: bool = False,
) -> tuple[str, Case]:  # fmt: skip
    """The input, and a part of it with another scale."""

    def nodes(builder: CaseBuilder) -> None:
        parts = tuple(
            (0, 1, 1) if own < full else (full - 1, full, -1)
            for own, full in zip(narrow, shape, strict=True)
        )
        sliced = builder.add(StridedSlice(parts), ["input"], parameters(scales[0]), name="part")
        other = builder.add(Quantize(), [sliced], parameters(scales[1]), name="other")
        names = [other, "input"] if swapped else ["input", other]
        builder.add(op, names, parameters(output))

    return op.name, _case(name, shape, nodes, parameters(scales[0]))


def _constant(values: Array, scale: float) -> Constant:
    return Constant("constant", values.astype(np.int16), parameters(scale))


def _binary() -> Found:
    rng = np.random.default_rng(5)
    found = []
    shape = (4, 3, 5)
    for kind in (Add, Subtract, Mul):
        for activation in ACTIVATIONS:
            output = 0.0007 if kind is not Mul else 0.002
            name = f"activation {activation.name}"
            found.append(_two(name, kind(activation), shape, shape, (0.0003, 0.0005), output))
        for narrow in ((1, 3, 5), (1, 1, 5)):
            for swapped in (False, True):
                name, op = f"{narrow}, {swapped}", kind()
                found.append(_two(name, op, shape, narrow, (0.0003, 0.02), 0.02, swapped))
        found.append(_two("scales far apart", kind(), shape, shape, (1e-6, 0.9), 0.9))
        found.append(_two("fine output", kind(), shape, shape, (0.0003, 0.0003), 1e-7))
    for largest in (True, False):
        for narrow in (shape, (1, 1, 5)):
            name = f"{largest} {narrow}"
            found.append(_two(name, Extremum(largest), shape, narrow, (0.0003, 0.0003), 0.0003))
    for size in ((5,), shape, (1,)):
        values = rng.integers(-32768, 32768, size)
        for op in (AddConstant(), AddConstant(True), Mul(), Mul(Activation.RELU6)):
            constants = [_constant(values, 0.0004)]
            name = f"{op} {size}"
            found.append(_one(name, op, shape, ONE, parameters(0.004), constants))
    return found


def _matrices() -> Found:
    """All four ways to read two matrices, in a case for each rank; scales."""
    found = []
    for shape in ((4, 6), (3, 4, 5), (2, 3, 4, 2)):
        for scales in ((0.0003, 0.0005, 0.004), (1e-6, 0.9, 0.9), (0.0003, 1 / 32768, 0.0003)):
            found.append(("batch_matmul", _products(shape, scales)))
    return found


def _products(shape: Shape, scales: tuple[float, float, float]) -> Case:
    turned = (*range(len(shape) - 2), len(shape) - 1, len(shape) - 2)
    first, second, output = map(parameters, scales)

    def nodes(builder: CaseBuilder) -> None:
        back = StridedSlice(tuple((full - 1, full, -1) for full in shape))
        sliced = builder.add(back, ["input"], first, name="back")
        same = builder.add(Quantize(), [sliced], second, name="other")
        across = builder.add(Transpose(turned), [same], second, name="across")
        for name, op, other in (
            ("plain", BatchMatmul(), across),
            ("second", BatchMatmul(False, True), same),
            ("first", BatchMatmul(True), same),
            ("both", BatchMatmul(True, True), across),
        ):
            builder.add(op, ["input", other], output, name=name)

    return _case(f"{shape}, {scales}", shape, nodes, first)


def _pooling() -> Found:
    found = []
    for name, window in windows(SIZE):
        if window.dilation == (1, 1):
            for op in (AveragePool2D(window), MaxPool2D(window)):
                found.append(_one(name, op, (*SIZE, 5)))
    for activation in ACTIVATIONS:
        for kind in (AveragePool2D, MaxPool2D):
            op = kind(Window((2, 2)), activation)
            found.append(_one(f"activation {activation.name}", op, (*SIZE, 3)))
    return found


def _reductions() -> Found:
    found = []
    for scale in (0.0003, 0.00011, 0.02):
        for axes in (None, (1,), (2,), (1, 2)):
            name, op = f"{axes} {scale:g}", Mean(axes=axes)
            found.append(_one(name, op, (*SIZE, 5), ONE, parameters(scale)))
    for op in (ReduceMax(), ReduceMin(), ReduceMax(axes=(1,)), ReduceMin(True, (2,))):
        found.append(_one(f"{op}", op, (*SIZE, 5)))
    return found


def _moving() -> Found:
    shape = (4, 6, 8)
    found = [
        _one(f"{op}", op, shape)
        for op in (
            Reshape((24, 8)), Pad(((1, 2), (0, 3), (0, 0))), Pad(((0, 0), (1, 0), (2, 1))),
            Transpose((1, 0, 2)), Transpose((0, 2, 1)), Transpose((2, 1, 0)),
            StridedSlice(((1, 2, 2), (0, 6, 1), (7, 4, -2))), StridedSlice(((0, 4, 1), (2, 1, 1),
            (0, 8, 1)), (1,)), Gather((3, 0, 3), 0), Gather((5, 1), 2), Tile((2, 1, 3)),
            ResizeNearestNeighbor((7, 9)), MirrorPad(((1, 2), (3, 0), (0, 7))),
            MirrorPad(((4, 0), (0, 6), (1, 1)), True),
        )
    ]  # fmt: skip
    for axis in (0, 1, 2):

        def nodes(builder: CaseBuilder, axis: int = axis) -> None:
            padded = builder.add(Reshape(shape), ["input"], ONE, name="again")
            turned = builder.add(StridedSlice(((3, 4, -1), (0, 6, 1), (0, 8, 1))), [padded], ONE)
            builder.add(Concatenation(axis), ["input", turned], ONE)

        found.append(("concatenation", _case(f"axis {axis}", shape, nodes, ONE)))
    return found


def _recurrent() -> Found:
    layers = (Gru(True, (2e-4, 1e-4)), Gru(False, (2e-4, 1e-4)), SimpleRnn(1e-4))
    return [(op.name, case) for op in layers for case in _sequences(op)]


def _sequences(op: Recurrent) -> list[Case]:
    make = partial(sequence_case, dtype="int16")
    return [
        *(make(f"{shape}, {units}, {op}", op, shape, units, seed=units) for shape, units in SIZES),
        *(make(f"{scale}, {op}", _scaled(op, scale), (8, 5), 7, seed=10) for scale in SUMS),
        *(
            make(f"given, {op}, {masked=}", op, (6, 9), 7, seed=16, given=True, masked=masked)
            for masked in (False, True)
        ),
        make(f"masked, {op}", op, (9, 5), 7, seed=15, masked=True),
        make(f"saturated, {op}", op, (8, 5), 6, seed=11, gain=40.0),
        make(f"large biases, {op}", op, (8, 5), 6, seed=12, bias=5.0),
        make(f"hardly any input, {op}", op, (8, 5), 6, seed=13, gain=0.01),
        make(f"few weights, {op}", op, (8, 5), 6, seed=14, values=(-3, 0, 0, 7)),
        make(f"biases beyond 32 bits, {op}", op, (8, 5), 6, seed=15, bias=400.0),
    ]


def _scaled(op: Recurrent, scale: float) -> Recurrent:
    """The layer with another scale of its sums."""
    return (
        replace(op, scale=scale) if isinstance(op, SimpleRnn) else replace(op, scales=(scale,) * 2)
    )
