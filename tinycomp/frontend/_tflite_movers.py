"""Converts operators that rearrange values to nodes of the IR, whose shapes do not include the
batch.

Shapes and axes of TFLite include the batch. If an operator moves or removes it, the nodes treat it
as an ordinary axis, between reshapes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from tinycomp.common.errors import ModelError
from tinycomp.frontend._tflite_file import FileOperator, TfliteFile
from tinycomp.frontend._tflite_values import ir_shape
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Operands, Shape, Tensor, Value
from tinycomp.ops._broadcast import core, repetition, spread
from tinycomp.ops._move import Move
from tinycomp.ops._reduction import AxesOperator, Reduction, constant_axes, first_axes, kept
from tinycomp.ops._registry import operators
from tinycomp.ops._slice_options import Piece
from tinycomp.ops.concatenation import Concatenation
from tinycomp.ops.transpose import Transpose

_DIVIDING = ("SPLIT", "SPLIT_V", "UNPACK")

Free = Callable[[str], str]
"""Makes an unused tensor name from a given one."""


class Step(NamedTuple):
    """A node to append."""

    op: Operator
    """The operator."""
    inputs: tuple[Tensor, ...]
    """The inputs."""
    output: Tensor
    """The output."""


def divide(file: TfliteFile) -> TfliteFile:
    """The file with one operator for each output of SPLIT, SPLIT_V and UNPACK; their options are
    Pieces.
    """
    found: list[FileOperator] = []
    for operator in file.operators:
        if operator.builtin not in _DIVIDING or operator.options is None:
            found.append(operator)
            continue
        axis = operator.options.axis if operator.builtin == "UNPACK" else None
        for number, output in enumerate(operator.outputs):
            piece = Piece(operator.builtin, number, len(operator.outputs), axis)
            found.append(replace(operator, outputs=(output,), options=piece))
    return replace(file, operators=tuple(found))


def move_steps(
    kind: type[Move], operator: FileOperator, inputs: Sequence[Value], full: Shape, output: Tensor,
    free: Free,
) -> tuple[list[Step], Shape]:  # fmt: skip
    """The nodes of a rearranging operator, and the full shape of its output.

    Args:
        kind: class of the operator.
        operator: the operator in the file.
        inputs: one tensor, and constants.
        full: the tensor's shape including the batch.
        output: the output, with any shape.
        free: makes unused names.

    Raises:
        ModelError: the options or constants don't fit the input.
    """
    seen = tuple(replace(each, shape=full) if isinstance(each, Tensor) else each for each in inputs)
    moved = kind.read(operator.builtin, operator.options, Operands(seen, (output,)))
    (source,) = (each for each in inputs if isinstance(each, Tensor))
    op, inner = moved.op, moved.op.inner()
    if full[:1] == (1,) and inner is not None and moved.shape[:1] == (1,):
        return _reshaped(inner, source, replace(output, shape=moved.shape[1:]), free), moved.shape
    steps: list[Step] = []
    if source.shape != full:
        whole = replace(source, name=free(f"{output.name}/whole"), shape=full)
        steps.append(_reshape(source, whole))
        source = whole
    output = replace(output, shape=ir_shape(moved.shape))
    return [*steps, *_reshaped(op, source, output, free)], moved.shape


def pack_steps(
    inputs: Sequence[Value], fulls: Sequence[Shape], axis: int, output: Tensor, free: Free
) -> tuple[list[Step], Shape]:
    """The nodes of a PACK, which stacks tensors along a new axis, and the output's full shape.

    Raises:
        ModelError: the tensors differ in shape, there is no such axis, or one is a constant.
    """
    tensors = [each for each in inputs if isinstance(each, Tensor)]
    rank = len(fulls[0]) + 1
    if len(tensors) < len(inputs) or len({*fulls}) > 1 or not -rank <= axis < rank:
        raise ModelError(
            f"It stacks {len(inputs)} inputs of shapes {sorted({*fulls})} along axis {axis}.",
            expected="Expected computed tensors of one shape, and one of its axes.",
            hint="Join a constant to the tensor by a layer with weights instead.",
        )
    axis %= rank
    one = (*fulls[0][:axis], 1, *fulls[0][axis:])
    full = (*one[:axis], len(inputs), *one[axis + 1 :])
    # The batch is the first axis, unless tensors are stacked along it.
    batch = int(axis > 0 and one[0] == 1)
    steps, parts = [], []
    for number, tensor in enumerate(tensors):
        part = replace(tensor, name=free(f"{output.name}/{number}"), shape=one[batch:])
        if part.shape == tensor.shape:
            part = tensor
        else:
            steps.append(_reshape(tensor, part))
        parts.append(part)
    if len(parts) == 1:
        return [_reshape(tensors[0], replace(output, shape=ir_shape(full)))], full
    op = Concatenation(axis - batch)
    steps.append(Step(op, tuple(parts), replace(output, shape=full[batch:])))
    return steps, full


def reduce_steps(
    kind: type[AxesOperator], operator: FileOperator, inputs: Sequence[Value], full: Shape,
    output: Tensor, free: Free,
) -> tuple[list[Step], Shape]:  # fmt: skip
    """The nodes of a reduction over any axes, and the full shape of its output: where the axes are
    apart, a transposition first.

    Raises:
        ModelError: the axes are not constant, or the input does not have them.
    """
    seen = tuple(replace(each, shape=full) if isinstance(each, Tensor) else each for each in inputs)
    named = constant_axes(operator.builtin, Operands(seen, (output,)))
    keeps = kept(operator.options)
    last = tuple(
        1 if axis in named else size for axis, size in enumerate(full) if keeps or axis not in named
    )
    output = replace(output, shape=ir_shape(last))
    (source,) = (each for each in inputs if isinstance(each, Tensor))
    batch = int(full[:1] == (1,))
    axes = tuple(axis - batch for axis in named if axis >= batch)
    if not axes:
        if not issubclass(kind, Reduction):
            raise ModelError(
                f"{operator.builtin} works along the batch.", expected="Expected another axis."
            )
        return [_reshape(source, output)], last
    rank = len(source.shape)
    order = first_axes(axes, rank)
    if order is None:
        op = kind.over(axes, rank, keeps)
        return _reshaped(op, source, output, free), last
    transpose = Transpose(order)
    turned = replace(
        source, name=free(f"{output.name}/turned"), shape=transpose.infer_shape([source.shape])
    )
    op = kind.over(range(len(axes)), rank)
    first = Step(transpose, (source,), turned)
    return [first, *_reshaped(op, turned, output, free)], last


def spread_steps(
    phrase: str, inputs: Sequence[Value], output: str, free: Free
) -> tuple[list[Step], list[Value]]:
    """The nodes before one of two inputs that repeat it where no kernel does, and the inputs that
    are read then. Constants are repeated at once, under other names.

    Raises:
        ModelError: the inputs have no common shape.
    """
    steps: list[Step] = []
    read = list(inputs)
    shapes = [each.shape for each in inputs]
    targets = spread(phrase, shapes)
    output_shape = np.broadcast_shapes(*shapes)
    constant = any(isinstance(each, Constant) for each in inputs)
    for place, (value, target) in enumerate(zip(inputs, targets, strict=True)):
        if constant and isinstance(value, Tensor) and core(value.shape) != core(output_shape):
            target = output_shape  # a kernel repeats the constant, not the tensor
        if target is None:
            continue
        if isinstance(value, Constant):
            whole = np.ascontiguousarray(np.broadcast_to(value.values, target))
            read[place] = replace(value, name=free(f"{value.name}/repeated"), values=whole)
            continue
        for number, op in enumerate(repetition(value.shape, target)):
            name = free(f"{output}/repeated{place}{number}")
            after = replace(value, name=name, shape=op.infer_shape([value.shape]))
            steps.append(Step(op, (value,), after))
            value = read[place] = after
    return steps, read


def _reshaped(op: Operator, source: Tensor, output: Tensor, free: Free) -> list[Step]:
    """The operator, followed by a reshape if the output has another shape."""
    shape = op.infer_shape([source.shape])
    if shape == output.shape:
        return [Step(op, (source,), output)]
    middle = replace(output, name=free(f"{output.name}/moved"), shape=shape)
    return [Step(op, (source,), middle), _reshape(middle, output)]


def _reshape(source: Tensor, output: Tensor) -> Step:
    op = operators()["reshape"].from_tflite("RESHAPE", None, Operands((source,), (output,)))
    return Step(op, (source,), output)
