"""Layers that take more than a node of their own: reshapes around them, several nodes, or steps.

Each function appends what computes an operator's output, and notes the output's full shape.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from tinycomp.common.errors import ModelError
from tinycomp.frontend._convolutions import grouped, transposed
from tinycomp.frontend._tflite_convolutions import Maker, groups_of, read_transposed
from tinycomp.frontend._tflite_core import Core
from tinycomp.frontend._tflite_dilation import Dilated
from tinycomp.frontend._tflite_file import FileOperator
from tinycomp.frontend._tflite_masked import MaskedLstm, MaskedMean
from tinycomp.frontend._tflite_movers import move_steps, pack_steps, reduce_steps, spread_steps
from tinycomp.frontend._tflite_recurrent import read_lstm
from tinycomp.frontend._tflite_unrolled import Unrolled
from tinycomp.frontend._tflite_values import (
    activation,
    ir_shape,
)
from tinycomp.frontend._tflite_weights import flat_shape
from tinycomp.ir.operator import Operator
from tinycomp.ir.tensor import Constant, Operands, Tensor, Value
from tinycomp.ops._binary import BinaryOperator
from tinycomp.ops._move import Move
from tinycomp.ops._reduction import AxesOperator
from tinycomp.ops.counted_mean import CountedMean


def spread(
    core: Core, kind: type[BinaryOperator], operator: FileOperator, inputs: Sequence[Value]
) -> tuple[Value, ...]:
    """The inputs as kernels can read them; appends what repeats them."""
    output = core.file.tensors[operator.outputs[0]].name
    steps, read = spread_steps(kind.phrase, inputs, output, core.free)
    for step in steps:
        core.append(step.op, step.inputs, step.output)
    core.constants.update({each.name: each for each in read if isinstance(each, Constant)})
    return tuple(read)


def rolled(core: Core, operator: Unrolled) -> None:
    """Append a layer that the file has step by step."""
    layer, (index,) = operator.options, operator.outputs
    source, *others = (core.value(each) for each in operator.inputs)
    constants = [replace(each, name=core.free(each.name)) for each in (layer.weights, layer.bias)]
    for each in constants:
        core.keep(each)
    read = (source, *constants, *others)
    shape = layer.op.infer_shape([each.shape for each in read])
    output = activation(core.file.tensors[index], shape, core.file.tensors[index].dtype)
    core.check_shape(index, (1, *shape))
    core.append(layer.op, read, output)
    core.shapes[index] = (1, *shape)


def masked_mean(core: Core, operator: MaskedMean) -> None:
    """Append a mean of the rows that count."""
    read, (index,) = tuple(map(core.value, operator.inputs)), operator.outputs
    shape = CountedMean().infer_shape([each.shape for each in read])
    output = activation(core.file.tensors[index], shape, core.dtype)
    core.append(CountedMean(), read, output)
    core.shapes[index] = (1, *shape)


def recurrent(core: Core, operator: FileOperator) -> None:
    """Append an LSTM; where time comes before the batch, with reshapes around it."""
    source, index = core.value(operator.inputs[0]), operator.outputs[0]
    table, full = core.file.tensors[index], core.shapes[operator.inputs[0]]
    output = activation(table, (), core.dtype)
    first = bool(operator.options is not None and operator.options.timeMajor)
    if not isinstance(source, Tensor) or len(full) != 3 or full[1 if first else 0] != 1:
        raise ModelError(
            f"It reads {source.name!r} of shape {full}.",
            expected="Expected (steps, 1, features)."
            if first
            else "Expected (1, steps, features).",
            hint="Convert the model with a fixed number of steps and a batch size of 1.",
        )
    rows = (full[0 if first else 1], full[2])
    if source.shape != rows:
        source = core.reshape(source, f"{table.name}/rows", rows)
    op, *constants = read_lstm(core.file, operator, Operands((source,), (output,)), core.free)
    for each in constants:
        core.keep(each)
    masks = [core.value(operator.mask)] if isinstance(operator, MaskedLstm) else []
    shape = op.infer_shape([each.shape for each in (source, *constants, *masks)])
    whole = (*full[:2], shape[1])
    core.check_shape(index, whole)
    wanted = ir_shape(whole)
    name = table.name if shape == wanted else core.free(f"{table.name}/states")
    core.append(op, (source, *constants, *masks), replace(output, name=name, shape=shape))
    if shape != wanted:
        core.squeeze(core.tensors[name], replace(output, shape=wanted))
    core.shapes[index] = whole


def has_groups(core: Core, operator: FileOperator, inputs: Sequence[Value]) -> bool:
    """Whether a convolution reads its input's channels in groups."""
    if operator.builtin != "CONV_2D" or isinstance(operator, Dilated):
        return False
    weights = inputs[1]
    assert isinstance(weights, Constant)
    return groups_of(inputs[0].shape, weights) > 1


