"""Exported float graphs compute the operators' definitions on LiteRT."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest

from tinycomp.ir.graph import GraphBuilder
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array
from tinycomp.ops.arg_max import ArgMax
from tinycomp.ops.arg_min import ArgMin
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.elu import Elu
from tinycomp.ops.exp import Exp
from tinycomp.ops.function import DEFINITIONS, Function
from tinycomp.ops.gather import Gather
from tinycomp.ops.gelu import Gelu
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.leaky_relu import LeakyRelu
from tinycomp.ops.logistic import Logistic
from tinycomp.ops.mean import Mean
from tinycomp.ops.mirror_pad import MirrorPad
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.tanh import Tanh
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose
from tinycomp.quantization.export import write_tflite
from tinycomp.reference import oracle

SHAPE = (3, 4, 5)
Definition = Callable[[Array], Array]

UNARY: Sequence[tuple[Operator, Definition]] = (
    (Relu(), lambda x: np.maximum(x, 0)),
    (Relu(1.0), lambda x: np.clip(x, 0, 1)),
    (Relu(6.0), lambda x: np.clip(x, 0, 6)),
    (Relu(2.5), lambda x: np.clip(x, 0, 2.5)),
    (LeakyRelu(0.25), lambda x: np.where(x > 0, x, 0.25 * x)),
    (LeakyRelu(0.25, 3.0), lambda x: np.minimum(np.where(x > 0, x, 0.25 * x), 3)),
    (HardSwish(), lambda x: x * np.clip(x + 3, 0, 6) / 6),
    (Logistic(), lambda x: 1 / (1 + np.exp(-x))),
    (Tanh(), np.tanh),
    (Gelu(), lambda x: x * np.vectorize(math.erfc)(-x / math.sqrt(2)) / 2),
    (Gelu(True), lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))),
    (Exp(), np.exp),
    (Elu(), lambda x: np.where(x > 0, x, np.expm1(x))),
    (Elu(0.3), lambda x: np.where(x > 0, x, 0.3 * np.expm1(x))),
    *((Function(kind), known.real) for kind, known in DEFINITIONS.items()),
    (StridedSlice.cropping(SHAPE, ((1, 0), (0, 2), (1, 1))), lambda x: x[:, 1:, :-2, 1:-1]),
    (
        StridedSlice(((SHAPE[0] - 1, SHAPE[0], -1), (1, 1, 1), (0, 2, 2)), (1,)),
        lambda x: x[:, ::-1, 1, :3:2],
    ),
    (Transpose((2, 0, 1)), lambda x: x.transpose(0, 3, 1, 2)),
    (Tile((2, 1, 3)), lambda x: np.tile(x, (1, 2, 1, 3))),
    (Gather((1, 0, 1), 2), lambda x: x[..., [1, 0, 1]]),
    (Mean(), lambda x: x.mean(axis=(1, 2))),
    (Mean(keep_dims=True), lambda x: x.mean(axis=(1, 2), keepdims=True)),
    (ReduceMax(), lambda x: x.max(axis=(1, 2))),
    (ReduceMax(keep_dims=True), lambda x: x.max(axis=(1, 2), keepdims=True)),
    (ArgMax(axes=(1,)), lambda x: x.argmax(2)),
    (ArgMin(True, axes=(2,)), lambda x: x.argmin(3)[..., None]),
    (
        MirrorPad(((2, 0), (0, 3), (1, 4))),
        lambda x: np.pad(x, ((0, 0), (2, 0), (0, 3), (1, 4)), mode="reflect"),
    ),
    (
        MirrorPad(((3, 0), (0, 4), (1, 5)), True),
        lambda x: np.pad(x, ((0, 0), (3, 0), (0, 4), (1, 5)), mode="symmetric"),
    ),
    (Pad(((1, 0), (0, 2), (1, 1))), lambda x: np.pad(x, ((0, 0), (1, 0), (0, 2), (1, 1)))),
)


def _inputs() -> Array:
    return np.random.default_rng(0).normal(0, 4, (7, *SHAPE)).astype(np.float32)


def _run(builder: GraphBuilder, output: str) -> Array:
    return oracle.run_float(write_tflite(builder.build([output])), _inputs())[output]


@pytest.mark.parametrize(("op", "definition"), UNARY, ids=[repr(op) for op, _ in UNARY])
def test_one_input(op: Operator, definition: Definition) -> None:
    builder = GraphBuilder("float")
    found = _run(builder, builder.add(op, [builder.input("x", SHAPE)], "y"))
    np.testing.assert_allclose(found, definition(_inputs()), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_concatenation(axis: int) -> None:
    builder = GraphBuilder("float")
    source = builder.input("x", SHAPE)
    activated = builder.add(Relu(), [source], "relu")
    found = _run(builder, builder.add(Concatenation(axis), [source, activated], "y"))
    expected = np.concatenate([_inputs(), np.maximum(_inputs(), 0)], axis % 3 + 1)
    assert np.array_equal(found, expected)


def test_product_with_channels() -> None:
    builder = GraphBuilder("float")
    source = builder.input("x", SHAPE)
    pooled = builder.add(ReduceMax(keep_dims=True), [source], "largest")
    found = _run(builder, builder.add(Mul(), [source, pooled], "y"))
    expected = _inputs() * _inputs().max(axis=(1, 2), keepdims=True)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_product_with_a_constant() -> None:
    builder = GraphBuilder("float")
    factors = np.linspace(-1, 1, SHAPE[2], dtype=np.float32)
    inputs = [builder.input("x", SHAPE), builder.constant("factors", factors)]
    found = _run(builder, builder.add(Mul(), inputs, "y"))
    np.testing.assert_allclose(found, _inputs() * factors, rtol=1e-6)
