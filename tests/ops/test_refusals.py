"""Errors of operators, with their messages."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from conformance import parameters, unary_case

from tinycomp.common.errors import ModelError
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Array, Constant, Operands, Shape, Tensor
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.depth_to_space import DepthToSpace
from tinycomp.ops.gather import Gather
from tinycomp.ops.hard_swish import HardSwish
from tinycomp.ops.mean import Mean
from tinycomp.ops.mul import Mul
from tinycomp.ops.pad import Pad
from tinycomp.ops.quantize import Quantize
from tinycomp.ops.reduce_max import ReduceMax
from tinycomp.ops.relu import Relu
from tinycomp.ops.resize_nearest_neighbor import ResizeNearestNeighbor
from tinycomp.ops.strided_slice import StridedSlice
from tinycomp.ops.tile import Tile
from tinycomp.ops.transpose import Transpose
from tinycomp.reference.simulate import simulate

UNIT = parameters(0.1)


def _tensor(name: str, shape: Shape, scale: float = 0.1, dtype: str = "int8") -> Tensor:
    return Tensor(name, shape, dtype, parameters(scale))


def _operands(shape: Shape, constant: Array | None, output: Shape) -> Operands:
    """Operands: tensor x, optionally a constant k, output y."""
    constants = () if constant is None else (Constant("k", constant, UNIT),)
    return Operands((_tensor("x", shape), *constants), (_tensor("y", output),))


@pytest.mark.parametrize(
    ("op", "inputs", "text"),
    [
        (Relu(), [(3,), (3,)], "A function of one tensor got 2 inputs"),
        (Mean(), [(4,)], "A mean over positions got an input of shape \\(4,\\)"),
        (Mean(), [(0, 3, 4)], "Expected \\(height, width, channels\\) or \\(length, channels\\)"),
        (ReduceMax(), [(2, 3, 4, 5)], "A maximum over positions got an input of shape"),
        (Pad(((1, 1),)), [(3, 4)], "The padding \\(\\(1, 1\\),\\) does not fit an input of shape"),
        (Pad(((1, -1), (0, 0))), [(3, 4)], "Expected a pair of cells, not negative"),
        (Concatenation(2), [(3, 4), (3, 4)], "A concatenation along axis 2 got inputs of shapes"),
        (Concatenation(1), [(3, 4), (2, 4)], "Expected equal lengths along all other axes"),
        (Concatenation(0), [(3, 4), (4,)], "Expected equal lengths along all other axes"),
        (
            StridedSlice(((0, 5, 1),)),
            [(4,)],
            "does not fit an input of shape \\(4,\\)",
        ),
        (StridedSlice(((0, 2, 1),), (0,)), [(4,)], "Expected 1 to 4 axes, with at least one cell"),
        (Transpose((0, 0)), [(3, 4)], "The order of axes \\(0, 0\\) does not fit"),
        (Tile((2,)), [(3, 4)], "An input of shape \\(3, 4\\) can't be repeated \\(2,\\) times"),
        (Gather((4,), 1), [(3, 4)], "The indices \\(4,\\) do not fit axis 1 of an input"),
        (DepthToSpace(2), [(3, 4, 6)], "Blocks of 2 x 2 cells do not divide an input of shape"),
        (ResizeNearestNeighbor((0, 2)), [(3, 4, 1)], "can't be resized to \\(0, 2\\)"),
        (Concatenation(0), [], "Expected 1 to 5 axes, this one among them"),
        (Mul(), [(4, 3, 2), (4, 1, 1)], "A product got inputs of shapes"),
        (Mul(), [(2,), (2,), (2,)], "Expected two of one shape"),
    ],
)
def test_shapes(op: Operator, inputs: list[Shape], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        op.infer_shape(inputs)


@pytest.mark.parametrize(
    ("op", "factor", "text"),
    [
        (Quantize(), 1e-8, "'quantize' is 1e\\+08 times finer .* at most 2\\^23 times"),
        (Relu(), 1e-8, "'relu' is 1e\\+08 times finer"),
        (HardSwish(), 0.001, "The hard swish 'hard_swish' has the output scale 0.0001"),
        (HardSwish(), 1e5, "Expected 1/128 to 256 times the input scale"),
    ],
)
def test_scales(op: Operator, factor: float, text: str) -> None:
    case = unary_case("far", op, (4,), parameters(0.1), parameters(0.1 * factor))
    with pytest.raises(ModelError, match=text):
        simulate(case.graph, case.inputs)


def test_scales_of_reductions_and_products() -> None:
    fine = (_tensor("y", (3,), 1e-9),)
    with pytest.raises(ModelError, match=r"'y' is 1e\+08 times finer .* at most 2\^22 times"):
        Mean().kernel(Operands((_tensor("x", (4, 3)),), fine))
    with pytest.raises(ModelError, match=r"'y' is 1e\+07 times finer .* at most 2\^15 times"):
        Mul().kernel(Operands((_tensor("x", (3,)), _tensor("z", (3,))), fine))


@pytest.mark.parametrize("op", [ReduceMax(), Pad(((0, 1), (0, 0))), Concatenation(0)])
def test_copies_between_different_parameters(op: Operator) -> None:
    output = op.infer_shape([(4, 3)])
    operands = Operands((_tensor("x", (4, 3)),), (_tensor("y", output, 0.2),))
    for use in (op.kernel, lambda o: op.reference(o, [np.zeros((1, 4, 3), np.int8)])):
        with pytest.raises(ModelError, match=f"'y' \\({op.name}\\) has other quantization"):
            use(operands)


@pytest.mark.parametrize(
    ("op", "constant", "text"),
    [
        (Concatenation(0), (3,), "The concatenation 'y' has the constant input 'k'"),
        (Mul(), (4, 3), "The product 'y' repeats a tensor over the constant 'k'"),
    ],
)
def test_constants_without_kernel(op: Operator, constant: Shape, text: str) -> None:
    values = np.ones(constant, np.int8)
    operands = _operands((3,), values, op.infer_shape([(3,), constant]))
    with pytest.raises(ModelError, match=text):
        op.kernel(operands)


IMAGE, VECTOR = (4, 3, 2), (2,)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (
            lambda: Mean.from_tflite(
                "MEAN", schema.ReducerOptionsT(), _operands(IMAGE, np.array([3]), VECTOR)
            ),
            "MEAN 'y' reduces the axes \\[3\\].* Expected constant axes of its input",
        ),
        (
            lambda: ReduceMax.from_tflite(
                "REDUCE_MAX", schema.ReducerOptionsT(), _operands(IMAGE, None, VECTOR)
            ),
            "REDUCE_MAX 'y' reduces the axes given by a tensor",
        ),
        (
            lambda: Pad.from_tflite(
                "PAD", None, _operands(VECTOR, np.array([[1, 0], [0, 0]]), VECTOR)
            ),
            "PAD 'y' pads by \\[\\(1, 0\\), \\(0, 0\\)\\]",
        ),
        (
            lambda: Pad.from_tflite("PAD", None, _operands(VECTOR, None, VECTOR)),
            "PAD 'y' pads by a tensor",
        ),
        (
            lambda: Concatenation.from_tflite(
                "CONCATENATION", schema.ConcatenationOptionsT(0), _operands(VECTOR, None, VECTOR)
            ),
            "CONCATENATION 'y' has axis 0 and activation 0",
        ),
        (
            lambda: Concatenation.from_tflite(
                "CONCATENATION", schema.ConcatenationOptionsT(1, 1), _operands(VECTOR, None, VECTOR)
            ),
            "Expected an axis other than the first \\(batch\\) and no activation",
        ),
        (
            lambda: Quantize.from_tflite(
                "QUANTIZE",
                None,
                Operands((_tensor("x", VECTOR, dtype="uint8"),), (_tensor("y", VECTOR),)),
            ),
            "A QUANTIZE inside the model has the uint8 tensor 'x'",
        ),
    ],
)
def test_tflite(read: Callable[[], Operator], text: str) -> None:
    with pytest.raises(ModelError, match=text):
        read()