def convolutions(
    core: Core, kind: type[Operator], operator: FileOperator, inputs: Sequence[Value]
) -> None:
    """Append the convolutions that compute one with groups, or a transposed one."""
    source, weights, bias = inputs
    assert isinstance(weights, Constant)
    assert isinstance(bias, Constant)
    index = operator.outputs[0]
    output = activation(core.file.tensors[index], (), core.dtype)
    known = Operands((source, weights, bias), (output,))
    make = Maker(core.append, core.keep, core.free, output, weights, bias)
    if operator.builtin == "TRANSPOSE_CONV":
        size = core.known_values(operator.inputs[-1])
        layer = read_transposed(operator.options, known, source.shape, size)
        made = transposed(make, source, weights.values, layer)
    else:
        plain: Any = kind.from_tflite(operator.builtin, operator.options, known)
        made = grouped(make, source, weights.values, plain.window, source.shape, plain.activation)
    full = (1, *made.shape)
    core.check_shape(index, full)
    core.shapes[index] = full


def moved(
    core: Core, kind: type[Operator], operator: FileOperator, inputs: Sequence[Value]
) -> None:
    """Append the nodes of an operator that moves values, or reduces axes."""
    index = operator.outputs[0]
    output = activation(core.file.tensors[index], (), core.dtype)
    fulls = [core.shapes[each] for each in operator.inputs if each in core.shapes]
    if operator.builtin == "PACK":
        steps, full = pack_steps(inputs, fulls, operator.options.axis, output, core.free)
    elif issubclass(kind, AxesOperator):
        steps, full = reduce_steps(kind, operator, inputs, fulls[0], output, core.free)
    else:
        assert issubclass(kind, Move)
        steps, full = move_steps(kind, operator, inputs, fulls[0], output, core.free)
    core.check_shape(index, full)
    for step in steps:
        core.append(step.op, step.inputs, step.output)
    core.shapes[index] = full


def flattened(core: Core, operator: FileOperator, inputs: Sequence[Value]) -> tuple[Value, ...]:
    """A fully connected layer that implicitly flattens its input gets a reshape in front."""
    source, weights, bias = inputs
    assert isinstance(source, Tensor)
    assert isinstance(weights, Constant)
    shape = flat_shape(source, weights, operator.options)
    if shape != source.shape:
        output = core.file.tensors[operator.outputs[0]].name
        source = core.reshape(source, f"{output}/flatten", shape)
    return source, weights, bias


def dilated(core: Core, kind: type[Operator], operator: Dilated, inputs: Sequence[Value]) -> None:
    """Append the convolution of a group, with reshapes where its input is 1-D."""
    index = operator.outputs[0]
    table = core.file.tensors[index]
    source, weights, bias = inputs
    assert isinstance(source, Tensor)
    assert isinstance(weights, Constant)
    if len(source.shape) != (3 if operator.length_axis is None else 2):
        raise ModelError(f"It reads a tensor of shape {source.shape} in blocks.")
    image = operator.image(source.shape)
    known = activation(table, (), core.dtype)
    flat = replace(source, shape=image)
    op: Any = kind.from_tflite(
        operator.builtin, operator.options, Operands((flat, weights, bias), (known,))
    )
    window = operator.window(op.window)
    channels = bias.shape[0]
    if window is None or not operator.fits(image, op.window, channels):
        raise ModelError(
            "It stands between SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND, but they make no "
            "dilated convolution of stride 1.",
            hint="Use Conv2D with dilation_rate, and convert the model again.",
        )
    op = replace(op, window=window)
    if image != source.shape:
        source = core.reshape(source, f"{table.name}/expand", image)
    shape = op.infer_shape([image, weights.shape, bias.shape])
    axis = operator.length_axis
    squeezed_shape = shape if axis is None else (shape[axis], shape[2])
    core.check_shape(index, (1, *squeezed_shape))
    name = table.name if image == inputs[0].shape else core.free(f"{table.name}/dilated")
    core.append(op, (source, weights, bias), replace(known, name=name, shape=shape))
    if name != table.name:
        core.squeeze(core.tensors[name], replace(known, shape=squeezed_shape))
    core.shapes[index] = (1, *squeezed_shape)
